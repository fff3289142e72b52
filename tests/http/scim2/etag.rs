//! Versions (RFC 7644 section 3.14): `If-Match`, `If-None-Match`, and `version` in Bulk.

use serde_json::json;

use crate::scim2::client::{PASSWORD, id};
use crate::support::App;

#[test]
fn what_the_header_says_is_what_meta_says() {
    let app = App::new();
    let admin = app.scim();
    for path in [admin.create_user("paul"), admin.create_group("staff", &[])] {
        let replies = [
            admin.get(&path),
            admin.set(&path, "displayName", "x"),
            admin.put(&path, &json!({ "userName": "paul", "displayName": "y" })),
        ];
        for (reply, version) in replies.iter().zip(1..) {
            assert_eq!(reply.header("etag"), format!("W/\"{version}\""));
            assert_eq!(reply.is(200)["meta"]["version"], reply.header("etag"));
        }
    }
}

#[test]
fn a_write_with_if_match_happens_only_to_that_version() {
    let app = App::new();
    let admin = app.scim();
    for (endpoint, name) in [("/scim2/Users", "userName"), ("/scim2/Groups", "displayName")] {
        let body = json!({ (name): "paul" });
        for (tag, fits) in [
            ("W/\"1\"", true),
            ("\"1\"", true),
            ("*", true),
            (" * ", true),
            ("W/\"7\", W/\"1\"", true),
            ("W/\"1\", \"something else\"", true),
            ("W/\"0\" , \"1\"", true),
            ("W/\"2\"", false),
            ("\"\"", false),
            ("1", false),
            ("nonsense", false),
            ("", false),
        ] {
            let path = admin.create(endpoint, &body);
            let before = admin.get(&path).is(200);
            let client = admin.if_match(tag);
            if fits {
                client.set(&path, "externalId", "x").is(200);
                if !tag.contains('*') {
                    client.put(&path, &body).is_error(412, None);
                }
            } else {
                client.set(&path, "externalId", "x").is_error(412, None);
                client.put(&path, &body).is_error(412, None);
                client.delete(&path).is_error(412, None);
                assert_eq!(admin.get(&path).is(200), before, "{tag:?}");
            }
            admin.delete(&path).is(204);
        }
    }
}

#[test]
fn a_deletion_with_if_match_happens_only_to_that_version() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    admin.set(&user, "title", "Sir").is(200);
    admin.if_match("W/\"1\"").delete(&user).is_error(412, None);
    admin.if_match("W/\"2\"").delete(&user).is(204);
    admin.if_match("*").delete(&user).is_error(404, None);
    admin.if_match("W/\"2\"").set(&user, "title", "x").is_error(404, None);
}

#[test]
fn a_change_that_changes_nothing_is_still_held_to_the_version() {
    let app = App::new();
    let admin = app.scim();
    let (user, group) = (admin.create_user("paul"), admin.create_group("staff", &[]));
    admin.if_match("W/\"9\"").patch(&user, json!([{ "op": "remove", "path": "title" }])).is_error(412, None);
    admin.if_match("W/\"9\"").patch(&group, json!([{ "op": "remove", "path": "members" }])).is_error(412, None);
}

#[test]
fn who_has_the_version_already_gets_304() {
    let app = App::new();
    let admin = app.scim();
    let paul = admin.create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    let group = admin.create_group("staff", &[&paul]);
    let me = app.user("paul", PASSWORD);
    for (client, path) in [(&admin, paul.as_str()), (&admin, &group), (&me, "/scim2/Me")] {
        for tag in ["W/\"1\"", "\"1\"", "*", "W/\"0\", W/\"1\""] {
            let reply = client.if_none_match(tag).get(path);
            reply.is(304);
            assert_eq!(reply.header("etag"), "W/\"1\"");
        }
        for tag in ["W/\"2\"", "nonsense", "\"\""] {
            client.if_none_match(tag).get(path).is(200);
        }
    }
    admin.set(&paul, "title", "Sir").is(200);
    me.if_none_match("W/\"1\"").get("/scim2/Me").is(200);
    admin.if_none_match("*").get("/scim2/Users/nobody").is_error(404, None);
}

#[test]
fn a_version_in_bulk_is_an_if_match() {
    let app = App::new();
    let admin = app.scim();
    let users = [admin.create_user("a"), admin.create_user("b"), admin.create_user("c")];
    let path = |number: usize| format!("/Users/{}", id(&users[number]));
    let patch = json!({ "Operations": [{ "op": "add", "path": "title", "value": "x" }] });
    let answer = admin.bulk(vec![
        json!({ "method": "PATCH", "path": path(0), "version": "W/\"1\"", "data": patch }),
        json!({ "method": "PATCH", "path": path(0), "version": "W/\"1\"", "data": patch }),
        json!({ "method": "PUT", "path": path(1), "version": "W/\"2\"", "data": { "userName": "b" } }),
        json!({ "method": "DELETE", "path": path(2), "version": "nonsense" }),
        json!({ "method": "DELETE", "path": path(2), "version": "W/\"1\"" }),
    ]);
    let statuses: Vec<_> =
        answer.is(200)["Operations"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["200", "412", "412", "412", "204"]);
}

#[test]
fn every_verb_keeps_to_both_preconditions() {
    let app = App::new();
    let admin = app.scim();
    for path in [admin.create_user("paul"), admin.create_group("staff", &[])] {
        let body = json!({ "userName": "paul", "displayName": "x" });
        admin.if_match("W/\"9\"").get(&path).is_error(412, None);
        admin.if_match("W/\"1\", W/\"9\"").get(&path).is(200);
        for client in [admin.if_none_match("*"), admin.if_none_match("W/\"1\", W/\"9\""), admin.if_match("")] {
            client.put(&path, &body).is_error(412, None);
            client.set(&path, "displayName", "x").is_error(412, None);
            client.delete(&path).is_error(412, None);
        }
        admin.if_none_match("W/\"9\"").set(&path, "displayName", "x").is(200);
        assert_eq!(admin.if_none_match("W/\"9\"").delete(&path).status, 204);
    }
}
