//! Properties of PATCH, whatever the document and the operations.

use proptest::prelude::*;
use serde_json::Map;

use super::*;

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
