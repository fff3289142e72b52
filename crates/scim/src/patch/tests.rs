//! PATCH as the RFC tells it, as real clients send it (interop sheet, by row), and as properties.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, json};

use crate::error::ScimType;
use crate::patch::*;
use crate::resource::read;
use crate::schema::{Registry, Schema};

mod clients;
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

// The interop sheet.

#[test]
fn p01_operations_are_named_in_any_case() {
    assert_eq!(patch(json!([{ "op": "Replace", "path": "displayName", "value": "x" }]))["displayName"], "x");
    assert_eq!(patch(json!([{ "OP": "ADD", "Path": "displayName", "Value": "x" }]))["displayName"], "x");
    assert_eq!(patch(json!([{ "op": "Remove", "path": "name" }])).get("name"), None);
    assert_eq!(
        apply(resource_type("User"), &babs(), &json!({ "operations": [{ "op": "remove", "path": "name" }] }))
            .map(|user| user.contains_key("name")),
        Ok(false)
    );
}

#[test]
fn p02_booleans_may_be_quoted() {
    assert_eq!(patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]))["active"], false);
    assert_eq!(refused(json!([{ "op": "Replace", "path": "active", "value": "no" }])), Some(ScimType::InvalidValue));
}

#[test]
fn p03_a_value_of_a_canonical_type_is_made() {
    let patched = patch(json!([{ "op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "1" }]));
    assert_eq!(patched["phoneNumbers"], json!([{ "value": "1", "type": "work" }]));
    let patched = patch(json!([{ "op": "Add", "path": "emails[type eq \"OTHER\"].value", "value": "o@x" }]));
    assert_eq!(patched["emails"][2], json!({ "value": "o@x", "type": "other" }));
    let patched = patch(
        json!([{ "op": "Add", "path": "addresses[type eq \"work\"].country", "value": "DE" }, { "op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "B" }]),
    );
    assert_eq!(patched["addresses"], json!([{ "locality": "B", "country": "DE", "type": "work" }]));
}

#[test]
fn p03b_replace_makes_one_too_but_only_of_a_canonical_type() {
    let patched = patch(json!([{ "op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1" }]));
    assert_eq!(patched["phoneNumbers"], json!([{ "value": "1", "type": "mobile" }]));
    for path in [
        "emails[type eq \"x\"].value",
        "emails[value eq \"nobody\"].display",
        "emails[type eq \"other\" and primary eq true].value",
        "emails[type eq \"x\"]",
        "roles[type eq \"work\"].value",
        "emails[type ne \"work\" and type ne \"home\"].value",
        "phoneNumbers[primary eq true].value",
    ] {
        assert_eq!(
            refused(json!([{ "op": "replace", "path": path, "value": "v" }])),
            Some(ScimType::NoTarget),
            "{path}"
        );
    }
}

#[test]
fn entra_adds_the_only_role_by_primary() {
    let patched = patch(json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin" }]));
    assert_eq!(patched["roles"], json!([{ "value": "admin", "primary": true }]));
}

#[test]
fn p04_extension_attributes_by_urn() {
    for path in [
        format!("{ENTERPRISE}:employeeNumber"),
        format!("{ENTERPRISE}.employeeNumber"),
        format!("{}:EMPLOYEENUMBER", ENTERPRISE.to_uppercase()),
    ] {
        assert_eq!(patch(json!([{ "op": "Add", "path": path, "value": "7" }]))[ENTERPRISE]["employeeNumber"], "7");
    }
    let patched = patch(json!([{ "op": "add", "path": format!("{WSO2}:preferredChannel"), "value": "EMAIL" }]));
    assert_eq!(patched["schemas"], json!([CORE, ENTERPRISE, WSO2]));
    let patched = patch(
        json!([{ "op": "remove", "path": format!("{ENTERPRISE}:department") }, { "op": "remove", "path": format!("{ENTERPRISE}:manager") }]),
    );
    assert_eq!((patched["schemas"].clone(), patched.get(ENTERPRISE)), (json!([CORE]), None));
}

#[test]
fn p05_a_manager_is_a_string_or_nothing() {
    let manager = |value: Value| {
        patch(json!([{ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": value }]))[ENTERPRISE]
            .get("manager")
            .cloned()
    };
    assert_eq!(manager(json!("m2")), Some(json!({ "value": "m2" })), "the old $ref goes with the old value");
    assert_eq!(manager(json!({ "Value": "m2" })), Some(json!({ "value": "m2" })));
    assert_eq!(
        manager(json!({ "value": "m2", "$ref": "../Users/m2", "displayName": "ignored" })),
        Some(json!({ "value": "m2", "$ref": "../Users/m2" }))
    );
    assert_eq!(manager(json!("")), None);
    assert_eq!(manager(json!(null)), None);
    assert_eq!(manager(json!({ "value": "" })), None);
    let patched = patch(json!([{ "op": "Replace", "path": format!("{ENTERPRISE}:manager.value"), "value": "m2" }]));
    assert_eq!(patched[ENTERPRISE]["manager"], json!({ "value": "m2" }));
    assert_eq!(
        patch(json!([{ "op": "Remove", "path": format!("{ENTERPRISE}:manager"), "value": "m1" }]))[ENTERPRISE]
            .get("manager"),
        None
    );
}

#[test]
fn p06_keys_of_a_pathless_value_are_paths() {
    let value = json!({
        "displayName": "B", "name.givenName": "K", format!("{ENTERPRISE}:employeeNumber"): "A", "emails[type eq \"work\"].value": "k@work",
        format!("{ENTERPRISE}:manager.value"): "m2", "phoneNumbers[type eq \"mobile\"].value": "5",
    });
    let patched = patch(json!([{ "op": "replace", "value": value }]));
    assert_eq!(patched["displayName"], "B");
    assert_eq!(patched["name"], json!({ "familyName": "Jensen", "givenName": "K" }));
    assert_eq!(patched["emails"][0]["value"], "k@work");
    assert_eq!(patched[ENTERPRISE], json!({ "employeeNumber": "A", "department": "d", "manager": { "value": "m2" } }));
    assert_eq!(patched["phoneNumbers"], json!([{ "value": "5", "type": "mobile" }]));
}

#[test]
fn p07_a_pathless_value_is_an_object_of_attributes() {
    assert_eq!(patch(json!([{ "op": "replace", "value": { "active": false } }]))["active"], false);
    let patched = patch(
        json!([{ "op": "add", "path": "", "value": { "Active": "False", "nickname": "B", ENTERPRISE: { "Department": "e" }, "schemas": ["x"], "unknown": 1 } }]),
    );
    assert_eq!(
        (&patched["active"], &patched["nickName"], &patched[ENTERPRISE]["department"]),
        (&json!(false), &json!("B"), &json!("e"))
    );
    for value in [json!("x"), json!([]), json!(null)] {
        assert_eq!(refused(json!([{ "op": "replace", "value": value }])), Some(ScimType::InvalidValue));
    }
}

#[test]
fn p15_remove_with_a_list_removes_only_what_it_lists() {
    let removed =
        |value: Value| patch_group(&["u1", "u2", "u3"], json!([{ "op": "Remove", "path": "members", "value": value }]));
    assert_eq!(removed(json!([{ "$ref": null, "value": "u1" }])), ["u2", "u3"]);
    assert_eq!(removed(json!([{ "value": "u1", "type": "Group" }, "u3"])), ["u2"]);
    assert_eq!(removed(json!({ "value": "u2" })), ["u1", "u3"]);
    assert_eq!(removed(json!("u2")), ["u1", "u3"]);
    assert_eq!(removed(json!([{ "value": "nobody" }])), ["u1", "u2", "u3"]);
    assert_eq!(removed(json!([])), ["u1", "u2", "u3"]);
    assert_eq!(removed(json!(null)), [""; 0], "null says nothing: the path alone counts");
    let patched = patch(
        json!([{ "op": "remove", "path": "emails", "value": [{ "value": "B@WORK" }, { "value": "b@home", "type": "work" }] }]),
    );
    assert_eq!(patched["emails"], json!([{ "value": "b@home", "type": "home", "primary": false }]));
}

#[test]
fn p16_remove_by_value_filter_can_be_repeated() {
    let remove = json!([{ "op": "remove", "path": "members[value eq \"u1\"]" }]);
    assert_eq!(patch_group(&["u1", "u2"], remove.clone()), ["u2"]);
    assert_eq!(patch_group(&["u2"], remove.clone()), ["u2"]);
    assert_eq!(patch_group(&[], remove), [""; 0]);
    assert_eq!(
        patch_group(
            &["u1", "u2", "u3"],
            json!([{ "op": "remove", "path": "members[value eq \"u1\" or value eq \"u3\"]" }])
        ),
        ["u2"]
    );
}

#[test]
fn p16_adding_twice_changes_nothing() {
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "u1" }] }]);
    let current = group(&["u1"]);
    assert_eq!(apply(resource_type("Group"), &current, &request(add)), Ok(current));
}

#[test]
fn p16c_replace_by_an_empty_list_empties() {
    assert_eq!(patch_group(&["u1"], json!([{ "op": "replace", "path": "members", "value": [] }])), [""; 0]);
    assert_eq!(
        patch_group(
            &["u1"],
            json!([{ "op": "replace", "value": { "members": [{ "value": "u2" }, { "value": "u2" }] } }])
        ),
        ["u2"]
    );
}

#[test]
fn p17_an_equal_read_only_value_is_ignored() {
    let patched = apply(
        resource_type("Group"),
        &group(&["u1"]),
        &request(json!([{ "op": "replace", "value": { "id": "g1", "displayName": "new" } }])),
    );
    assert_eq!(patched.map(|group| group["displayName"].clone()), Ok(json!("new")));
    let unchanged = patch(json!([
        { "op": "replace", "path": "id", "value": "2819c223" },
        { "op": "replace", "path": "meta.resourceType", "value": "User" },
        { "op": "replace", "value": { "meta": { "version": "W/\"1\"" }, "groups": [], "schemas": [CORE] } },
    ]));
    assert_eq!(unchanged, babs());
}

#[test]
fn p22_a_new_primary_value_takes_the_place_of_the_old() {
    let primaries = |operations: Value| -> Vec<(String, Value)> {
        patch(operations)["emails"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|email| (email["value"].as_str().unwrap_or_default().to_owned(), email["primary"].clone()))
            .collect()
    };
    let expected = |values: [(&str, Value); 3]| values.map(|(value, primary)| (value.to_owned(), primary)).to_vec();
    assert_eq!(
        primaries(json!([{ "op": "add", "path": "emails", "value": [{ "value": "n@x", "primary": true }] }])),
        expected([("b@work", json!(false)), ("b@home", json!(false)), ("n@x", json!(true))])
    );
    assert_eq!(
        primaries(json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True" }]))[..],
        expected([("b@work", json!(false)), ("b@home", json!(true)), ("", json!(null))])[..2]
    );
    let swapped = primaries(
        json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }, { "op": "replace", "path": "emails[type eq \"work\"].primary", "value": true }]),
    );
    assert_eq!(swapped, expected([("b@work", json!(true)), ("b@home", json!(false)), ("", json!(null))])[..2]);
}

#[test]
fn p24_a_read_only_attribute_cannot_be_changed() {
    for operation in [
        json!({ "op": "replace", "path": "id", "value": "other" }),
        json!({ "op": "remove", "path": "id" }),
        json!({ "op": "add", "path": "groups", "value": [{ "value": "g" }] }),
        json!({ "op": "replace", "path": "meta.version", "value": "x" }),
        json!({ "op": "replace", "value": { "id": "other" } }),
        json!({ "op": "replace", "path": format!("{WSO2}:accountState"), "value": "UNLOCKED" }),
        json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "M" }),
    ] {
        assert_eq!(refused(json!([operation])), Some(ScimType::Mutability), "{operation}");
    }
}

#[test]
fn p25_all_operations_or_none() {
    assert_eq!(
        refused(json!([{ "op": "replace", "path": "displayName", "value": "x" }, { "op": "remove", "path": "nope" }])),
        Some(ScimType::InvalidPath)
    );
}

#[test]
fn older_entra_wraps_simple_values() {
    assert_eq!(
        patch(json!([{ "op": "Add", "path": "nickName", "value": [{ "$ref": null, "value": "Babs" }] }]))["nickName"],
        "Babs"
    );
    assert_eq!(patch(json!([{ "op": "Replace", "path": "active", "value": [{ "value": "False" }] }]))["active"], false);
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

// Properties.

fn path_text() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "userName",
        "displayName",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq true].primary",
        "addresses[type eq \"home\"].country",
        "phoneNumbers",
        "active",
        "password",
        "id",
        "meta",
        "groups",
        "roles[value co \"a\"].display",
        "x509Certificates",
        "schemas",
        "externalId",
        "urn:scim:wso2:schema:emailAddresses",
        "urn:scim:wso2:schema:accountLocked",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:askPassword",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,20}"]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c@]{0,3}".prop_map(Value::from),
        prop::sample::select(vec!["True", "work", "2011-05-13T04:42:34Z", "YWI=", ""]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec!["value", "type", "primary", "display", "$ref", "Value", "givenName", "country"])
                .prop_map(str::to_owned),
            path_text()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn operations() -> impl Strategy<Value = Value> {
    let operation = (
        prop::sample::select(vec!["add", "Remove", "replace"]),
        prop::option::weighted(0.85, path_text()),
        prop::option::weighted(0.9, any_value()),
    )
        .prop_map(|(op, path, value)| {
            let mut operation = json!({ "op": op });
            if let Some(path) = path {
                operation["path"] = path.into();
            }
            if let Some(value) = value {
                operation["value"] = value;
            }
            operation
        });
    prop::collection::vec(operation, 1..5).prop_map(Value::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Each operation by itself, as most are refused and would hide the others.
    #[test]
    fn a_patched_document_is_one_that_could_have_been_posted(operations in operations()) {
        let kind = resource_type("User");
        let mut document = babs();
        for operation in operations.as_array().into_iter().flatten() {
            if let Ok(patched) = apply(kind, &document, &request(json!([operation]))) {
                document = patched;
            }
        }
        let mut writable = document.clone();
        writable.retain(|name, _| name != "id" && name != "meta");
        let posted = read(kind, Value::Object(document));
        prop_assert_eq!(posted.as_ref(), Ok(&writable));
        prop_assert_eq!(posted.map(|posted| Value::Object(posted).to_string()), Ok(Value::Object(writable).to_string()), "in the same order");
    }

    #[test]
    fn a_replace_can_be_repeated(path in path_text(), value in any_value()) {
        let request = request(json!([{ "op": "replace", "path": path, "value": value }]));
        if let Ok(once) = apply(resource_type("User"), &babs(), &request) {
            let again = apply(resource_type("User"), &once, &request);
            // A value filter need not select what it has just changed.
            if !path.contains('[') {
                prop_assert_eq!(again, Ok(once));
            }
        }
    }

    #[test]
    fn what_is_read_reads_the_same_again(members in prop::collection::vec((path_text(), any_value()), 0..6)) {
        let mut body: Map<String, Value> = members.into_iter().collect();
        body.insert("userName".into(), "u".into());
        let body = Value::Object(body);
        if let Ok(document) = read(resource_type("User"), body) {
            prop_assert_eq!(read(resource_type("User"), Value::Object(document.clone())), Ok(document));
        }
    }
}
