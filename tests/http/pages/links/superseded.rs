//! The button on the page of a link that another mail, or another address, has taken the place of.

use serde_json::json;

use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::App;

const BUTTON: &[(&str, &str)] = &[("intent", "new-mail")];

fn user(app: &App, name: &str) -> (String, String) {
    let user = app.invite(name);
    (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link())
}

fn mails(app: &App) -> i64 {
    app.renew();
    app.deliver();
    app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'")
}

/// Whether the page of a dead link has the button; pressing it mails a new link only then.
#[track_caller]
fn is_offered(app: &App, link: &str) -> bool {
    let before = mails(app);
    let page = app.anyone("GET", link);
    assert_eq!(page.status, 410, "{}", page.text);
    let offered = page.text.contains("value=\"new-mail\"");
    assert_eq!(offered, page.text.contains(&format!("action=\"{link}\"")), "{}", page.text);
    let reply = app.post_form(link, BUTTON);
    assert_eq!(reply.status == 200, offered, "{}", reply.text);
    // Two mails of one user are a minute apart.
    assert_eq!(mails(app), before + i64::from(offered));
    app.native.clock.advance(std::time::Duration::from_secs(120));
    offered
}

#[test]
fn a_replaced_link_offers_a_new_mail() {
    let app = App::new();
    let (paul, first) = user(&app, "paul");
    app.scim().set(&paul, &format!("{WSO2}:askPassword"), true).is(200);
    let second = app.newest_link();
    assert!(is_offered(&app, &first));
    let third = app.newest_link();
    assert_ne!(second, third);
    assert!(is_offered(&app, &second), "which the new mail has replaced in turn");
    let newest = app.newest_link();
    assert_eq!(app.post_form(&newest, &[("password", PASSWORD)]).status, 200);
    for used in [&first, &second, &third, &newest] {
        assert!(!is_offered(&app, used), "the account is live");
    }
}

#[test]
fn a_link_whose_address_was_changed_offers_a_mail_to_the_present_one() {
    let app = App::new();
    let (paul, first) = user(&app, "paul");
    app.scim().set(&paul, "emails", json!([{ "value": "new@example.com" }])).is(200);
    app.deliver();
    assert!(is_offered(&app, &first));
    assert_eq!(app.inbox()[0]["to"], "new@example.com");
    assert!(
        !app.anyone("GET", &first).text.contains("new@example.com"),
        "who has the old link is not told the address"
    );
}

#[test]
fn a_live_users_waiting_address_is_offered_a_new_mail_too() {
    let app = App::new();
    let (paul, link) = user(&app, "paul");
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    app.deliver();
    let change = |to: &str| drop(app.scim().set(&paul, "emails", json!([{ "value": to, "primary": true }])).is(200));
    change("one@example.com");
    let one = app.newest_link();
    change("two@example.com");
    app.deliver();
    assert!(is_offered(&app, &one));
    assert_eq!(app.inbox()[0]["to"], "two@example.com");
    let two = app.newest_link();
    assert_eq!(app.post_form(&two, &[("intent", "confirm-email")]).status, 200);
    assert!(!is_offered(&app, &one) && !is_offered(&app, &two), "nothing waits any more");
    change("three@example.com");
    let three = app.newest_link();
    change("two@example.com");
    app.deliver();
    assert!(!is_offered(&app, &three), "the change was taken back");
}

#[test]
fn used_withdrawn_and_locked_ones_offer_none() {
    for name in ["accepted", "revoked", "locked", "disabled", "external"] {
        let app = App::new();
        let (path, first) = user(&app, name);
        app.scim().set(&path, &format!("{WSO2}:askPassword"), true).is(200);
        let link = app.newest_link();
        match name {
            "accepted" => assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200),
            "revoked" => {
                let id = path.rsplit('/').next().unwrap();
                assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
            }
            "locked" => drop(app.scim().set(&path, &format!("{WSO2}:accountLocked"), true).is(200)),
            "disabled" => drop(app.scim().set(&path, "active", false).is(200)),
            _ => {
                let body = json!({ "EMAIL_SENDER": "external" }).to_string();
                assert_eq!(app.admin("PATCH", "/api/settings", body).status, 200);
            }
        }
        app.deliver();
        assert!(!is_offered(&app, &first), "{name}");
    }
}
