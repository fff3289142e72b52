//! Bounds of what is written below `/scim2`.

use serde_json::{Value, json};

use super::Bound;
use crate::scim2::client::{Client, PASSWORD, USER, id};
use crate::scim2::contention::{only_user, outrun};
use crate::support::{App, Reply};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "operations in a Bulk request",
        largest_allowed: || {
            App::new().scim().bulk(deletions(1_000)).is(200);
        },
        smallest_refused: || {
            App::new().scim().bulk(deletions(1_001)).is(413);
        },
    },
    Bound {
        name: "a stored resource, without a group's members",
        largest_allowed: || each_way_of_storing(0, 2),
        smallest_refused: || each_way_of_storing(1, 4),
    },
    Bound {
        name: "values of an attribute; a group's members do not count",
        largest_allowed: || each_way_of_listing(1_000, 2),
        smallest_refused: || each_way_of_listing(1_001, 4),
    },
    Bound {
        name: "operations of a PATCH; those on a group's members do not count",
        largest_allowed: || each_way_of_patching(1_000, 200),
        smallest_refused: || each_way_of_patching(1_001, 413),
    },
    Bound {
        name: "values that the operations of a PATCH compare and change",
        largest_allowed: || {
            looking_at_a_thousand_values(200).is(200);
        },
        smallest_refused: || looking_at_a_thousand_values(201).is_error(400, Some("tooMany")),
    },
    Bound {
        name: "levels that groups nest in groups, by the longest way",
        largest_allowed: || each_way_of_nesting(10, &["201", "200", "200", "201", "200", "200"]),
        smallest_refused: || each_way_of_nesting(11, &["400"; 6]),
    },
    Bound {
        name: "passwords that a Bulk request hashes",
        largest_allowed: || assert_eq!(statuses_of_passwords(20), vec!["201"; 20]),
        smallest_refused: || {
            let statuses = statuses_of_passwords(21);
            assert_eq!((&statuses[..20], statuses[20].as_str()), (&vec!["201".to_owned(); 20][..], "429"));
        },
    },
    Bound {
        name: "how long a write is tried while others write the same resource",
        largest_allowed: || {
            outrun_for(2_000).is(200);
        },
        smallest_refused: || outrun_for(2_001).is_error(429, None),
    },
    Bound {
        name: "names in `attributes` or `excludedAttributes`",
        largest_allowed: || each_way_of_naming(200, 200),
        smallest_refused: || each_way_of_naming(201, 400),
    },
];

fn deletions(count: usize) -> Vec<Value> {
    vec![json!({ "method": "DELETE", "path": "/Users/00000000-0000-4000-8000-000000000000" }); count]
}

/// The largest document that is stored.
const MOST_BYTES: usize = 256 * 1024;

/// Holds each way of writing a user to this outcome, 2 for 2xx and 4 for 413, when the document would have so many bytes more
/// than the most.
#[track_caller]
fn each_way_of_storing(more: usize, outcome: u16) {
    let app = App::new();
    let admin = app.scim();
    let stored = |name: &str| app.number(&format!("SELECT length(document) FROM resources WHERE name_key = '{name}'"));
    // All names have the same length, and so has what is stored besides the nick name.
    let path = admin.create("/scim2/Users", &named("patched", "x"));
    let nick = "x".repeat(MOST_BYTES + more + 1 - usize::try_from(stored("patched")).unwrap());
    // As sent, a PUT or POST must be no larger than what is stored: without `schemas`, it is smaller.
    each_way(&admin, outcome, &named("", &nick), &json!([{ "op": "add", "path": "nickName", "value": nick }]), &path);
    if outcome == 2 {
        for name in ["patched", "created", "bulk-ed"] {
            assert_eq!(stored(name), i64::try_from(MOST_BYTES).unwrap(), "{name}");
        }
    }
}

fn named(name: &str, nick: &str) -> Value {
    json!({ "userName": name, "title": "x".repeat(100_000), "nickName": nick })
}

/// Holds each way of writing a user to this outcome when an attribute would have so many values.
#[track_caller]
fn each_way_of_listing(count: usize, outcome: u16) {
    let app = App::new();
    let admin = app.scim();
    let path = admin.create("/scim2/Users", &named("patched", "x"));
    let emails: Vec<Value> = (0..count).map(|number| json!({ "value": format!("u{number}@example.com") })).collect();
    let operations: Vec<Value> =
        emails.chunks(500).map(|some| json!({ "op": "add", "path": "emails", "value": some })).collect();
    each_way(&admin, outcome, &json!({ "userName": "", "emails": emails }), &json!(operations), &path);
    let members: Vec<String> = (0..2).map(|number| admin.create_user(&format!("member{number}"))).collect();
    let many: Vec<&str> = members.iter().map(String::as_str).cycle().take(1_200).collect();
    admin.create_group("Members", &many);
}

/// Writes a user by POST, PUT, PATCH and the same in Bulk. What is refused has changed nothing.
#[track_caller]
fn each_way(admin: &Client, outcome: u16, user: &Value, operations: &Value, path: &str) {
    let with_name = |name: &str| {
        let mut user = user.clone();
        user["userName"] = json!(name);
        user
    };
    let before = admin.get(path).is(200);
    let in_bulk = |method: &str, path: &str, data: Value| {
        let operation = json!({ "method": method, "path": path, "bulkId": "one", "data": data });
        let answer = admin.bulk(vec![operation]).is(200);
        answer["Operations"][0]["status"].as_str().unwrap().parse().unwrap()
    };
    let of_user = format!("/Users/{}", id(path));
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let statuses = [
        admin.post("/scim2/Users", &with_name("created")).status.as_u16(),
        in_bulk("POST", "/Users", with_name("bulk-ed")),
        admin.patch(path, operations.clone()).status.as_u16(),
        in_bulk("PATCH", &of_user, patch),
        admin.put(path, &with_name("patched")).status.as_u16(),
        in_bulk("PUT", &of_user, with_name("patched")),
    ];
    for status in statuses {
        assert!(if outcome == 2 { status / 100 == 2 } else { status == 413 }, "{statuses:?}");
    }
    if outcome != 2 {
        assert_eq!(admin.get(path).is(200), before);
        assert_eq!(admin.list("/scim2/Users", &[("count", "0")]).is(200)["totalResults"], 1);
    }
}

/// Holds each way of putting a group into another to this status, POST, PATCH, PUT and the same in Bulk, when groups would
/// nest so many levels deep by it.
#[track_caller]
fn each_way_of_nesting(levels: usize, statuses: &[&str]) {
    let app = App::new();
    let admin = app.scim();
    let innermost = admin.create_group("g0", &[]);
    let inner = (1..levels).fold(innermost, |inner, level| admin.create_group(&format!("g{level}"), &[inner.as_str()]));
    let members = json!([{ "value": id(&inner) }]);
    let named = |name: &str| json!({ "displayName": name, "members": members });
    let patch = json!([{ "op": "add", "path": "members", "value": members }]);
    let groups: Vec<String> = (0..4).map(|number| admin.create_group(&format!("high{number}"), &[])).collect();
    let in_bulk = |method: &str, path: &str, data: Value| -> String {
        let operation = json!({ "method": method, "path": path, "bulkId": "one", "data": data });
        let answer = admin.bulk(vec![operation]).is(200);
        answer["Operations"][0]["status"].as_str().unwrap().to_owned()
    };
    let of = |number: usize| groups[number].strip_prefix("/scim2").unwrap();
    let found = [
        admin.post("/scim2/Groups", &named("created")).status.as_str().to_owned(),
        admin.patch(&groups[0], patch.clone()).status.as_str().to_owned(),
        admin.put(&groups[1], &named("high1")).status.as_str().to_owned(),
        in_bulk("POST", "/Groups", named("in Bulk")),
        in_bulk("PATCH", of(2), json!({ "Operations": patch })),
        in_bulk("PUT", of(3), named("high3")),
    ];
    assert_eq!(found, statuses);
    assert_eq!(app.number("SELECT MAX(depth) FROM group_ancestors"), 10);
}

/// Holds each request that takes `attributes` or `excludedAttributes` to this status when they have so many names.
#[track_caller]
fn each_way_of_naming(count: usize, status: u16) {
    let app = App::new();
    let admin = app.scim();
    let path = admin.create_user("kim");
    let names = vec!["nickName"; count];
    for parameter in ["attributes", "excludedAttributes"] {
        let query = format!("?{parameter}={}", names.join(","));
        for listed in [path.as_str(), "/scim2/Users", "/scim2/Groups", "/scim2"] {
            assert_eq!(admin.get(&format!("{listed}{query}")).status, status, "{listed} {parameter}");
        }
        for (method, written) in [("POST", "/scim2/Users"), ("PUT", path.as_str())] {
            let body = json!({ "schemas": [USER], "userName": if method == "PUT" { "kim" } else { parameter } });
            let expected = if method == "POST" && status == 200 { 201 } else { status };
            let reply = admin.send(method, &format!("{written}{query}"), body.to_string());
            assert_eq!(reply.status, expected, "{method} {parameter}");
        }
        assert_eq!(admin.set(&format!("{path}{query}"), "title", "x").status, status, "{parameter}");
        for searched in ["/scim2/Users/.search", "/scim2/.search"] {
            let lists = [json!(names), json!(names.join(","))];
            for list in lists {
                assert_eq!(admin.post(searched, &json!({ parameter: list })).status, status, "{searched} {parameter}");
            }
        }
    }
}

/// Holds PATCHes of so many operations to this status: of a user, of oneself, of a group, and in Bulk.
#[track_caller]
fn each_way_of_patching(count: usize, status: u16) {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create("/scim2/Users", &json!({ "userName": "kim", "password": PASSWORD }));
    let group = admin.create_group("staff", &[]);
    let operations = |path: &str| -> Value {
        (0..count).map(|number| json!({ "op": "replace", "path": path, "value": format!("n{number}") })).collect()
    };
    assert_eq!(admin.patch(&user, operations("nickName")).status, status);
    assert_eq!(app.user("kim", PASSWORD).patch("/scim2/Me", operations("title")).status, status);
    assert_eq!(admin.patch(&group, operations("displayName")).status, status);
    for (path, attribute) in [(&user, "profileUrl"), (&group, "externalId")] {
        let path = path.strip_prefix("/scim2").unwrap();
        let data = json!({ "Operations": operations(attribute) });
        let answer = admin.bulk(vec![json!({ "method": "PATCH", "path": path, "data": data })]).is(200);
        assert_eq!(answer["Operations"][0]["status"], status.to_string(), "{path}");
    }
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(&user) }] });
    admin.patch(&group, json!(vec![add; count + 200])).is(200);
}

/// The answer to a PATCH of a user with a thousand addresses, in so many operations that look at each of them.
fn looking_at_a_thousand_values(operations: usize) -> Reply {
    let app = App::new();
    let admin = app.scim();
    let emails: Vec<Value> = (0..1_000).map(|number| json!({ "value": format!("u{number}@example.com") })).collect();
    let user = admin.create("/scim2/Users", &json!({ "userName": "kim", "emails": emails }));
    admin.patch(&user, json!(vec![json!({ "op": "remove", "path": "emails[value co \"nobody\"]" }); operations]))
}

/// What becomes of so many users with passwords.
fn statuses_of_passwords(count: usize) -> Vec<String> {
    let post = |number: usize| {
        let data = json!({ "userName": format!("u{number}"), "password": PASSWORD });
        json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data })
    };
    let answer = App::new().scim().bulk((0..count).map(post).collect()).is(200);
    let operations = answer["Operations"].as_array().unwrap();
    operations.iter().map(|operation| operation["status"].as_str().unwrap().to_owned()).collect()
}

/// The answer to a PATCH that others outrun for so many milliseconds.
fn outrun_for(milliseconds: i64) -> Reply {
    let (app, _) = outrun("kim", milliseconds);
    app.scim().set(&only_user(&app), "title", "mine")
}
