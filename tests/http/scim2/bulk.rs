//! `/scim2/Bulk`

use serde_json::{Value, json};

use crate::scim2::client::{BULK, Client, ENTERPRISE, PASSWORD, PATCH, assert_is_error, id, sorted_values};
use crate::support::{App, invited};

fn post(bulk_id: &str, path: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn user(name: &str) -> Value {
    post(name, "/Users", json!({ "userName": name }))
}

fn results(reply: &crate::support::Reply) -> Vec<Value> {
    let body = reply.is(200);
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    let results = body["Operations"].as_array().unwrap().clone();
    for result in &results {
        let status: u16 = result["status"].as_str().unwrap().parse().unwrap();
        match result.get("response") {
            Some(error) => assert_is_error(error, status, error["scimType"].as_str()),
            None => assert!(status < 300, "{result}"),
        }
        // RFC 7644 section 3.7.3: the location is there but for a POST that failed.
        let has_location = result.get("location").is_some();
        assert!(
            if result["method"] == "POST" { has_location == (status < 300) } else { has_location || status == 409 },
            "{result}"
        );
        assert_eq!(result.get("version").is_some(), status == 200 || status == 201, "{result}");
    }
    results
}

fn statuses(reply: &crate::support::Reply) -> Vec<String> {
    results(reply).iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
}

fn run(admin: &Client<'_>, fail_on_errors: usize, operations: Vec<Value>) -> Vec<String> {
    let body = json!({ "schemas": [BULK], "failOnErrors": fail_on_errors, "Operations": operations });
    statuses(&admin.post("/scim2/Bulk", &body))
}

#[test]
fn a_thousand_users_are_invited_in_at_most_twenty_round_trips() {
    let app = App::new();
    let operations =
        (0..1_000).map(|number| post(&number.to_string(), "/Users", invited(&format!("user{number}")))).collect();
    let reply = app.scim().bulk(operations);
    assert!(reply.trips() <= 20, "{} round trips", reply.trips());
    assert_eq!(statuses(&reply), vec!["201"; 1_000]);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1_000);
    assert_eq!(app.number("SELECT total FROM counters WHERE type = 'User'"), 1_000);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 2_000);
    assert_eq!(app.number("SELECT MAX(number) FROM audit"), 2_000);
    let first = &reply.json()["Operations"][0];
    let path = first["location"].as_str().unwrap().strip_prefix("https://id.example.com").unwrap();
    assert_eq!(app.scim().get(path).is(200)["meta"]["version"], first["version"]);
}

#[test]
fn of_a_thousand_creates_five_hundred_conflicts_harm_no_other() {
    let app = App::new();
    let admin = app.scim();
    let half: Vec<_> = (0..500).map(|number| user(&format!("user{}", 2 * number))).collect();
    assert_eq!(statuses(&admin.bulk(half)), vec!["201"; 500]);
    let all = (0..1_000).map(|number| post(&number.to_string(), "/Users", invited(&format!("USER{number}")))).collect();
    let reply = admin.bulk(all);
    assert!(reply.trips() <= 20, "{} round trips", reply.trips());
    let results = results(&reply);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["bulkId"], number.to_string(), "in the client's order");
        if number % 2 == 0 {
            assert_eq!((&result["status"], &result["response"]["scimType"]), (&json!("409"), &json!("uniqueness")));
        } else {
            assert_eq!(result["status"], "201");
        }
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 500);
}

#[test]
fn a_name_that_comes_twice_is_taken_the_second_time() {
    let app = App::new();
    let again = |bulk_id: &str| post(bulk_id, "/Users", json!({ "userName": "Paul" }));
    assert_eq!(statuses(&app.scim().bulk(vec![again("a"), user("mary"), again("b")])), ["201", "201", "409"]);
}

#[test]
fn fail_on_errors_stops_exactly_there() {
    let app = App::new();
    let admin = app.scim();
    admin.create_user("taken");
    let bad = |bulk_id: &str| post(bulk_id, "/Users", json!({ "userName": "TAKEN" }));
    let invalid = |bulk_id: &str| post(bulk_id, "/Users", json!({}));
    let gone = || json!({ "method": "DELETE", "path": "/Users/nobody" });
    let exist = |name: &str| admin.count("/scim2/Users", &format!("userName eq \"{name}\""));

    assert_eq!(run(&admin, 1, vec![user("a1"), bad("x"), user("a2")]), ["201", "409"]);
    assert_eq!((exist("a1"), exist("a2")), (1, 0));
    assert_eq!(run(&admin, 2, vec![bad("x"), user("b1"), bad("y"), user("b2")]), ["409", "201", "409"]);
    assert_eq!((exist("b1"), exist("b2")), (1, 0));
    assert_eq!(run(&admin, 1, vec![user("c1"), invalid("x"), user("c2")]), ["201", "400"]);
    assert_eq!(run(&admin, 1, vec![user("d1"), gone(), user("d2")]), ["201", "404"]);
    assert_eq!(run(&admin, 1, vec![user("e1"), user("e1"), user("e2")]), ["400"], "a bulkId twice is an error of both");
    assert_eq!(
        run(&admin, 3, vec![gone(), bad("x"), user("f1"), gone(), gone(), user("f2")]),
        ["404", "409", "201", "404"]
    );
    assert_eq!(run(&admin, 9, vec![gone(), bad("x"), user("g1")]), ["404", "409", "201"]);
    let twins = vec![
        post("1", "/Users", json!({ "userName": "h1" })),
        post("2", "/Users", json!({ "userName": "H1" })),
        user("h2"),
    ];
    assert_eq!(run(&admin, 1, twins), ["201", "409"]);
    assert_eq!(exist("h2"), 0);
}

#[test]
fn a_bulk_id_stands_for_what_another_operation_creates() {
    let app = App::new();
    let admin = app.scim();
    let group = |bulk_id: &str, members: &[&str]| {
        let members: Vec<_> = members.iter().map(|member| json!({ "value": format!("bulkId:{member}") })).collect();
        post(bulk_id, "/Groups", json!({ "displayName": bulk_id, "members": members }))
    };
    // Forwards, backwards, nested, in extensions and in paths.
    let reply = admin.bulk(vec![
        group("outer", &["inner", "mary"]),
        user("paul"),
        group("inner", &["paul", "mary"]),
        post("mary", "/Users", json!({ "userName": "mary", (ENTERPRISE): { "manager": { "value": "bulkId:paul" } } })),
        json!({ "method": "PATCH", "path": "/Users/bulkId:paul", "data": { "Operations": [
            { "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "bulkId:mary" } ] } }),
        json!({ "method": "PUT", "path": "/Groups/bulkId:outer", "data": {
            "displayName": "renamed", "members": [{ "value": "bulkId:inner" }] } }),
    ]);
    let results = results(&reply);
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "201", "201", "200", "200"]);
    let path = |index: usize| {
        results[index]["location"].as_str().unwrap().strip_prefix("https://id.example.com").unwrap().to_owned()
    };
    let (outer, paul, inner, mary) = (path(0), path(1), path(2), path(3));
    assert_eq!(sorted_values(&admin.get(&outer).is(200)["members"]), [id(&inner)]);
    assert_eq!(sorted_values(&admin.get(&inner).is(200)["members"]).len(), 2);
    assert_eq!(admin.get(&mary).is(200)[ENTERPRISE]["manager"]["value"], id(&paul));
    assert_eq!(admin.get(&paul).is(200)[ENTERPRISE]["manager"]["value"], id(&mary));
    assert_eq!(admin.get(&paul).is(200)["groups"].as_array().unwrap().len(), 2);
}

#[test]
fn references_in_a_circle_are_resolved_unless_groups_would_contain_each_other() {
    let app = App::new();
    let admin = app.scim();
    let managed_by = |name: &str, manager: &str| {
        post(
            name,
            "/Users",
            json!({ "userName": name, (ENTERPRISE): { "manager": { "value": format!("bulkId:{manager}") } } }),
        )
    };
    let reply = admin.bulk(vec![managed_by("a", "b"), managed_by("b", "c"), managed_by("c", "a")]);
    assert_eq!(statuses(&reply), ["201", "201", "201"]);
    let found = admin.filter("/scim2/Users", "userName eq \"a\"");
    let manager = found[0][ENTERPRISE]["manager"]["value"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/scim2/Users/{manager}")).is(200)["userName"], "b");

    // RFC 7644 section 3.7.1: 409 for a circle that is not resolved.
    let group = |name: &str, member: &str| {
        post(name, "/Groups", json!({ "displayName": name, "members": [{ "value": format!("bulkId:{member}") }] }))
    };
    assert_eq!(statuses(&admin.bulk(vec![group("g", "h"), group("h", "g"), user("d")])), ["409", "409", "201"]);
    assert_eq!(statuses(&admin.bulk(vec![group("g", "g")])), ["409"]);
}

#[test]
fn what_depends_on_a_creation_that_failed_fails_too() {
    let app = App::new();
    let admin = app.scim();
    admin.create_user("taken");
    let group = |bulk_id: &str, member: &str| {
        post(
            bulk_id,
            "/Groups",
            json!({ "displayName": bulk_id, "members": [{ "value": format!("bulkId:{member}") }] }),
        )
    };
    for limit in [0, 9] {
        let operations = vec![
            group("first", "taken"),
            group("second", "first"),
            user("taken"),
            group("third", "taken"),
            user(&format!("fine{limit}")),
            json!({ "method": "PATCH", "path": "/Users/bulkId:taken", "data": { "Operations": [{ "op": "remove", "path": "title" }] } }),
            json!({ "method": "DELETE", "path": "/Groups/bulkId:first" }),
            group("fourth", "nowhere"),
        ];
        let statuses = run(&admin, limit, operations);
        assert_eq!(statuses, ["409", "409", "409", "409", "201", "409", "409", "409"], "failOnErrors {limit}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE type = 'Group'"), 0);
}

#[test]
fn many_groups_with_members_by_bulk_id_cost_few_round_trips_in_any_order() {
    let app = App::new();
    let group = |number: usize| {
        post(
            &format!("g{number}"),
            "/Groups",
            json!({ "displayName": format!("x{number}"), "members": [{ "value": format!("bulkId:u{number}") }] }),
        )
    };
    let person = |number: usize| post(&format!("u{number}"), "/Users", json!({ "userName": format!("u{number}") }));
    let reply = app.scim().bulk((0..400).map(|n| if n < 200 { group(n) } else { person(n - 200) }).collect());
    assert_eq!(statuses(&reply), vec!["201"; 400]);
    assert!(reply.trips() <= 20, "{} round trips", reply.trips());
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 200);
}

/// A user whose manager another operation creates.
fn managed(name: &str, manager: &str) -> Value {
    post(
        name,
        "/Users",
        json!({ "userName": name, (ENTERPRISE): { "manager": { "value": format!("bulkId:{manager}") } } }),
    )
}

#[test]
fn users_who_refer_to_each_other_in_a_chain_are_created_together() {
    for limit in [0, 1] {
        let app = App::new();
        let admin = app.scim();
        let mut operations: Vec<Value> =
            (0..200).map(|number| managed(&format!("u{number}"), &format!("u{}", number + 1))).collect();
        operations.push(user("u200"));
        let body = json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": operations });
        let reply = admin.post("/scim2/Bulk", &body);
        assert_eq!(statuses(&reply), vec!["201"; 201]);
        assert!(reply.trips() <= 6, "{} round trips", reply.trips());
        let id_of = |name: &str| {
            let filter = format!("userName eq \"{name}\"");
            admin.list("/scim2/Users", &[("filter", filter.as_str())]).is(200)["Resources"][0].clone()
        };
        assert_eq!(id_of("u0")[ENTERPRISE]["manager"]["value"], id_of("u1")["id"]);
    }
}

#[test]
fn of_a_chain_of_users_those_fail_who_depend_on_one_that_fails() {
    let operations = vec![
        managed("a", "b"),
        managed("b", "taken"),
        managed("taken", "c"),
        managed("c", "d"),
        user("d"),
        // Whoever is their own manager waits for nobody.
        post(
            "e",
            "/Users",
            json!({ "userName": "e", (ENTERPRISE): { "manager": { "value": "bulkId:e" } }, "title": "bulkId:d" }),
        ),
        managed("f", "D2"),
        post("D2", "/Users", json!({ "userName": "D" })),
    ];
    for limit in [0, 9] {
        let app = App::new();
        let admin = app.scim();
        admin.create_user("taken");
        let statuses = run(&admin, limit, operations.clone());
        assert_eq!(statuses, ["409", "409", "409", "201", "201", "201", "409", "409"], "failOnErrors {limit}");
        assert_eq!(admin.count("/scim2/Users", "userName pr"), 4);
    }
}

#[test]
fn groups_in_a_chain_cost_a_few_round_trips_for_each_level_that_they_may_nest() {
    let app = App::new();
    let group = |number: usize| {
        let member = json!([{ "value": format!("bulkId:g{}", number + 1) }]);
        post(&format!("g{number}"), "/Groups", json!({ "displayName": format!("g{number}"), "members": member }))
    };
    let mut operations: Vec<Value> = (0..200).map(group).collect();
    operations.push(post("g200", "/Groups", json!({ "displayName": "g200" })));
    let reply = app.scim().bulk(operations);
    let mut statuses = statuses(&reply);
    statuses.reverse();
    assert_eq!(statuses[..11], vec!["201"; 11]);
    assert_eq!(statuses[11], "400");
    assert!(statuses[12..].iter().all(|status| status == "409"), "{statuses:?}");
    assert!(reply.trips() <= 25, "{} round trips", reply.trips());
}

#[test]
fn methods_mix_and_follow_each_other_in_order() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let at = |path: &str| format!("/Users/{}", id(path));
    let reply = admin.bulk(vec![
        json!({ "method": "delete", "path": at(&paul) }),
        post("new", "/Users", json!({ "userName": "paul" })),
        json!({ "method": "PATCH", "bulkId": "p", "path": at(&mary), "data": { "Operations": [{ "op": "replace", "path": "active", "value": "False" }] } }),
        json!({ "method": "PUT", "path": at(&mary), "data": { "userName": "marie", "active": true } }),
        json!({ "method": "PUT", "path": at(&paul), "data": { "userName": "x" } }),
        json!({ "method": "DELETE", "path": at(&paul) }),
        json!({ "method": "PATCH", "path": at(&mary), "data": { "Operations": [{ "op": "replace", "path": "nope", "value": 1 }] } }),
    ]);
    assert_eq!(statuses(&reply), ["204", "201", "200", "200", "404", "404", "400"]);
    let mut shown = reply.json();
    for (index, path) in [(0, &paul), (2, &mary), (4, &paul)] {
        assert_eq!(shown["Operations"][index]["location"], format!("https://id.example.com{path}"));
    }
    let text = shown.to_string().replace(id(&paul), "[paul]").replace(id(&mary), "[mary]");
    shown = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(shown, { ".Operations[1].location" => "[location]" });
    assert_eq!(admin.get(&mary).is(200)["userName"], "marie");
}

#[test]
fn what_is_wrong_with_one_operation_is_its_own_error() {
    let app = App::new();
    let admin = app.scim();
    for (operation, status) in [
        (json!("nonsense"), "400"),
        (json!({}), "400"),
        (json!({ "method": "GET", "path": "/Users" }), "400"),
        (json!({ "method": "POST", "path": "/Users", "data": { "userName": "x" } }), "400"),
        (json!({ "method": "POST", "bulkId": "x", "path": "/Users" }), "400"),
        (json!({ "method": "POST", "bulkId": "x", "path": "/Robots", "data": {} }), "404"),
        (json!({ "method": "POST", "bulkId": "x", "path": "/Users/1", "data": {} }), "405"),
        (json!({ "method": "DELETE", "path": "/Users" }), "405"),
        (json!({ "method": "PUT", "path": "/Users/1", "data": 7 }), "400"),
        (json!({ "method": "PUT", "path": "/Users/1", "version": 7, "data": {} }), "400"),
        (json!({ "method": "PATCH", "path": "/Users/1", "data": {} }), "400"),
        (post("x", "/Groups", json!({ "displayName": "x", "members": [{ "value": "nobody" }] })), "400"),
        (post("x", "/Users", json!({ "userName": "x", "password": "short" })), "400"),
    ] {
        let body = admin.bulk(vec![operation.clone(), user("fine")]).is(200);
        let found: Vec<_> =
            body["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(found, [status, "201"], "{operation}");
        assert_is_error(
            &body["Operations"][0]["response"],
            status.parse().unwrap(),
            body["Operations"][0]["response"]["scimType"].as_str(),
        );
        let created = body["Operations"][1]["location"].as_str().unwrap();
        admin.delete(created.strip_prefix("https://id.example.com").unwrap()).is(204);
    }
}

#[test]
fn a_request_has_at_most_a_thousand_operations_and_a_mebibyte() {
    let app = App::new();
    let admin = app.scim();
    admin.bulk((0..1_001).map(|number| user(&number.to_string())).collect()).is_error(413, None);
    let mut body = json!({ "Operations": [user("paul")], "padding": "" }).to_string();
    body = body.replace("\"padding\":\"\"", &format!("\"padding\":\"{}\"", "x".repeat(1_048_576 - body.len())));
    assert_eq!(body.len(), 1_048_576);
    assert_eq!(statuses(&admin.send("POST", "/scim2/Bulk", body.clone())), ["201"]);
    admin.send("POST", "/scim2/Bulk", format!("{body} ")).is_error(413, None);
    for body in [
        json!({}),
        json!({ "Operations": [] }),
        json!({ "Operations": [{}], "failOnErrors": "x" }),
        json!({ "schemas": ["urn:x"], "Operations": [{}] }),
    ] {
        admin.post("/scim2/Bulk", &body).is_error(400, Some("invalidSyntax"));
    }
}

#[test]
fn a_reference_to_a_member_says_its_type_and_is_held_to_it() {
    let app = App::new();
    let admin = app.scim();
    let (paul, inner) = (admin.create_user("paul"), admin.create_group("inner", &[]));
    let group = |name: &str, reference: String| {
        post(name, "/Groups", json!({ "displayName": name, "members": [{ "$ref": reference }] }))
    };
    let operations = vec![
        group("a", format!("/scim2/Groups/{}", id(&paul))),
        group("b", format!("/scim2/Users/{}", id(&paul))),
        group("c", format!("/scim2/Users/{}", id(&inner))),
        group("d", format!("/scim2/Groups/{}", id(&inner))),
        // The same user is a member elsewhere in the batch.
        post("e", "/Groups", json!({ "displayName": "e", "members": [{ "value": id(&paul) }] })),
    ];
    assert_eq!(run(&admin, 0, operations.clone()), ["400", "201", "400", "201", "201"]);
    assert_eq!(admin.count("/scim2/Groups", "displayName eq a or displayName eq c"), 0);
    let error = &results(&admin.bulk(operations))[0]["response"];
    assert!(error["detail"].as_str().unwrap().contains("$ref"), "{error}");

    let app = App::with_stores(&["ACME"]);
    let admin = app.scim();
    let alice = admin.create_user("ACME/alice");
    let operations = vec![
        group("a", format!("/scim2/Groups/{}", id(&alice))),
        group("b", format!("/scim2/Users/{}", id(&alice))),
        post("c", "/Groups", json!({ "displayName": "c", "members": [{ "value": id(&alice) }] })),
    ];
    assert_eq!(run(&admin, 0, operations), ["400", "201", "201"]);
}

#[test]
fn the_twenty_first_password_is_not_hashed_and_nothing_of_its_operation_is_done() {
    let app = App::new();
    let admin = app.scim();
    let path = admin.create_user("kim");
    let kim = format!("/Users/{}", id(&path));
    let with_password = |name: &str| post(name, "/Users", json!({ "userName": name, "password": PASSWORD }));
    let patch = |operation: Value| {
        let data = json!({ "schemas": [PATCH], "Operations": [operation] });
        json!({ "method": "PATCH", "path": kim, "data": data })
    };
    let mut operations: Vec<Value> = (0..20).map(|number| with_password(&format!("user{number}"))).collect();
    operations.extend([
        with_password("late"),
        patch(json!({ "op": "replace", "value": { "password": PASSWORD, "title": "late" } })),
        patch(json!({ "op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": PASSWORD })),
        patch(json!({ "op": "replace", "path": "password", "value": [{ "value": PASSWORD }] })),
        json!({ "method": "PUT", "path": kim, "data": { "userName": "kim", "title": "late", "password": PASSWORD } }),
    ]);
    let refused = 20..operations.len();
    operations.extend([
        // What refers to one of them fails as it does for any other failure.
        post("group", "/Groups", json!({ "displayName": "g", "members": [{ "value": "bulkId:late" }] })),
        // What has no password, or one that is not kept, is done.
        user("plain"),
        post("asked", "/Users", {
            let mut data = invited("asked");
            data["password"] = json!(PASSWORD);
            data
        }),
        patch(json!({ "op": "replace", "path": "nickName", "value": "k" })),
    ]);
    let results = results(&admin.bulk(operations));
    for result in &results[refused] {
        assert_eq!(
            (&result["status"], &result["headers"]),
            (&json!("429"), &json!({ "Retry-After": "1" })),
            "{result}"
        );
    }
    let statuses: Vec<_> = results[25..].iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["409", "201", "201", "200"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM credentials"), 20);
    let after = admin.get(&path).is(200);
    assert_eq!((&after["nickName"], after.get("title")), (&json!("k"), None));
    assert!(admin.filter("/scim2/Users", "userName eq \"late\"").is_empty());
}

#[test]
fn a_password_too_many_is_an_error_that_is_counted() {
    let app = App::new();
    let with_password = |number: usize| {
        post(&number.to_string(), "/Users", json!({ "userName": format!("user{number}"), "password": PASSWORD }))
    };
    let mut operations: Vec<Value> = (0..21).map(with_password).collect();
    operations.push(user("after"));
    let found = run(&app.scim(), 1, operations);
    assert_eq!((found.len(), found[20].as_str()), (21, "429"));
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 20);
}
