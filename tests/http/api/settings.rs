//! `/api/settings`: what a tenant's administrator may override at run time (DESIGN 2.2).

use serde_json::json;

use crate::support::App;

#[test]
fn a_change_holds_at_once_and_null_takes_it_back() {
    let app = App::new();
    let reply = app.admin("GET", "/api/settings", "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["settings"]["ASK_PASSWORD_EMAIL_VALIDITY"], "1440");
    assert_eq!(reply.json()["own"], json!([]));

    let change = json!({ "ASK_PASSWORD_EMAIL_VALIDITY": 30, "ORGANIZATION_NAME": "Acme", "LOCK_ON_CREATION": false });
    let reply = app.admin("PATCH", "/api/settings", change.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["settings"]["ASK_PASSWORD_EMAIL_VALIDITY"], "30");
    let user = app.invite("Paul");
    assert_eq!(user["urn:scim:wso2:schema"]["accountLocked"], false);
    app.deliver();
    let mail = app.inbox().remove(0);
    assert!(mail["subject"].as_str().unwrap().contains("Acme"), "{}", mail["subject"]);

    let reply = app.admin("PATCH", "/api/settings", json!({ "LOCK_ON_CREATION": null }).to_string());
    assert_eq!(reply.json()["own"], json!(["ASK_PASSWORD_EMAIL_VALIDITY", "ORGANIZATION_NAME"]));
    assert_eq!(app.invite("Petra")["urn:scim:wso2:schema"]["accountLocked"], true);
}

#[test]
fn what_is_not_taken_is_named_and_changes_nothing() {
    let app = App::new();
    for (body, named) in [
        (json!({ "ORGANIZATION_NAME": "Acme", "PASSWORD_MIN_LENGTH": "none" }), "PASSWORD_MIN_LENGTH"),
        (json!({ "ORGANIZATION_NAME": "Acme", "MAIL_API_BASE": "https://evil.example" }), "MAIL_API_BASE"),
        (json!({ "ORGANIZATION_NAME": "Ac\u{7}me" }), "ORGANIZATION_NAME"),
        (json!({ "ORGANIZATION_NAME": ["Acme"] }), "text"),
        (json!(["ORGANIZATION_NAME"]), "object"),
    ] {
        let reply = app.admin("PATCH", "/api/settings", body.to_string());
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert!(reply.json()["detail"].as_str().unwrap().contains(named), "{}", reply.text);
    }
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]));
    assert_eq!(app.anyone("GET", "/api/settings").status, 401);
}

#[test]
fn a_change_is_audited_by_the_names_of_what_was_changed() {
    let app = App::new();
    app.admin("PATCH", "/api/settings", json!({ "PASSWORD_MIN_LENGTH": 10, "ORGANIZATION_NAME": "Acme" }).to_string());
    let found = "SELECT COUNT(*) FROM audit WHERE action = 'settings.update' AND target = 'ORGANIZATION_NAME PASSWORD_MIN_LENGTH'";
    assert_eq!(app.number(found), 1);
}
