//! Names, values and lists of members as real clients write them.

use serde_json::json;

use super::*;
use crate::filter::Filter;
use crate::query::ListRequest;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The built-in schemas, and extensions of users with these attributes.
fn registry_with(extensions: &[(&str, Value)]) -> Registry {
    let mut registry = Registry::example().clone();
    for (urn, attributes) in extensions {
        let schema = json!({ "id": urn, "name": "Custom", "attributes": attributes });
        registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new schema");
        registry.extend_resource_type("User", urn, false).expect("an extension");
    }
    registry
}

#[test]
fn members_that_name_nobody_are_refused() {
    let members = resource_type("Group").resolve_attribute("members").expect("groups have members");
    let ops = |operation: Value| {
        let mut patch = Patch::parse(resource_type("Group"), &request(json!([operation]))).expect("a valid request");
        patch.take_value_ops(&members).map_err(|error| error.scim_type)
    };
    let nobody = [
        json!({ "display": "kim" }),
        json!({ "id": "u1" }),
        json!({}),
        json!(""),
        json!([null]),
        json!([[]]),
        json!([{}]),
        json!([""]),
        json!([{ "value": null }]),
        json!([{ "value": "" }]),
        json!([{ "value": [] }]),
        json!([{ "value": "u1" }, { "display": "kim" }]),
        json!([{ "type": "User", "$ref": null }]),
    ];
    for value in nobody {
        for kind in ["add", "replace"] {
            for operation in [
                json!({ "op": kind, "path": "members", "value": value }),
                json!({ "op": kind, "value": { "Members": value } }),
                json!({ "op": kind, "value": { format!("{GROUP}:members"): value } }),
            ] {
                assert_eq!(ops(operation.clone()), Err(Some(ScimType::InvalidValue)), "{operation}");
            }
        }
        let body = json!({ "displayName": "g", "members": value });
        let error = resource::read(resource_type("Group"), body).expect_err("nobody is named");
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{value}");
        // What is to go need not be said in full, and nothing goes that is not named.
        let removed = ops(json!({ "op": "remove", "path": "members", "value": value })).expect("operations");
        assert!(!removed.contains(&ValueOp::RemoveAll) && removed.len() < 2, "{value}");
    }
    let reference = json!([{ "$ref": "../Users/u1", "display": "kim" }]);
    let added = ops(json!({ "op": "add", "path": "members", "value": reference })).expect("a reference");
    assert!(matches!(added.as_slice(), [ValueOp::Add(values)] if values[0]["$ref"] == "../Users/u1"));
    for nothing in [json!([]), json!(null)] {
        let replaced = ops(json!({ "op": "replace", "path": "members", "value": nothing }));
        assert_eq!(replaced, Ok(vec![ValueOp::Replace(Vec::new())]));
    }
    let by_filter = |value: Value| {
        ops(json!({ "op": "replace", "path": "members[value eq u1]", "value": value })).expect("operations")
    };
    let selected = vec!["u1".to_owned()];
    for (value, by) in [
        (json!({ "display": "kim" }), vec![json!({ "value": "u1", "display": "kim" })]),
        (json!({ "value": null }), vec![json!({ "value": "u1" })]),
        (json!({ "Value": "u2" }), vec![json!({ "value": "u2" })]),
        (json!("u2"), vec![json!({ "value": "u2" })]),
        (json!([]), Vec::new()),
    ] {
        let expected = vec![ValueOp::ReplaceSelected { selected: selected.clone(), by }];
        assert_eq!(by_filter(value.clone()), expected, "{value}");
    }
    for value in [json!(null), json!(""), json!("  ")] {
        let replaced = by_filter(value.clone());
        assert!(
            matches!(replaced.as_slice(), [ValueOp::Refuse(_, error)] if error.scim_type == Some(ScimType::InvalidValue))
        );
        let added = ops(json!({ "op": "add", "path": "members[value eq u1]", "value": value }));
        assert_eq!(added, Err(Some(ScimType::InvalidValue)), "{value}");
    }
}

#[test]
fn simple_values_in_a_wrapping_are_taken_out_of_it() {
    let custom = "urn:example:User";
    let registry = registry_with(&[(
        custom,
        json!([
            { "name": "devices", "type": "string", "multiValued": true },
            { "name": "levels", "type": "integer", "multiValued": true },
        ]),
    )]);
    let user = registry.resource_type("User").expect("users");
    let devices = format!("{custom}:devices");
    let start = json!({ "userName": "u", custom: { "devices": ["1", "2"] } });
    let start = resource::read(user, start).expect("a user");
    let after = |operation: Value| -> Result<Value, Option<ScimType>> {
        let after = apply(user, &start, &request(json!([operation]))).map_err(|error| error.scim_type)?;
        Ok(after.get(custom).map(|custom| custom["devices"].clone()).unwrap_or_default())
    };
    for (kind, value, expected) in [
        ("Add", json!([{ "value": "3" }]), json!(["1", "2", "3"])),
        ("Add", json!({ "value": "3" }), json!(["1", "2", "3"])),
        (
            "Add",
            json!([{ "$ref": null, "Value": "3" }, "4", { "value": ["5", "1"] }]),
            json!(["1", "2", "3", "4", "5"]),
        ),
        ("Replace", json!([{ "value": "3" }]), json!(["3"])),
        ("Replace", json!({ "value": ["3", "4"] }), json!(["3", "4"])),
        ("Remove", json!([{ "value": "1" }]), json!(["2"])),
        ("Remove", json!({ "value": "2" }), json!(["1"])),
        ("Remove", json!([{ "value": "1" }, { "value": "9" }, "2"]), json!(null)),
    ] {
        for operation in [
            json!({ "op": kind, "path": devices, "value": value }),
            json!({ "op": kind, "path": "devices", "value": value }),
        ] {
            assert_eq!(after(operation.clone()), Ok(expected.clone()), "{operation}");
        }
        if kind != "Remove" {
            for key in
                [json!({ &devices: value }), json!({ custom: { "devices": value } }), json!({ "devices": value })]
            {
                let operation = json!({ "op": kind, "value": key });
                assert_eq!(after(operation.clone()), Ok(expected.clone()), "{operation}");
            }
        }
    }
    for wrong in [json!([{ "display": "x" }]), json!([{ "value": {} }]), json!([{ "value": 1 }])] {
        let operation = json!({ "op": "add", "path": devices, "value": wrong });
        assert_eq!(after(operation.clone()), Err(Some(ScimType::InvalidValue)), "{operation}");
    }
}

#[test]
fn names_without_a_urn_are_those_of_the_extension_that_has_them() {
    let start = read(resource_type("User"), json!({ "userName": "u" })).expect("a user");
    let after = |operation: Value| apply(resource_type("User"), &start, &request(json!([operation])));
    for operation in [
        json!({ "op": "add", "path": "department", "value": "x" }),
        json!({ "op": "replace", "path": "DEPARTMENT", "value": "x" }),
        json!({ "op": "add", "value": { "department": "x" } }),
        json!({ "op": "replace", "value": { "Department": "x", "unknown": 1 } }),
    ] {
        assert_eq!(
            after(operation.clone()).map(|user| user[ENTERPRISE]["department"].clone()),
            Ok(json!("x")),
            "{operation}"
        );
    }
    for operation in [
        json!({ "op": "add", "path": "manager.value", "value": "m" }),
        json!({ "op": "add", "path": "manager", "value": "m" }),
        json!({ "op": "add", "value": { "manager.value": "m" } }),
        json!({ "op": "add", "value": { "manager": { "value": "m" } } }),
    ] {
        assert_eq!(
            after(operation.clone()).map(|user| user[ENTERPRISE]["manager"]["value"].clone()),
            Ok(json!("m")),
            "{operation}"
        );
    }
    for (path, named) in [
        ("nickname2", "nickname2"),
        ("emails.nope", "emails.nope"),
        ("emails[type eq \"work\"].nope", "emails"),
        ("urn:gone:User:badge", "urn:gone:User:badge"),
    ] {
        let error = after(json!({ "op": "add", "path": path, "value": "x" })).expect_err(path);
        assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
        assert!(error.detail.contains(named), "{}", error.detail);
    }
}

#[test]
fn a_name_of_two_extensions_is_refused_and_both_are_named() {
    let attributes = json!([
        { "name": "badge", "type": "string" },
        { "name": "list", "type": "complex", "multiValued": true, "subAttributes": [{ "name": "value", "type": "string" }] },
    ]);
    let registry = registry_with(&[("urn:example:one", attributes.clone()), ("urn:example:two", attributes)]);
    let user = registry.resource_type("User").expect("users");
    let start = resource::read(user, json!({ "userName": "u" })).expect("a user");
    let says_both = |error: Error, kind: ScimType| {
        assert_eq!((error.status, error.scim_type), (400, Some(kind)));
        assert!(error.detail.contains("'urn:example:one' and 'urn:example:two'"), "{}", error.detail);
    };
    for operation in [
        json!({ "op": "add", "path": "badge", "value": "x" }),
        json!({ "op": "remove", "path": "BADGE" }),
        json!({ "op": "replace", "path": "list[value eq \"x\"].value", "value": "x" }),
        json!({ "op": "add", "value": { "badge": "x" } }),
    ] {
        says_both(apply(user, &start, &request(json!([operation]))).expect_err("ambiguous"), ScimType::InvalidPath);
    }
    for filter in ["badge eq \"x\"", "not (badge pr)", "list[value eq x]", "list[value pr].value eq x", "list.value pr"]
    {
        says_both(Filter::parse(user, filter).expect_err(filter), ScimType::InvalidFilter);
        says_both(Filter::parse_for_any([&**user], filter).expect_err(filter), ScimType::InvalidFilter);
    }
    for pairs in [[("sortBy", "badge")], [("attributes", "badge")], [("excludedAttributes", "userName,badge")]] {
        let kind = if pairs[0].0 == "sortBy" { ScimType::InvalidPath } else { ScimType::InvalidValue };
        let request = ListRequest::from_pairs(pairs).expect("well formed");
        says_both(request.resolve(user).expect_err("ambiguous"), kind);
        says_both(request.resolve_for_any(std::slice::from_ref(user)).expect_err("ambiguous"), kind);
    }
    // With its URN each of them is reached.
    let operation = json!({ "op": "add", "path": "urn:example:two:badge", "value": "x" });
    assert!(apply(user, &start, &request(json!([operation]))).is_ok());
}
