//! Groups within groups.

use serde_json::{Value, json};

use crate::scim2::client::{BULK, Client, id, in_parallel, values};
use crate::support::App;

/// A user's groups as `name type`, sorted.
fn groups_of(admin: &Client<'_>, user: &str) -> Vec<String> {
    let user = admin.get(user).is(200);
    let groups = user["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |group: &Value, name: &str| group[name].as_str().unwrap().to_owned();
    let mut found: Vec<_> = groups
        .iter()
        .map(|group| {
            assert_eq!(text(group, "$ref"), format!("https://id.example.com/scim2/Groups/{}", text(group, "value")));
            format!("{} {}", text(group, "display"), text(group, "type"))
        })
        .collect();
    found.sort();
    found
}

fn add(admin: &Client<'_>, group: &str, member: &str) -> u16 {
    let reply = admin.patch(group, json!([{ "op": "add", "path": "members", "value": values(&[member]) }]));
    match reply.status.as_u16() {
        200 => {}
        // Another one was faster.
        409 => reply.is_error(409, None),
        _ => reply.is_error(400, Some("invalidValue")),
    }
    reply.status.as_u16()
}

fn remove(admin: &Client<'_>, group: &str, member: &str) {
    let path = format!("members[value eq \"{}\"]", id(member));
    admin.patch(group, json!([{ "op": "remove", "path": path }])).is(200);
}

#[test]
fn the_depth_of_a_group_below_another_is_that_of_the_longest_way() {
    let app = App::new();
    let admin = app.scim();
    let low = admin.create_group("low", &[]);
    let middle = admin.create_group("middle", &[&low]);
    let high = admin.create_group("high", &[&middle]);
    let depth = || {
        let (low, high) = (id(&low), id(&high));
        app.number(&format!("SELECT depth FROM group_ancestors WHERE group_id = '{low}' AND ancestor_id = '{high}'"))
    };
    assert_eq!(depth(), 2);
    assert_eq!(add(&admin, &high, &low), 200);
    assert_eq!(depth(), 2);
    remove(&admin, &middle, &low);
    assert_eq!(depth(), 1);
    assert_eq!(add(&admin, &middle, &low), 200);
    assert_eq!(depth(), 2);
    admin.patch(&high, json!([{ "op": "replace", "path": "members", "value": values(&[&low]) }])).is(200);
    assert_eq!(depth(), 1, "what took the place of all members");
    admin.patch(&high, json!([{ "op": "replace", "path": "members", "value": values(&[&middle]) }])).is(200);
    assert_eq!(depth(), 2);
    let body = json!({ "displayName": "top", "members": values(&[&high, &low]) });
    let top = admin.create("/scim2/Groups", &body);
    let (low, top) = (id(&low), id(&top));
    assert_eq!(
        app.number(&format!("SELECT depth FROM group_ancestors WHERE group_id = '{low}' AND ancestor_id = '{top}'")),
        3
    );
}

#[test]
fn a_user_is_in_the_groups_of_his_groups_each_shown_once() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let inner = admin.create_group("inner", &[&user]);
    let middle = admin.create_group("middle", &[&inner]);
    let other = admin.create_group("other", &[&inner]);
    let outer = admin.create_group("outer", &[&middle, &other]);
    assert_eq!(groups_of(&admin, &user), ["inner direct", "middle indirect", "other indirect", "outer indirect"]);
    add(&admin, &outer, &user);
    assert_eq!(groups_of(&admin, &user), ["inner direct", "middle indirect", "other indirect", "outer direct"]);
    remove(&admin, &outer, &user);
    remove(&admin, &outer, &other);
    assert_eq!(groups_of(&admin, &user), ["inner direct", "middle indirect", "other indirect", "outer indirect"]);
    remove(&admin, &outer, &middle);
    assert_eq!(groups_of(&admin, &user), ["inner direct", "middle indirect", "other indirect"]);
    assert_eq!(admin.get(&user).trips(), 1);
}

#[test]
fn the_order_in_which_groups_are_nested_does_not_matter() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let chain: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| admin.create_group(name, &[])).collect();
    for link in [[1, 2], [2, 3], [0, 1]] {
        assert_eq!(add(&admin, &chain[link[1]], &chain[link[0]]), 200);
    }
    add(&admin, &chain[0], &user);
    assert_eq!(groups_of(&admin, &user), ["a direct", "b indirect", "c indirect", "d indirect"]);
    admin.put(&chain[2], &json!({ "displayName": "c" })).is(200);
    assert_eq!(groups_of(&admin, &user), ["a direct", "b indirect"]);
    admin.put(&chain[2], &json!({ "displayName": "c", "members": values(&[&chain[1]]) })).is(200);
    assert_eq!(groups_of(&admin, &user), ["a direct", "b indirect", "c indirect", "d indirect"]);
    admin.patch(&chain[2], json!([{ "op": "remove", "path": "members" }])).is(200);
    assert_eq!(groups_of(&admin, &user), ["a direct", "b indirect"]);
}

#[test]
fn a_circle_is_refused() {
    let app = App::new();
    let admin = app.scim();
    let a = admin.create_group("a", &[]);
    let b = admin.create_group("b", &[&a]);
    let c = admin.create_group("c", &[&b]);
    assert_eq!(add(&admin, &a, &a), 400);
    assert_eq!(add(&admin, &a, &b), 400);
    assert_eq!(add(&admin, &a, &c), 400);
    let body = json!({ "displayName": "a", "members": values(&[&c]) });
    admin.put(&a, &body).is_error(400, Some("invalidValue"));
    remove(&admin, &b, &a);
    assert_eq!(add(&admin, &a, &c), 200, "no circle any more");
}

#[test]
fn two_who_close_a_circle_at_the_same_time_do_not_both_succeed() {
    let app = App::new();
    let admin = app.scim();
    for round in 0..20 {
        let pair = ["a", "b"].map(|name| admin.create_group(&format!("{name}{round}"), &[]));
        let mut statuses = in_parallel(2, |number| add(&app.scim(), &pair[number], &pair[1 - number]));
        statuses.sort_unstable();
        assert!(statuses == [200, 400] || statuses == [200, 409], "the one who loses is told: {statuses:?}");
        let members: usize =
            pair.iter().map(|group| admin.get(group).is(200)["members"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(members, 1, "round {round}");
    }
}

#[test]
fn groups_nest_ten_deep_and_no_deeper() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let mut innermost = admin.create_group("g0", &[&user]);
    let first = innermost.clone();
    for level in 1..=10 {
        innermost = admin.create_group(&format!("g{level}"), &[&innermost]);
    }
    assert_eq!(groups_of(&admin, &user).len(), 11);
    let body = json!({ "displayName": "g11", "members": values(&[&innermost]) });
    admin.post("/scim2/Groups", &body).is_error(400, Some("invalidValue"));
    let below = admin.create_group("below", &[]);
    assert_eq!(add(&admin, &first, &below), 400);
    assert_eq!(groups_of(&admin, &user).len(), 11);
}

#[test]
fn a_short_way_beside_a_long_one_does_not_let_groups_nest_deeper() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let low: Vec<String> = (0..9).map(|level| admin.create_group(&format!("low{level}"), &[])).collect();
    let below: Vec<&str> = low.iter().map(String::as_str).collect();
    let top = admin.create_group("top of low", &below);
    add(&admin, &low[0], &user);
    for level in 1..9 {
        assert_eq!(add(&admin, &low[level], &low[level - 1]), 200);
    }
    let high: Vec<String> = (0..3).map(|level| admin.create_group(&format!("high{level}"), &[])).collect();
    assert_eq!(add(&admin, &high[1], &high[0]), 200);
    assert_eq!(add(&admin, &high[2], &high[1]), 200);
    // Nine levels and the one above them.
    assert_eq!(add(&admin, &high[1], &top), 400);
    assert_eq!(add(&admin, &high[2], &top), 200);
    let all = groups_of(&admin, &user);
    assert_eq!(all.len(), 11, "{all:?}");
    // Without the short ways nobody is lost.
    for group in &low[..8] {
        remove(&admin, &top, group);
    }
    assert_eq!(groups_of(&admin, &user), all);
    assert_eq!(add(&admin, &high[0], &top), 400);
}

/// Creations of groups of which each is in the next, and the innermost in the first; and their statuses.
fn chain_in_bulk(admin: &Client<'_>, innermost: Option<&str>, names: &[&str], limit: usize) -> Vec<String> {
    let mut member = innermost.map(|group| id(group).to_owned());
    let creation = |name: &&str| {
        let members: Vec<_> = member.iter().map(|member| json!({ "value": member })).collect();
        member = Some(format!("bulkId:{name}"));
        let data = json!({ "displayName": name, "members": members });
        json!({ "method": "POST", "path": "/Groups", "bulkId": name, "data": data })
    };
    let operations: Vec<_> = names.iter().map(creation).collect();
    let body = json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": operations });
    let answer = admin.post("/scim2/Bulk", &body).is(200);
    let operations = answer["Operations"].as_array().unwrap();
    operations.iter().map(|one| format!("{}{}", one["status"], one["response"]["scimType"]).replace('"', "")).collect()
}

#[test]
fn in_bulk_groups_nest_ten_deep_and_no_deeper() {
    for limit in [0, 9] {
        let app = App::new();
        let admin = app.scim();
        let names = ["g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9", "g10", "g11", "g12"];
        let statuses = chain_in_bulk(&admin, None, &names, limit);
        let (allowed, refused) = statuses.split_at(11);
        assert_eq!(allowed, vec!["201null"; 11]);
        assert_eq!(refused, ["400invalidValue", "409null"], "too deep, and what refers to that");
        assert_eq!(admin.count("/scim2/Groups", "displayName sw \"g\""), 11);
        // The same over groups that there are.
        let of = |name: &str| {
            let found = admin.filter("/scim2/Groups", &format!("displayName eq \"{name}\""));
            format!("/scim2/Groups/{}", found[0]["id"].as_str().unwrap())
        };
        assert_eq!(chain_in_bulk(&admin, Some(&of("g9")), &["h", "i"], limit), ["201null", "400invalidValue"]);
        assert_eq!(chain_in_bulk(&admin, Some(&of("g10")), &["j", "k"], limit), ["400invalidValue", "409null"]);
        let deepest = app.number("SELECT MAX(depth) FROM group_ancestors");
        assert_eq!((deepest, app.number("SELECT COUNT(*) FROM resources WHERE type = 'Group'")), (10, 12));
    }
}

#[test]
fn a_deleted_group_takes_its_place_in_the_chain_with_it() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("paul");
    let inner = admin.create_group("inner", &[&user]);
    let middle = admin.create_group("middle", &[&inner]);
    let outer = admin.create_group("outer", &[&middle, &inner]);
    let top = admin.create_group("top", &[&outer]);
    admin.delete(&middle).is(204);
    assert_eq!(groups_of(&admin, &user), ["inner direct", "outer indirect", "top indirect"]);
    admin.delete(&outer).is(204);
    assert_eq!(groups_of(&admin, &user), ["inner direct"]);
    assert!(admin.get(&top).is(200).get("members").is_none());
    admin.delete(&inner).is(204);
    assert_eq!(groups_of(&admin, &user), [""; 0]);
    assert_eq!(app.number("SELECT COUNT(*) FROM group_ancestors"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 0);
}
