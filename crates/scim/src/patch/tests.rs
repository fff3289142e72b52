//! PATCH as the RFC tells it.

use std::sync::Arc;

use serde_json::json;

use crate::error::ScimType;
use crate::patch::*;
use crate::resource::read;
use crate::schema::{Registry, Schema};

mod clients;
mod interop;
mod properties;
mod work;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const WSO2: &str = "urn:scim:wso2:schema";

fn resource_type(name: &str) -> &'static Arc<ResourceType> {
    Registry::example().resource_type(name).expect("a built-in resource type")
}

fn object(value: Value) -> Document {
    value.as_object().cloned().unwrap_or_default()
}

fn babs() -> Document {
    object(json!({
        "schemas": [CORE, ENTERPRISE], "id": "2819c223", "externalId": "e", "userName": "bjensen",
        "name": { "familyName": "Jensen", "givenName": "Barbara" }, "active": true,
        "emails": [{ "value": "b@work", "type": "work", "primary": true }, { "value": "b@home", "type": "home", "primary": false }],
        ENTERPRISE: { "department": "d", "manager": { "value": "m1", "$ref": "../Users/m1" } },
        "meta": { "resourceType": "User", "version": "W/\"1\"" },
    }))
}

fn group(members: &[&str]) -> Document {
    let members: Vec<Value> = members.iter().map(|member| json!({ "value": member, "type": "User" })).collect();
    let mut group =
        object(json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g1", "displayName": "g" }));
    if !members.is_empty() {
        group.insert("members".into(), members.into());
    }
    group
}

fn request(operations: Value) -> Value {
    json!({ "schemas": [PATCH_OP_SCHEMA], "Operations": operations })
}

fn patch(operations: Value) -> Document {
    apply(resource_type("User"), &babs(), &request(operations)).expect("a request that can be applied")
}

fn patch_group(members: &[&str], operations: Value) -> Vec<String> {
    let patched =
        apply(resource_type("Group"), &group(members), &request(operations)).expect("a request that can be applied");
    patched
        .get("members")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|member| member["value"].as_str())
        .map(str::to_owned)
        .collect()
}

fn refused(operations: Value) -> Option<ScimType> {
    let error = apply(resource_type("User"), &babs(), &request(operations.clone())).expect_err(&operations.to_string());
    assert_eq!(error.status, 400);
    error.scim_type
}

// The RFC.

#[test]
fn a_request_must_have_its_shape() {
    for body in [
        json!([]),
        json!({}),
        json!({ "Operations": [] }),
        json!({ "Operations": {} }),
        json!({ "schemas": ["urn:x"], "Operations": [{ "op": "remove", "path": "name" }] }),
        request(json!([1])),
        request(json!([{ "path": "name" }])),
        request(json!([{ "op": "copy", "path": "name" }])),
        request(json!([{ "op": 1 }])),
    ] {
        let error = apply(resource_type("User"), &babs(), &body).expect_err("no PATCH request");
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    assert!(
        apply(
            resource_type("User"),
            &babs(),
            &json!({ "schemas": [], "Operations": [{ "op": "remove", "path": "name" }] })
        )
        .is_ok()
    );
    assert_eq!(refused(json!([{ "op": "replace", "path": "title" }])), Some(ScimType::InvalidValue));
    assert_eq!(refused(json!([{ "op": "remove" }])), Some(ScimType::NoTarget));
}

#[test]
fn paths_that_lead_nowhere_are_invalid() {
    for path in [
        "nope",
        "name.nope",
        "emails[type eq \"work\"].nope",
        "emails[type eq \"work\"]value",
        "userName[value eq \"x\"]",
        "emails.value[type eq \"work\"]",
        "urn:nope:x",
        "departments",
        "]",
        ".",
    ] {
        assert_eq!(refused(json!([{ "op": "remove", "path": path }])), Some(ScimType::InvalidPath), "{path}");
    }
    for path in [
        "emails[",
        "emails[]",
        "emails[type]",
        "emails[nope eq 1]",
        "emails[type eq \"work\"",
        "emails[type gt 1]",
        "emails[type eq \"work\" and ]",
    ] {
        assert_eq!(refused(json!([{ "op": "remove", "path": path }])), Some(ScimType::InvalidFilter), "{path}");
    }
}

#[test]
fn add_sets_merges_and_appends() {
    let patched = patch(json!([
        { "op": "add", "path": "title", "value": "t" },
        { "op": "add", "path": "name", "value": { "middleName": "J" } },
        { "op": "add", "path": "emails", "value": { "value": "c@x" } },
        { "op": "add", "path": "emails[type eq \"home\"]", "value": { "display": "at home" } },
        { "op": "add", "path": "nickName", "value": "n" },
    ]));
    assert_eq!(patched["title"], "t");
    assert_eq!(patched["name"], json!({ "familyName": "Jensen", "givenName": "Barbara", "middleName": "J" }));
    assert_eq!(
        patched["emails"][1],
        json!({ "value": "b@home", "display": "at home", "type": "home", "primary": false })
    );
    assert_eq!(patched["emails"][2], json!({ "value": "c@x" }));
    let keys: Vec<&str> = patched.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "schemas",
            "id",
            "externalId",
            "userName",
            "name",
            "nickName",
            "title",
            "active",
            "emails",
            ENTERPRISE,
            "meta"
        ],
        "schema order"
    );
}

#[test]
fn adding_what_is_there_changes_nothing() {
    for operation in [
        json!({ "op": "add", "path": "userName", "value": "bjensen" }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "B@WORK", "type": "Work", "primary": true }] }),
        json!({ "op": "add", "path": "emails", "value": [] }),
        json!({ "op": "add", "path": "name", "value": { "familyName": "Jensen" } }),
        json!({ "op": "replace", "value": babs() }),
    ] {
        assert_eq!(patch(json!([operation])), babs(), "{operation}");
    }
}

#[test]
fn replace_replaces_lists_and_selected_values_but_merges_complex_ones() {
    assert_eq!(
        patch(json!([{ "op": "replace", "path": "emails", "value": [{ "value": "only@x" }] }]))["emails"],
        json!([{ "value": "only@x" }])
    );
    assert_eq!(
        patch(json!([{ "op": "replace", "value": { "emails": [{ "value": "only@x" }] } }]))["emails"],
        json!([{ "value": "only@x" }])
    );
    assert_eq!(
        patch(json!([{ "op": "replace", "path": "name", "value": { "givenName": "B" } }]))["name"],
        json!({ "familyName": "Jensen", "givenName": "B" })
    );
    let patched = patch(json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": "n@x" } }]));
    assert_eq!(
        patched["emails"][0],
        json!({ "value": "n@x", "type": "work" }),
        "what the filter says stays, the rest goes"
    );
    let patched = patch(
        json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": [{ "value": "n@x", "type": "other", "display": "d" }] }]),
    );
    assert_eq!(patched["emails"][0], json!({ "value": "n@x", "display": "d", "type": "other" }));
    assert_eq!(
        patch(json!([{ "op": "replace", "path": "emails.display", "value": "d" }]))["emails"][1]["display"],
        "d"
    );
    assert_eq!(patch(json!([{ "op": "replace", "path": "title", "value": null }])).get("title"), None);
    assert_eq!(
        patch(json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": null }]))["emails"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn remove_unassigns() {
    assert_eq!(patch(json!([{ "op": "remove", "path": "emails" }])).get("emails"), None);
    assert_eq!(patch(json!([{ "op": "remove", "path": "name.givenName" }]))["name"], json!({ "familyName": "Jensen" }));
    assert_eq!(
        patch(json!([{ "op": "remove", "path": "name.givenName" }, { "op": "remove", "path": "name.familyName" }]))
            .get("name"),
        None
    );
    assert_eq!(patch(json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }, { "op": "remove", "path": "emails[value ew \"home\"]" }])).get("emails"), None);
    assert_eq!(
        patch(json!([{ "op": "remove", "path": "emails[type eq \"work\"].primary" }]))["emails"][0],
        json!({ "value": "b@work", "type": "work" })
    );
    let patched = patch(json!([{ "op": "remove", "path": "emails[type eq \"work\"].value" }]));
    assert_eq!(
        patched["emails"],
        json!([{ "value": "b@home", "type": "home", "primary": false }]),
        "labels without a value are no value"
    );
    assert_eq!(patch(json!([{ "op": "remove", "path": "title" }])), babs(), "nothing to remove");
}

#[test]
fn a_required_attribute_cannot_be_removed() {
    for operation in [
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "replace", "path": "userName", "value": null }),
        json!({ "op": "replace", "value": { "userName": null } }),
        json!({ "op": "add", "path": "userName", "value": [] }),
    ] {
        assert_eq!(refused(json!([operation])), Some(ScimType::Mutability), "{operation}");
    }
    assert_eq!(refused(json!([{ "op": "replace", "path": "userName", "value": "" }])), Some(ScimType::InvalidValue));
}

#[test]
fn an_extensions_urn_stands_for_its_attributes() {
    let patched = patch(
        json!([{ "op": "add", "path": ENTERPRISE, "value": { "costCenter": "c", "schemas": [ENTERPRISE], "manager": "m2" } }]),
    );
    assert_eq!(patched[ENTERPRISE], json!({ "costCenter": "c", "department": "d", "manager": { "value": "m2" } }));
    let patched = patch(json!([{ "op": "remove", "path": ENTERPRISE }]));
    assert_eq!((patched.get(ENTERPRISE), &patched["schemas"]), (None, &json!([CORE])));
    assert_eq!(patch(json!([{ "op": "replace", "value": { ENTERPRISE: null } }])).get(ENTERPRISE), None);
    assert_eq!(refused(json!([{ "op": "add", "path": ENTERPRISE, "value": "x" }])), Some(ScimType::InvalidValue));
}

#[test]
fn an_alias_is_written_where_it_leads() {
    let patched = patch(
        json!([{ "op": "replace", "path": format!("{ENTERPRISE}:accountLocked"), "value": "true" }, { "op": "add", "value": { ENTERPRISE: { "askPassword": "true" } } }]),
    );
    assert_eq!(patched[WSO2], json!({ "askPassword": true, "accountLocked": true }));
}

#[test]
fn lists_of_simple_values() {
    let add = |value: Value| json!({ "op": "add", "path": format!("{WSO2}:emailAddresses"), "value": value });
    let emails = |operations: Value| patch(operations).get(WSO2).map(|extension| extension["emailAddresses"].clone());
    assert_eq!(
        emails(json!([add(json!(["a", "b"])), add(json!("A")), add(json!(["c"]))])),
        Some(json!(["a", "b", "c"]))
    );
    assert_eq!(
        emails(
            json!([add(json!(["a", "b"])), { "op": "remove", "path": format!("{WSO2}:emailAddresses"), "value": ["A"] }])
        ),
        Some(json!(["b"]))
    );
    assert_eq!(
        emails(
            json!([add(json!(["a", "b"])), { "op": "remove", "path": format!("{WSO2}:emailAddresses[value sw \"b\"]") }])
        ),
        Some(json!(["a"]))
    );
    assert_eq!(
        emails(
            json!([add(json!(["a", "b"])), { "op": "replace", "path": format!("{WSO2}:emailAddresses[value eq \"b\"]"), "value": "x" }])
        ),
        Some(json!(["a", "x"]))
    );
    assert_eq!(emails(json!([add(json!(["a"])), { "op": "remove", "path": format!("{WSO2}:emailAddresses") }])), None);
}

#[test]
fn immutable_attributes_are_written_once() {
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": "urn:x:t", "attributes": [
        { "name": "serial", "mutability": "immutable" }, { "name": "tags", "multiValued": true, "mutability": "immutable" },
        { "name": "owner", "type": "complex", "subAttributes": [{ "name": "value", "mutability": "immutable", "required": true }, { "name": "note" }] }] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
    registry
        .add_resource_type(&json!({ "name": "T", "endpoint": "/Ts", "schema": "urn:x:t" }))
        .expect("a new resource type");
    let kind = registry.resource_type("T").expect("the new resource type");
    let on = |current: Value, operation: Value| {
        let current = read(kind, current).expect("valid");
        apply(kind, &current, &request(json!([operation]))).map_err(|error| error.scim_type)
    };
    let set = json!({ "op": "add", "path": "serial", "value": "S1" });
    assert_eq!(on(json!({}), set.clone()).map(|document| document["serial"].clone()), Ok(json!("S1")));
    assert!(on(json!({ "serial": "s1" }), set.clone()).is_ok(), "equal");
    assert_eq!(on(json!({ "serial": "S2" }), set), Err(Some(ScimType::Mutability)));
    assert_eq!(
        on(json!({ "serial": "S2" }), json!({ "op": "remove", "path": "serial" })),
        Err(Some(ScimType::Mutability))
    );
    assert_eq!(
        on(json!({ "tags": ["a"] }), json!({ "op": "add", "path": "tags", "value": ["b"] })),
        Err(Some(ScimType::Mutability))
    );
    assert!(on(json!({ "tags": ["a"] }), json!({ "op": "add", "path": "tags", "value": ["a"] })).is_ok());
    let owned = json!({ "owner": { "value": "o" } });
    assert_eq!(
        on(owned.clone(), json!({ "op": "replace", "path": "owner.value", "value": "p" })),
        Err(Some(ScimType::Mutability))
    );
    assert_eq!(on(owned.clone(), json!({ "op": "remove", "path": "owner" })), Err(Some(ScimType::Mutability)));
    assert!(on(owned, json!({ "op": "replace", "path": "owner", "value": { "note": "n" } })).is_ok());
    assert_eq!(
        on(json!({}), json!({ "op": "add", "path": "owner.note", "value": "n" })),
        Err(Some(ScimType::InvalidValue)),
        "its value is required"
    );
    assert_eq!(patch_group_error("members[value eq \"u1\"].value"), Some(ScimType::Mutability));
}

fn patch_group_error(path: &str) -> Option<ScimType> {
    apply(resource_type("Group"), &group(&["u1"]), &request(json!([{ "op": "replace", "path": path, "value": "u2" }])))
        .expect_err("an error")
        .scim_type
}

// Attributes stored elsewhere.

#[test]
fn operations_on_members_are_taken_out_in_order() {
    let mut patch = Patch::parse(
        resource_type("Group"),
        &request(json!([
            { "op": "Add", "path": "members", "value": [{ "value": "u1", "display": "d", "extra": 1 }, "u2"] },
            { "op": "replace", "path": "displayName", "value": "new" },
            { "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": "u1" }] },
            { "op": "remove", "path": "members[value eq \"u3\" or value eq \"u4\"]" },
            { "op": "remove", "path": "members[type eq \"Group\"]" },
            { "op": "replace", "value": { "members": [] } },
            { "op": "add", "path": "members", "value": [] },
            { "op": "remove", "path": "members" },
            { "op": "replace", "path": "members[value eq \"u5\"]", "value": { "value": "u6" } },
        ])),
    )
    .expect("a valid request");
    let members = resource_type("Group").resolve_attribute("members").expect("groups have members");
    assert!(patch.touches("members.value"));
    let ops = patch.take_value_ops(&members).expect("operations that can be done elsewhere");
    let named = |ids: &[&str]| ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>();
    assert_eq!(ops[0], ValueOp::Add(vec![json!({ "value": "u1", "display": "d" }), json!({ "value": "u2" })]));
    assert_eq!(ops[1], ValueOp::Remove(named(&["u1"])));
    assert_eq!(ops[2], ValueOp::Remove(named(&["u3", "u4"])));
    assert!(matches!(&ops[3], ValueOp::RemoveMatching(filter) if filter.matches_value(&json!({ "type": "Group" }))));
    assert_eq!(
        ops[4..],
        [
            ValueOp::Replace(Vec::new()),
            ValueOp::RemoveAll,
            ValueOp::ReplaceSelected { selected: vec!["u5".to_owned()], by: named(&["u6"]) },
        ]
    );
    assert!(!patch.touches("members"));
    assert_eq!(patch.apply(&group(&[])).map(|group| group["displayName"].clone()), Ok(json!("new")));
}

#[test]
fn parts_of_members_cannot_be_changed_elsewhere() {
    let members = resource_type("Group").resolve_attribute("members").expect("groups have members");
    let ops = |operation: Value| {
        let mut patch = Patch::parse(resource_type("Group"), &request(json!([operation]))).expect("a valid request");
        patch.take_value_ops(&members).map_err(|error| error.scim_type)
    };
    assert_eq!(ops(json!({ "op": "remove", "path": "members.type" })), Err(Some(ScimType::Mutability)));
    // Whether the filter selects anything is told first, and only the members know.
    for (path, why) in [
        ("members[value eq \"u1\"].display", ScimType::Mutability),
        ("members[type eq \"User\"].value", ScimType::Mutability),
        ("members[type eq \"User\"]", ScimType::InvalidPath),
    ] {
        let ops = ops(json!({ "op": "replace", "path": path, "value": "x" })).expect("operations");
        assert!(matches!(ops.as_slice(), [ValueOp::Refuse(_, error)] if error.scim_type == Some(why)), "{path}");
    }
}

#[test]
fn a_document_takes_a_thousand_operations_and_members_any_number() {
    let operations = |operation: Value, count: usize| request(vec![operation; count].into());
    let title = json!({ "op": "add", "path": "title", "value": "t" });
    assert!(apply(resource_type("User"), &babs(), &operations(title.clone(), MAX_OPERATIONS)).is_ok());
    assert_eq!(
        apply(resource_type("User"), &babs(), &operations(title, MAX_OPERATIONS + 1)).map_err(|error| error.status),
        Err(413)
    );
    let member = json!({ "op": "add", "path": "members", "value": "u" });
    let mut patch =
        Patch::parse(resource_type("Group"), &operations(member, MAX_OPERATIONS + 1)).expect("a valid request");
    let members = resource_type("Group").resolve_attribute("members").expect("groups have members");
    assert_eq!(patch.take_value_ops(&members).map(|ops| ops.len()), Ok(MAX_OPERATIONS + 1));
    assert!(patch.is_empty() && patch.apply(&group(&[])).is_ok());
}

#[test]
fn a_long_list_is_patched_in_reasonable_time() {
    let ids: Vec<String> = (0..5_000).map(|id| format!("u{id}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let listed: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    assert!(patch_group(&ids, json!([{ "op": "add", "path": "members", "value": listed }, { "op": "remove", "path": "members", "value": listed }])).is_empty());
}
