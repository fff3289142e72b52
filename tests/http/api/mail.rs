//! `/api/mail`: what became of the mails, and trying again what has ended unsent.

use serde_json::{Value, json};

use crate::provider::{answer, with_resend};
use crate::support::{App, invited};

fn listed(app: &App, query: &str) -> Value {
    let reply = app.admin("GET", &format!("/api/mail{query}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

#[test]
fn every_mail_is_listed_newest_first_without_a_secret() {
    let app = App::new();
    for name in ["a", "b", "c"] {
        app.invite(name);
    }
    let first = listed(&app, "?count=2");
    let to: Vec<&str> =
        first["Resources"].as_array().unwrap().iter().map(|mail| mail["to"].as_str().unwrap()).collect();
    assert_eq!(to, ["c@example.com", "b@example.com"]);
    assert_eq!(first["Resources"][0]["state"], "queued");
    let second = listed(&app, &format!("?count=2&cursor={}", first["nextCursor"].as_str().unwrap()));
    assert_eq!(second["Resources"][0]["to"], "a@example.com");
    assert_eq!(second.get("nextCursor"), None);
    app.deliver();
    let sent = listed(&app, "?state=sent");
    assert_eq!(sent["Resources"].as_array().unwrap().len(), 3);
    let mail = &sent["Resources"][0];
    assert_eq!(
        (&mail["template"], &mail["attempts"], &mail["provider"]),
        (&json!("AskPassword"), &json!(1), &json!("inbox"))
    );
    assert!(!sent.to_string().contains("lk1."));
    assert_eq!(listed(&app, "?state=failed")["Resources"], json!([]));
    assert_eq!(app.admin("GET", "/api/mail?state=lost", "").status, 400);
    assert_eq!(app.admin("GET", "/api/mail?count=x", "").status, 400);
    assert_eq!(app.anyone("GET", "/api/mail").status, 401);
}

#[test]
fn a_dead_letter_is_tried_again_as_a_new_mail() {
    let (app, provider) = with_resend(|call, _| match call {
        0 => answer(422, r#"{"name":"validation_error"}"#),
        _ => answer(200, r#"{"id":"x"}"#),
    });
    let user = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.deliver();
    let mail = listed(&app, "?state=failed")["Resources"][0].clone();
    assert_eq!(mail["lastError"], "422 validation_error");
    let path = format!("/api/mail/{}/retry", mail["id"].as_str().unwrap());
    let again = app.admin("POST", &path, "");
    assert_eq!(again.status, 202, "{}", again.text);
    assert_eq!((&again.json()["state"], &again.json()["attempts"]), (&json!("queued"), &json!(0)));
    let shown = |app: &App| {
        let user = app.admin("GET", &format!("/scim2/Users/{user}"), "").json();
        user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["delivery"].clone()
    };
    assert_eq!(shown(&app), "queued");
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(shown(&app), "sent");
    let keys: Vec<String> = provider
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.headers()["idempotency-key"].to_str().unwrap().to_owned())
        .collect();
    assert_ne!(keys[0], keys[1], "the provider must not take it for the mail that it refused");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'mail.retry'"), 1);

    let once_more = app.admin("POST", &path, "");
    assert_eq!(once_more.status, 409);
    assert!(once_more.json()["detail"].as_str().unwrap().contains("resend"), "{}", once_more.text);
    assert_eq!(app.admin("POST", "/api/mail/nothing/retry", "").status, 404);
}

#[test]
fn all_mails_of_a_state_are_tried_again_by_one_call() {
    let (app, _) = with_resend(|call, _| if call < 30 { answer(422, "{}") } else { answer(200, r#"{"id":"x"}"#) });
    for number in 0..30 {
        app.invite(&format!("user{number}"));
    }
    app.deliver();
    assert_eq!(listed(&app, "?state=failed")["Resources"].as_array().unwrap().len(), 30);
    let reply = app.admin("POST", "/api/mail/retry", json!({ "state": "failed" }).to_string());
    assert_eq!((reply.status.as_u16(), reply.json()), (202, json!({ "queued": 30 })));
    assert_eq!(app.deliver().sent, 30);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE delivery = 'sent'"), 30);
    assert_eq!(app.admin("POST", "/api/mail/retry", json!({ "state": "sent" }).to_string()).status, 400);
}

#[test]
fn a_retried_mail_that_nobody_wants_any_more_is_dropped() {
    let (app, _) = with_resend(|_, _| answer(422, "{}"));
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.deliver();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
    let reply = app.admin("POST", "/api/mail/retry", json!({ "state": "failed" }).to_string());
    assert_eq!(reply.json(), json!({ "queued": 1 }));
    app.deliver();
    assert_eq!(listed(&app, "")["Resources"][0]["state"], "dropped");
}

#[test]
fn a_tenants_mails_are_its_own() {
    let app = App::new();
    let tenant = json!({
        "domain": "acme.com",
        "owners": [{ "username": "kim", "email": "kim@acme.com", "provisioningMethod": "invite-via-email" }],
    });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", tenant.to_string()).status, 201);
    assert_eq!(app.admin("POST", "/scim2/Users", invited("paul").to_string()).status, 201);
    let theirs = app.admin("GET", "/t/acme.com/api/mail", "").json();
    assert_eq!(theirs["Resources"].as_array().unwrap().len(), 1);
    let id = theirs["Resources"][0]["id"].as_str().unwrap();
    assert_eq!(listed(&app, "")["Resources"][0]["to"], "paul@example.com");
    assert_eq!(app.admin("POST", &format!("/api/mail/{id}/retry"), "").status, 404);
}
