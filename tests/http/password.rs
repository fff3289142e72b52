//! What a password must be, wherever a person chooses one: the page, WSO2's `set-password`, `/scim2/Me`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Reply, invited};

const FIRST: &str = "walking the dog at nine";
const SECOND: &str = "walking the cat at ten";

/// Redeems the newest link with this password.
fn choose(app: &App, link: &str, password: &str) -> Reply {
    app.post_form(link, &[("password", password), ("confirm", password)])
}

/// Sets the password by `/Me`, a moment after whatever came before.
fn change(app: &App, old: &str, new: &str) -> Reply {
    app.native.clock.advance(Duration::from_secs(1));
    app.user("paul", old).set("/scim2/Me", "password", new)
}

#[test]
fn the_words_of_the_user_and_the_tenant_are_too_easy_to_guess() {
    let app = App::with(&[("ORGANIZATION_NAME", "Globex Industries")]);
    app.invite("paul");
    let link = app.newest_link();
    for easy in ["paul2024", "PAUL@example.com", "Globex12", "industries1", "globex industries"] {
        let page = choose(&app, &link, easy);
        assert_eq!(page.status, 422, "{easy}");
        assert!(page.text.contains("easy to guess"), "{easy}: {}", page.text);
    }
    assert_eq!(choose(&app, &link, "globex pays me nothing for this").status, 200);
}

#[test]
fn any_character_that_can_be_seen_will_do_and_its_unicode_form_does_not_matter() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let long =
        format!("{} \u{fc}ber \u{1f511} \u{65e5}\u{672c}\u{8a9e} {}", "e\u{301}tude".repeat(8), "7-[~]".repeat(8));
    assert!(long.chars().count() >= 100);
    assert_eq!(choose(&app, &link, &long).status, 200);
    assert_eq!(app.me("paul", &long).status, 200);
    assert_eq!(app.me("paul", &long.replace("e\u{301}", "\u{e9}")).status, 200, "composed");
    assert_eq!(app.me("paul", &long.replace("e\u{301}", "e")).status, 401);
}

#[test]
fn the_last_passwords_are_refused_and_the_one_before_them_is_not() {
    let app = App::with(&[("PASSWORD_HISTORY", "2")]);
    app.invite("paul");
    let link = app.newest_link();
    choose(&app, &link, FIRST);
    let refused = change(&app, FIRST, FIRST);
    refused.is_error(400, Some("invalidValue"));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("22001 - "), "{}", refused.text);
    change(&app, FIRST, SECOND).is(200);
    change(&app, SECOND, FIRST).is_error(400, Some("invalidValue"));
    change(&app, SECOND, "walking the cow at six").is(200);
    assert_eq!(app.number("SELECT COUNT(*) FROM password_history"), 1, "no more is kept than is asked for");
    change(&app, "walking the cow at six", FIRST).is(200);
}

#[test]
fn history_costs_no_round_trip_on_the_page_and_none_on_its_post() {
    let app = App::with(&[("PASSWORD_HISTORY", "5"), ("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "true")]);
    let mut body = invited("paul");
    body["password"] = json!(FIRST);
    app.admin("POST", "/scim2/Users", body.to_string()).is(201);
    let link = app.newest_link();
    assert_eq!(app.anyone("GET", &link).trips(), 1);
    let page = choose(&app, &link, FIRST);
    assert_eq!((page.status.as_u16(), page.trips()), (422, 1));
    assert!(page.text.contains("You have used this password before"), "{}", page.text);
    let done = choose(&app, &link, SECOND);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", done.text);
}

#[test]
fn without_the_setting_nothing_is_kept_and_what_was_kept_goes() {
    let app = App::with(&[("PASSWORD_HISTORY", "3")]);
    let path = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": FIRST }));
    change(&app, FIRST, SECOND).is(200);
    assert_eq!(app.number("SELECT COUNT(*) FROM password_history"), 1);
    let app = app.reconfigured(&[]);
    change(&app, SECOND, SECOND).is(200);
    assert_eq!(app.number("SELECT COUNT(*) FROM password_history"), 0);
    assert_eq!(app.scim().delete(&path).status, 204);
}

#[test]
fn a_users_history_goes_with_the_user() {
    let app = App::with(&[("PASSWORD_HISTORY", "3")]);
    let path = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": FIRST }));
    change(&app, FIRST, SECOND).is(200);
    assert_eq!(app.scim().delete(&path).status, 204);
    assert_eq!(app.number("SELECT COUNT(*) FROM password_history"), 0);
}

#[test]
fn a_client_that_sends_the_same_password_again_does_not_fail() {
    let app = App::with(&[("PASSWORD_HISTORY", "3")]);
    let user: Value = json!({ "userName": "paul", "password": FIRST });
    let path = app.scim().create("/scim2/Users", &user);
    app.scim().put(&path, &user).is(200);
    assert_eq!(app.me("paul", FIRST).status, 200);
    // What the administrator replaced is history all the same.
    app.native.clock.advance(Duration::from_secs(1));
    app.scim().set(&path, "password", SECOND).is(200);
    change(&app, SECOND, FIRST).is_error(400, Some("invalidValue"));
}

#[test]
fn the_setting_is_capped_because_each_password_costs_a_whole_argon2() {
    let app = App::new();
    let set = |value: u32| app.admin("PATCH", "/api/settings", json!({ "PASSWORD_HISTORY": value }).to_string());
    assert_eq!(set(5).status, 200);
    let refused = set(6);
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("PASSWORD_HISTORY") && refused.text.contains("from 0 to 5"), "{}", refused.text);
}
