//! `/scim2/Groups`

pub mod large;
mod members;
mod named;
mod names;
mod nested;

use serde_json::{Value, json};

use crate::scim2::client::{GROUP, Spy, id};
use crate::support::App;

#[test]
fn a_group_is_created_with_its_members_and_read_as_it_was_answered() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let inner = admin.create_group("inner", &[]);
    let body = json!({
        "schemas": [GROUP], "displayName": "staff", "externalId": "ext-1",
        "members": [
            { "value": id(&paul), "display": "Paul himself" }, { "value": id(&mary), "type": "User", "$ref": "../Users/x" },
            { "value": id(&inner), "type": "Group" }, { "value": id(&paul) },
        ],
    });
    let reply = admin.post("/scim2/Groups", &body);
    let group = reply.is(201);
    assert_eq!(reply.header("location"), group["meta"]["location"]);
    let read = admin.get(&format!("/scim2/Groups/{}", group["id"].as_str().unwrap()));
    assert_eq!(read.trips(), 1);
    assert_eq!(read.is(200), group);
    let mut shown = group.clone();
    shown["members"].as_array_mut().unwrap().sort_by_key(|member| member["display"].to_string());
    let text =
        shown.to_string().replace(id(&paul), "[paul]").replace(id(&mary), "[mary]").replace(id(&inner), "[inner]");
    let shown: Value = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(shown, {
        ".id" => "[id]",
        ".meta.created" => "[time]",
        ".meta.lastModified" => "[time]",
        ".meta.location" => "[location]",
    });
}

#[test]
fn two_groups_may_not_have_one_name() {
    let app = App::new();
    app.scim().create_group("staff", &[]);
    app.scim().post("/scim2/Groups", &json!({ "displayName": "staff" })).is_error(409, Some("uniqueness"));
    assert_eq!(app.scim().count("/scim2/Groups", "displayName eq \"STAFF\""), 1);
}

#[test]
fn a_group_needs_a_name() {
    let app = App::new();
    app.scim().post("/scim2/Groups", &json!({ "members": [] })).is_error(400, Some("invalidValue"));
    let group = app.scim().create_group("staff", &[]);
    app.scim().put(&group, &json!({})).is_error(400, Some("invalidValue"));
    app.scim().patch(&group, json!([{ "op": "remove", "path": "displayName" }])).is_error(400, Some("mutability"));
}

#[test]
fn a_put_replaces_the_document_and_all_members() {
    let app = App::new();
    let admin = app.scim();
    let users: Vec<_> = ["a", "b", "c"].iter().map(|name| admin.create_user(name)).collect();
    let group = admin.create("/scim2/Groups", &json!({
        "displayName": "staff", "externalId": "e", "members": [{ "value": id(&users[0]) }, { "value": id(&users[1]) }],
    }));
    let body = json!({ "displayName": "crew", "members": [{ "value": id(&users[1]) }, { "value": id(&users[2]) }] });
    let reply = admin.put(&group, &body);
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!(after, admin.get(&group).is(200));
    assert_eq!((&after["displayName"], &after["meta"]["version"]), (&json!("crew"), &json!("W/\"2\"")));
    assert!(after.get("externalId").is_none());
    assert_eq!(after["members"].as_array().unwrap().len(), 2);
    assert!(admin.get(&users[0]).is(200).get("groups").is_none());
    assert_eq!(admin.get(&users[2]).is(200)["groups"][0]["display"], "crew");

    assert_eq!(admin.put(&group, &after).is(200), after, "what was read can be put back and changes nothing");
    let emptied = admin.put(&group, &json!({ "displayName": "crew" })).is(200);
    assert!(emptied.get("members").is_none(), "{emptied}");
}

#[test]
fn a_rename_shows_in_the_groups_of_its_members() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let inner = admin.create_group("inner", &[&user]);
    let outer = admin.create_group("outer", &[&inner]);
    admin.set(&inner, "displayName", "core").is(200);
    admin.put(&outer, &json!({ "displayName": "shell", "members": [{ "value": id(&inner) }] })).is(200);
    let mut names: Vec<_> = admin.get(&user).is(200)["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["display"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["core", "shell"]);
}

#[test]
fn a_deleted_user_is_in_no_group_and_the_group_has_a_new_version() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let group = admin.create_group("staff", &[&paul, &mary]);
    admin.delete(&paul).is(204);
    let after = admin.get(&group).is(200);
    assert_eq!(after["members"].as_array().unwrap().len(), 1);
    assert_eq!(after["meta"]["version"], "W/\"2\"", "its members are a part of it");
}

#[test]
fn a_deleted_group_is_in_no_user() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let group = admin.create_group("staff", &[&user]);
    let reply = admin.delete(&group);
    assert_eq!((reply.status.as_u16(), reply.trips()), (204, 1));
    assert!(admin.get(&user).is(200).get("groups").is_none());
    admin.get(&group).is_error(404, None);
    admin.delete(&group).is_error(404, None);
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM group_ancestors"), 0);
}

#[test]
fn members_are_neither_loaded_nor_shown_when_they_are_not_asked_for() {
    let mut app = App::new();
    let user = app.scim().create_user("paul");
    let group = app.scim().create_group("staff", &[&user]);
    let spy = Spy::on(&mut app);
    for query in ["excludedAttributes=members", "excludedAttributes=MEMBERS,externalId", "attributes=displayName"] {
        for reply in [
            app.scim().get(&format!("{group}?{query}")),
            app.scim().send("PATCH", &format!("{group}?{query}"), rename("crew")),
            app.scim().send("PATCH", &format!("{group}?{query}"), rename("crew")),
        ] {
            let shown = reply.is(200);
            assert!(shown.get("members").is_none() && shown["displayName"].is_string(), "{shown}");
        }
        app.scim().set(&group, "displayName", "staff").is(200);
        spy.take();
        app.scim().get(&format!("{group}?{query}")).is(200);
        let (statements, rows) = spy.take();
        assert!(!statements.join(" ").contains("members"), "{statements:?}");
        assert_eq!(rows, 1);
    }
}

fn rename(name: &str) -> String {
    json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": name }] }).to_string()
}

#[test]
fn the_stored_document_has_no_members() {
    let app = App::new();
    let admin = app.scim();
    let users: Vec<_> = ["a", "b", "c"].iter().map(|name| admin.create_user(name)).collect();
    let group = admin.create_group("staff", &[&users[0]]);
    admin.patch(&group, json!([{ "op": "add", "path": "members", "value": [{ "value": id(&users[1]) }] }])).is(200);
    admin.set(&group, "displayName", "crew").is(200);
    admin.put(&group, &json!({ "displayName": "team", "members": [{ "value": id(&users[2]) }] })).is(200);
    assert_eq!(
        app.number("SELECT COUNT(*) FROM resources WHERE type = 'Group' AND document || keys LIKE '%members%'"),
        0
    );
}

#[test]
fn a_group_without_its_members_is_no_larger_than_any_other_resource() {
    let app = App::new();
    let admin = app.scim();
    let long = "x".repeat(300 * 1024);
    admin.post("/scim2/Groups", &json!({ "displayName": long })).is_error(413, None);
    let user = admin.create_user("paul");
    let group = admin.create_group("staff", &[]);
    admin.set(&group, "displayName", long.as_str()).is_error(413, None);
    admin.put(&group, &json!({ "displayName": long })).is_error(413, None);
    let named = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user), "display": long }] }]);
    let after = admin.patch(&group, named).is(200);
    assert_eq!(after["members"][0]["display"].as_str().map(str::len), Some(256), "a name is cut, not a reason to fail");
}
