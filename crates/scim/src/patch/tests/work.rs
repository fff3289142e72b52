//! What a PATCH costs, in units of work: by what its operations touch, not by what there is.

use serde_json::{Value, json};

use super::*;
use crate::work::{MAX_WORK, Work};

/// A user with so many addresses, each of the type `work`.
fn user(addresses: usize) -> Document {
    let emails: Vec<Value> =
        (0..addresses).map(|number| json!({ "value": format!("u{number}@example.com"), "type": "work" })).collect();
    let user = json!({ "schemas": [], "userName": "kim", "emails": emails });
    resource::read(kind(), user).expect("a user")
}

fn kind() -> &'static Arc<ResourceType> {
    Registry::example().resource_type("User").expect("users")
}

/// The document after these operations, and what they cost.
fn patched(document: &Document, operations: Vec<Value>) -> (Result<Document, Error>, usize) {
    let work = Work::default();
    let patch = Patch::parse(kind(), &json!({ "Operations": operations })).expect("a PATCH");
    let patched = patch.apply_within(document, &work);
    (patched, work.done())
}

fn emails(document: &Document) -> usize {
    document.get("emails").and_then(Value::as_array).map_or(0, Vec::len)
}

#[test]
fn an_operation_costs_the_same_whatever_the_number_of_values() {
    let each = |operation: fn(usize) -> Value| (0..1_000).map(operation).collect::<Vec<_>>();
    let operations = [
        each(|n| json!({ "op": "add", "path": "emails", "value": [{ "value": format!("n{n}@example.com") }] })),
        each(|_| json!({ "op": "add", "path": "emails", "value": [{ "value": "one@example.com", "type": "home" }] })),
        each(|n| json!({ "op": "remove", "path": format!("emails[value eq \"U{n}@example.com\"]") })),
        each(
            |n| json!({ "op": "remove", "path": format!("emails[type eq \"work\" and value eq \"u{n}@example.com\"]") }),
        ),
        each(|n| json!({ "op": "remove", "path": "emails", "value": [{ "value": format!("u{n}@example.com") }] })),
        each(
            |n| json!({ "op": "replace", "path": format!("emails[value eq \"u{}@example.com\"].display", n % 10), "value": "x" }),
        ),
        each(|n| json!({ "op": "remove", "path": format!("emails[type eq \"t{n}\"]") })),
        each(
            |n| json!({ "op": "add", "path": "emails", "value": [{ "value": format!("u{n}@example.com"), "type": "work", "primary": true }] }),
        ),
        each(|n| json!({ "op": "replace", "value": { "nickName": format!("n{n}") } })),
    ];
    for operations in operations {
        let first = operations[0].clone();
        let [(_, few), (done, many)] = [10, 3_000].map(|addresses| patched(&user(addresses), operations.clone()));
        done.expect("within the bound");
        assert!(few <= 30_000 && many <= 30_000, "{few} and {many} for {first}");
    }
}

#[test]
fn what_looks_at_every_value_is_refused_when_it_has_looked_too_often() {
    let full = user(1_000);
    let looks = |count: usize| vec![json!({ "op": "remove", "path": "emails[value co \"nobody\"]" }); count];
    let (done, work) = patched(&full, looks(MAX_WORK / 1_000));
    assert_eq!((done.map(|document| emails(&document)), work), (Ok(1_000), MAX_WORK));
    let (done, work) = patched(&full, looks(MAX_WORK / 1_000 + 1));
    let refused = done.expect_err("above the bound");
    assert_eq!((refused.status, refused.scim_type), (400, Some(crate::ScimType::TooMany)));
    assert!(work <= MAX_WORK + 100, "{work}");
}

#[test]
fn nothing_goes_on_for_long_beyond_the_bound() {
    let full = user(1_000);
    let many_terms = (0..50).map(|n| format!("value co \"none{n}\"")).collect::<Vec<_>>().join(" or ");
    let long = "x".repeat(100_000);
    let requests = [
        vec![json!({ "op": "remove", "path": format!("emails[{many_terms}]") }); 150],
        vec![json!({ "op": "replace", "path": "emails.display", "value": "x" }); 1_000],
        vec![json!({ "op": "replace", "path": "emails[type eq \"work\"].display", "value": "x" }); 1_000],
        vec![json!({ "op": "add", "path": "emails[type eq \"work\"]", "value": { "display": "x" } }); 1_000],
        vec![json!({ "op": "replace", "path": "emails.display", "value": long })],
        vec![json!({ "op": "remove", "path": "emails[not (value co \"é\") and display co \"é\"]" }); 1_000],
    ];
    for operations in requests {
        let first = operations[0].to_string();
        let (done, work) = patched(&full, operations);
        assert_eq!(done.expect_err("above the bound").scim_type, Some(crate::ScimType::TooMany), "{}", &first[..100]);
        assert!(work <= MAX_WORK + 20_000, "{work} for {}", &first[..100]);
    }
}

#[test]
fn a_list_that_is_read_only_is_compared_in_any_order_at_no_more_than_its_bound() {
    let groups = |order: &mut dyn Iterator<Item = usize>| -> Vec<Value> {
        order.map(|number| json!({ "value": format!("g{number}") })).collect()
    };
    let mut document = user(0);
    document.insert("groups".to_owned(), json!(groups(&mut (0..3_000))));
    for said in [groups(&mut (0..3_000)), groups(&mut (0..3_000).rev())] {
        let (done, work) = patched(&document, vec![json!({ "op": "replace", "path": "groups", "value": said })]);
        assert_eq!(done.expect("within the bound")["groups"], document["groups"]);
        assert!(work < 100_000, "{work}");
    }
    let vague: Vec<Value> = vec![json!({ "display": "x" }); 3_000];
    let (done, work) = patched(&document, vec![json!({ "op": "replace", "path": "groups", "value": vague })]);
    done.expect_err("above the bound");
    assert!(work <= MAX_WORK + 100, "{work}");
}

#[test]
fn a_urn_stands_for_no_more_steps_than_can_be_applied() {
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    let operations = vec![json!({ "op": "remove", "path": urn }); 1_000];
    assert_eq!(Patch::parse(kind(), &json!({ "Operations": operations })).expect_err("above the bound").status, 413);
}
