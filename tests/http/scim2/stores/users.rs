//! One user: where it is, what it is called, what each verb and each link costs.

use serde_json::{Value, json};

use super::{in_store, three};
use crate::scim2::client::{PASSWORD, USER, id};
use crate::support::{App, invited};

/// A user of ACME, invited; its path.
fn invite(app: &App, name: &str) -> String {
    let mut body = invited(name);
    body["emails"] = json!([{ "value": "alice@example.com" }]);
    app.scim().create("/scim2/Users", &body)
}

#[test]
fn a_user_is_stored_in_the_store_that_the_name_says_and_nowhere_else() {
    let app = three();
    let reply = app.scim().post("/scim2/Users", &json!({ "userName": "acme/alice", "schemas": [USER] }));
    assert_eq!(reply.trips(), 1);
    let alice = reply.is(201);
    assert_eq!(alice["userName"], "ACME/alice");
    assert_eq!(alice["id"].as_str().unwrap().as_bytes()[14], b'8');
    app.scim().create_user("PRIMARY/bob");
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 1);
    assert_eq!(in_store::<String>(&app, 0, "SELECT name_key FROM resources"), "acme/alice");
    assert_eq!(in_store::<i64>(&app, 0, "SELECT COUNT(*) FROM audit WHERE action = 'user.create'"), 1);
    assert_eq!(in_store::<i64>(&app, 0, "SELECT total FROM counters"), 1);
    assert_eq!(in_store::<i64>(&app, 1, "SELECT COUNT(*) FROM resources"), 0);
    assert_eq!(app.scim().filter("/scim2/Users", "userName eq \"bob\"")[0]["userName"], "bob");
}

#[test]
fn a_name_is_unique_in_its_store() {
    let app = three();
    for name in ["alice", "ACME/alice", "LEGACY/alice"] {
        app.scim().create_user(name);
    }
    for name in ["Alice", "PRIMARY/alice", "acme/ALICE", "Legacy/alice"] {
        app.scim().post("/scim2/Users", &json!({ "userName": name })).is_error(409, Some("uniqueness"));
    }
}

#[test]
fn a_domain_that_is_no_store_is_refused_by_name() {
    let app = three();
    for name in ["FOO/alice", "/alice", "PRIMARY/FOO/alice"] {
        let reply = app.scim().post("/scim2/Users", &json!({ "userName": name }));
        reply.is_error(400, Some("invalidValue"));
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Invalid user store domain: '") && detail.contains("ACME, LEGACY"), "{detail}");
    }
    for name in ["ACME/", "PRIMARY/"] {
        app.scim().post("/scim2/Users", &json!({ "userName": name })).is_error(400, Some("invalidValue"));
    }
    // Without other stores a slash is a character like any other.
    App::new().scim().create_user("FOO/alice");
}

#[test]
fn every_verb_by_id_finds_the_store_and_costs_one_round_trip_more_for_the_groups() {
    let app = three();
    let admin = app.scim();
    let (alice, bob) = (admin.create_user("ACME/alice"), admin.create_user("bob"));
    for (user, more) in [(&alice, 1), (&bob, 0)] {
        let read = admin.get(user);
        assert_eq!(read.trips(), 1 + more);
        assert_eq!(admin.get(&format!("{user}?excludedAttributes=groups")).trips(), 1);
        let mut body = read.is(200);
        body["title"] = json!("Dr");
        let put = admin.put(user, &body);
        assert_eq!((put.trips(), &put.is(200)["title"]), (2 + more, &json!("Dr")));
        let patched = admin.set(user, "title", "Prof");
        assert_eq!((patched.trips(), &patched.is(200)["title"]), (2 + more, &json!("Prof")));
        admin.if_match("W/\"1\"").delete(user).is_error(412, None);
        let deleted = admin.delete(user);
        assert_eq!(deleted.trips(), 1 + more);
        deleted.is(204);
        admin.get(user).is_error(404, None);
        admin.delete(user).is_error(404, None);
    }
    assert_eq!(in_store::<i64>(&app, 0, "SELECT total FROM counters"), 0);
}

#[test]
fn a_user_is_renamed_within_its_store_and_never_out_of_it() {
    let app = three();
    let admin = app.scim();
    let (alice, bob) = (admin.create_user("ACME/alice"), admin.create_user("bob"));
    assert_eq!(admin.set(&alice, "userName", "acme/Alicia").is(200)["userName"], "ACME/Alicia");
    assert_eq!(admin.set(&bob, "userName", "PRIMARY/bert").is(200)["userName"], "bert");
    for (user, name) in [(&alice, "alice"), (&alice, "PRIMARY/alice"), (&alice, "LEGACY/alice"), (&bob, "ACME/bob")] {
        admin.set(user, "userName", name).is_error(400, Some("mutability"));
        admin.put(user, &json!({ "userName": name })).is_error(400, Some("mutability"));
    }
    admin.set(&alice, "userName", "FOO/alice").is_error(400, Some("invalidValue"));
    assert_eq!(admin.get(&alice).is(200)["userName"], "ACME/Alicia");
}

#[test]
fn a_link_finds_the_store_by_itself_and_the_person_signs_in_with_the_domain() {
    let app = three();
    let alice = invite(&app, "ACME/alice");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    let link = app.newest_link();
    let mail = app.inbox()[0]["text"].as_str().unwrap().to_owned();
    assert!(mail.contains("alice") && !mail.contains("ACME"), "{mail}");
    let page = app.anyone("GET", &link);
    // One more than in PRIMARY, which knows what groups have given since the link was made.
    assert_eq!((page.status.as_u16(), page.trips()), (200, 2));
    assert!(page.text.contains("value=\"ACME/alice\""), "{}", page.text);
    let done = app.post_form(&link, &[("password", PASSWORD), ("confirm", PASSWORD)]);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 3), "{}", done.text);
    assert_eq!(app.anyone("GET", &link).status, 410);

    for (name, status) in
        [("ACME/alice", 200), ("acme/ALICE", 200), ("alice", 401), ("LEGACY/alice", 401), ("FOO/alice", 401)]
    {
        assert_eq!(app.me(name, PASSWORD).status, status, "{name}");
    }
    assert_eq!(app.me("ACME/alice", PASSWORD).json()["id"], id(&alice));
    let me = app.user("ACME/alice", PASSWORD);
    assert_eq!(me.set("/scim2/Me", "nickName", "Ali").is(200)["nickName"], "Ali");
    me.set("/scim2/Me", "userName", "ACME/bob").is_error(403, None);

    app.deliver();
    let templates: Vec<Value> = app.inbox().iter().map(|mail| mail["template"].clone()).collect();
    assert_eq!(templates, ["AccountActivationSuccess", "AskPassword"]);
    assert_eq!(in_store::<i64>(&app, 0, "SELECT COUNT(*) FROM audit WHERE action = 'invitation.redeem'"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 0);
}

#[test]
fn a_sign_in_costs_the_same_whether_or_not_the_user_exists() {
    let app = three();
    app.scim().create("/scim2/Users", &json!({ "userName": "ACME/alice", "password": PASSWORD }));
    assert_eq!(app.me("ACME/nobody", PASSWORD).trips(), app.me("ACME/alice", "wrong").trips());
}

#[test]
fn tenants_have_the_stores_each_for_itself() {
    let app = three();
    app.native.sqlite.with(|connection| {
        let number = latchkey::model::tenant::Tenant::from_domain("acme.com").number().cast_signed();
        let sql = "INSERT INTO tenants (number, domain, created) VALUES (?1, 'acme.com', 0)";
        connection.execute(sql, [number]).unwrap();
    });
    let mut body = invited("ACME/alice");
    body["emails"] = json!([{ "value": "alice@example.com" }]);
    let theirs = app.scim().create("/t/acme.com/scim2/Users", &body);
    app.scim().create_user("ACME/alice");
    assert_eq!(app.scim().get("/t/acme.com/scim2/Users").is(200)["totalResults"], 1);
    app.scim().get(&theirs.replace("/t/acme.com", "")).is_error(404, None);
    // The mail speaks for the tenant, which PRIMARY alone knows.
    let link = app.newest_link();
    assert!(link.starts_with("/t/acme.com/invite/"), "{link}");
    assert_eq!(app.post_form(&link, &[("password", PASSWORD), ("confirm", PASSWORD)]).status, 200);
}

#[test]
fn bulk_creates_in_every_store_and_takes_references_across_them() {
    let app = three();
    let user = |bulk_id: &str, name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "userName": name } });
    let mut group = json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "staff" } });
    group["data"]["members"] = json!([{ "value": "bulkId:a" }, { "value": "bulkId:p" }]);
    let done = app.scim().bulk(vec![
        group.clone(),
        user("a", "ACME/alice"),
        user("p", "paul"),
        user("l", "legacy/lea"),
        user("x", "FOO/x"),
        user("twice", "acme/ALICE"),
    ]);
    let done = done.is(200);
    let statuses: Vec<&str> =
        done["Operations"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "201", "201", "400", "409"], "{done}");
    let path =
        |index: usize| done["Operations"][index]["location"].as_str().unwrap().split_once(".com").unwrap().1.to_owned();
    let members = app.scim().get(&path(0)).is(200)["members"].clone();
    let mut shown: Vec<(&str, &str)> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (member["display"].as_str().unwrap(), member["value"].as_str().unwrap()))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [("ACME/alice", id(&path(1))), ("paul", id(&path(2)))]);
    assert_eq!(app.scim().get(&path(1)).is(200)["groups"][0]["display"], "staff");
    assert_eq!(in_store::<i64>(&app, 1, "SELECT COUNT(*) FROM resources"), 1);

    // Changes and deletions find their store too, and a circle of managers has the ids it was promised.
    let manager = |bulk_id: &str, name: &str, of: &str| {
        let mut user = user(bulk_id, name);
        user["data"]["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({ "manager": { "value": of } });
        user
    };
    let done = app.scim().bulk(vec![
        manager("m", "ACME/m", "bulkId:n"),
        manager("n", "LEGACY/n", "bulkId:m"),
        json!({ "method": "PATCH", "path": path(1).replace("/scim2", ""), "data": { "Operations": [{ "op": "replace", "path": "title", "value": "Dr" }] } }),
        json!({ "method": "DELETE", "path": path(3).replace("/scim2", "") }),
    ]);
    let done = done.is(200);
    assert_eq!(done["Operations"][3]["status"], "204", "{done}");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let path =
        |index: usize| done["Operations"][index]["location"].as_str().unwrap().split_once(".com").unwrap().1.to_owned();
    assert_eq!(app.scim().get(&path(0)).is(200)[enterprise]["manager"]["value"], id(&path(1)));
    assert_eq!(app.scim().get(&path(1)).is(200)[enterprise]["manager"]["value"], id(&path(0)));
    assert_eq!(app.scim().get(&path(2)).is(200)["title"], "Dr");
}

#[test]
fn a_bulk_that_stops_at_an_error_stops_there_in_other_stores_too() {
    let app = three();
    app.scim().create_user("ACME/alice");
    let operations: Vec<Value> = ["ACME/bob", "ACME/alice", "ACME/carol"]
        .iter()
        .enumerate()
        .map(|(n, name)| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "userName": name } }))
        .collect();
    let body = json!({ "schemas": [crate::scim2::client::BULK], "failOnErrors": 1, "Operations": operations });
    let done = app.scim().post("/scim2/Bulk", &body).is(200);
    assert_eq!(done["Operations"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(app.scim().count("/scim2/Users", "userName eq \"ACME/carol\""), 0);
}

#[test]
fn an_id_of_a_store_that_is_not_configured_is_nobodys() {
    let app = three();
    let alice = app.scim().create_user("LEGACY/alice");
    let app = App { stores: Vec::new(), ..app }.reconfigured(&[("USER_STORES", "ACME=DB_ACME")]);
    app.scim().get(&alice).is_error(404, None);
    app.scim().delete(&alice).is_error(404, None);
}
