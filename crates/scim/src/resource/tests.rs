//! What POST and PUT bodies become, with the rows of the interop sheet that are about them.

use std::sync::Arc;

use serde_json::json;

use crate::error::ScimType;
use crate::resource::*;
use crate::schema::{Registry, Schema};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const WSO2: &str = "urn:scim:wso2:schema";

fn resource_type(name: &str) -> &'static Arc<ResourceType> {
    Registry::example().resource_type(name).expect("a built-in resource type")
}

fn user(body: Value) -> Document {
    read(resource_type("User"), body).expect("a valid user")
}

fn refused(body: Value) -> Option<ScimType> {
    read(resource_type("User"), body).expect_err("an invalid user").scim_type
}

/// A user with one more member.
fn with(name: &str, value: Value) -> Value {
    let mut body = json!({ "userName": "u" });
    body[name] = value;
    body
}

#[test]
fn a_document_is_in_schema_order_with_extensions_after_the_core() {
    let document = user(json!({
        ENTERPRISE: { "manager": { "value": "m" }, "employeeNumber": "7" },
        "emails": [{ "type": "work", "value": "a@b" }],
        "name": { "givenName": "Babs", "familyName": "Jensen" },
        "externalId": "e",
        "userName": "bjensen",
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    }));
    insta::assert_json_snapshot!(document, @r#"
    {
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
      ],
      "externalId": "e",
      "userName": "bjensen",
      "name": {
        "familyName": "Jensen",
        "givenName": "Babs"
      },
      "emails": [
        {
          "value": "a@b",
          "type": "work"
        }
      ],
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
        "employeeNumber": "7",
        "manager": {
          "value": "m"
        }
      }
    }
    "#);
}

#[test]
fn p02_booleans_may_be_quoted_in_any_case() {
    assert_eq!(user(with("active", json!("False")))["active"], false);
    assert_eq!(user(with("active", json!("TRUE")))["active"], true);
    for wrong in [json!("yes"), json!(""), json!(1), json!({})] {
        assert_eq!(refused(with("active", wrong)), Some(ScimType::InvalidValue));
    }
}

#[test]
fn wso2_booleans_are_false_for_any_other_string() {
    for (value, expected) in
        [(json!("true"), true), (json!("TRUE"), true), (json!("yes"), false), (json!(""), false), (json!(true), true)]
    {
        assert_eq!(user(with(WSO2, json!({ "accountLocked": value })))[WSO2]["accountLocked"], expected);
    }
    assert_eq!(refused(with(WSO2, json!({ "accountLocked": 1 }))), Some(ScimType::InvalidValue));
}

#[test]
fn the_seeds_request_is_read_as_printed() {
    let document = user(json!({
        "schemas": [], "name": { "familyName": "Smith", "givenName": "Paul" }, "userName": "Paul", "password": "password",
        "emails": [{ "primary": true, "value": "paul@somemail.com" }], ENTERPRISE: { "askPassword": "true" },
    }));
    assert_eq!(document[WSO2], json!({ "askPassword": true }));
    assert_eq!(document.get(ENTERPRISE), None);
    assert_eq!(document["password"], "password");
}

#[test]
fn secrets_can_be_taken_out() {
    let mut document =
        user(json!({ "userName": "u", "password": "p", ENTERPRISE: { "askPassword": "true", "department": "d" } }));
    let secrets = take_secrets(resource_type("User"), &mut document);
    assert_eq!(Value::Object(secrets), json!({ "password": "p", WSO2: { "askPassword": true } }));
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    assert_eq!(
        Value::Object(document),
        json!({ "schemas": [core, ENTERPRISE], "userName": "u", ENTERPRISE: { "department": "d" } })
    );
}

#[test]
fn an_attributes_own_name_goes_before_its_alias() {
    for body in [
        json!({ "userName": "u", WSO2: { "askPassword": false }, ENTERPRISE: { "askPassword": true } }),
        json!({ "userName": "u", ENTERPRISE: { "askPassword": true }, WSO2: { "askPassword": false } }),
    ] {
        assert_eq!(user(body)[WSO2]["askPassword"], false);
    }
}

#[test]
fn p08_a_full_user_with_read_only_attributes_is_read() {
    let document = user(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "u", "active": false, "groups": [],
        "password": "x", "meta": { "resourceType": "User", "version": "W/\"1\"" },
    }));
    assert_eq!(document["active"], false);
    for ignored in ["id", "meta", "groups"] {
        assert_eq!(document.get(ignored), None, "{ignored}");
    }
}

#[test]
fn p17c_an_unknown_schema_is_tolerated_and_not_kept() {
    let foreign = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    let core = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let body = json!({ "schemas": [core, foreign], "displayName": "g", foreign: { "x": 1 }, "urn:nope": { "y": 2 } });
    let document = read(resource_type("Group"), body).expect("a valid group");
    assert_eq!(Value::Object(document), json!({ "schemas": [core], "displayName": "g" }));
}

#[test]
fn p20_null_and_empty_lists_mean_unassigned() {
    let document = user(json!({
        "userName": "u", "displayName": null, "roles": [], "emails": [null, {}], "name": { "givenName": null }, ENTERPRISE: null,
        "meta": { "resourceType": "User" }, "id": "client", "groups": [{ "value": "g" }], WSO2: { "emailAddresses": [] },
    }));
    assert_eq!(
        Value::Object(document),
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "u" })
    );
}

#[test]
fn p21_names_are_case_insensitive_and_answered_in_schema_case() {
    let document = user(json!({
        "UserName": "u", "Emails": [{ "Primary": true, "Value": "a@b" }],
        ENTERPRISE.to_uppercase(): { "Department": "d", "Manager": { "Value": "m" } },
    }));
    assert_eq!(document["userName"], "u");
    assert_eq!(document["emails"], json!([{ "value": "a@b", "primary": true }]));
    assert_eq!(document[ENTERPRISE], json!({ "department": "d", "manager": { "value": "m" } }));
}

#[test]
fn p22_of_several_primary_values_the_last_wins() {
    let document = user(with(
        "emails",
        json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }, { "value": "c" }]),
    ));
    assert_eq!(
        document["emails"],
        json!([{ "value": "a", "primary": false }, { "value": "b", "primary": true }, { "value": "c" }])
    );
}

#[test]
fn bare_strings_and_single_objects_stand_for_values() {
    assert_eq!(user(with("emails", json!("a@b")))["emails"], json!([{ "value": "a@b" }]));
    assert_eq!(user(with("emails", json!({ "value": "a@b" })))["emails"], json!([{ "value": "a@b" }]));
    assert_eq!(user(with(ENTERPRISE, json!({ "manager": "m" })))[ENTERPRISE]["manager"], json!({ "value": "m" }));
    assert_eq!(user(with(ENTERPRISE, json!({ "manager": "" }))).get(ENTERPRISE), None);
    let group = read(resource_type("Group"), json!({ "displayName": "g", "members": ["u1", { "value": "u2" }] }))
        .expect("a valid group");
    assert_eq!(group["members"], json!([{ "value": "u1" }, { "value": "u2" }]));
}

#[test]
fn equal_values_become_one() {
    let document = user(with(
        "emails",
        json!([{ "value": "A@b", "type": "work" }, { "value": "a@B", "type": "WORK", "primary": true }, { "value": "a@b", "type": "home" }]),
    ));
    assert_eq!(
        document["emails"],
        json!([{ "value": "A@b", "type": "work", "primary": true }, { "value": "a@b", "type": "home" }])
    );
    let group = read(
        resource_type("Group"),
        json!({ "displayName": "g", "members": [{ "value": "u" }, { "value": "u", "type": "User" }, { "value": "U" }] }),
    );
    assert_eq!(group.expect("a valid group")["members"], json!([{ "value": "u", "type": "User" }, { "value": "U" }]));
    assert_eq!(
        user(with(WSO2, json!({ "emailAddresses": ["Ärger@x", "a\u{308}rger@x", "b"] })))[WSO2]["emailAddresses"],
        json!(["Ärger@x", "b"])
    );
}

#[test]
fn keys_may_be_qualified_by_their_schema() {
    let document = user(json!({
        "urn:ietf:params:scim:schemas:core:2.0:User:userName": "u",
        format!("{ENTERPRISE}:department"): "d",
        format!("{ENTERPRISE}:manager.value"): "m",
        "urn:ietf:params:scim:schemas:core:2.0:User": { "title": "t" },
    }));
    assert_eq!(document["userName"], "u");
    assert_eq!(document["title"], "t");
    assert_eq!(document[ENTERPRISE], json!({ "department": "d", "manager": { "value": "m" } }));
}

#[test]
fn values_that_do_not_fit_their_type_are_refused() {
    let cases = [
        ("userName", json!(7)),
        ("displayName", json!({})),
        ("displayName", json!(["a", "b"])),
        ("displayName", json!("nul\0")),
        ("name", json!("Babs Jensen")),
        ("emails", json!([7])),
        ("emails", json!([{ "value": 7 }])),
        ("emails", json!([["a@b"]])),
        ("x509Certificates", json!([{ "value": "not base64!" }])),
        ("schemas", json!(7)),
        (ENTERPRISE, json!("x")),
    ];
    for (name, value) in cases {
        assert_eq!(refused(with(name, value.clone())), Some(ScimType::InvalidValue), "{name}: {value}");
    }
}

#[test]
fn numbers_dates_and_bytes_are_strict() {
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": "urn:x:t", "attributes": [
        { "name": "i", "type": "integer" }, { "name": "d", "type": "decimal" }, { "name": "t", "type": "dateTime" }, { "name": "b", "type": "binary" },
        { "name": "r", "type": "reference" }] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
    registry
        .add_resource_type(&json!({ "name": "T", "endpoint": "/Ts", "schema": "urn:x:t" }))
        .expect("a new resource type");
    let kind = registry.resource_type("T").expect("the new resource type");
    let good = [
        json!({ "i": -7 }),
        json!({ "d": 7 }),
        json!({ "d": 7.5 }),
        json!({ "t": "2011-05-13T04:42:34+02:00" }),
        json!({ "b": "YWI=" }),
        json!({ "b": "_-8" }),
        json!({ "b": "" }),
        json!({ "r": "../Users/1" }),
    ];
    for body in good {
        let document = read(kind, body.clone()).expect("a value that fits");
        let (name, value) = body.as_object().and_then(|body| body.iter().next()).expect("one member");
        assert_eq!(document.get(name), Some(value));
    }
    let bad = [
        json!({ "i": 1.5 }),
        json!({ "i": 1.0 }),
        json!({ "i": "1" }),
        json!({ "i": u64::MAX }),
        json!({ "i": true }),
        json!({ "d": "1.5" }),
        json!({ "t": "yesterday" }),
        json!({ "t": 1 }),
        json!({ "t": "" }),
        json!({ "b": "a" }),
        json!({ "b": "ab=" }),
        json!({ "b": "a+_b" }),
        json!({ "r": 1 }),
    ];
    for body in bad {
        assert_eq!(
            read(kind, body.clone()).map_err(|error| error.scim_type),
            Err(Some(ScimType::InvalidValue)),
            "{body}"
        );
    }
}

#[test]
fn a_required_attribute_must_have_a_value() {
    for body in [
        json!({}),
        json!({ "userName": null }),
        json!({ "userName": "" }),
        json!({ "userName": " " }),
        json!({ "not": "a scim resource" }),
    ] {
        assert_eq!(refused(body), Some(ScimType::InvalidValue));
    }
}

#[test]
fn a_required_extension_must_be_there_and_complete() {
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": "urn:x:e", "attributes": [{ "name": "must", "required": true }, { "name": "may" }] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
    let mut optional = registry.clone();
    registry.extend_resource_type("Group", "urn:x:e", true).expect("a new extension");
    optional.extend_resource_type("Group", "urn:x:e", false).expect("a new extension");
    let read_in = |registry: &Registry, body: Value| {
        read(registry.resource_type("Group").expect("groups"), body).map_err(|error| error.scim_type)
    };
    assert_eq!(read_in(&registry, json!({ "displayName": "g" })), Err(Some(ScimType::InvalidValue)));
    assert!(read_in(&registry, json!({ "displayName": "g", "urn:x:e": { "must": "x" } })).is_ok());
    assert!(read_in(&optional, json!({ "displayName": "g" })).is_ok());
    assert_eq!(
        read_in(&optional, json!({ "displayName": "g", "urn:x:e": { "may": "x" } })),
        Err(Some(ScimType::InvalidValue))
    );
}

#[test]
fn a_body_that_is_no_object_or_too_deep_is_invalid_syntax() {
    let deep = (0..30).fold(json!(1), |inner, _| json!([inner]));
    for body in [json!([]), json!("x"), json!(null), with("emails", deep.clone()), with("unknown", deep)] {
        assert_eq!(refused(body), Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn a_put_keeps_what_the_client_cannot_write() {
    let mut current = user(json!({ "userName": "u", "title": "t", ENTERPRISE: { "department": "d" } }));
    current.insert("id".into(), "1".into());
    current.insert("meta".into(), json!({ "resourceType": "User" }));
    current.insert(WSO2.into(), json!({ "accountState": "UNLOCKED" }));
    let body = json!({ "id": "2", "userName": "v", WSO2: { "accountState": "LOCKED" } });
    let replaced = replace(resource_type("User"), &current, body).expect("a valid user");
    assert_eq!(
        Value::Object(replaced),
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", WSO2], "id": "1", "userName": "v",
            WSO2: { "accountState": "UNLOCKED" }, "meta": { "resourceType": "User" },
        })
    );
}

#[test]
fn a_put_cannot_change_what_is_immutable() {
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": "urn:x:t", "attributes": [{ "name": "serial", "mutability": "immutable" }, { "name": "note" }, { "name": "part", "type": "complex",
        "subAttributes": [{ "name": "value", "mutability": "immutable" }, { "name": "note" }] }] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
    registry
        .add_resource_type(&json!({ "name": "T", "endpoint": "/Ts", "schema": "urn:x:t" }))
        .expect("a new resource type");
    let kind = registry.resource_type("T").expect("the new resource type");
    let current = read(kind, json!({ "serial": "S1", "part": { "value": "p" } })).expect("valid");
    let put = |body: Value| replace(kind, &current, body).map_err(|error| error.scim_type);
    assert_eq!(put(json!({ "serial": "S2" })), Err(Some(ScimType::Mutability)));
    assert_eq!(put(json!({ "part": { "value": "q" } })), Err(Some(ScimType::Mutability)));
    assert_eq!(put(json!({ "note": "n" })).map(|document| document["serial"].clone()), Ok(json!("S1")));
    assert_eq!(
        put(json!({ "serial": "s1" })).map(|document| document["serial"].clone()),
        Ok(json!("S1")),
        "equal is not changed"
    );
}
