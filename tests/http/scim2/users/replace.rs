//! `PUT /scim2/Users/{id}`

use serde_json::{Value, json};

use crate::scim2::client::{ENTERPRISE, INVITATION, PASSWORD, WSO2, id, in_parallel};
use crate::support::{App, SEED, invited};

#[test]
fn what_the_body_does_not_say_is_gone() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create(
        "/scim2/Users",
        &json!({
            "userName": "paul", "displayName": "Paul", "emails": [{ "value": "p@example.com" }],
            (ENTERPRISE): { "department": "Sales" },
        }),
    );
    let reply = admin.put(&user, &json!({ "userName": "paul", "nickName": "P" }));
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!((reply.header("etag"), after["meta"]["version"].as_str()), ("W/\"2\"", Some("W/\"2\"")));
    assert_eq!(after, admin.get(&user).is(200));
    assert_eq!((&after["nickName"], &after["active"]), (&json!("P"), &json!(true)));
    for gone in ["displayName", "emails", ENTERPRISE] {
        assert!(after.get(gone).is_none(), "{gone} in {after}");
    }
}

#[test]
fn what_was_read_can_be_put_back_and_changes_nothing() {
    let app = App::new();
    let admin = app.scim();
    let seed = app.admin("POST", "/scim2/Users", SEED).is(201);
    let paul = format!("/scim2/Users/{}", seed["id"].as_str().unwrap());
    admin.create_group("staff", &[&paul]);
    let plain = admin.create("/scim2/Users", &json!({ "userName": "mary", "name": { "givenName": "Mary" } }));
    for user in [paul, plain] {
        let before = admin.get(&user).is(200);
        let reply = admin.put(&user, &before);
        assert_eq!(reply.trips(), 1, "nothing is written");
        assert_eq!(reply.is(200), before);
        assert_eq!(admin.get(&user).is(200), before);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'user.update'"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

#[test]
fn a_put_that_does_not_speak_of_active_leaves_it_as_it_is() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create("/scim2/Users", &json!({ "userName": "paul", "active": false }));
    let after = admin.put(&user, &json!({ "userName": "paul", "title": "Sir" })).is(200);
    assert_eq!(after["active"], false, "a client that forgets an attribute must not let anybody in");
    let after = admin.put(&user, &json!({ "userName": "paul", "active": true })).is(200);
    assert_eq!(after["active"], true);
    assert_eq!(admin.put(&user, &json!({ "userName": "paul" })).is(200)["active"], true);
}

#[test]
fn the_password_is_kept_unless_the_body_has_a_new_one() {
    let app = App::new();
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    app.scim().put(&user, &json!({ "userName": "paul", "title": "Sir" })).is(200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    app.scim().put(&user, &json!({ "userName": "paul", "password": "another good one" })).is(200);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    assert_eq!(app.me("paul", "another good one").status, 200);
}

#[test]
fn the_user_name_can_be_changed_but_not_to_one_that_is_taken() {
    let app = App::new();
    let admin = app.scim();
    let paul = admin.create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    admin.create_user("Mary");
    let before = admin.get(&paul).is(200);
    admin.put(&paul, &json!({ "userName": "MARY" })).is_error(409, Some("uniqueness"));
    admin.set(&paul, "userName", "mary").is_error(409, Some("uniqueness"));
    assert_eq!(admin.get(&paul).is(200), before, "nothing was written");
    admin.put(&paul, &json!({ "userName": "PAUL" })).is(200);
    admin.put(&paul, &json!({ "userName": "pauline" })).is(200);
    assert_eq!((app.me("paul", PASSWORD).status.as_u16(), app.me("Pauline", PASSWORD).status.as_u16()), (401, 200));
    admin.create_user("paul");
}

#[test]
fn read_only_attributes_in_the_body_are_ignored() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let body = json!({
        "id": "other", "userName": "paul", "title": "Sir", "groups": [{ "value": "g" }],
        "meta": { "version": "W/\"77\"", "created": "1999-01-01T00:00:00Z" },
        (WSO2): { "accountState": "LOCKED", "lockedReason": "because" },
        (INVITATION): { "status": "accepted" },
    });
    let after = app.scim().put(&user, &body).is(200);
    assert_eq!((after["id"].as_str(), &after["meta"]["version"]), (Some(id(&user)), &json!("W/\"2\"")));
    for ignored in ["groups", WSO2, INVITATION] {
        assert!(after.get(ignored).is_none(), "{after}");
    }
}

#[test]
fn a_new_address_of_a_pending_user_is_invited_and_the_older_link_dies() {
    let app = App::new();
    let user = app.invite("paul");
    let older = app.newest_link();
    let mut body = invited("paul");
    body["emails"] = json!([{ "value": "new@example.com" }]);
    body.as_object_mut().unwrap().remove(WSO2);
    let reply = app.scim().put(&format!("/scim2/Users/{}", user["id"].as_str().unwrap()), &body);
    assert_eq!(reply.trips(), 2);
    assert_eq!(reply.is(200)[WSO2]["accountState"], "PENDING_AP");
    let newer = app.newest_link();
    assert_eq!(app.inbox()[0]["to"], "new@example.com");
    assert_eq!(app.anyone("GET", &newer).status, 200);
    assert_eq!(app.anyone("GET", &older).status, 410);
}

#[test]
fn bad_bodies_are_scim_errors_and_change_nothing() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let before = app.scim().get(&user).is(200);
    for (body, scim_type) in [
        ("", "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ("{}", "invalidValue"),
        (r#"{"userName":null}"#, "invalidValue"),
        (r#"{"userName":"paul","active":"perhaps"}"#, "invalidValue"),
        (r#"{"userName":"paul","password":"short"}"#, "invalidValue"),
        (r#"{"userName":"a\u0007b"}"#, "invalidValue"),
    ] {
        app.scim().send("PUT", &user, body).is_error(400, Some(scim_type));
    }
    app.scim().send("PUT", &user, vec![b' '; 300 * 1024]).is_error(413, None);
    app.scim().with("content-type", "text/plain").put(&user, &json!({ "userName": "x" })).is_error(415, None);
    app.scim().put("/scim2/Users/nobody", &json!({ "userName": "x" })).is_error(404, None);
    assert_eq!(app.scim().get(&user).is(200), before);
}

#[test]
fn of_two_writers_with_the_same_version_one_loses() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    for round in 1..=5 {
        let tag = format!("W/\"{round}\"");
        let mut statuses: Vec<u16> = in_parallel(2, |number| {
            let body = json!({ "userName": "paul", "title": format!("round {round} writer {number}") });
            app.scim().if_match(&tag).put(&user, &body).status.as_u16()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

#[test]
fn writers_without_a_version_all_get_through() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let answers = in_parallel(4, |number| app.scim().set(&user, "title", format!("writer {number}")));
    for reply in &answers {
        reply.is(200);
    }
    let mut versions: Vec<Value> = answers.iter().map(|reply| reply.json()["meta"]["version"].clone()).collect();
    versions.sort_by_key(Value::to_string);
    versions.dedup();
    assert_eq!(versions.len(), 4);
    assert_eq!(app.scim().get(&user).is(200)["meta"]["version"], "W/\"5\"");
}
