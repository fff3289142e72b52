//! Groups of many members: what is done to one of them costs the same as in a group of ten.

use serde_json::{Value, json};

use crate::scim2::client::{Client, Spy, id, values};
use crate::support::App;

/// A group of that many users, put into the database directly.
pub fn group_of(app: &App, admin: &Client<'_>, count: usize) -> String {
    let group = admin.create_group(&format!("crowd of {count}"), &[]);
    app.native.sqlite.with(|connection| {
        let prefix = id(&group);
        connection
            .execute_batch(&format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
                 INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation) \
                 SELECT 0, '{prefix}' || printf('-%06d', i), 'User', '{prefix}' || i, 'user ' || i, \
                 '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"user' || i || '\"}}', '{{}}', 0, 0, '' FROM n; \
                 INSERT INTO members (tenant, group_id, member_id, type) \
                 SELECT 0, '{prefix}', id, 'User' FROM resources WHERE tenant = 0 AND id > '{prefix}-' AND id < '{prefix}.'"
            ))
            .unwrap();
    });
    group
}

fn add(member: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": values(&[member]) }])
}

#[test]
fn a_change_of_members_costs_two_round_trips_whatever_the_size() {
    let mut app = App::new();
    let (small, large) = (group_of(&app, &app.scim(), 10), group_of(&app, &app.scim(), 5_000));
    let user = app.scim().create_user("paul");
    let spy = Spy::on(&mut app);
    let admin = app.scim();
    let out = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&user)) }]);
    for operations in [add(&user), add(&user), out.clone(), out] {
        spy.take();
        let small = admin.patch(&small, operations.clone());
        let (of_small, _) = spy.take();
        let large = admin.patch(&large, operations);
        let (of_large, _) = spy.take();
        small.is(200);
        large.is(204);
        assert!(small.trips() <= 2 && large.trips() == small.trips());
        assert_eq!(of_small, of_large, "the same statements");
        assert!(!large.header("etag").is_empty());
    }
}

#[test]
fn only_a_group_of_more_than_a_thousand_is_answered_without_a_body() {
    let app = App::new();
    let admin = app.scim();
    let group = group_of(&app, &admin, 999);
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    assert_eq!(admin.patch(&group, add(&paul)).is(200)["members"].as_array().unwrap().len(), 1_000);
    admin.patch(&group, add(&mary)).is(204);
    admin.set(&group, "displayName", "throng").is(204);

    let asked = admin.send("PATCH", &format!("{group}?attributes=displayName"), rename("mob")).is(200);
    assert!(asked["displayName"] == "mob" && asked.get("members").is_none(), "{asked}");
    let asked = admin.send("PATCH", &format!("{group}?excludedAttributes=members"), rename("host")).is(200);
    assert!(asked["displayName"] == "host" && asked.get("members").is_none(), "{asked}");
    let asked = admin.send("PATCH", &format!("{group}?attributes=members"), rename("army")).is(200);
    assert_eq!(asked["members"].as_array().unwrap().len(), 1_001);
}

fn rename(name: &str) -> String {
    json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": name }] }).to_string()
}

#[test]
fn all_members_are_read_in_chunks() {
    let app = App::new();
    let group = group_of(&app, &app.scim(), 5_000);
    let whole = app.scim().get(&group).is(200);
    let mut ids: Vec<_> =
        whole["members"].as_array().unwrap().iter().map(|member| member["value"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5_000);
    assert_eq!(app.scim().get("/scim2/Groups").is(200)["Resources"][0], whole);
}

#[test]
fn a_group_of_fifty_thousand_is_created_replaced_and_emptied() {
    let app = App::new();
    let admin = app.scim();
    let donor = group_of(&app, &admin, 50_000);
    let members: Vec<Value> =
        (1..=50_000).map(|number| json!({ "value": format!("{}-{number:06}", id(&donor)) })).collect();
    let reply = admin.post("/scim2/Groups", &json!({ "displayName": "copy", "members": members }));
    assert_eq!(reply.status, 201, "{:.300}", reply.text);
    let copy = format!("/scim2/Groups/{}", reply.json()["id"].as_str().unwrap());
    let size = || app.number(&format!("SELECT COUNT(*) FROM members WHERE group_id = '{}'", id(&copy)));
    assert_eq!(size(), 50_000);
    admin.put(&copy, &json!({ "displayName": "copy", "members": members[1..] })).is(204);
    assert_eq!(size(), 49_999);
    let all = json!([{ "op": "add", "path": "members", "value": members }]);
    admin.patch(&copy, all).is(204);
    assert_eq!(size(), 50_000);
    admin.patch(&copy, json!([{ "op": "remove", "path": "members" }])).is(200);
    assert_eq!(size(), 0);
}
