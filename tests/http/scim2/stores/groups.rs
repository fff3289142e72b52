//! Groups are in PRIMARY, their members in any store.

use std::sync::Arc;
use std::time::Duration;

use latchkey::store::pending;
use serde_json::{Value, json};

use super::{in_store, three};
use crate::scim2::client::{id, sorted_values, values};
use crate::support::{App, Faulty};

fn add(members: &[&str]) -> Value {
    json!([{ "op": "add", "path": "members", "value": values(members) }])
}

fn settle(app: &App) {
    pending::settle(&app.platform).unwrap();
}

#[test]
fn users_of_every_store_become_members_and_show_the_group() {
    let app = three();
    let admin = app.scim();
    let users = ["paul", "ACME/alice", "LEGACY/lea"].map(|name| admin.create_user(name));
    let [paul, alice, lea] = &users;
    let staff = admin.create_group("staff", &[paul, alice]);
    let outer = admin.create_group("all", &[&staff]);
    let reply = admin.patch(&staff, add(&[lea]));
    assert_eq!(reply.trips(), 3, "the group, the store of the new member, the write");
    let shown = reply.is(200)["members"].clone();
    let mut ids: Vec<String> = users.iter().map(|user| id(user).to_owned()).collect();
    ids.sort();
    assert_eq!(sorted_values(&shown), ids);
    let member = shown.as_array().unwrap().iter().find(|member| member["value"] == id(alice)).unwrap();
    assert_eq!(
        *member,
        json!({ "value": id(alice), "$ref": format!("https://id.example.com{alice}"), "type": "User", "display": "ACME/alice" })
    );
    for user in &users {
        let mut groups = admin.get(user).is(200)["groups"].as_array().unwrap().clone();
        groups.sort_by_key(|group| group["type"].to_string());
        let shown: Vec<_> = groups.iter().map(|group| (group["display"].clone(), group["type"].clone())).collect();
        assert_eq!(shown, [(json!("staff"), json!("direct")), (json!("all"), json!("indirect"))], "{user}");
        let listed = admin.filter("/scim2/Users", &format!("id eq \"{}\"", id(user)));
        let mut listed = listed[0]["groups"].as_array().unwrap().clone();
        listed.sort_by_key(|group| group["type"].to_string());
        assert_eq!(listed, groups);
    }
    assert_eq!(admin.count("/scim2/Groups", &format!("members eq \"{}\"", id(alice))), 1);
    assert_eq!(admin.get(&outer).is(200)["members"].as_array().unwrap().len(), 1);

    let removal = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(alice)) }]);
    admin.patch(&staff, removal).is(200);
    assert!(admin.get(alice).is(200).get("groups").is_none());
    // A client's own name for a member wins, as for PRIMARY's.
    let named = json!([{ "op": "add", "path": "members", "value": [{ "value": id(alice), "display": "Ali" }] }]);
    let members = admin.patch(&staff, named).is(200)["members"].clone();
    let names: Vec<&Value> = members.as_array().unwrap().iter().map(|member| &member["display"]).collect();
    assert!(names.contains(&&json!("Ali")) && names.contains(&&json!("LEGACY/lea")), "{members}");
    let replaced = admin.put(&staff, &json!({ "displayName": "staff", "members": values(&[lea]) })).is(200);
    assert_eq!(sorted_values(&replaced["members"]), [id(lea)]);
}

#[test]
fn a_member_must_be_in_the_store_that_its_id_says() {
    let app = three();
    let admin = app.scim();
    let alice = admin.create_user("ACME/alice");
    admin.delete(&alice).is(204);
    let gone = json!({ "displayName": "staff", "members": values(&[&alice]) });
    admin.post("/scim2/Groups", &gone).is_error(400, Some("invalidValue"));
    let staff = admin.create_group("staff", &[]);
    admin.put(&staff, &gone).is_error(400, Some("invalidValue"));
    assert!(admin.patch(&staff, add(&[&alice])).is(200).get("members").is_none());
    let done = admin.bulk(vec![json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": gone })]).is(200);
    assert_eq!(done["Operations"][0]["status"], "400", "{done}");
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 0);
}

#[test]
fn a_deleted_user_leaves_all_groups_at_once() {
    let app = three();
    let admin = app.scim();
    let (alice, paul) = (admin.create_user("ACME/alice"), admin.create_user("paul"));
    let staff = admin.create_group("staff", &[&alice, &paul]);
    let deleted = admin.delete(&alice);
    assert_eq!(deleted.trips(), 2, "its store, and PRIMARY for the groups");
    deleted.is(204);
    let after = admin.get(&staff).is(200);
    assert_eq!(sorted_values(&after["members"]), [id(&paul)]);
    assert_eq!(after["meta"]["version"], "W/\"2\"");
    // The sweep looks once more, when nobody can still be about to add the user, and is done.
    settle(&app);
    assert_eq!(in_store::<i64>(&app, 0, "SELECT COUNT(*) FROM pending_work"), 1);
    app.native.clock.advance(Duration::from_secs(60));
    settle(&app);
    assert_eq!(in_store::<i64>(&app, 0, "SELECT COUNT(*) FROM pending_work"), 0);
    assert_eq!(admin.get(&staff).is(200)["meta"]["version"], "W/\"2\"");
    assert_eq!(app.number("SELECT COUNT(*) FROM pending_work"), 0);
}

#[test]
fn what_a_failure_left_undone_the_sweep_does() {
    let mut app = three();
    let alice = app.scim().create_user("ACME/alice");
    let staff = app.scim().create_group("staff", &[&alice]);
    let database = app.platform.db.clone();
    // The deletion itself is the other store's; PRIMARY then fails.
    app.platform.db = Arc::new(Faulty::on_batch(database.clone(), 1, false));
    app.scim().delete(&alice).is(204);
    app.platform.db = database;
    assert_eq!(app.scim().get(&staff).is(200)["members"].as_array().unwrap().len(), 1);
    app.native.clock.advance(Duration::from_secs(60));
    settle(&app);
    assert!(app.scim().get(&staff).is(200).get("members").is_none());
    assert_eq!(in_store::<i64>(&app, 0, "SELECT COUNT(*) FROM pending_work"), 0);
}

#[test]
fn a_member_added_while_it_was_deleted_is_swept_out() {
    let app = three();
    let alice = app.scim().create_user("ACME/alice");
    let staff = app.scim().create_group("staff", &[]);
    app.scim().delete(&alice).is(204);
    // What a request writes that had found the user a moment before.
    app.native.sqlite.with(|connection| {
        let sql = "INSERT INTO members (tenant, group_id, member_id, type) VALUES (0, ?1, ?2, 'User')";
        connection.execute(sql, [id(&staff), id(&alice)]).unwrap();
    });
    app.native.clock.advance(Duration::from_secs(60));
    settle(&app);
    assert!(app.scim().get(&staff).is(200).get("members").is_none());
}

#[test]
fn a_store_that_fails_keeps_no_other_from_its_mail() {
    let mut app = three();
    for name in ["paul", "ACME/alice", "LEGACY/lea"] {
        let mut body = crate::support::invited(name);
        body["emails"] = json!([{ "value": "somebody@example.com" }]);
        app.scim().create("/scim2/Users", &body);
    }
    let whole = app.platform.clone();
    let mut stores = whole.stores.to_vec();
    stores[0].db = Arc::new(Faulty::on_batch(stores[0].db.clone(), 1, false));
    app.platform.stores = stores.into();
    let failed = latchkey::mail::sender::run(&app.platform, &app.deployment, app.service.mail_health(), 5);
    assert!(failed.is_err());
    app.platform = whole;
    assert_eq!(app.inbox().len(), 2);
    app.deliver();
    assert_eq!(app.inbox().len(), 3);
}
