//! Bugs of WSO2 Identity Server's invitations (wso2/product-is, where nothing else is said), one test per number.

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::{PASSWORD, create, path, redeem, resend};
use crate::scim2::client::{INVITATION, WSO2};
use crate::support::{App, invited};

fn state(app: &App, user: &serde_json::Value) -> String {
    app.scim().get(&path(user)).is(200)[WSO2]["accountState"].as_str().unwrap_or("UNLOCKED").to_owned()
}

/// 21816, 12586
#[test]
fn the_pending_state_ends_with_the_invitation_locked_or_not() {
    for lock in ["true", "false"] {
        let app = App::with(&[("LOCK_ON_CREATION", lock)]);
        let asked = app.invite("paul");
        assert_eq!(redeem(&app, &app.newest_link()).status, 200);
        let verified = create(&app, "petra", &json!({ "verifyEmail": true }));
        app.post_form(&app.newest_link(), &[("intent", "confirm-email")]);
        assert_eq!((state(&app, &asked), state(&app, &verified)), ("UNLOCKED".to_owned(), "UNLOCKED".to_owned()));
    }
}

/// 21322, 9969, 5651, 10930
#[test]
fn an_invited_account_is_locked_and_pending_at_once() {
    let app = App::new();
    let user = app.invite("paul");
    assert_eq!((&user[WSO2]["accountState"], &user[WSO2]["accountLocked"]), (&json!("PENDING_AP"), &json!(true)));
    app.scim().set(&path(&user), "displayName", "Paul").is(200);
    assert_eq!(state(&app, &user), "PENDING_AP");
}

/// 26712, 11515
#[test]
fn pending_users_of_both_kinds_are_told_apart() {
    let app = App::new();
    let asked = app.invite("paul");
    let verified = create(&app, "petra", &json!({ "verifyEmail": true }));
    assert_eq!((state(&app, &asked), state(&app, &verified)), ("PENDING_AP".to_owned(), "PENDING_EV".to_owned()));
    let body = json!({ "username": "paul", "userstore": "PRIMARY" }).to_string();
    assert_eq!(app.admin("POST", "/api/users/v1/offline-invite-link", body).status, 201);
}

/// 9646
#[test]
fn the_text_false_is_false() {
    let app = App::new();
    for (number, value) in [json!("false"), json!("False"), json!(false)].into_iter().enumerate() {
        let user = create(&app, &format!("user{number}"), &json!({ "askPassword": value }));
        assert!(user.get(INVITATION).is_none(), "{user}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

/// 3477
#[test]
fn a_user_who_is_asked_for_a_password_needs_none() {
    let app = App::new();
    let reply = app.admin("POST", "/scim2/Users", invited("paul").to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
}

/// 13637 (and identity-inbound-provisioning-scim2#419)
#[test]
fn what_is_refused_is_not_half_created_and_can_be_sent_again_mended() {
    let app = App::new();
    for flag in ["askPassword", "verifyEmail"] {
        let mut body = invited(flag);
        let emails = body["emails"].take();
        body.as_object_mut().unwrap().remove("emails");
        body[WSO2] = json!({ flag: true });
        app.admin("POST", "/scim2/Users", body.to_string()).is_error(400, Some("invalidValue"));
        assert_eq!(app.scim().count("/scim2/Users", &format!("userName eq \"{flag}\"")), 0);
        body["emails"] = emails;
        assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    }
}

/// 15210, 4973, 7283
#[test]
fn an_address_of_any_type_is_an_address() {
    let app = App::new();
    for kind in ["work", "home", "other"] {
        let mut body = invited(kind);
        body["emails"][0]["type"] = json!(kind);
        assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    }
    app.deliver();
    assert_eq!(app.inbox().len(), 3);
}

/// 8587, 13682, 16626, 27799, 5700
#[test]
fn resending_works_the_second_time_too_and_needs_no_older_code() {
    let app = App::new();
    let user = app.invite("paul");
    app.native.sqlite.with(|connection| connection.execute("DELETE FROM outbox", []).unwrap());
    for _ in 0..4 {
        assert_eq!(resend(&app, &user).status, 202);
    }
    assert_eq!(redeem(&app, &app.newest_link()).status, 200);
}

/// 4875, 2625, 3067, 1800, carbon-identity-framework#1518
#[test]
fn a_dead_link_is_a_page_with_a_reason_and_never_blank() {
    let app = App::new();
    let user = app.invite("paul");
    let link = app.newest_link();
    app.scim().set(&path(&user), "emails", json!([{ "value": "right@example.com" }])).is(200);
    let page = app.anyone("GET", &link);
    assert!(page.status == 410 && page.text.contains("was changed after the mail was sent"), "{}", page.text);
    assert!(redeem(&app, &app.newest_link()).text.contains("Your account is ready"), "the address was corrected");
}

/// 21207
#[test]
fn one_mail_and_not_two_tells_that_the_account_is_ready() {
    let app = App::new();
    app.invite("paul");
    redeem(&app, &app.newest_link());
    app.deliver();
    let templates: Vec<_> = app.inbox().iter().map(|mail| mail["template"].clone()).collect();
    assert_eq!(templates, ["AccountActivationSuccess", "AskPassword"]);
}

/// 15163, 11464
#[test]
fn a_plus_in_a_user_name_breaks_nothing() {
    let app = App::new();
    let mut body = invited("x");
    body["userName"] = json!("paul+test@example.com");
    body["emails"] = json!([{ "value": "paul+test@example.com" }]);
    let user = app.admin("POST", "/scim2/Users", body.to_string()).json();
    assert_eq!(resend(&app, &user).status, 202);
    let scenario = json!([{ "key": "RecoveryScenario", "value": "ASK_PASSWORD" }]);
    let code = json!({ "user": { "username": "paul+test@example.com", "realm": "PRIMARY" }, "properties": scenario });
    assert_eq!(app.admin("POST", "/api/identity/user/v1.0/resend-code", code.to_string()).status, 201);
    assert_eq!(redeem(&app, &app.newest_link()).status, 200);
    assert_eq!(app.me("paul+test@example.com", PASSWORD).status, 200);
}

/// 22343
#[test]
fn a_mail_has_the_user_name_as_the_client_sent_it() {
    let app = App::new();
    app.invite("Paul.Smith");
    app.deliver();
    let text = app.inbox()[0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Paul.Smith") && !text.contains("PRIMARY"), "{text}");
}

/// 22437, 19456, 18912
#[test]
fn an_offline_link_for_nobody_is_a_400() {
    let app = App::new();
    for user_name in ["nobody", "ACME/nobody", "x@y.z", "\u{1f511}"] {
        let body = json!({ "username": user_name, "userstore": "PRIMARY" }).to_string();
        let reply = app.admin("POST", "/api/users/v1/offline-invite-link", body);
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("18003")));
    }
}

/// 8464
#[test]
fn whoever_is_created_with_a_flag_has_a_mail_in_the_same_write() {
    let app = App::new();
    let reply = app.admin("POST", "/scim2/Users", invited("paul").to_string());
    assert_eq!((reply.status.as_u16(), reply.trips()), (201, 1));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

/// 12792
#[test]
fn a_code_that_was_used_does_not_work_again_wherever_it_is_sent() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    redeem(&app, &link);
    assert_eq!(redeem(&app, &link).status, 410);
    let body = json!({ "key": link.rsplit('/').next().unwrap(), "password": "walking the cat at ten" }).to_string();
    let request = Request::post("/api/identity/recovery/v0.9/set-password").body(Bytes::from(body));
    assert_eq!(app.send(request.unwrap()).status, 400);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}
