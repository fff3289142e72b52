//! What is left of a user under each combination of the parameters and `returned`.

use std::sync::Arc;

use serde_json::json;

use crate::patch::Patch;
use crate::projection::*;
use crate::resource;
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

fn project(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let mut document = full();
    Projection::parse(kind(), attributes, excluded).expect("one parameter at most").apply(&mut document);
    Value::Object(document)
}

#[test]
fn by_default_secrets_and_what_must_be_asked_for_are_left_out() {
    assert_eq!(
        project(None, None),
        json!({
            "schemas": [CORE, ENTERPRISE], "id": "1", "userName": "u", "name": { "familyName": "F", "givenName": "G" },
            "emails": [{ "value": "a@b", "type": "work" }, { "value": "c@d" }],
            ENTERPRISE: { "department": "d", "manager": { "value": "m", "displayName": "M" } },
            "meta": { "resourceType": "User" },
        })
    );
    assert_eq!(project(Some(""), Some(" , ")), project(None, None));
}

#[test]
fn attributes_shows_only_those_and_what_is_always_there() {
    assert_eq!(project(Some("USERNAME, nope"), None), json!({ "schemas": [CORE], "id": "1", "userName": "u" }));
    assert_eq!(
        project(Some("name.givenName,emails.value"), None),
        json!({
            "schemas": [CORE], "id": "1", "name": { "givenName": "G" }, "emails": [{ "value": "a@b" }, { "value": "c@d" }],
        })
    );
    assert_eq!(
        project(Some("emails.type"), None),
        json!({ "schemas": [CORE], "id": "1", "emails": [{ "type": "work" }] })
    );
}

#[test]
fn attributes_takes_urns() {
    assert_eq!(
        project(Some(&format!("{ENTERPRISE}:manager.value")), None),
        json!({
            "schemas": [CORE, ENTERPRISE], "id": "1", ENTERPRISE: { "manager": { "value": "m" } },
        })
    );
    assert_eq!(project(Some(ENTERPRISE), None)[ENTERPRISE], full()[ENTERPRISE]);
    assert_eq!(
        project(Some(WSO2), None),
        json!({ "schemas": [CORE], "id": "1" }),
        "a URN does not ask for what must be asked for"
    );
}

#[test]
fn what_must_be_asked_for_is_shown_when_asked_for() {
    assert_eq!(project(Some(&format!("{WSO2}:oneTimePassword")), None)[WSO2], json!({ "oneTimePassword": "123" }));
}

#[test]
fn a_secret_is_never_shown() {
    assert_eq!(project(Some("password"), None), json!({ "schemas": [CORE], "id": "1" }));
    assert_eq!(project(Some(&format!("{ENTERPRISE}:askPassword")), None), json!({ "schemas": [CORE], "id": "1" }));
}

#[test]
fn excluded_attributes_are_left_out_save_what_is_always_there() {
    let left = project(None, Some(&format!("id,schemas,emails,name.givenName,{ENTERPRISE},meta")));
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

#[test]
fn what_is_returned_on_request_is_shown_where_the_request_wrote_it() {
    const CUSTOM: &str = "urn:example:User";
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": CUSTOM, "name": "Custom", "attributes": [
        { "name": "note", "type": "string", "returned": "request" },
        { "name": "pins", "type": "complex", "multiValued": true, "returned": "request", "subAttributes": [
            { "name": "value", "type": "string" }, { "name": "hint", "type": "string", "returned": "request" },
        ] },
        { "name": "open", "type": "complex", "subAttributes": [
            { "name": "value", "type": "string" }, { "name": "hint", "type": "string", "returned": "request" },
        ] },
    ] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new schema");
    registry.extend_resource_type("User", CUSTOM, false).expect("an extension");
    let user = registry.resource_type("User").expect("users");
    assert!(user.has_returned_on_request());
    let body = json!({ "userName": "u", CUSTOM: {
        "note": "n", "pins": [{ "value": "p", "hint": "h" }], "open": { "value": "o", "hint": "h" },
    } });
    let stored = resource::read(user, body.clone()).expect("a user");
    let shown = |wish: [Option<&str>; 2], written: Vec<AttributePath>| {
        let mut document = stored.clone();
        Projection::parse(user, wish[0], wish[1]).expect("a wish").with_written(written).apply(&mut document);
        document.get(CUSTOM).cloned().unwrap_or_default()
    };
    let written = |body: &Value| resource::written(user, body);
    let all = body[CUSTOM].clone();
    assert_eq!(shown([None, None], Vec::new()), json!({ "open": { "value": "o" } }));
    assert_eq!(shown([None, None], written(&body)), all);
    let note = format!("{CUSTOM}:note");
    assert_eq!(shown([None, None], written(&json!({ &note: "n" }))), json!({ "note": "n", "open": { "value": "o" } }));
    assert_eq!(
        shown([None, None], written(&json!({ CUSTOM: { "PINS": { "value": "p" }, "open": { "Hint": "h" } } }))),
        json!({ "pins": [{ "value": "p" }], "open": { "value": "o", "hint": "h" } })
    );
    // What the client asks for goes before what it wrote.
    assert_eq!(shown([None, Some("note,pins")], written(&body)), json!({ "open": { "value": "o", "hint": "h" } }));
    assert_eq!(shown([Some("open"), None], written(&body)), json!({ "open": { "value": "o" } }));
    assert_eq!(shown([Some("note,open.hint"), None], Vec::new()), json!({ "note": "n", "open": { "hint": "h" } }));
    let patch =
        |operations: Value| Patch::parse(user, &json!({ "Operations": operations })).expect("a patch").written();
    for operation in [
        json!({ "op": "add", "path": "note", "value": "n" }),
        json!({ "op": "replace", "value": { "note": "n" } }),
        json!({ "op": "replace", "value": { CUSTOM: { "note": "n" } } }),
        json!({ "op": "remove", "path": note }),
    ] {
        assert_eq!(patch(json!([operation])), written(&json!({ &note: "n" })));
    }
    assert_eq!(
        shown([None, None], patch(json!([{ "op": "add", "path": "pins[value eq \"p\"].hint", "value": "h" }]))),
        json!({ "pins": [{ "value": "p", "hint": "h" }], "open": { "value": "o" } })
    );
}

#[test]
fn a_list_has_two_hundred_names_known_or_not() {
    let names = |count: usize| vec!["nickName.none"; count].join(",");
    for (count, is_read) in [(MAX_NAMES, true), (MAX_NAMES + 1, false)] {
        assert_eq!(Projection::parse(kind(), Some(&names(count)), None).is_ok(), is_read);
        assert_eq!(Projection::parse(kind(), None, Some(&names(count))).is_ok(), is_read);
    }
}
