//! What the public conformance suites (`tests/conformance`) have found, without them.

use serde_json::{Value, json};

use super::client::{ENTERPRISE, GROUP, PASSWORD, USER, WSO2};
use crate::support::App;

const LENDING: &str = "urn:example:schemas:Lending";
const DEVICE: &str = "urn:example:schemas:Device";

/// An application whose tenant has devices, and an extension of groups.
fn with_own_types() -> App {
    let app = App::new();
    let returned = |name: &str, returned: &str| json!({ "name": name, "returned": returned });
    let secret = |name: &str| json!({ "name": name, "mutability": "writeOnly", "returned": "never" });
    let lock = json!({ "name": "lock", "type": "complex", "subAttributes": [{ "name": "make" }, secret("code")] });
    let lending = json!({ "id": LENDING, "resourceType": "Group", "attributes": [{ "name": "desk" }, secret("pin")] });
    app.scim().post("/api/schemas", &lending).created();
    let schema = json!({ "id": DEVICE, "name": "Device", "attributes": [
        { "name": "serial", "required": true }, secret("unlock"), returned("note", "request"), lock,
    ] });
    let device = json!({ "name": "Device", "endpoint": "/Devices", "schema": schema });
    app.scim().post("/api/resource-types", &device).created();
    app
}

impl crate::support::Reply {
    #[track_caller]
    fn created(&self) {
        assert_eq!(self.status, 201, "{}", self.text);
    }
}

fn device() -> Value {
    json!({ "schemas": [DEVICE], "serial": "1", "unlock": "sesame", "note": "dented",
            "lock": { "make": "Abus", "code": "sesame" } })
}

#[test]
fn what_is_never_returned_is_neither_shown_nor_kept() {
    let app = with_own_types();
    let admin = app.scim();
    let reply = admin.post("/scim2/Devices", &device());
    assert!(!reply.text.contains("sesame"), "{}", reply.text);
    let path = format!("/scim2/Devices/{}", reply.is(201)["id"].as_str().unwrap());
    let group = json!({ "schemas": [GROUP], "displayName": "x", LENDING: { "desk": "1", "pin": "sesame" } });
    let reply = admin.post("/scim2/Groups", &group);
    assert!(!reply.text.contains("sesame"), "{}", reply.text);
    let group_path = format!("/scim2/Groups/{}", reply.is(201)["id"].as_str().unwrap());
    for reply in [
        admin.get(&path),
        admin.get(&format!("{path}?attributes=unlock,lock")),
        admin.put(&path, &device()),
        admin.set(&path, "unlock", "sesame"),
        admin.set(&path, "lock.code", "sesame"),
        admin.get(&group_path),
        admin.put(&group_path, &group),
        admin.set(&group_path, &format!("{LENDING}:pin"), "sesame"),
    ] {
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(!reply.text.contains("sesame"), "{}", reply.text);
    }
    let kept = "SELECT COUNT(*) FROM resources WHERE json_extract(document, '$.unlock') IS NOT NULL \
                OR document LIKE '%\"pin\"%'";
    assert_eq!(app.number(kept), 0);
}

#[test]
fn what_is_returned_on_request_waits_for_one() {
    let app = with_own_types();
    let admin = app.scim();
    let path = admin.create("/scim2/Devices", &device());
    assert_eq!(admin.get(&path).is(200).get("note"), None);
    assert_eq!(admin.get(&format!("{path}?excludedAttributes=lock")).is(200).get("note"), None);
    let asked = admin.get(&format!("{path}?attributes=note")).is(200);
    assert_eq!((asked["note"].as_str(), asked.get("serial")), (Some("dented"), None));
}

#[test]
fn an_extension_taken_back_is_no_longer_shown() {
    let app = with_own_types();
    let admin = app.scim();
    let group = json!({ "schemas": [GROUP, LENDING], "displayName": "x", LENDING: { "desk": "1" } });
    let path = admin.create("/scim2/Groups", &group);
    assert_eq!(admin.get(&path).is(200)["schemas"], json!([GROUP, LENDING]));
    assert_eq!(admin.delete(&format!("/api/schemas/{LENDING}")).status, 204);
    let shown = admin.get(&path).is(200);
    assert_eq!((&shown["schemas"], shown.get(LENDING)), (&json!([GROUP]), None));
}

#[test]
fn a_user_who_was_never_invited_nor_locked_has_no_wso2_attributes() {
    let app = App::new();
    let admin = app.scim();
    let body = |active: bool| {
        json!({ "schemas": [USER], "userName": "plain", "password": PASSWORD, "active": active,
                "emails": [{ "value": "plain@example.com", "primary": true }], ENTERPRISE: { "division": "x" } })
    };
    let path = admin.create("/scim2/Users", &body(false));
    for shown in [
        admin.get(&path).is(200),
        admin.put(&path, &body(false)).is(200),
        admin.set(&path, "active", true).is(200),
        admin.set(&path, "active", false).is(200),
        admin.set(&path, "password", "another walk with the dog").is(200),
        admin.patch(&path, json!([{ "op": "add", "path": "emails", "value": [{ "value": "o@example.com" }] }])).is(200),
        admin.patch(&path, json!([{ "op": "remove", "path": "emails" }])).is(200),
    ] {
        assert_eq!((&shown["schemas"], shown.get(WSO2)), (&json!([USER, ENTERPRISE]), None));
    }
    let locked = admin.set(&path, &format!("{WSO2}:accountLocked"), true).is(200);
    assert_eq!(locked[WSO2]["accountState"], "DISABLED");
}
