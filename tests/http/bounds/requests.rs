//! Bounds of what one request costs in all, however many operations it is made of.

use serde_json::{Value, json};

use super::Bound;
use crate::scim2::client::{Client, id};
use crate::scim2::groups::large::group_of;
use crate::support::App;

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "values that the operations of a Bulk request compare and change, together",
        largest_allowed: || comparing(200, &["200"; 200]),
        smallest_refused: || comparing(201, &[&["200"; 200][..], &["400 tooMany"]].concat()),
    },
    Bound {
        name: "bytes of stored resources that the operations of a Bulk request change, together",
        largest_allowed: || changing(32, &["200"; 32]),
        smallest_refused: || changing(33, &[&["200"; 32][..], &["400 tooMany"]].concat()),
    },
    Bound {
        name: "members that the filters of a request read, other than by id",
        largest_allowed: || selecting(2, &["200", "200"]),
        smallest_refused: || selecting(3, &["200", "200", "400 tooMany"]),
    },
];

/// The status of each operation, with its type of error.
fn outcomes(admin: &Client<'_>, operations: Vec<Value>) -> Vec<String> {
    let answer = admin.bulk(operations).is(200);
    let outcome = |result: &Value| match result["response"]["scimType"].as_str() {
        Some(kind) => format!("{} {kind}", result["status"].as_str().unwrap()),
        None => result["status"].as_str().unwrap().to_owned(),
    };
    answer["Operations"].as_array().unwrap().iter().map(outcome).collect()
}

/// The operation that does this to what is at a path.
fn patching(path: &str, operation: Value) -> Value {
    json!({ "method": "PATCH", "path": path.strip_prefix("/scim2").unwrap(), "data": { "Operations": [operation] } })
}

/// Holds PATCHes of a user that look at a thousand values each to these outcomes; what else the request does is done.
#[track_caller]
fn comparing(count: usize, expected: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    let emails: Vec<Value> = (0..1_000).map(|number| json!({ "value": format!("u{number}@example.com") })).collect();
    let user = admin.create("/scim2/Users", &json!({ "userName": "kim", "emails": emails }));
    let group = admin.create_group("staff", &[user.as_str()]);
    let looking = json!({ "op": "remove", "path": "emails[value co \"nobody\"]" });
    let mut operations = vec![patching(&user, looking); count];
    operations.push(patching(&user, json!({ "op": "replace", "path": "nickName", "value": "Kim" })));
    operations.push(patching(&group, json!({ "op": "remove", "path": "members[display eq \"kim\"]" })));
    operations.push(json!({ "method": "POST", "path": "/Users", "bulkId": "lou", "data": { "userName": "lou" } }));
    assert_eq!(outcomes(&admin, operations), [expected, &["200", "200", "201"]].concat());
    assert_eq!(admin.get(&user).is(200)["nickName"], "Kim");
}

/// Holds so many PATCHes of a resource of 256 KiB to these outcomes.
#[track_caller]
fn changing(count: usize, expected: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    let title = json!({ "userName": "kim", "title": "x".repeat(200_000), "nickName": "x" });
    let user = admin.create("/scim2/Users", &title);
    let stored = app.number("SELECT length(document) FROM resources WHERE name_key = 'kim'");
    let missing = 256 * 1024 - usize::try_from(stored).unwrap();
    admin.set(&user, "nickName", "x".repeat(missing + 1)).is(200);
    let operation = json!({ "op": "replace", "path": "active", "value": true });
    let mut operations = vec![patching(&user, operation); count];
    operations.push(json!({ "method": "DELETE", "path": user.strip_prefix("/scim2").unwrap() }));
    assert_eq!(outcomes(&admin, operations), [expected, &["204"]].concat());
}

/// Holds PATCHes of a group of 50,000 that select members by their names to these outcomes; by id it goes on.
#[track_caller]
fn selecting(count: usize, expected: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    let group = group_of(&app, &admin, 50_000);
    let member = format!("{}-000001", id(&group));
    let nobody = json!({ "op": "remove", "path": "members[display eq \"nobody\"]" });
    let mut operations = vec![patching(&group, nobody); count];
    operations.push(patching(&group, json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") })));
    assert_eq!(outcomes(&admin, operations), [expected, &["200"]].concat());
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 49_999);
}
