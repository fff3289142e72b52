//! `/api/server/v1/identity-governance`: the tenant's settings under WSO2's names.

use serde_json::{Value, json};

use crate::support::{App, Reply};

const BASE: &str = "/api/server/v1/identity-governance";
const ONBOARDING: &str = "/api/server/v1/identity-governance/VXNlciBPbmJvYXJkaW5n";
const ASK_PASSWORD: &str =
    "/api/server/v1/identity-governance/VXNlciBPbmJvYXJkaW5n/connectors/dXNlci1lbWFpbC12ZXJpZmljYXRpb24";

/// The values of the connector's properties by name.
fn value(app: &App, prefix: &str, name: &str) -> String {
    let reply = app.admin("GET", &format!("{prefix}{ASK_PASSWORD}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    let connector = reply.json();
    let property = connector["properties"].as_array().unwrap().iter().find(|property| property["name"] == name);
    property.unwrap_or_else(|| panic!("{name} in {connector}"))["value"].as_str().expect("a string").to_owned()
}

fn patch(app: &App, prefix: &str, properties: Value) -> Reply {
    let body = json!({ "operation": "UPDATE", "properties": properties });
    app.admin("PATCH", &format!("{prefix}{ASK_PASSWORD}"), body.to_string())
}

/// A tenant beside the super tenant.
fn with_tenant(domain: &str) -> App {
    let app = App::new();
    let owner = json!({
        "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Doe",
        "provisioningMethod": "invite-via-email",
    });
    let body = json!({ "domain": domain, "owners": [owner] });
    let reply = app.admin("POST", "/api/server/v1/tenants", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    app
}

#[test]
fn wso2s_clients_find_the_connector_by_its_id() {
    let app = App::new();
    for path in [BASE.to_owned(), format!("{BASE}/")] {
        let categories = app.admin("GET", &path, "").json();
        assert_eq!(categories[0]["name"], "User Onboarding");
        assert_eq!(categories[0]["self"], format!("/t/carbon.super{ONBOARDING}"));
        assert_eq!(categories[0]["connectors"][0]["self"], format!("/t/carbon.super{ASK_PASSWORD}"));
    }
    let category = app.admin("GET", &format!("/t/carbon.super{ONBOARDING}"), "").json();
    assert_eq!(category["name"], "User Onboarding");
    let connectors = app.admin("GET", &format!("{ONBOARDING}/connectors"), "").json();
    assert_eq!(category["connectors"], connectors);
    let connector = app.admin("GET", ASK_PASSWORD, "");
    assert_eq!(connector.header("content-type"), "application/json");
    assert_eq!(connectors[0], connector.json());
    insta::assert_json_snapshot!(connector.json());
}

#[test]
fn a_value_is_set_and_reverted_as_a_string() {
    let app = App::new();
    let reply = patch(
        &app,
        "",
        json!([
            { "name": "EmailVerification.LockOnCreation", "value": "false" },
            { "name": "EmailVerification.AskPassword.ExpiryTime", "value": 60 },
        ]),
    );
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    assert_eq!(value(&app, "", "EmailVerification.LockOnCreation"), "false");
    assert_eq!(value(&app, "", "EmailVerification.AskPassword.ExpiryTime"), "60");
    let settings = app.admin("GET", "/api/settings", "").json();
    assert_eq!(settings["settings"]["ASK_PASSWORD_EMAIL_VALIDITY"], "60");
    assert_eq!(app.invite("Paul")["urn:scim:wso2:schema"]["accountLocked"], false);

    let revert = format!("{ONBOARDING}/connectors/revert?connectorId=dXNlci1lbWFpbC12ZXJpZmljYXRpb24");
    let reply = app.admin("POST", &revert, r#"{"properties":["EmailVerification.LockOnCreation"]}"#);
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    assert_eq!(value(&app, "", "EmailVerification.LockOnCreation"), "true");
    assert_eq!(value(&app, "", "EmailVerification.AskPassword.ExpiryTime"), "60");
    assert_eq!(app.invite("Petra")["urn:scim:wso2:schema"]["accountLocked"], true);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'settings.update'"), 2);
}

#[test]
fn the_whole_connector_can_be_sent_back_as_it_was_read() {
    let app = App::new();
    let connector = app.admin("GET", ASK_PASSWORD, "").json();
    assert_eq!(patch(&app, "", connector["properties"].clone()).status, 200);
    assert_eq!(app.admin("GET", ASK_PASSWORD, "").json(), connector);
}

#[test]
fn several_connectors_change_in_one_request() {
    let app = App::new();
    let body = json!({ "operation": "UPDATE", "connectors": [{
        "id": "dXNlci1lbWFpbC12ZXJpZmljYXRpb24",
        "properties": [{ "name": "EmailVerification.Enable", "value": "FALSE" }],
    }] });
    let reply = app.admin("PATCH", &format!("{ONBOARDING}/connectors"), body.to_string());
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    assert_eq!(value(&app, "", "EmailVerification.Enable"), "false");
}

#[test]
fn who_sends_the_mails_is_a_truth_here_and_a_word_there() {
    let app = App::new();
    let name = "EmailVerification.Notification.InternallyManage";
    assert_eq!(value(&app, "", name), "true");
    assert_eq!(patch(&app, "", json!([{ "name": name, "value": "false" }])).status, 200);
    assert_eq!(app.admin("GET", "/api/settings", "").json()["settings"]["EMAIL_SENDER"], "external");
    assert_eq!(value(&app, "", name), "false");
    app.admin("PATCH", "/api/settings", r#"{"EMAIL_SENDER":"internal"}"#);
    assert_eq!(value(&app, "", name), "true");
}

#[test]
fn a_changed_validity_holds_for_later_mails_only() {
    let app = App::new();
    app.invite("Paul");
    let earlier = app.newest_link();
    let change = json!([{ "name": "EmailVerification.AskPassword.ExpiryTime", "value": "0" }]);
    assert_eq!(patch(&app, "", change).status, 200);
    app.invite("Petra");
    let later = app.newest_link();
    assert_ne!(earlier, later);
    assert_eq!(app.anyone("GET", &earlier).status, 200);
    assert_eq!(app.anyone("GET", &later).status, 410);
}

#[test]
fn what_is_not_taken_is_a_400_that_names_it_and_changes_nothing() {
    let app = App::new();
    let good = json!({ "name": "EmailVerification.LockOnCreation", "value": "false" });
    for (bad, code, named) in [
        (json!({ "name": "EmailVerification.Enable", "value": "yes" }), "IDG-50013", "EmailVerification.Enable"),
        (
            json!({ "name": "EmailVerification.AskPassword.ExpiryTime", "value": "soon" }),
            "IDG-50013",
            "EmailVerification.AskPassword.ExpiryTime",
        ),
        (json!({ "name": "EmailVerification.Enable", "value": null }), "IDG-50013", "EmailVerification.Enable"),
        (json!({ "name": "EmailVerification.OTP", "value": "true" }), "IDG-50013", "one-time passwords"),
        (json!({ "name": "EmailVerification.Enabled", "value": "true" }), "IDG-50012", "EmailVerification.Enabled"),
        (json!({ "value": "true" }), "IDG-50013", "name"),
    ] {
        let reply = patch(&app, "", json!([good, bad]));
        let error = reply.json();
        assert_eq!((reply.status.as_u16(), &error["code"]), (400, &json!(code)), "{bad}");
        assert!(error["description"].as_str().unwrap().contains(named), "{error}");
        assert_eq!(error["traceId"], reply.header("x-request-id"));
    }
    for body in ["{}", "[]", r#"{"operation":"UPDATE","properties":[]}"#, r#"{"operation":"REMOVE","properties":[1]}"#]
    {
        assert_eq!(app.admin("PATCH", ASK_PASSWORD, body).status, 400, "{body}");
    }
    let reply = app.admin("PATCH", ASK_PASSWORD, "{");
    assert_eq!((reply.status.as_u16(), &reply.json()["message"]), (400, &json!("Bad Request")));
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]));
}

#[test]
fn what_latchkey_does_anyway_is_taken_and_stores_nothing() {
    let app = App::new();
    let reply = patch(&app, "", json!([{ "name": "EmailVerification.OTP", "value": "false" }]));
    assert_eq!(reply.status, 200);
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 0);
}

#[test]
fn what_there_is_not_is_a_404_by_wso2s_code() {
    let app = App::new();
    let update = r#"{"operation":"UPDATE","properties":[{"name":"x","value":"y"}]}"#;
    let none = format!("{BASE}/bm9uZQ");
    let foreign = format!("{BASE}/T3RoZXIgU2V0dGluZ3M/connectors/dXNlci1lbWFpbC12ZXJpZmljYXRpb24");
    for (method, path, code) in [
        ("GET", none.clone(), "IDG-50008"),
        ("GET", format!("{none}/connectors"), "IDG-50008"),
        ("GET", format!("{none}/connectors/dXNlci1lbWFpbC12ZXJpZmljYXRpb24"), "IDG-50008"),
        ("GET", format!("{ONBOARDING}/connectors/bm9uZQ"), "IDG-50009"),
        ("GET", foreign.clone(), "IDG-50009"),
        ("PATCH", foreign, "IDG-50009"),
        ("PATCH", format!("{none}/connectors"), "IDG-50008"),
        ("POST", format!("{ONBOARDING}/connectors/revert?connectorId=bm9uZQ"), "IDG-50009"),
    ] {
        let reply = app.admin(method, &path, update);
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (404, &json!(code)), "{method} {path}");
    }
    let reply = app.admin("POST", &format!("{ONBOARDING}/connectors/revert"), r#"{"properties":["x"]}"#);
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("IDG-50013")));
    for (query, code) in
        [("limit=1", "IDG-50005"), ("offset=1", "IDG-50005"), ("filter=x", "IDG-50006"), ("sort=x", "IDG-50007")]
    {
        let reply = app.admin("GET", &format!("{BASE}?{query}"), "");
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (501, &json!(code)), "{query}");
    }
}

#[test]
fn preferences_read_the_values_asked_for() {
    let app = App::new();
    let path = format!("{BASE}/preferences");
    let ask = json!([
        { "connector-name": "user-email-verification", "properties": ["EmailVerification.Enable"] },
        { "connector-name": "user-claim-update" },
    ]);
    let reply = app.admin("POST", &path, ask.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text);
    let enable = json!([{ "name": "EmailVerification.Enable", "value": "true" }]);
    assert_eq!(reply.json()[0], json!({ "connector-name": "user-email-verification", "properties": enable }));
    assert!(reply.json()[1]["properties"].as_array().unwrap().len() > 1);
    for (body, code) in [
        (json!([{ "connector-name": "self-sign-up" }]), "IDG-50011"),
        (json!([{ "connector-name": "user-claim-update", "properties": ["x"] }]), "IDG-50012"),
        (json!({}), "IDG-50013"),
    ] {
        let reply = app.admin("POST", &path, body.to_string());
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!(code)), "{body}");
    }
}

#[test]
fn a_tenant_changes_its_own_settings_and_nobody_elses() {
    let app = with_tenant("acme.com");
    let change = json!([{ "name": "EmailVerification.AskPassword.ExpiryTime", "value": "5" }]);
    assert_eq!(patch(&app, "/t/acme.com", change).status, 200);
    assert_eq!(value(&app, "/t/acme.com", "EmailVerification.AskPassword.ExpiryTime"), "5");
    assert_eq!(value(&app, "", "EmailVerification.AskPassword.ExpiryTime"), "1440");
    let unknown = app.admin("GET", &format!("/t/nobody.example{BASE}"), "");
    let nobody = app.anyone("GET", BASE);
    assert_eq!((nobody.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert!(nobody.header("www-authenticate").starts_with("Basic"));
}
