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
    Bound {
        name: "members that a request names, of a group",
        largest_allowed: || naming(50_000, &["200", "200", "201"]),
        smallest_refused: || naming(50_001, &["413", "413", "413"]),
    },
    Bound {
        name: "bytes of a group as sent; of a PATCH of it",
        largest_allowed: || sized(0, ["200", "200"]),
        smallest_refused: || sized(1, ["413", "413"]),
    },
    Bound {
        name: "objects in a body of more than 1 MiB; values; names of them",
        largest_allowed: || {
            dense(55_000 - 1, "{}", &["201", "201"]);
            dense(500_000 - 10, "0", &["201", "201"]);
        },
        smallest_refused: || {
            dense(55_000, "{}", &["413", "413"]);
            dense(500_000, "0", &["413", "413"]);
        },
    },
    Bound {
        name: "levels that creations of a Bulk request wait for each other",
        largest_allowed: || assert_eq!(chain(11), vec!["201"; 11]),
        smallest_refused: || assert_eq!(chain(12), [&vec!["201"; 11][..], &["400 invalidValue"]].concat()),
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
pub fn patching(path: &str, operation: Value) -> Value {
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

/// Holds PATCH, PUT and POST of a group that name so many members to these outcomes, and the same in Bulk.
#[track_caller]
fn naming(count: usize, expected: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    // Short enough for 50,000 of them in a Bulk request.
    let group = admin.create_group("staff", &[]);
    app.native.sqlite.with(|connection| {
        let insert = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
                      INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation) \
                      SELECT 0, CAST(i AS TEXT), 'User', 'u' || i, 'u', '{\"userName\":\"u\"}', '{}', 0, 0, '' FROM n";
        connection.execute_batch(insert).unwrap();
    });
    let members: Vec<Value> = (0..count).map(|number| json!({ "value": number.to_string() })).collect();
    let add = json!({ "op": "add", "path": "members", "value": members });
    let of = |name: &str| json!({ "displayName": name, "members": members });
    let path = group.strip_prefix("/scim2").unwrap();
    let sent =
        [admin.patch(&group, json!([add])), admin.put(&group, &of("staff")), admin.post("/scim2/Groups", &of("crew"))];
    let statuses = sent.map(|reply| reply.status.as_str().replace("204", "200"));
    assert_eq!(statuses, expected);
    let bulk = [
        patching(&group, add.clone()),
        json!({ "method": "PUT", "path": path, "data": of("staff") }),
        json!({ "method": "POST", "path": "/Groups", "bulkId": "one", "data": of("team") }),
    ];
    for (operation, expected) in bulk.into_iter().zip(expected) {
        assert_eq!(outcomes(&admin, vec![operation]), [*expected]);
    }
}

/// Holds a PUT and a PATCH of a group of the most bytes, and so many more, to these statuses.
#[track_caller]
fn sized(more: usize, expected: [&str; 2]) {
    let app = App::new();
    let admin = app.scim();
    let group = admin.create_group("staff", &[]);
    let padded = |body: Value, mebibytes: usize| {
        let body = body.to_string();
        let missing = mebibytes * 1024 * 1024 + more - body.len();
        body + &" ".repeat(missing)
    };
    let patch = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "staff" }] });
    let sent = [
        admin.send("PUT", &group, padded(json!({ "displayName": "staff" }), 10)),
        admin.send("PATCH", &group, padded(patch, 4)),
    ];
    assert_eq!(sent.map(|reply| reply.status.as_str().to_owned()), expected);
}

/// Holds new groups with so many values, of which nothing is stored, to these statuses: in a list, and by name.
#[track_caller]
fn dense(count: usize, value: &str, expected: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    let padding = " ".repeat(1024 * 1024);
    let list = vec![value; count].join(",");
    let names: Vec<String> = (0..count).map(|number| format!("\"{number}\":{value}")).collect();
    let names = names.join(",");
    let sent = [
        format!("{{\"displayName\":\"one\",\"extra\":[{list}]}}{padding}"),
        format!("{{\"displayName\":\"two\",\"extra\":\"\",{names}}}{padding}"),
    ];
    let statuses = sent.map(|body| admin.send("POST", "/scim2/Groups", body).status.as_str().to_owned());
    assert_eq!(statuses, expected);
}

/// What becomes of so many groups that refer to each other, without being in each other.
fn chain(count: usize) -> Vec<String> {
    let app = App::new();
    let group = |number: usize| {
        let data = json!({ "displayName": format!("g{number}"), "externalId": format!("bulkId:g{}", number + 1) });
        json!({ "method": "POST", "path": "/Groups", "bulkId": format!("g{number}"), "data": data })
    };
    let mut operations: Vec<Value> = (0..count).map(group).collect();
    operations[count - 1]["data"]["externalId"] = json!("last");
    let mut outcomes = outcomes(&app.scim(), operations);
    outcomes.reverse();
    outcomes
}
