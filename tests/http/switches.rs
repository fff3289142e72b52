//! The switches of the two flows (DESIGN 2.2), each alone: what it changes, from the create to the sign-in.

use serde_json::{Value, json};

use crate::scim2::client::WSO2;
use crate::support::{App, invited};

const SENT: &str = "sent by the HR system";
const CHOSEN: &str = "walking the dog at nine";

/// Creates a user with these flags and a password, and answers the body of the 201.
fn create(app: &App, flags: &Value) -> Value {
    let mut body = invited("paul");
    body[WSO2] = flags.clone();
    body["password"] = json!(SENT);
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()
}

fn choose(app: &App) {
    let page = app.post_form(&app.newest_link(), &[("password", CHOSEN), ("confirm", CHOSEN)]);
    assert_eq!(page.status, 200, "{}", page.text);
}

fn signs_in(app: &App, password: &str) -> bool {
    app.me("paul", password).status == 200
}

#[test]
fn without_lock_on_creation_a_pending_user_signs_in_with_the_password_there_is() {
    let app = App::with(&[("LOCK_ON_CREATION", "false")]);
    let user = create(&app, &json!({ "verifyEmail": true }));
    assert_eq!((&user[WSO2]["accountState"], &user[WSO2]["accountLocked"]), (&json!("PENDING_EV"), &json!(false)));
    assert!(user[WSO2].get("lockedReason").is_none());
    assert!(signs_in(&app, SENT));
    let confirmed = app.post_form(&app.newest_link(), &[("intent", "confirm-email")]);
    assert_eq!(confirmed.status, 200);
    assert_eq!(app.user("paul", SENT).get("/scim2/Me").is(200)[WSO2]["accountState"], "UNLOCKED");
}

#[test]
fn without_lock_on_creation_a_user_who_is_asked_for_a_password_has_none_yet() {
    let app = App::with(&[("LOCK_ON_CREATION", "false")]);
    let user = create(&app, &json!({ "askPassword": true }));
    assert_eq!(user[WSO2]["accountState"], "PENDING_AP");
    assert!(!signs_in(&app, SENT));
    choose(&app);
    assert!(signs_in(&app, CHOSEN));
    assert_eq!(app.user("paul", CHOSEN).get("/scim2/Me").is(200)[WSO2]["accountState"], "UNLOCKED");
}

#[test]
fn the_password_sent_with_ask_password_is_kept_where_the_switch_says_so() {
    let app = App::with(&[("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "true")]);
    create(&app, &json!({ "askPassword": true }));
    assert!(!signs_in(&app, SENT), "locked until redeemed");
    choose(&app);
    assert!(signs_in(&app, CHOSEN) && !signs_in(&app, SENT));

    let app = App::with(&[("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "true"), ("LOCK_ON_CREATION", "false")]);
    create(&app, &json!({ "askPassword": true }));
    assert!(signs_in(&app, SENT));
    choose(&app);
    assert!(signs_in(&app, CHOSEN) && !signs_in(&app, SENT));
}

#[test]
fn with_the_feature_off_flags_do_nothing_whichever_they_are() {
    for flags in [
        json!({ "askPassword": true }),
        json!({ "verifyEmail": "true" }),
        json!({ "askPassword": true, "verifyEmail": true }),
    ] {
        let app = App::with(&[("ENABLE_EMAIL_VERIFICATION", "false"), ("EMAIL_SENDER", "external")]);
        assert!(create(&app, &flags).get(WSO2).is_none());
        assert!(signs_in(&app, SENT));
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    }
}

#[test]
fn a_mail_on_success_is_sent_unless_the_switch_says_otherwise() {
    for (value, mails) in [("true", 2), ("false", 1)] {
        let app = App::with(&[("ASK_PASSWORD_ACCOUNT_ACTIVATION", value)]);
        create(&app, &json!({ "askPassword": true }));
        choose(&app);
        app.deliver();
        assert_eq!(app.inbox().len(), mails, "{value}");
    }
}

#[test]
fn both_flags_keep_the_password_that_was_sent_and_confirm_the_address() {
    let app = App::new();
    create(&app, &json!({ "askPassword": true, "verifyEmail": true }));
    assert!(!signs_in(&app, SENT));
    let link = app.newest_link();
    assert!(link.starts_with("/verify/"), "{link}");
    app.post_form(&link, &[("intent", "confirm-email")]);
    assert!(signs_in(&app, SENT));
}

#[test]
fn each_validity_counts_for_its_own_links_and_for_later_mails_only() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "0"), ("VERIFICATION_EMAIL_VALIDITY", "-1")]);
    create(&app, &json!({ "verifyEmail": true }));
    let forever = app.newest_link();
    app.invite("petra");
    let dead = app.newest_link();
    let change = json!({ "ASK_PASSWORD_EMAIL_VALIDITY": -1, "VERIFICATION_EMAIL_VALIDITY": 0 });
    app.admin("PATCH", "/api/settings", change.to_string());
    app.native.clock.advance(std::time::Duration::from_secs(10 * 365 * 86_400));
    assert_eq!(app.anyone("GET", &forever).status, 200);
    assert_eq!(app.anyone("GET", &dead).status, 410);
    app.invite("late");
    assert_eq!(app.anyone("GET", &app.newest_link()).status, 200);
}
