//! What a bulk request comes to.

use proptest::prelude::*;
use serde_json::json;

use crate::bulk::*;

fn plan(operations: Value) -> Plan {
    Plan::parse(Registry::example(), json!({ "schemas": [BULK_REQUEST_SCHEMA], "Operations": operations }))
        .expect("a bulk request")
}

fn statuses(operations: Value) -> Vec<u16> {
    plan(operations)
        .operations
        .iter()
        .map(|planned| planned.operation.as_ref().map_or_else(|error| error.status, |_| 0))
        .collect()
}

fn post(bulk_id: &str, refers_to: &[&str]) -> Value {
    let members: Vec<Value> = refers_to.iter().map(|id| json!({ "value": format!("bulkId:{id}") })).collect();
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": { "displayName": bulk_id, "members": members } })
}

#[test]
fn operations_are_read() {
    let plan = plan(json!([
        { "method": "post", "path": "/Users", "bulkId": "q", "data": { "userName": "u" } },
        { "method": "PUT", "path": "/Users/1", "version": "W/\"1\"", "data": {} },
        { "method": "PATCH", "path": "Groups/bulkId:q", "bulkId": "own name", "data": {} },
        { "method": "DELETE", "path": "/Groups/2/", "data": null },
    ]));
    let operations: Vec<&Operation> =
        plan.operations.iter().filter_map(|planned| planned.operation.as_ref().ok()).collect();
    assert_eq!(operations.len(), 4);
    assert_eq!(
        (operations[0].method, &operations[0].id, operations[0].endpoint.as_str()),
        (Method::Post, &ResourceId::New, "/Users")
    );
    assert_eq!(
        (&operations[1].id, operations[1].version.as_deref()),
        (&ResourceId::Existing("1".into()), Some("W/\"1\""))
    );
    assert_eq!((&operations[2].id, &operations[2].references), (&ResourceId::Created("q".into()), &vec![0]));
    assert_eq!((&operations[3].id, &operations[3].data), (&ResourceId::Existing("2".into()), &Value::Null));
    assert_eq!(plan.operations[2].bulk_id.as_deref(), Some("own name"));
}

#[test]
fn one_bad_operation_harms_no_other() {
    let good = || post("a", &[]);
    assert_eq!(statuses(json!([good(), 1])), [0, 400]);
    assert_eq!(statuses(json!([good(), { "method": "GET", "path": "/Users/1" }])), [0, 400]);
    assert_eq!(statuses(json!([good(), { "method": "DELETE" }])), [0, 400]);
    assert_eq!(statuses(json!([good(), { "method": "POST", "path": "/Users", "data": {} }])), [0, 400], "no bulkId");
    assert_eq!(statuses(json!([good(), { "method": "POST", "path": "/Users", "bulkId": "b" }])), [0, 400], "no data");
    assert_eq!(statuses(json!([good(), { "method": "DELETE", "path": "/Nope/1" }])), [0, 404]);
    assert_eq!(statuses(json!([good(), { "method": "DELETE", "path": "/Users/1/x" }])), [0, 404]);
    assert_eq!(statuses(json!([good(), { "method": "DELETE", "path": "/Users" }])), [0, 405]);
    assert_eq!(
        statuses(json!([good(), { "method": "POST", "path": "/Users/1", "bulkId": "b", "data": {} }])),
        [0, 405]
    );
    assert_eq!(statuses(json!([good(), { "method": "DELETE", "path": "/Users/1", "version": 1 }])), [0, 400]);
    assert_eq!(statuses(json!([post("a", &["nobody"]), post("b", &["c"]), post("c", &[])])), [409, 0, 0]);
    assert_eq!(
        statuses(json!([post("a", &[]), post("a", &[]), post("b", &["a"]), post("c", &[])])),
        [400, 400, 409, 0],
        "a bulkId twice"
    );
}

#[test]
fn references_may_point_forwards_backwards_and_in_circles() {
    let order = |operations: Value| plan(operations).order();
    assert_eq!(order(json!([post("a", &[]), post("b", &[]), post("c", &[])])), [[0], [1], [2]]);
    assert_eq!(order(json!([post("a", &["c"]), post("b", &[]), post("c", &["b"])])), [[1], [2], [0]]);
    assert_eq!(order(json!([post("a", &["b"]), post("b", &["a"]), post("c", &["a", "b"])])), [vec![0, 1], vec![2]]);
    assert_eq!(order(json!([post("a", &["a"])])), [[0]]);
    let chain: Vec<Value> = (0..MAX_OPERATIONS)
        .map(|index| post(&index.to_string(), &[&(index + 1).min(MAX_OPERATIONS - 1).to_string()]))
        .collect();
    assert_eq!(order(chain.into())[0], [MAX_OPERATIONS - 1]);
}

#[test]
fn references_become_ids() {
    let mut data = json!({ "members": [{ "value": "bulkId:a" }, { "value": "bulkId:b" }, { "value": "x" }], "note": "a bulkId:a in a sentence" });
    resolve(&mut data, &|id| (id == "a").then(|| "42".to_owned()));
    assert_eq!(
        data,
        json!({ "members": [{ "value": "42" }, { "value": "bulkId:b" }, { "value": "x" }], "note": "a bulkId:a in a sentence" })
    );
}

#[test]
fn a_request_must_have_its_shape() {
    let parse = |body: Value| Plan::parse(Registry::example(), body).map_err(|error| error.status);
    for body in [
        json!([]),
        json!({}),
        json!({ "Operations": [] }),
        json!({ "schemas": ["urn:x"], "Operations": [post("a", &[])] }),
        json!({ "failOnErrors": "1", "Operations": [post("a", &[])] }),
        json!({ "failOnErrors": -1, "Operations": [post("a", &[])] }),
    ] {
        assert_eq!(parse(body.clone()), Err(400), "{body}");
    }
    let many = |count: usize| json!({ "operations": (0..count).map(|index| post(&index.to_string(), &[])).collect::<Vec<_>>() });
    assert_eq!(parse(many(MAX_OPERATIONS)).map(|plan| plan.operations.len()), Ok(MAX_OPERATIONS));
    assert_eq!(parse(many(MAX_OPERATIONS + 1)), Err(413));
    assert_eq!(
        parse(json!({ "failOnErrors": 3, "Operations": [post("a", &[])] })).map(|plan| plan.fail_on_errors),
        Ok(Some(3))
    );
}

proptest! {
    #[test]
    fn every_operation_is_ordered_once_and_after_what_it_refers_to(edges in prop::collection::vec((0..12_usize, 0..12_usize), 0..30)) {
        let references: Vec<Vec<usize>> = (0..12).map(|from| edges.iter().filter(|(start, _)| *start == from).map(|(_, end)| *end).collect()).collect();
        let groups = order(12, |index| &references[index]);
        let place = |index: usize| groups.iter().position(|group| group.contains(&index));
        let mut all = groups.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..12).collect::<Vec<_>>());
        for (from, end) in &edges {
            prop_assert!(place(*end) <= place(*from));
        }
    }
}
