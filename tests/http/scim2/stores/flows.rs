//! The invitation's whole life in another store than PRIMARY: resending, WSO2's codes, the button, a new address, roles.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::{App, ORIGIN, basic};

const INVITATION: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";

fn alice(app: &App) -> String {
    let body = json!({
        "userName": "ACME/alice", "emails": [{ "value": "alice@example.com" }],
        "urn:scim:wso2:schema": { "askPassword": true },
    });
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn path(mail: &Value) -> String {
    mail["links"][0].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
}

#[test]
fn an_invitation_is_listed_resent_and_revoked_in_its_store() {
    let app = App::with_stores(&["ACME"]);
    let id = alice(&app);
    let old = app.newest_link();
    let resent = app.admin("POST", &format!("/api/invitations/{id}/resend"), "");
    assert_eq!(resent.status, 202, "{}", resent.text);
    assert_eq!(app.anyone("GET", &old).status, 410);
    let new = app.newest_link();
    assert_eq!(app.anyone("GET", &new).status, 200);
    let listed = |query: &str| app.admin("GET", &format!("/api/invitations?{query}"), "").json()["Resources"].clone();
    assert_eq!(listed("domain=ACME&status=pending")[0]["userId"], id.as_str());
    assert_eq!(listed("status=pending"), json!([]));
    assert_eq!(app.admin("GET", "/api/invitations?domain=NONE", "").status, 400);
    let revoked = app.admin("POST", &format!("/api/invitations/{id}/revoke"), "");
    assert_eq!((revoked.status.as_u16(), &revoked.json()["status"]), (200, &json!("revoked")));
    assert_eq!(app.anyone("GET", &new).status, 410);
}

#[test]
fn the_button_of_an_expired_link_mails_a_new_one() {
    let app = App::with_stores(&["ACME"]);
    let id = alice(&app);
    let link = app.newest_link();
    app.native.clock.advance(std::time::Duration::from_secs(86_401));
    assert_eq!(app.anyone("GET", &link).status, 410);
    assert_eq!(app.post_form(&link, &[("intent", "new-mail")]).status, 200);
    app.service.renew(&app.platform).unwrap();
    let new = app.newest_link();
    assert_ne!(new, link);
    assert_eq!(app.post_form(&new, &[("password", "a good enough secret")]).status, 200);
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    assert_eq!(user[INVITATION]["status"], "accepted");
}

#[test]
fn wso2s_codes_name_the_store_as_realm() {
    let app = App::with_stores(&["ACME"]);
    let id = alice(&app);
    let of_alice = json!({ "username": "alice", "realm": "ACME" });
    let body = json!({ "user": of_alice, "properties": [{ "key": "RecoveryScenario", "value": "ASK_PASSWORD" }] });
    let resent = app.admin("POST", "/api/identity/user/v1.0/resend-code", body.to_string());
    assert_eq!(resent.status, 201, "{}", resent.text);
    let code = app.newest_link().rsplit('/').next().unwrap().to_owned();
    let shown = json!({ "username": "alice", "realm": "ACME", "tenant-domain": "carbon.super", "userId": id });
    let post = |path: &str, body: Value| {
        let request = http::Request::post(path).header("content-type", "application/json");
        app.send(request.body(Bytes::from(body.to_string())).unwrap())
    };
    let validated =
        post("/api/identity/recovery/v0.9/validate-code", json!({ "code": code, "step": "UPDATE_PASSWORD" }));
    assert_eq!((validated.status.as_u16(), validated.json()), (202, shown.clone()));
    let link = json!({ "username": "alice", "userstore": "ACME" });
    let offline = app.admin("POST", "/api/users/v1/offline-invite-link", link.to_string());
    assert_eq!(offline.status, 201, "{}", offline.text);
    let link = json!({ "username": "alice", "userstore": "NONE" });
    let refused = app.admin("POST", "/api/users/v1/offline-invite-link", link.to_string());
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("17009")));
    let body = json!({ "key": code, "password": "a good enough secret" });
    let set = post("/api/identity/recovery/v0.9/set-password", body);
    assert_eq!((set.status.as_u16(), set.json()), (200, shown));
    assert_eq!(app.me("ACME/alice", "a good enough secret").status, 200);
}

#[test]
fn a_new_address_is_confirmed_and_history_is_kept_in_its_store() {
    let app = App::with_stores(&["ACME"]);
    app.admin("PATCH", "/api/settings", json!({ "PASSWORD_HISTORY": 2 }).to_string());
    let id = alice(&app);
    assert_eq!(app.post_form(&app.newest_link(), &[("password", "a good enough secret")]).status, 200);
    let patch = |operation: Value| {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        app.admin("PATCH", &format!("/scim2/Users/{id}"), body.to_string())
    };
    let moved = patch(json!({ "op": "replace", "path": "emails", "value": [{ "value": "new@example.com" }] }));
    assert_eq!(moved.json()["emails"][0]["value"], "alice@example.com", "{}", moved.text);
    app.deliver();
    let inbox = app.inbox();
    let request = inbox.iter().find(|mail| mail["to"] == "new@example.com").expect("a mail to the new address");
    let confirmed = app.post_form(&path(request), &[("intent", "confirm-email")]);
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    assert_eq!(user["emails"][0]["value"], "new@example.com");
    let own = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "password", "value": "a good enough secret" }],
    });
    let request = http::Request::patch("/scim2/Me")
        .header("authorization", basic("ACME/alice", "a good enough secret"))
        .header("content-type", "application/scim+json");
    let again = app.send(request.body(Bytes::from(own.to_string())).unwrap());
    assert_eq!(again.status, 400, "{}", again.text);
    assert!(again.json()["detail"].as_str().unwrap().starts_with("22001"), "{}", again.text);
}

#[test]
fn a_role_counts_whichever_store_its_holder_is_in() {
    let app = App::with_stores(&["ACME"]);
    let body =
        json!({ "userName": "ACME/audrey", "password": "a good enough secret", "roles": [{ "value": "auditor" }] });
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    let as_audrey = |path: &str, password: &str| {
        let request = http::Request::get(path).header("authorization", basic("ACME/audrey", password));
        app.send(request.body(Bytes::new()).unwrap()).status.as_u16()
    };
    assert_eq!(as_audrey("/api/audit", "a good enough secret"), 200);
    assert_eq!(as_audrey("/api/settings", "a good enough secret"), 403);
    assert_eq!(as_audrey("/api/audit", "wrong"), 401);
}

#[test]
fn a_tenants_own_template_is_used_for_users_of_every_store() {
    let app = App::with_stores(&["ACME"]);
    let template = json!({
        "locale": "en_US", "contentType": "text/html", "subject": "Come in, {{user-name}}",
        "body": "<a href=\"{{invitation-link}}\">in</a>", "footer": "",
    });
    let path = "/api/server/v2/email/template-types/QXNrUGFzc3dvcmQ/org-templates/en_US";
    let stored = app.admin("PUT", path, template.to_string());
    assert_eq!(stored.status, 200, "{}", stored.text);
    alice(&app);
    app.deliver();
    assert_eq!(app.inbox()[0]["subject"], "Come in, alice");
}
