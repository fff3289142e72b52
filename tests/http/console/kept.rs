//! A form that is sent when the session is over.

use std::time::Duration;

use super::{Browser, signed_in};
use crate::scim2::client::PASSWORD;
use crate::support::App;

/// A browser whose session is over, and the form for a token that it has sent then: where it is led.
fn sent_too_late<'a>(app: &'a App, browser: &mut Browser<'a>) -> String {
    let operation = browser.get("/console/tokens").hidden("operation");
    app.native.clock.advance(Duration::from_secs(100_000));
    let fields = [
        ("operation", &*operation),
        ("name", "Entra <ID>"),
        ("days", "30"),
        ("scim:read", "on"),
        ("password", PASSWORD),
    ];
    let sent = browser.post("/console/tokens", &fields);
    assert_eq!(sent.status, 303, "{}", sent.text);
    let next = sent.header("location").strip_prefix("/console/login?next=").unwrap().replace("%2F", "/");
    assert!(next.starts_with("/console/kept/"), "{next}");
    next
}

#[test]
fn its_values_are_there_after_signing_in_again_and_nothing_is_done_before_it_is_asked_for() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let next = sent_too_late(&app, &mut browser);
    let fields = [("username", "alice"), ("password", PASSWORD), ("next", &*next)];
    assert_eq!(browser.post("/console/login", &fields).header("location"), next);
    let page = browser.get(&next);
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.words().contains("name Entra &lt;ID&gt; days 30 scim:read on"), "{}", page.text);
    assert!(!page.text.contains(PASSWORD) && !app.dump().contains(PASSWORD), "passwords are not kept");
    assert_eq!(app.admin("GET", "/api/tokens", "").json()["Resources"], serde_json::json!([]));
    let operation = page.hidden("operation");
    let again = [("operation", &*operation), ("name", "Entra <ID>"), ("days", "30"), ("scim:read", "on")];
    assert!(page.text.contains("<form method=\"post\" action=\"/console/tokens\">"), "{}", page.text);
    assert_eq!(browser.post("/console/tokens", &again).status, 201);
}

#[test]
fn nobody_else_and_no_other_tenant_is_shown_it_and_it_is_gone_after_ten_minutes() {
    let app = App::new();
    app.create_tenant("acme.com");
    let mut browser = signed_in(&app, "alice", "admin");
    let next = sent_too_late(&app, &mut browser);
    assert_eq!(signed_in(&app, "bob", "admin").get(&next).status, 404);
    assert_eq!(Browser::signed_in(&app, "", "admin", "admin").get(&next).status, 404);
    let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
    assert_eq!(alice.get(&format!("/t/acme.com{next}")).status, 404);
    assert_eq!(alice.get(&next).status, 200);
    app.native.clock.advance(Duration::from_secs(601));
    assert_eq!(alice.get(&next).status, 404);
}

#[test]
fn without_a_cookie_of_a_session_nothing_is_kept() {
    let app = App::new();
    let sent = Browser::new(&app).post("/console/tokens", &[("name", "x")]);
    assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/console/login?next=%2Fconsole%2Ftokens"));
    assert_eq!(app.number("SELECT COUNT(*) FROM kept_forms"), 0);
    let mut forged = Browser::with_cookie(&app, "latchkey-session=lk_s_forged.forged".to_owned());
    assert_eq!(forged.post("/console/tokens", &[("name", "x")]).status, 303);
    assert_eq!(app.number("SELECT COUNT(*) FROM kept_forms"), 0);
}

#[test]
fn of_one_person_five_are_kept() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.native.clock.advance(Duration::from_secs(100_000));
    for number in 0..8 {
        browser.post("/console/tokens", &[("name", &*number.to_string())]);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM kept_forms"), 5);
}
