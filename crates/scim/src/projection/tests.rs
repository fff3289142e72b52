//! What is left of a user under each combination of the parameters and `returned`.

use std::sync::Arc;

use serde_json::json;

use crate::projection::*;
use crate::schema::Registry;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const WSO2: &str = "urn:scim:wso2:schema";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn kind() -> &'static Arc<ResourceType> {
    Registry::example().resource_type("User").expect("there are users")
}

fn full() -> Document {
    let value = json!({
        "schemas": [CORE, ENTERPRISE, WSO2], "id": "1", "userName": "u", "name": { "familyName": "F", "givenName": "G" }, "password": "secret",
        "emails": [{ "value": "a@b", "type": "work" }, { "value": "c@d" }],
        ENTERPRISE: { "department": "d", "manager": { "value": "m", "displayName": "M" } },
        WSO2: { "askPassword": true, "oneTimePassword": "123" },
        "meta": { "resourceType": "User" },
    });
    value.as_object().cloned().unwrap_or_default()
}

fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let mut document = full();
    Projection::parse(kind(), attributes, excluded).expect("one parameter at most").apply(&mut document);
    Value::Object(document)
}

#[test]
fn by_default_secrets_and_what_must_be_asked_for_are_left_out() {
    assert_eq!(
        shown(None, None),
        json!({
            "schemas": [CORE, ENTERPRISE], "id": "1", "userName": "u", "name": { "familyName": "F", "givenName": "G" },
            "emails": [{ "value": "a@b", "type": "work" }, { "value": "c@d" }],
            ENTERPRISE: { "department": "d", "manager": { "value": "m", "displayName": "M" } },
            "meta": { "resourceType": "User" },
        })
    );
    assert_eq!(shown(Some(""), Some(" , ")), shown(None, None));
}

#[test]
fn attributes_shows_only_those_and_what_is_always_there() {
    assert_eq!(shown(Some("USERNAME, nope"), None), json!({ "schemas": [CORE], "id": "1", "userName": "u" }));
    assert_eq!(
        shown(Some("name.givenName,emails.value"), None),
        json!({
            "schemas": [CORE], "id": "1", "name": { "givenName": "G" }, "emails": [{ "value": "a@b" }, { "value": "c@d" }],
        })
    );
    assert_eq!(
        shown(Some("emails.type"), None),
        json!({ "schemas": [CORE], "id": "1", "emails": [{ "type": "work" }] })
    );
}

#[test]
fn attributes_takes_urns() {
    assert_eq!(
        shown(Some(&format!("{ENTERPRISE}:manager.value")), None),
        json!({
            "schemas": [CORE, ENTERPRISE], "id": "1", ENTERPRISE: { "manager": { "value": "m" } },
        })
    );
    assert_eq!(shown(Some(ENTERPRISE), None)[ENTERPRISE], full()[ENTERPRISE]);
    assert_eq!(
        shown(Some(WSO2), None),
        json!({ "schemas": [CORE], "id": "1" }),
        "a URN does not ask for what must be asked for"
    );
}

#[test]
fn what_must_be_asked_for_is_shown_when_asked_for() {
    assert_eq!(shown(Some(&format!("{WSO2}:oneTimePassword")), None)[WSO2], json!({ "oneTimePassword": "123" }));
}

#[test]
fn a_secret_is_never_shown() {
    assert_eq!(shown(Some("password"), None), json!({ "schemas": [CORE], "id": "1" }));
    assert_eq!(shown(Some(&format!("{ENTERPRISE}:askPassword")), None), json!({ "schemas": [CORE], "id": "1" }));
}

#[test]
fn excluded_attributes_are_left_out_save_what_is_always_there() {
    let left = shown(None, Some(&format!("id,schemas,emails,name.givenName,{ENTERPRISE},meta")));
    assert_eq!(left, json!({ "schemas": [CORE], "id": "1", "userName": "u", "name": { "familyName": "F" } }));
}

#[test]
fn p14_what_is_not_wanted_need_not_be_loaded() {
    let group = Registry::example().resource_type("Group").expect("there are groups");
    let wants = |attributes: Option<&str>, excluded: Option<&str>| {
        Projection::parse(group, attributes, excluded).expect("one").wants("members")
    };
    assert!(wants(None, None));
    assert!(!wants(None, Some("Members")));
    assert!(!wants(Some("displayName"), None));
    assert!(wants(Some("members.value"), None));
    assert!(wants(None, Some("members.display")));
    assert!(Projection::default_for(group).is_default());
}

#[test]
fn both_parameters_together_are_refused() {
    let error = Projection::parse(kind(), Some("id"), Some("name")).expect_err("both");
    assert_eq!(error.scim_type, Some(crate::ScimType::InvalidValue));
}
