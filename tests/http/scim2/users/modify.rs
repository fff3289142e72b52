//! `PATCH /scim2/Users/{id}`

use serde_json::{Value, json};

use crate::scim2::client::{INVITATION, PASSWORD, WSO2, in_parallel};
use crate::support::{App, invited};

/// The path of a user who is asked for a password, and of the link to set it.
fn invite(app: &App, name: &str) -> (String, String) {
    let user = app.invite(name);
    (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link())
}

/// Holds a link to being dead, for this reason.
#[track_caller]
fn assert_dead(app: &App, link: &str, reason: &str) {
    let page = app.anyone("GET", link);
    assert_eq!(page.status, 410);
    assert!(page.text.contains(reason), "not {reason:?} in {}", page.text);
}

#[test]
fn a_change_costs_two_round_trips_and_makes_a_new_version() {
    let app = App::new();
    let user =
        app.scim().create("/scim2/Users", &json!({ "userName": "paul", "emails": [{ "value": "p@example.com" }] }));
    let reply = app.scim().patch(
        &user,
        json!([
            { "op": "add", "path": "name.givenName", "value": "Paul" },
            { "op": "replace", "path": "emails[value eq \"P@EXAMPLE.COM\"].type", "value": "work" },
            { "op": "remove", "path": "nickName" },
        ]),
    );
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!((after["meta"]["version"].as_str(), reply.header("etag")), (Some("W/\"2\""), "W/\"2\""));
    assert_eq!(after["name"], json!({ "givenName": "Paul" }));
    assert_eq!(after["emails"], json!([{ "value": "p@example.com", "type": "work" }]));
    assert_eq!(app.scim().get(&user).is(200), after);
}

#[test]
fn a_change_that_changes_nothing_keeps_the_version_and_writes_nothing() {
    let app = App::new();
    let user = app.scim().create(
        "/scim2/Users",
        &json!({ "userName": "paul", "emails": [{ "value": "p@example.com", "type": "work" }], "active": true }),
    );
    let before = app.scim().get(&user).is(200);
    for operation in [
        json!({ "op": "replace", "path": "active", "value": true }),
        json!({ "op": "replace", "value": { "active": "True", "userName": "paul" } }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "p@example.com", "type": "work" }] }),
        json!({ "op": "remove", "path": "title" }),
        json!({ "op": "remove", "path": "emails[type eq \"home\"]" }),
    ] {
        let reply = app.scim().patch(&user, json!([operation]));
        assert_eq!(reply.trips(), 1, "{operation}");
        assert_eq!(reply.is(200), before, "{operation}");
    }
    assert_eq!(app.scim().get(&user).is(200), before);
}

#[test]
fn an_operation_that_fails_takes_all_of_them_back() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let before = app.scim().get(&user).is(200);
    let good = json!({ "op": "replace", "path": "title", "value": "Sir" });
    for (bad, status, scim_type) in [
        (json!({ "op": "replace", "path": "nope", "value": 1 }), 400, "invalidPath"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), 400, "mutability"),
        (json!({ "op": "replace", "path": "emails[type eq \"desk\"].value", "value": "x" }), 400, "noTarget"),
        (json!({ "op": "replace", "path": "emails[type eq]", "value": "x" }), 400, "invalidFilter"),
        (json!({ "op": "replace", "path": "active", "value": "perhaps" }), 400, "invalidValue"),
        (json!({ "op": "remove", "path": "userName" }), 400, "mutability"),
        (json!({ "op": "remove" }), 400, "noTarget"),
        (json!({ "op": "move", "path": "title" }), 400, "invalidSyntax"),
        (json!({ "op": "add", "path": "title" }), 400, "invalidValue"),
        (json!("add"), 400, "invalidSyntax"),
        (json!({ "op": "replace", "path": "password", "value": "short" }), 400, "invalidValue"),
    ] {
        app.scim().patch(&user, json!([good, bad])).is_error(status, Some(scim_type));
    }
    assert_eq!(app.scim().get(&user).is(200), before);
}

#[test]
fn bad_requests_are_scim_errors() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"Operations":[]}"#,
        r#"{"Operations":{}}"#,
        r#"{"schemas":["urn:x"],"Operations":[{"op":"remove","path":"title"}]}"#,
    ] {
        app.scim().send("PATCH", &user, body).is_error(400, Some("invalidSyntax"));
    }
    app.scim().with("content-type", "text/plain").set(&user, "title", "x").is_error(415, None);
    app.scim().send("PATCH", &user, vec![b' '; 300 * 1024]).is_error(413, None);
    app.scim().set("/scim2/Users/nobody", "title", "x").is_error(404, None);
    let many: Vec<Value> =
        (0..1_001).map(|n| json!({ "op": "add", "path": "title", "value": n.to_string() })).collect();
    app.scim().patch(&user, json!(many)).is_error(413, None);
}

#[test]
fn a_password_set_by_an_administrator_works_and_ends_the_invitation() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    let reply = app.scim().set(&paul, "password", PASSWORD);
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!(
        (after[WSO2]["accountState"].as_str(), &after[WSO2]["accountLocked"]),
        (Some("UNLOCKED"), &json!(false))
    );
    assert_eq!(after[INVITATION]["status"], "accepted");
    assert!(!reply.text.contains(PASSWORD));
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_dead(&app, &link, "already been used");
    app.scim().set(&paul, "password", "another good one").is(200);
    assert_eq!(
        (app.me("paul", PASSWORD).status.as_u16(), app.me("paul", "another good one").status.as_u16()),
        (401, 200)
    );
}

#[test]
fn active_is_the_inverse_of_disabled_and_nothing_else() {
    let app = App::new();
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    let after = app.scim().set(&user, "active", false).is(200);
    assert!(after["active"] == false && after.get(WSO2).is_none(), "active says it all: {after}");
    assert_eq!(app.scim().count("/scim2/Users", &format!("{WSO2}:accountState eq \"DISABLED\"")), 1);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    let after = app.scim().set(&user, "active", true).is(200);
    assert_eq!(after["active"], true);
    assert!(after.get(WSO2).is_none(), "a plain user again: {after}");
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    let after = app.scim().patch(&user, json!([{ "op": "remove", "path": "active" }])).is(200);
    assert_eq!(after.get("active"), None, "as asked, and there is no third state: {after}");
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    app.scim().set(&user, "active", false).is(200);
    app.scim().patch(&user, json!([{ "op": "remove", "path": "active" }])).is(200);
    assert_eq!(app.me("paul", PASSWORD).status, 401, "removing it lets nobody in");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn active_true_does_not_complete_an_invitation() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    let reply = app.scim().set(&paul, "active", true);
    assert_eq!((reply.trips(), reply.is(200)[WSO2]["accountState"].as_str()), (1, Some("PENDING_AP")));
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn a_pending_user_who_is_disabled_and_enabled_again_gets_a_new_invitation() {
    let app = App::new();
    let (paul, older) = invite(&app, "paul");
    let after = app.scim().set(&paul, "active", false).is(200);
    assert_eq!(after[WSO2]["accountState"], "DISABLED");
    assert_dead(&app, &older, "locked");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
    let reply = app.scim().set(&paul, "active", true);
    assert_eq!(reply.trips(), 2);
    let after = reply.is(200);
    assert_eq!(
        (after[WSO2]["accountState"].as_str(), after[INVITATION]["delivery"].as_str()),
        (Some("PENDING_AP"), Some("queued"))
    );
    let newer = app.newest_link();
    assert_ne!(newer, older);
    assert_eq!(app.anyone("GET", &newer).status, 200);
    assert_dead(&app, &older, "newer");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend'"), 1);
}

#[test]
fn a_live_user_is_locked_and_unlocked_without_any_mail() {
    let app = App::new();
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    for path in [format!("{WSO2}:accountLocked"), format!("{}:accountLocked", crate::scim2::client::ENTERPRISE)] {
        let after = app.scim().set(&user, &path, true).is(200);
        assert_eq!(
            (after[WSO2]["accountState"].as_str(), after[WSO2]["lockedReason"].as_str()),
            (Some("LOCKED"), Some("ADMIN_INITIATED"))
        );
        assert_eq!(after["active"], true);
        assert_eq!(app.me("paul", PASSWORD).status, 401);
        let after = app.scim().set(&user, &path, "false").is(200);
        assert!(after.get(WSO2).is_none(), "{after}");
        assert_eq!(app.me("paul", PASSWORD).status, 200);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn a_new_address_of_a_pending_user_is_invited_and_the_older_link_dies() {
    let app = App::new();
    let (paul, older) = invite(&app, "paul");
    let reply = app.scim().set(&paul, "emails[value pr].value", "new@example.com");
    assert_eq!(reply.trips(), 2);
    reply.is(200);
    let newer = app.newest_link();
    assert_eq!(app.inbox()[0]["to"], "new@example.com");
    assert_eq!(app.anyone("GET", &newer).status, 200);
    assert_dead(&app, &older, "no longer valid");
    app.scim().set(&paul, "title", "Sir").is(200);
    app.deliver();
    assert_eq!(app.inbox().len(), 2, "another change is no reason for a mail");
}

#[test]
fn an_address_that_cannot_be_invited_is_refused_while_the_user_is_pending() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    for operation in [
        json!({ "op": "remove", "path": "emails" }),
        json!({ "op": "replace", "path": "emails", "value": [{ "value": "a@x,b@y" }] }),
    ] {
        app.scim().patch(&paul, json!([operation])).is_error(400, Some("invalidValue"));
    }
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn a_flag_on_a_pending_user_sends_the_invitation_again() {
    let app = App::new();
    for (number, path) in [
        format!("{WSO2}:askPassword"),
        format!("{}:askPassword", crate::scim2::client::ENTERPRISE),
        format!("{WSO2}:verifyEmail"),
    ]
    .iter()
    .enumerate()
    {
        let (user, older) = invite(&app, &format!("user{number}"));
        let reply = app.scim().set(&user, path, "true");
        assert_eq!(reply.trips(), 2);
        assert_eq!(reply.is(200)[WSO2]["accountState"], "PENDING_AP");
        assert!(!reply.text.contains("askPassword"));
        let newer = app.newest_link();
        assert_eq!(app.anyone("GET", &newer).status, 200);
        assert_dead(&app, &older, "newer");
    }
}

#[test]
fn a_flag_on_anybody_else_is_ignored() {
    let app = App::new();
    let user = app.scim().create(
        "/scim2/Users",
        &json!({ "userName": "paul", "password": PASSWORD, "emails": [{ "value": "p@example.com" }] }),
    );
    let before = app.scim().get(&user).is(200);
    assert_eq!(app.scim().set(&user, &format!("{WSO2}:askPassword"), true).is(200), before);
    let mut body = invited("paul");
    body["emails"] = json!([{ "value": "p@example.com" }]);
    body["active"] = json!(true);
    assert_eq!(app.scim().put(&user, &body).is(200), before);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn of_two_writers_with_the_same_version_one_loses() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    for round in 1..=5 {
        let tag = format!("W/\"{round}\"");
        let write = |number| app.scim().if_match(&tag).set(&user, "title", format!("{round}.{number}")).status.as_u16();
        let mut statuses: Vec<u16> = in_parallel(2, write);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

#[test]
fn the_indexes_follow_a_change() {
    let app = App::new();
    let user = app.scim().create(
        "/scim2/Users",
        &json!({ "userName": "paul", "externalId": "e1", "emails": [{ "value": "old@example.com" }] }),
    );
    app.scim()
        .patch(
            &user,
            json!([
                { "op": "replace", "path": "userName", "value": "pauline" },
                { "op": "replace", "path": "externalId", "value": "e2" },
                { "op": "replace", "path": "emails", "value": [{ "value": "new@example.com" }] },
            ]),
        )
        .is(200);
    for (gone, found) in [
        ("userName eq \"paul\"", "userName eq \"PAULINE\""),
        ("externalId eq \"e1\"", "externalId eq \"e2\""),
        ("emails.value eq \"old@example.com\"", "emails eq \"NEW@example.com\""),
    ] {
        assert_eq!(
            (app.scim().count("/scim2/Users", gone), app.scim().count("/scim2/Users", found)),
            (0, 1),
            "{found}"
        );
    }
}

#[test]
fn a_user_does_not_grow_beyond_the_limit_by_patches() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let long = "x".repeat(200 * 1024);
    app.scim().set(&user, "title", long.as_str()).is(200);
    app.scim().set(&user, "nickName", long.as_str()).is_error(413, None);
    assert!(app.scim().get(&user).is(200).get("nickName").is_none());
}
