//! Changing the members of a group by PATCH.

use serde_json::{Value, json};

use crate::scim2::client::{id, in_parallel, sorted_values, values};
use crate::support::App;

fn add(members: &[&str]) -> Value {
    json!([{ "op": "add", "path": "members", "value": values(members) }])
}

#[test]
fn users_and_groups_become_members() {
    let app = App::new();
    let admin = app.scim();
    let (user, inner) = (admin.create_user("paul"), admin.create_group("inner", &[]));
    let group = admin.create_group("staff", &[]);
    let reply = admin.patch(&group, add(&[&user, &inner]));
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!(after["meta"]["version"], "W/\"2\"");
    assert_eq!(after, admin.get(&group).is(200));
    let mut members = after["members"].as_array().unwrap().clone();
    members.sort_by_key(|member| member["type"].to_string());
    assert_eq!(
        members,
        [
            json!({ "value": id(&inner), "$ref": format!("https://id.example.com{inner}"), "type": "Group", "display": "inner" }),
            json!({ "value": id(&user), "$ref": format!("https://id.example.com{user}"), "type": "User", "display": "paul" }),
        ]
    );
}

#[test]
fn adding_who_is_there_and_removing_who_is_not_changes_nothing() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let group = admin.create_group("staff", &[&paul]);
    let before = admin.get(&group).is(200);
    for operations in [
        add(&[&paul]),
        add(&[]),
        json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&mary)) }]),
        json!([{ "op": "remove", "path": "members[value eq \"nobody\"]" }]),
        json!([{ "op": "remove", "path": "members", "value": values(&[&mary]) }]),
        json!([{ "op": "remove", "path": "members", "value": [] }]),
        json!([{ "op": "replace", "path": "members", "value": values(&[&paul]) }]),
        json!([{ "op": "remove", "path": "members[type eq \"Group\"]" }]),
    ] {
        assert_eq!(admin.patch(&group, operations.clone()).is(200), before, "{operations}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'group.update'"), 0);
}

#[test]
fn operations_take_effect_in_their_order() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let group = admin.create_group("staff", &[&paul]);
    let put = |op: &str, user: &str| json!({ "op": op, "path": "members", "value": values(&[user]) });
    let members = |operations: Vec<Value>| sorted_values(&admin.patch(&group, json!(operations)).is(200)["members"]);
    assert_eq!(members(vec![put("add", &mary), put("remove", &mary)]), [id(&paul)]);
    assert_eq!(members(vec![put("remove", &paul), put("add", &paul)]), [id(&paul)]);
    assert_eq!(members(vec![put("replace", &mary), put("add", &paul), put("remove", &mary)]), [id(&paul)]);
    assert_eq!(members(vec![json!({ "op": "remove", "path": "members" }), put("add", &mary)]), [id(&mary)]);
    assert_eq!(members(vec![put("add", &paul), json!({ "op": "remove", "path": "members" })]), [""; 0]);
}

#[test]
fn members_and_other_attributes_change_together_or_not_at_all() {
    let app = App::new();
    let admin = app.scim();
    let paul = admin.create_user("paul");
    let group = admin.create_group("staff", &[]);
    let rename = json!({ "op": "replace", "path": "displayName", "value": "crew" });
    let before = admin.get(&group).is(200);
    for bad in [
        json!({ "op": "replace", "path": "members[value eq \"x\"].value", "value": "y" }),
        json!({ "op": "replace", "path": "members.display", "value": "y" }),
        json!({ "op": "replace", "path": "id", "value": "y" }),
    ] {
        let reply = admin.patch(&group, json!([rename, add(&[&paul])[0], bad]));
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
        reply.is_error(400, reply.json()["scimType"].as_str());
    }
    assert_eq!(admin.get(&group).is(200), before);
    let reply = admin.patch(&group, json!([rename, add(&[&paul])[0]]));
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!(
        (after["displayName"].as_str(), sorted_values(&after["members"])),
        (Some("crew"), vec![id(&paul).to_owned()])
    );
}

#[test]
fn whoever_is_unknown_is_no_member() {
    let app = App::new();
    let admin = app.scim();
    let group = admin.create_group("staff", &[]);
    let body = json!({ "displayName": "x", "members": [{ "value": "nobody" }] });
    admin.post("/scim2/Groups", &body).is_error(400, Some("invalidValue"));
    admin.put(&group, &body).is_error(400, Some("invalidValue"));
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 1);
    assert_eq!(admin.get(&group).is(200)["displayName"], "staff");
}

#[test]
fn a_patch_that_adds_leaves_out_whoever_is_unknown_and_one_that_replaces_empties_no_group_by_mistake() {
    let app = App::new();
    let admin = app.scim();
    let paul = admin.create_user("paul");
    let group = admin.create_group("staff", &[]);
    let nobody = admin.patch(&group, add(&["nobody"])).is(200);
    assert_eq!((nobody.get("members"), &nobody["meta"]["version"]), (None, &json!("W/\"1\"")));
    let both = admin.patch(&group, add(&["nobody", &paul])).is(200);
    assert_eq!(sorted_values(&both["members"]), [id(&paul)]);
    let replace = json!([{ "op": "replace", "path": "members", "value": values(&["nobody"]) }]);
    admin.patch(&group, replace).is_error(400, Some("invalidValue"));
    assert_eq!(sorted_values(&admin.get(&group).is(200)["members"]), [id(&paul)]);
}

#[test]
fn many_who_add_at_the_same_time_all_succeed() {
    let app = App::new();
    let admin = app.scim();
    let users: Vec<_> = (0..50).map(|number| admin.create_user(&format!("user{number}"))).collect();
    let group = admin.create_group("staff", &[]);
    for reply in in_parallel(50, |number| app.scim().patch(&group, add(&[&users[number]]))) {
        reply.is(200);
    }
    let after = admin.get(&group).is(200);
    assert_eq!(after["members"].as_array().unwrap().len(), 50);
    assert_eq!(after["meta"]["version"], "W/\"51\"");
}

#[test]
fn one_who_names_the_version_is_told_of_the_other() {
    let app = App::new();
    let admin = app.scim();
    let users = [admin.create_user("paul"), admin.create_user("mary")];
    let group = admin.create_group("staff", &[]);
    let write = |number: usize| app.scim().if_match("W/\"1\"").patch(&group, add(&[&users[number]])).status.as_u16();
    let mut statuses = in_parallel(2, write);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[test]
fn a_group_and_its_member_may_be_deleted_while_it_is_added() {
    let app = App::new();
    let admin = app.scim();
    for _ in 0..20 {
        let (user, group) = (admin.create_user("brief"), admin.create_group("brief", &[]));
        let statuses = in_parallel(3, |number| match number {
            0 => app.scim().patch(&group, add(&[&user])).status.as_u16(),
            1 => app.scim().delete(&user).status.as_u16(),
            _ => app.scim().delete(&group).status.as_u16(),
        });
        assert!(matches!(statuses[0], 200 | 400 | 404), "{statuses:?}");
        assert_eq!(statuses[1..], [204, 204]);
        assert_eq!(app.number("SELECT COUNT(*) FROM members"), 0);
    }
}

#[test]
fn groups_are_found_by_member_and_users_by_group() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let staff = admin.create_group("staff", &[&paul]);
    let board = admin.create_group("board", &[&staff]);
    for (filter, expected) in [
        (format!("members[value eq \"{}\"]", id(&paul)), vec![&staff]),
        (format!("members eq \"{}\"", id(&staff)), vec![&board]),
        (format!("members.value eq \"{}\"", id(&mary)), vec![]),
    ] {
        let found = admin.filter("/scim2/Groups", &filter);
        let ids: Vec<_> = found.iter().map(|group| group["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected.iter().map(|path| id(path)).collect::<Vec<_>>(), "{filter}");
    }
    for group in [&staff, &board] {
        let found = admin.filter("/scim2/Users", &format!("groups.value eq \"{}\"", id(group)));
        assert_eq!((found.len(), found[0]["userName"].as_str()), (1, Some("paul")), "direct and indirect");
    }
}
