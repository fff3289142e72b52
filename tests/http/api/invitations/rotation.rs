//! `POST /api/invitations/resend`: what a root key has signed is sent again before the key goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::{App, Faulty, Reply};

const OLD: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const NEW: &str = "k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

/// The same data with a new key that signs, the old one behind it.
fn rotated(app: App) -> App {
    app.reconfigured(&[("TOKEN_KEYS", &format!("{NEW},{OLD}"))])
}

fn resend(app: &App, kid: &str) -> Reply {
    app.admin("POST", "/api/invitations/resend", json!({ "kid": kid }).to_string())
}

fn path(user: &Value) -> String {
    format!("/scim2/Users/{}", user["id"].as_str().unwrap())
}

/// A user with a mailed link.
fn mailed(app: &App, name: &str) -> (Value, String) {
    let user = app.invite(name);
    (user, app.newest_link())
}

#[test]
fn what_is_pending_is_sent_again_and_nothing_else() {
    let app = App::new();
    let (_, paul) = mailed(&app, "paul");
    let (_, petra) = mailed(&app, "petra");
    let (_, accepted) = mailed(&app, "accepted");
    assert_eq!(app.post_form(&accepted, &[("password", PASSWORD)]).status, 200);
    let (revoked, _) = mailed(&app, "revoked");
    let revoke = format!("/api/invitations/{}/revoke", revoked["id"].as_str().unwrap());
    assert_eq!(app.admin("POST", &revoke, "").status, 200);
    let (disabled, _) = mailed(&app, "disabled");
    app.scim().set(&path(&disabled), "active", false).is(200);
    let (resent, _) = mailed(&app, "resent");
    app.deliver();

    let app = rotated(app);
    let again = format!("/api/invitations/{}/resend", resent["id"].as_str().unwrap());
    assert_eq!(app.admin("POST", &again, "").status, 202);
    app.invite("newcomer");
    let before = app.number("SELECT COUNT(*) FROM outbox");

    let reply = resend(&app, "k1");
    assert_eq!((reply.status.as_u16(), reply.trips()), (202, 2), "{}", reply.text);
    assert_eq!(reply.json(), json!({ "resent": 2, "more": false }));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox") - before, 2);
    assert_eq!(
        app.number(
            "SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend' AND actor = 'administrator:admin' \
             AND target IN (SELECT id FROM resources WHERE name_key IN ('paul', 'petra'))"
        ),
        2
    );
    assert_eq!(resend(&app, "k1").json(), json!({ "resent": 0, "more": false }), "once is enough");

    app.deliver();
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE kid = 'k2'"), 4);
    assert_eq!(resend(&app, "k1").json()["resent"], 0, "the new mails are signed by another key");
    for old in [&paul, &petra] {
        assert_eq!(app.anyone("GET", old).status, 410, "replaced, while the key still verifies");
    }
    let mails = app.inbox();
    let mail = mails.iter().find(|mail| mail["to"] == "paul@example.com").unwrap();
    assert_eq!(mail["template"], "resendAskPassword");
    let link = mail["links"][0].as_str().unwrap().strip_prefix(crate::support::ORIGIN).unwrap().to_owned();
    let app = app.reconfigured(&[("TOKEN_KEYS", NEW)]);
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}

#[test]
fn a_key_that_is_gone_already_can_still_be_named() {
    let app = App::new();
    let (_, link) = mailed(&app, "paul");
    let app = app.reconfigured(&[("TOKEN_KEYS", NEW)]);
    assert_eq!(app.anyone("GET", &link).status, 404);
    assert_eq!(resend(&app, "k1").json(), json!({ "resent": 1, "more": false }));
    let link = app.newest_link();
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn a_link_of_a_retired_key_looks_like_any_forged_one() {
    let app = App::new();
    let (_, link) = mailed(&app, "paul");
    let mut forged = link.clone();
    let last = if forged.pop() == Some('A') { 'E' } else { 'A' };
    forged.push(last);
    let of_forged = app.anyone("GET", &forged);
    let app = app.reconfigured(&[("TOKEN_KEYS", NEW)]);
    for method in ["GET", "POST"] {
        let (retired, unknown) = (app.anyone(method, &link), app.anyone(method, "/invite/lk1.x.y"));
        for other in [&unknown, &of_forged] {
            assert_eq!((retired.status, &retired.text), (other.status, &other.text));
        }
        let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&retired), names(&unknown));
        assert_eq!((retired.status.as_u16(), retired.trips()), (404, 0));
    }
}

#[test]
fn a_change_of_address_that_waits_is_asked_for_again() {
    let app = App::new();
    let (paul, link) = mailed(&app, "paul");
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    let changed = app.scim().set(&path(&paul), "emails", json!([{ "value": "new@example.com", "primary": true }]));
    assert_eq!(changed.is(200)[WSO2]["pendingEmails"][0]["value"], "new@example.com");
    app.deliver();
    let app = rotated(app);
    assert_eq!(resend(&app, "k1").json(), json!({ "resent": 1, "more": false }));
    let link = app.newest_link();
    assert_eq!(
        (app.inbox()[0]["to"].as_str(), app.inbox()[0]["template"].as_str()),
        (Some("new@example.com"), Some("resendVerifyEmailOnUpdate"))
    );
    let shown = app.scim().get(&path(&paul)).is(200);
    assert_eq!(shown["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["status"], "accepted");
    assert_eq!(app.post_form(&link, &[("intent", "confirm-email")]).status, 200);
}

#[test]
fn a_call_takes_five_hundred_and_tells_that_there_are_more() {
    let app = App::new();
    for number in 0..503 {
        app.invite(&format!("user{number}"));
    }
    app.deliver();
    let app = rotated(app);
    let reply = resend(&app, "k1");
    assert_eq!((reply.json(), reply.trips()), (json!({ "resent": 500, "more": true }), 2));
    assert_eq!(resend(&app, "k1").json(), json!({ "resent": 3, "more": false }));
    assert_eq!(app.deliver().sent, 503);
    assert_eq!(app.number("SELECT COUNT(DISTINCT user_id) FROM outbox WHERE kid = 'k2'"), 503);
}

#[test]
fn the_key_that_signs_is_refused_and_so_is_a_call_without_a_key() {
    let app = App::new();
    mailed(&app, "paul");
    let reply = resend(&app, "k1");
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (409, "application/problem+json"));
    assert!(reply.text.contains("put another key before it"), "{}", reply.text);
    for body in [json!({}), json!({ "kid": "" }), json!({ "kid": 1 }), json!({ "kid": "morethan8" })] {
        assert_eq!(app.admin("POST", "/api/invitations/resend", body.to_string()).status, 400, "{body}");
    }
    assert_eq!(app.anyone("POST", "/api/invitations/resend").status, 401);
    let app = app.reconfigured(&[("TOKEN_KEYS", NEW), ("EMAIL_SENDER", "external")]);
    assert_eq!(resend(&app, "k1").status, 409);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

#[test]
fn another_tenants_invitations_are_left_alone() {
    let app = App::new();
    let tenant = json!({
        "domain": "acme.com",
        "owners": [{ "username": "owner", "password": PASSWORD, "email": "owner@acme.com", "firstname": "A", "lastname": "B",
            "provisioningMethod": "inline-password" }],
    });
    let made = app.admin("POST", "/api/server/v1/tenants", tenant.to_string());
    assert_eq!(made.status, 201, "{}", made.text);
    mailed(&app, "paul");
    let app = rotated(app);
    let reply = app.admin("POST", "/t/acme.com/api/invitations/resend", json!({ "kid": "k1" }).to_string());
    assert_eq!((reply.status.as_u16(), reply.json()["resent"].as_u64()), (202, Some(0)), "{}", reply.text);
}

/// A database in which a person uses a link between the look and the write.
struct Redeeming {
    inner: Arc<dyn Database>,
    batches: AtomicUsize,
}
impl Database for Redeeming {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let answer = self.inner.batch(statements)?;
        if self.batches.fetch_add(1, Ordering::SeqCst) == 0 {
            let redeem = "UPDATE resources SET onboarding = 'none', lock = 'none', seq_log = seq_log || 'A' \
                WHERE tenant = 0 AND type = 'User' AND name_key = 'paul'";
            self.inner.batch(vec![Statement::new(redeem, Vec::new())])?;
        }
        Ok(answer)
    }
}

#[test]
fn who_was_faster_than_the_resend_keeps_what_he_has_done() {
    let app = App::new();
    mailed(&app, "paul");
    mailed(&app, "petra");
    let mut app = rotated(app);
    app.platform.db = Arc::new(Redeeming { inner: app.platform.db.clone(), batches: AtomicUsize::new(0) });
    assert_eq!(resend(&app, "k1").json(), json!({ "resent": 1, "more": false }));
    assert_eq!(app.number("SELECT seq_log = 'A' AND version = 1 FROM resources WHERE name_key = 'paul'"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend'"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 3);
}

#[test]
fn an_error_that_hides_a_commit_is_a_success_all_the_same() {
    for (after_commit, status) in [(true, 202), (false, 503)] {
        let app = App::new();
        mailed(&app, "paul");
        let mut app = rotated(app);
        app.platform.db = Arc::new(Faulty::on_batch(app.platform.db.clone(), 2, after_commit));
        let reply = resend(&app, "k1");
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1 + i64::from(after_commit));
        if after_commit {
            assert_eq!(reply.json(), json!({ "resent": 1, "more": false }));
        }
    }
}
