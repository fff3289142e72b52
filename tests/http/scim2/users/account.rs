//! What PUT and PATCH make of an account (docs/account.md): locks, links that die, addresses of pending users.

use serde_json::{Value, json};

use crate::scim2::client::{ENTERPRISE, INVITATION, PASSWORD, WSO2};
use crate::support::{App, Reply};

/// The path of a user who is asked for a password, and of the link to set it.
fn invite(app: &App, name: &str) -> (String, String) {
    let user = app.invite(name);
    (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link())
}

fn redeem(app: &App, link: &str) -> Reply {
    app.post_form(link, &[("password", PASSWORD), ("confirm", PASSWORD)])
}

fn state(user: &Value) -> (&str, bool, Option<&str>) {
    let wso2 = &user[WSO2];
    (wso2["accountState"].as_str().unwrap(), wso2["accountLocked"] == true, wso2["lockedReason"].as_str())
}

const PENDING: (&str, bool, Option<&str>) = ("PENDING_AP", true, Some("PENDING_ASK_PASSWORD"));
const LOCKED: (&str, bool, Option<&str>) = ("LOCKED", true, Some("ADMIN_INITIATED"));

#[track_caller]
fn assert_dead(app: &App, link: &str, reason: &str) {
    for page in [app.anyone("GET", link), redeem(app, link)] {
        assert_eq!(page.status, 410);
        assert!(page.text.contains(reason), "not {reason:?} in {}", page.text);
    }
}

#[test]
fn an_administrator_locks_a_pending_user_and_the_link_dies_and_unlocking_invites_again() {
    for schema in [WSO2, ENTERPRISE] {
        let app = App::new();
        let (paul, older) = invite(&app, "paul");
        let reply = app.scim().set(&paul, &format!("{schema}:accountLocked"), true);
        assert_eq!((reply.trips(), state(&reply.is(200))), (2, LOCKED));
        assert_dead(&app, &older, "locked");
        assert_eq!(app.me("paul", PASSWORD).status, 401);
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1, "no mail while locked");
        let reply = app.scim().set(&paul, &format!("{schema}:accountLocked"), false);
        let after = reply.is(200);
        assert_eq!((reply.trips(), state(&after)), (2, PENDING));
        assert_eq!(
            (after[INVITATION]["status"].as_str(), after[INVITATION]["delivery"].as_str()),
            (Some("pending"), Some("queued"))
        );
        let newer = app.newest_link();
        assert_dead(&app, &older, "newer");
        assert_eq!(redeem(&app, &newer).status, 200);
        assert_eq!(app.me("paul", PASSWORD).status, 200);
    }
}

#[test]
fn what_was_read_and_comes_back_locks_nobody() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    let read = app.scim().get(&paul).is(200);
    assert_eq!(app.scim().put(&paul, &read).is(200), read);
    // A strict client leaves out what is read-only.
    let mut writable = read.clone();
    for derived in ["accountState", "lockedReason"] {
        writable[WSO2].as_object_mut().unwrap().remove(derived);
    }
    assert_eq!(app.scim().put(&paul, &writable).is(200), read);
    assert_eq!(app.scim().patch(&paul, json!([{ "op": "replace", "value": read }])).is(200), read);
    assert_eq!(app.scim().patch(&paul, json!([{ "op": "replace", "path": WSO2, "value": read[WSO2] }])).is(200), read);
    assert_eq!(app.anyone("GET", &link).status, 200);
    // A live user is not locked, so that a PUT that says so means it.
    assert_eq!(redeem(&app, &link).status, 200);
    let mut live = app.scim().get(&paul).is(200);
    live[WSO2]["accountLocked"] = json!(true);
    assert_eq!(state(&app.scim().put(&paul, &live).is(200)), LOCKED);
}

#[test]
fn a_password_for_a_pending_user_whom_an_administrator_locked_accepts_but_does_not_unlock() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    app.scim().set(&paul, &format!("{WSO2}:accountLocked"), true).is(200);
    let after = app.scim().set(&paul, "password", PASSWORD).is(200);
    assert_eq!((state(&after), after[INVITATION]["status"].as_str()), (LOCKED, Some("accepted")));
    assert_dead(&app, &link, "already been used");
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    let after = app.scim().set(&paul, &format!("{WSO2}:accountLocked"), false).is(200);
    assert_eq!(state(&after), ("UNLOCKED", false, None));
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1, "an accepted invitation is not sent again");
}

#[test]
fn a_revoked_invitation_stays_revoked_until_somebody_sends_it_again() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    let id = paul.rsplit('/').next().unwrap();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
    let locked = format!("{WSO2}:accountLocked");
    for (path, value) in [
        (locked.as_str(), json!(true)),
        (locked.as_str(), json!(false)),
        ("active", json!(false)),
        ("active", json!(true)),
        ("emails", json!([{ "value": "new@example.com" }])),
    ] {
        let after = app.scim().set(&paul, path, value).is(200);
        assert_eq!(after[INVITATION]["status"], "revoked", "{path}");
        assert_dead(&app, &link, "withdrawn");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
    let after = app.scim().set(&paul, &format!("{WSO2}:askPassword"), true).is(200);
    assert_eq!((state(&after), after[INVITATION]["status"].as_str()), (PENDING, Some("pending")));
    let newer = app.newest_link();
    assert_eq!(app.inbox()[0]["to"], "new@example.com");
    assert_eq!(redeem(&app, &newer).status, 200);
}

#[test]
fn a_user_created_disabled_is_invited_once_when_enabled() {
    for deliver_between in [true, false] {
        let app = App::new();
        let mut body = crate::support::invited("paul");
        body["active"] = json!(false);
        let user = app.scim().create("/scim2/Users", &body);
        if deliver_between {
            app.deliver();
        }
        app.scim().set(&user, "active", true).is(200);
        assert_eq!(app.deliver().sent, 1);
        assert_eq!(app.inbox().len(), 1);
        let after = app.scim().get(&user).is(200);
        assert_eq!(
            (after[INVITATION]["delivery"].as_str(), after[INVITATION]["status"].as_str()),
            (Some("sent"), Some("pending"))
        );
        assert_eq!(redeem(&app, &app.newest_link()).status, 200);
    }
}

#[test]
fn a_put_without_addresses_leaves_a_pending_user_his() {
    let app = App::new();
    let (paul, link) = invite(&app, "paul");
    // An empty list is as good as none (RFC 7643 section 2.5).
    for body in
        [json!({ "userName": "paul", "title": "Sir" }), json!({ "userName": "paul", "title": "Sir", "emails": [] })]
    {
        let after = app.scim().put(&paul, &body).is(200);
        assert_eq!(
            (after["emails"][0]["value"].as_str(), after["title"].as_str()),
            (Some("paul@example.com"), Some("Sir"))
        );
    }
    assert_eq!(app.scim().count("/scim2/Users", "emails.value eq \"paul@example.com\""), 1);
    assert_eq!(app.anyone("GET", &link).status, 200);
    app.scim().patch(&paul, json!([{ "op": "remove", "path": "emails" }])).is_error(400, Some("invalidValue"));
    // Of a live user a PUT removes them like anything else.
    assert_eq!(redeem(&app, &link).status, 200);
    let after = app.scim().put(&paul, &json!({ "userName": "paul" })).is(200);
    assert_eq!((after.get("emails"), &after[WSO2]["emailVerified"]), (None, &json!(false)));
}

#[test]
fn an_address_that_is_none_is_refused_even_while_no_mail_is_due() {
    let app = App::new();
    let (paul, _) = invite(&app, "paul");
    app.scim().set(&paul, "active", false).is(200);
    app.scim().set(&paul, "emails", json!([{ "value": "a@x,b@y" }])).is_error(400, Some("invalidValue"));
    app.scim().set(&paul, "active", true).is(200);
    assert_eq!(redeem(&app, &app.newest_link()).status, 200);
}

#[test]
fn the_account_and_the_invitation_can_be_filtered_by_everything_they_show() {
    let app = App::new();
    app.scim().create("/scim2/Users", &json!({ "userName": "plain" }));
    let (accepted, link) = invite(&app, "accepted");
    assert_eq!(redeem(&app, &link).status, 200);
    let (locked, _) = invite(&app, "locked");
    app.scim().set(&locked, &format!("{WSO2}:accountLocked"), true).is(200);
    let (disabled, _) = invite(&app, "disabled");
    app.scim().set(&disabled, &format!("{WSO2}:accountDisabled"), true).is(200);
    let (revoked, _) = invite(&app, "revoked");
    app.admin("POST", &format!("/api/invitations/{}/revoke", revoked.rsplit('/').next().unwrap()), "");
    invite(&app, "expired");
    app.native.clock.advance(std::time::Duration::from_secs(86_400));
    app.invite("queued");
    app.scim().set(&accepted, "emails", json!([{ "value": "new@example.com" }])).is(200);
    for (filter, expected) in [
        (format!("{WSO2}:accountState eq \"LOCKED\""), vec!["locked"]),
        (format!("{WSO2}:accountState eq \"DISABLED\""), vec!["disabled"]),
        (format!("{WSO2}:accountState eq \"UNLOCKED\""), vec!["plain", "accepted"]),
        (format!("{WSO2}:accountLocked eq false"), vec!["plain", "accepted"]),
        (format!("{WSO2}:accountDisabled eq true"), vec!["disabled"]),
        (format!("{WSO2}:lockedReason eq \"ADMIN_INITIATED\""), vec!["locked"]),
        (format!("{WSO2}:lockedReason sw \"PENDING\""), vec!["disabled", "revoked", "expired", "queued"]),
        (format!("{WSO2}:emailVerified eq true"), vec!["accepted"]),
        (format!("{WSO2}:pendingEmails.value eq \"NEW@example.com\""), vec!["accepted"]),
        (format!("{WSO2}:pendingEmails pr"), vec!["accepted"]),
        (format!("{INVITATION}:status eq \"expired\""), vec!["locked", "disabled", "expired"]),
        (format!("{INVITATION}:status eq \"expired\" and {WSO2}:accountState eq \"PENDING_AP\""), vec!["expired"]),
        (format!("{INVITATION}:status eq \"revoked\""), vec!["revoked"]),
        (format!("{INVITATION}:status eq \"accepted\""), vec!["accepted"]),
        (format!("{INVITATION}:status eq \"pending\" and {INVITATION}:delivery eq \"queued\""), vec!["queued"]),
        (format!("{INVITATION}:attempts eq 0"), vec!["queued"]),
        (
            format!(
                "{INVITATION}:expiresAt pr and {INVITATION}:sentAt lt \"2100-01-01T00:00:00Z\" and {INVITATION}:status ne \"pending\""
            ),
            vec!["accepted", "locked", "disabled", "revoked", "expired"],
        ),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", &filter)
            .append_pair("sortBy", "meta.created")
            .finish();
        let reply = app.admin("GET", &format!("/scim2/Users?{query}"), "");
        assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1), "{filter}: {}", reply.text);
        let page = reply.json();
        let names: Vec<&str> =
            page["Resources"].as_array().into_iter().flatten().map(|user| user["userName"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{filter}");
    }
}
