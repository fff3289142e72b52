//! `/scim2/Me`

use serde_json::json;

use crate::scim2::client::{ENTERPRISE, PASSWORD, WSO2};
use crate::support::App;

#[test]
fn a_pending_user_cannot_sign_in_with_the_password_that_was_sent() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", crate::support::SEED);
    let reply = app.me("Paul", "password");
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["status"], "401");
    assert!(reply.header("www-authenticate").starts_with("Basic"));
}

#[test]
fn a_user_created_with_a_password_signs_in_whatever_the_case_of_the_name() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", r#"{"userName":"Ärger","password":"walking the dog"}"#);
    let reply = app.me("äRGER", "walking the dog");
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["userName"], "Ärger");
    assert_eq!(reply.trips(), 1);
    assert_eq!(app.me("Ärger", "walking the cat").status, 401);
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", r#"{"userName":"paul","password":"walking the dog"}"#);
    let wrong = app.me("paul", "x");
    let unknown = app.me("nobody", "x");
    assert_eq!((wrong.status, &wrong.text), (unknown.status, &unknown.text));
}

#[test]
fn disabled_and_locked_users_are_refused() {
    let app = App::new();
    for body in [
        r#"{"userName":"one","password":"walking the dog","active":false}"#,
        r#"{"userName":"two","password":"walking the dog","urn:scim:wso2:schema":{"accountLocked":true}}"#,
    ] {
        assert_eq!(app.admin("POST", "/scim2/Users", body).status, 201);
    }
    assert_eq!(app.me("one", "walking the dog").status, 401);
    assert_eq!(app.me("two", "walking the dog").status, 401);
}

#[test]
fn the_deployments_administrator_is_no_user() {
    let app = App::new();
    assert_eq!(app.me("admin", "admin").status, 404);
}

/// Paul, who signs in, and the path at which the administrator sees them.
fn paul(app: &App) -> String {
    app.scim().create(
        "/scim2/Users",
        &json!({
            "userName": "paul", "password": PASSWORD, "externalId": "e1", "userType": "Employee",
            "emails": [{ "value": "p@example.com" }], "roles": [{ "value": "editor" }],
            (ENTERPRISE): { "department": "Sales" },
        }),
    )
}

#[test]
fn a_user_reads_what_the_administrator_sees() {
    let app = App::new();
    let path = paul(&app);
    app.scim().create_group("staff", &[&path]);
    let reply = app.user("paul", PASSWORD).get("/scim2/Me");
    let me = reply.is(200);
    assert_eq!(me, app.scim().get(&path).is(200));
    assert_eq!((reply.header("location"), reply.header("etag")), (me["meta"]["location"].as_str().unwrap(), "W/\"1\""));
    let part = app.user("paul", PASSWORD).get("/scim2/Me?attributes=userType").is(200);
    assert!(part["userType"] == "Employee" && part.get("emails").is_none(), "{part}");
}

#[test]
fn a_user_changes_his_own_profile() {
    let app = App::new();
    let path = paul(&app);
    let me = app.user("paul", PASSWORD);
    let reply = me.patch(
        "/scim2/Me",
        json!([
            { "op": "add", "path": "name.givenName", "value": "Paul" },
            { "op": "replace", "path": "emails", "value": [{ "value": "new@example.com" }] },
            { "op": "replace", "path": "userName", "value": "paul" },
            { "op": "replace", "path": "active", "value": true },
        ]),
    );
    assert_eq!(reply.trips(), 3, "to sign in, to read and to write");
    let after = reply.is(200);
    assert_eq!(
        (&after["name"]["givenName"], &after["emails"][0]["value"]),
        (&json!("Paul"), &json!("new@example.com"))
    );
    assert_eq!(app.scim().get(&path).is(200), after);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'user.update' AND actor LIKE 'user:%'"), 1);

    let mut whole = after;
    whole["nickName"] = json!("P");
    let after = me.put("/scim2/Me", &whole).is(200);
    assert_eq!((&after["nickName"], &after["roles"][0]["value"]), (&json!("P"), &json!("editor")));
}

#[test]
fn a_put_that_leaves_out_what_a_user_may_not_write_leaves_it_as_it_is() {
    let app = App::new();
    paul(&app);
    let after = app.user("paul", PASSWORD).put("/scim2/Me", &json!({ "userName": "paul", "nickName": "P" })).is(200);
    assert_eq!((&after["nickName"], &after["active"], &after["externalId"]), (&json!("P"), &json!(true), &json!("e1")));
    assert_eq!((&after["roles"][0]["value"], &after[ENTERPRISE]["department"]), (&json!("editor"), &json!("Sales")));
    assert!(after.get("emails").is_none(), "what they may write is replaced: {after}");
}

#[test]
fn what_a_user_is_to_others_is_not_his_to_change() {
    let app = App::new();
    let path = paul(&app);
    let before = app.scim().get(&path).is(200);
    let me = app.user("paul", PASSWORD);
    for (attribute, value) in [
        ("userName", json!("admin")),
        ("active", json!(false)),
        ("externalId", json!("e2")),
        ("userType", json!("Owner")),
        ("roles", json!([{ "value": "admin" }])),
        ("entitlements", json!([{ "value": "all" }])),
        ("x509Certificates", json!([{ "value": "AAAA" }])),
        (&format!("{ENTERPRISE}:department"), json!("Board")),
        (&format!("{ENTERPRISE}:manager"), json!("me")),
        (&format!("{WSO2}:accountLocked"), json!(true)),
        (&format!("{WSO2}:emailVerified"), json!(true)),
        (&format!("{WSO2}:accountDisabled"), json!(true)),
    ] {
        me.set("/scim2/Me", attribute, value.clone()).is_error(403, None);
        let mut body = before.clone();
        match attribute.rsplit_once(':') {
            None => body[attribute] = value,
            Some((urn, name)) => body[urn][name] = value,
        }
        me.put("/scim2/Me", &body).is_error(403, None);
    }
    for attribute in ["roles", "externalId", ENTERPRISE] {
        me.patch("/scim2/Me", json!([{ "op": "remove", "path": attribute }])).is_error(403, None);
    }
    assert_eq!(app.scim().get(&path).is(200), before);
}

#[test]
fn a_new_password_works_at_once_and_the_old_one_no_more() {
    let app = App::new();
    paul(&app);
    app.user("paul", PASSWORD).set("/scim2/Me", "password", "quite another one").is(200);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    let me = app.user("paul", "quite another one");
    for weak in ["short", "password123", "paul1234", "p@example.com"] {
        me.set("/scim2/Me", "password", weak).is_error(400, Some("invalidValue"));
    }
    me.get("/scim2/Me").is(200);
}

#[test]
fn a_pending_user_who_may_sign_in_does_not_lose_the_invitation_by_saying_what_is_so() {
    let app = App::with(&[("LOCK_ON_CREATION", "false"), ("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "true")]);
    let mut body = crate::support::invited("paul");
    body["password"] = json!(PASSWORD);
    app.scim().post("/scim2/Users", &body).is(201);
    let link = app.newest_link();
    let me = app.user("paul", PASSWORD);
    let before = me.get("/scim2/Me").is(200);
    assert_eq!(me.put("/scim2/Me", &before).is(200), before);
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn versions_hold_for_me_too() {
    let app = App::new();
    paul(&app);
    let me = app.user("paul", PASSWORD);
    me.if_match("W/\"2\"").set("/scim2/Me", "nickName", "P").is_error(412, None);
    me.if_match("W/\"1\"").set("/scim2/Me", "nickName", "P").is(200);
    me.if_match("W/\"1\"").put("/scim2/Me", &json!({ "userName": "paul" })).is_error(412, None);
}

#[test]
fn a_user_reaches_nothing_else_with_his_credentials() {
    let app = App::new();
    let path = paul(&app);
    let me = app.user("paul", PASSWORD);
    me.get(&path).is_error(401, None);
    me.get("/scim2/Users").is_error(401, None);
    me.set(&path, "title", "Sir").is_error(401, None);
    me.delete("/scim2/Me").is_error(405, None);
}

#[test]
fn white_space_around_a_name_that_is_typed_is_no_part_of_it() {
    let app = App::with_stores(&["ACME"]);
    paul(&app);
    app.scim().create("/scim2/Users", &json!({ "userName": "ACME/kim", "password": PASSWORD }));
    for typed in [" paul", "Paul ", "\tpaul\r\n", "\u{a0}paul\u{3000}"] {
        assert_eq!(app.me(typed, PASSWORD).json()["userName"], "paul", "{typed:?}");
        assert_eq!(app.me(typed, &format!(" {PASSWORD}")).status, 401, "a password is as it is typed");
    }
    assert_eq!(app.me(" ACME/kim ", PASSWORD).json()["userName"], "ACME/kim");
    assert_eq!(app.me("pa ul", PASSWORD).status, 401);
    app.user(" admin ", "admin").get("/scim2/Users").is(200);
}
