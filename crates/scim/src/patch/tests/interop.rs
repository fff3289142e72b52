//! What real clients send, by row of the interop sheet.

use super::*;

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
