//! `/api/identity/recovery/v0.9`, `/api/identity/user/v1.0`, `/api/users/v1/offline-invite-link`: codes as WSO2's clients use
//! them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::scim2::client::{INVITATION, WSO2};
use crate::support::{App, Faulty, ORIGIN, Reply, invited};

const PASSWORD: &str = "walking the dog at nine";
const VALIDATE: &str = "/api/identity/recovery/v0.9/validate-code";
const SET_PASSWORD: &str = "/api/identity/recovery/v0.9/set-password";
const CONFIRM: &str = "/api/identity/user/v1.0/validate-code";
const INTROSPECT: &str = "/api/identity/user/v1.0/introspect-code";
const RESEND: &str = "/api/identity/user/v1.0/resend-code";
const OFFLINE: &str = "/api/users/v1/offline-invite-link";

/// A request by somebody who has nothing but a code.
pub fn post(app: &App, path: &str, body: &Value) -> Reply {
    let request = Request::post(path).header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap())
}

/// The code in the newest mail.
pub fn newest_code(app: &App) -> String {
    app.newest_link().rsplit('/').next().unwrap().to_owned()
}

/// Asserts a WSO2 error with this code, and answers its description.
#[track_caller]
pub fn refused(reply: &Reply, status: u16, code: &str) -> String {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert_eq!(body["code"], if code.is_empty() { Value::Null } else { json!(code) }, "{}", reply.text);
    assert!(body["message"].is_string() && body["traceId"].is_string(), "{}", reply.text);
    assert!(!reply.text.contains("lk1.") || status == 412, "a code is not quoted: {}", reply.text);
    body["description"].as_str().unwrap().to_owned()
}

fn validate(app: &App, code: &str) -> Reply {
    post(app, VALIDATE, &json!({ "code": code, "step": "UPDATE_PASSWORD", "properties": [] }))
}

fn set_password(app: &App, key: &str, password: &str) -> Reply {
    post(app, SET_PASSWORD, &json!({ "key": key, "password": password, "properties": [] }))
}

fn resend(app: &App, user_name: &str, scenario: &str) -> Reply {
    let properties = json!([{ "key": "RecoveryScenario", "value": scenario }]);
    let user = json!({ "username": user_name, "realm": "PRIMARY" });
    app.admin("POST", RESEND, json!({ "user": user, "properties": properties }).to_string())
}

fn offline(app: &App, user_name: &str) -> Reply {
    app.admin("POST", OFFLINE, json!({ "username": user_name, "userstore": "PRIMARY" }).to_string())
}

fn verified(user_name: &str) -> String {
    let mut body = invited(user_name);
    body[WSO2] = json!({ "verifyEmail": true });
    body["password"] = json!(PASSWORD);
    body.to_string()
}

/// A tenant with an administrator's Paul in it, and the code of Paul's invitation.
fn code_of_acme(app: &App) -> String {
    let tenant = json!({ "domain": "acme.com", "owners": [{ "username": "owner", "email": "owner@acme.com",
        "firstname": "O", "lastname": "W", "provisioningMethod": "invite-via-email" }] });
    let created = app.admin("POST", "/api/server/v1/tenants", tenant.to_string());
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(app.admin("POST", "/t/acme.com/scim2/Users", invited("paul").to_string()).status, 201);
    newest_code(app)
}

#[test]
fn a_code_may_be_asked_about_as_often_as_one_likes_and_used_once() {
    let app = App::new();
    let id = app.invite("paul")["id"].clone();
    let code = newest_code(&app);
    let paul = json!({ "username": "paul", "realm": "PRIMARY", "tenant-domain": "carbon.super", "userId": id });
    for body in [
        json!({ "code": code, "step": "UPDATE_PASSWORD", "properties": [] }),
        json!({ "code": code, "step": "" }),
        json!({ "code": code }),
    ] {
        let reply = post(&app, VALIDATE, &body);
        assert_eq!((reply.status.as_u16(), reply.json(), reply.trips()), (202, paul.clone(), 1));
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let done = set_password(&app, &code, PASSWORD);
    assert_eq!((done.status.as_u16(), done.json(), done.trips()), (200, paul, 2), "{}", done.text);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    for again in [validate(&app, &code), set_password(&app, &code, PASSWORD)] {
        assert!(refused(&again, 400, "18001").contains("used already"));
    }
}

#[test]
fn what_is_no_code_costs_no_round_trip_and_says_nothing_about_users() {
    let app = App::new();
    app.invite("paul");
    let code = newest_code(&app);
    let forged = format!("{}A", &code[..code.len() - 1]);
    let forged = if forged == code { format!("{}B", &code[..code.len() - 1]) } else { forged };
    for code in ["", "d9e9f0a0-6d60-4d0c-9e15-6c1c2f0e2d4c", "lk1.", &forged, &"x".repeat(10_000)] {
        for path in [VALIDATE, CONFIRM, INTROSPECT] {
            let reply = post(&app, path, &json!({ "code": code }));
            refused(&reply, 400, "18001");
            assert_eq!(reply.trips(), 0, "{path} {code}");
        }
        let reply = set_password(&app, code, PASSWORD);
        refused(&reply, 400, "18001");
        assert_eq!(reply.trips(), 0);
    }
    for body in ["", "nonsense", "{\"code\":"] {
        let reply = app.send(Request::post(VALIDATE).body(Body::from(body)).unwrap());
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (400, "application/json"));
    }
    for body in ["[]", "7", "{}", "{\"code\":7}", "{\"code\":null}"] {
        let reply = app.send(Request::post(VALIDATE).body(Body::from(body)).unwrap());
        refused(&reply, 400, "18001");
    }
}

#[test]
fn a_step_that_the_code_is_not_for_is_refused() {
    let app = App::new();
    app.invite("paul");
    let body = json!({ "code": newest_code(&app), "step": "CONFIRM_SIGN_UP" });
    refused(&post(&app, VALIDATE, &body), 400, "18001");
}

#[test]
fn a_weak_password_is_refused_in_words_and_the_key_works_on() {
    let app = App::new();
    app.invite("paul");
    let code = newest_code(&app);
    let reasons = refused(&set_password(&app, &code, "paul1"), 400, "20035");
    assert!(reasons.contains("at least 8 characters") && reasons.contains("easy to guess"), "{reasons}");
    refused(&post(&app, SET_PASSWORD, &json!({ "key": code })), 400, "20035");
    refused(&post(&app, SET_PASSWORD, &json!({ "key": code, "password": 12345678 })), 400, "20035");
    assert_eq!(app.me("paul", "paul1").status, 401);
    assert_eq!(set_password(&app, &code, PASSWORD).status, 200);
}

#[test]
fn the_reasons_come_in_the_language_of_the_code() {
    let app = App::new();
    let mut body = invited("paul");
    body["preferredLanguage"] = json!("de-DE");
    app.admin("POST", "/scim2/Users", body.to_string());
    let reasons = refused(&set_password(&app, &newest_code(&app), "kurz"), 400, "20035");
    assert!(reasons.contains("Zeichen"), "{reasons}");
}

#[test]
fn a_password_that_was_used_before_is_a_412_with_the_key() {
    let app = App::with(&[("PASSWORD_HISTORY", "3"), ("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "true")]);
    let mut body = invited("paul");
    body["password"] = json!(PASSWORD);
    app.admin("POST", "/scim2/Users", body.to_string());
    let code = newest_code(&app);
    let reply = set_password(&app, &code, PASSWORD);
    let reason = refused(&reply, 412, "22001");
    assert!(reason.contains("used this password before"), "{reason}");
    assert_eq!(reply.json()["key"], json!(code));
    assert_eq!(set_password(&app, &code, "walking the cat at ten").status, 200);
}

#[test]
fn expired_codes_are_18002_without_a_round_trip_and_minus_one_never_expires() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "0"), ("VERIFICATION_EMAIL_VALIDITY", "0")]);
    app.invite("paul");
    let code = newest_code(&app);
    for reply in [validate(&app, &code), set_password(&app, &code, PASSWORD)] {
        refused(&reply, 400, "18002");
        assert_eq!(reply.trips(), 0);
    }
    app.admin("POST", "/scim2/Users", verified("petra"));
    let code = newest_code(&app);
    refused(&post(&app, CONFIRM, &json!({ "code": code })), 400, "18002");
    let told = post(&app, INTROSPECT, &json!({ "code": code }));
    assert_eq!((told.status.as_u16(), &told.json()["isExpired"]), (202, &json!(true)));

    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "-1"), ("VERIFICATION_EMAIL_VALIDITY", "-5")]);
    app.invite("paul");
    let ask = newest_code(&app);
    app.admin("POST", "/scim2/Users", verified("petra"));
    let verify = newest_code(&app);
    app.native.clock.advance(Duration::from_secs(3 * 365 * 86_400));
    assert_eq!(set_password(&app, &ask, PASSWORD).status, 200);
    assert_eq!(post(&app, CONFIRM, &json!({ "code": verify })).status, 202);
}

#[test]
fn a_verify_code_confirms_the_address_once_and_the_password_stays() {
    let app = App::new();
    let id = app.admin("POST", "/scim2/Users", verified("paul")).json()["id"].clone();
    let code = newest_code(&app);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    let told = post(&app, INTROSPECT, &json!({ "code": code }));
    assert_eq!(told.status, 202);
    let user = json!({ "username": "paul", "realm": "PRIMARY", "tenant-domain": "carbon.super" });
    assert_eq!(
        told.json(),
        json!({ "user": user, "recoveryScenario": "SELF_SIGN_UP", "recoveryStep": "CONFIRM_SIGN_UP", "isExpired": false })
    );
    let channel = json!({ "type": "EMAIL", "claim": "http://wso2.org/claims/emailaddress" });
    let done = post(&app, CONFIRM, &json!({ "code": code, "verifiedChannel": channel, "properties": [] }));
    assert_eq!((done.status.as_u16(), &done.json()["userId"]), (202, &id));
    let me = app.user("paul", PASSWORD).get("/scim2/Me").is(200);
    assert_eq!((&me[WSO2]["emailVerified"], &me[WSO2]["accountState"]), (&json!(true), &json!("UNLOCKED")));
    for path in [CONFIRM, INTROSPECT] {
        refused(&post(&app, path, &json!({ "code": code })), 400, "18001");
    }
}

#[test]
fn each_kind_of_code_is_refused_where_the_other_is_used() {
    let app = App::new();
    app.invite("paul");
    let ask = newest_code(&app);
    for path in [CONFIRM, INTROSPECT] {
        let reply = post(&app, path, &json!({ "code": ask }));
        refused(&reply, 400, "USR-10001");
        assert_eq!(reply.trips(), 0);
    }
    app.admin("POST", "/scim2/Users", verified("petra"));
    let verify = newest_code(&app);
    refused(&post(&app, VALIDATE, &json!({ "code": verify })), 400, "18001");
    refused(&set_password(&app, &verify, "walking the cat at ten"), 400, "18001");
    assert_eq!(app.me("petra", "walking the cat at ten").status, 401);
    assert_eq!(set_password(&app, &ask, PASSWORD).status, 200, "neither was used up");
    assert_eq!(post(&app, CONFIRM, &json!({ "code": verify })).status, 202);
}

#[test]
fn a_code_of_another_tenant_is_told_apart_and_works_in_its_own() {
    let app = App::new();
    let code = code_of_acme(&app);
    assert!(refused(&validate(&app, &code), 400, "").contains("Invalid tenant domain"));
    refused(&set_password(&app, &code, PASSWORD), 400, "UAR-10005");
    refused(&post(&app, CONFIRM, &json!({ "code": code })), 400, "18016");
    refused(&post(&app, &format!("/t/globex.com{VALIDATE}"), &json!({ "code": code })), 400, "");
    let own = post(&app, &format!("/t/acme.com{VALIDATE}"), &json!({ "code": code }));
    assert_eq!((own.status.as_u16(), &own.json()["tenant-domain"]), (202, &json!("acme.com")));
    let body = json!({ "key": code, "password": PASSWORD });
    assert_eq!(post(&app, &format!("/t/acme.com{SET_PASSWORD}"), &body).status, 200);
}

#[test]
fn a_deleted_or_locked_users_code_is_dead() {
    let app = App::new();
    let user = app.invite("paul");
    let code = newest_code(&app);
    let path = format!("/scim2/Users/{}", user["id"].as_str().unwrap());
    app.scim().set(&path, "active", false).is(200);
    refused(&validate(&app, &code), 400, "17003");
    refused(&set_password(&app, &code, PASSWORD), 400, "17003");
    assert_eq!(app.scim().delete(&path).status, 204);
    refused(&validate(&app, &code), 400, "18001");
}

#[test]
fn a_failing_database_leaves_the_code_good() {
    let mut app = App::new();
    app.invite("paul");
    let code = newest_code(&app);
    let healthy = app.platform.db.clone();
    app.platform.db = Arc::new(Faulty::on_batch(healthy.clone(), 2, false));
    let reply = set_password(&app, &code, PASSWORD);
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"), "{}", reply.text);
    app.platform.db = healthy;
    assert_eq!(set_password(&app, &code, PASSWORD).status, 200);
}

#[test]
fn resending_kills_the_old_code_again_and_again_also_after_expiry() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "1")]);
    app.invite("paul");
    let mut code = newest_code(&app);
    for _ in 0..3 {
        app.native.clock.advance(Duration::from_secs(3600));
        refused(&validate(&app, &code), 400, "18002");
        let sent = resend(&app, "PAUL", "ASK_PASSWORD");
        assert_eq!((sent.status.as_u16(), sent.text.as_str()), (201, ""));
        let newer = newest_code(&app);
        assert_eq!(app.inbox()[0]["template"], "resendAskPassword");
        assert_eq!(validate(&app, &newer).status, 202);
        assert_ne!(newer, code);
        code = newer;
    }
    resend(&app, "paul", "ASK_PASSWORD");
    assert!(refused(&validate(&app, &code), 400, "18001").contains("newer"));
    assert_eq!(set_password(&app, &newest_code(&app), PASSWORD).status, 200);
    let why = refused(&resend(&app, "paul", "ASK_PASSWORD"), 400, "");
    assert!(!why.is_empty());
}

#[test]
fn resending_takes_the_scenario_that_the_user_waits_for() {
    let app = App::new();
    app.invite("paul");
    app.admin("POST", "/scim2/Users", verified("petra"));
    app.scim().create_user("plain");
    for scenario in ["EMAIL_VERIFICATION", "SELF_SIGN_UP"] {
        assert_eq!(resend(&app, "petra", scenario).status, 201);
        let text = refused(&resend(&app, "paul", scenario), 400, "");
        assert!(text.contains("none who waits"), "{text}");
    }
    refused(&resend(&app, "petra", "ASK_PASSWORD"), 400, "");
    for nobody in ["plain", "nobody"] {
        let reply = resend(&app, nobody, "ASK_PASSWORD");
        refused(&reply, 400, "");
        assert!(reply.text.contains("User recovery data is not found. Please re-initiate the recovery flow."));
    }
    refused(&resend(&app, "paul", "NOTIFICATION_BASED_PW_RECOVERY"), 400, "");
    // Without a scenario, or with several, it is a self-registration's.
    let without = |user_name: &str| {
        app.admin("POST", RESEND, json!({ "user": { "username": user_name }, "properties": [] }).to_string())
    };
    assert_eq!(without("petra").status, 201);
    refused(&without("paul"), 400, "");
    let other_store = json!({ "user": { "username": "paul", "realm": "ELSEWHERE" },
        "properties": [{ "key": "RecoveryScenario", "value": "ASK_PASSWORD" }] });
    refused(&app.admin("POST", RESEND, other_store.to_string()), 400, "");
    assert_eq!(app.anyone("POST", RESEND).status, 401);
}

#[test]
fn where_the_caller_sends_it_on_resending_answers_the_code() {
    let app = App::with(&[("EMAIL_SENDER", "external")]);
    let first = app.admin("POST", "/scim2/Users", invited("paul").to_string());
    let first = first.header("ask-password-confirmation-code");
    let sent = resend(&app, "paul", "ASK_PASSWORD");
    assert_eq!((sent.status.as_u16(), sent.header("content-type")), (201, "text/plain; charset=utf-8"));
    refused(&validate(&app, first), 400, "18001");
    let user = app.scim().get("/scim2/Users?filter=userName%20eq%20%22paul%22").json()["Resources"][0].clone();
    assert_eq!(user[INVITATION]["delivery"], "external");
    let by_id = app.admin("POST", &format!("/api/invitations/{}/resend", user["id"].as_str().unwrap()), "");
    assert_eq!(by_id.status, 202, "{}", by_id.text);
    refused(&validate(&app, &sent.text), 400, "18001");
    let newest = by_id.header("ask-password-confirmation-code");
    assert_eq!(set_password(&app, newest, PASSWORD).status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.link'"), 3);
}

#[test]
fn an_offline_link_works_beside_the_mailed_one() {
    let app = App::new();
    app.invite("paul");
    let mailed = newest_code(&app);
    let reply = offline(&app, "Paul");
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (201, "text/plain; charset=utf-8"));
    let path = reply.text.strip_prefix(ORIGIN).unwrap();
    assert!(path.starts_with("/accountrecoveryendpoint/confirmrecovery.do?confirmation=lk1."), "{path}");
    let page = app.anyone("GET", path).header("location").to_owned();
    assert_eq!(app.anyone("GET", &page).status, 200);
    assert_eq!(validate(&app, &mailed).status, 202, "the mailed link lives on");
    assert_eq!(validate(&app, page.rsplit('/').next().unwrap()).status, 202);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.link' AND actor LIKE 'admin%'"), 1);
    assert!(!app.dump().contains("lk1."));

    assert_eq!(app.post_form(&page, &[("password", PASSWORD)]).status, 200);
    refused(&validate(&app, &mailed), 400, "18001");
    let me = app.user("paul", PASSWORD).get("/scim2/Me").is(200);
    assert_eq!(me[WSO2]["emailVerified"], false, "a link that was handed over proves no mailbox");
    let reset = offline(&app, "paul");
    assert_eq!(reset.status, 201, "whoever has accepted is handed a link for a new password");
    let page = app.anyone("GET", reset.text.strip_prefix(ORIGIN).unwrap()).header("location").to_owned();
    assert!(page.starts_with("/reset/lk1."), "{page}");
}

#[test]
fn an_offline_link_is_refused_where_it_would_be_dead() {
    let app = App::new();
    let path = format!("/scim2/Users/{}", app.invite("paul")["id"].as_str().unwrap());
    app.scim().set(&path, "active", false).is(200);
    refused(&offline(&app, "paul"), 400, "17004");
    app.scim().set(&path, "active", true).is(200);
    assert_eq!(offline(&app, "paul").status, 201);
    let invitation = path.replace("/scim2/Users", "/api/invitations");
    let revoked = app.admin("POST", &format!("{invitation}/revoke"), "");
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert!(refused(&offline(&app, "paul"), 400, "18003").contains("withdrawn"));

    let locked = json!({ "userName": "lock", "password": PASSWORD, (WSO2): { "accountLocked": true } });
    app.scim().create("/scim2/Users", &locked);
    refused(&offline(&app, "lock"), 400, "17003");
    app.admin("POST", "/scim2/Users", verified("petra"));
    assert!(refused(&offline(&app, "petra"), 400, "18003").contains("confirm the e-mail address"));
    refused(&offline(&app, "nobody"), 400, "18003");
    let elsewhere = json!({ "username": "paul", "userstore": "ELSEWHERE" });
    refused(&app.admin("POST", OFFLINE, elsewhere.to_string()), 400, "17009");
    for body in [json!({}), json!({ "username": "paul" }), json!({ "userstore": "PRIMARY" })] {
        let reply = app.admin("POST", OFFLINE, body.to_string());
        refused(&reply, 400, "");
        assert!(reply.text.contains("Unable to generate user invite link."), "{}", reply.text);
    }
    assert_eq!(app.anyone("POST", OFFLINE).status, 401);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.link'"), 1);
}

/// A live user whose address is confirmed, and their path.
fn live(app: &App) -> String {
    let path = format!("/scim2/Users/{}", app.invite("paul")["id"].as_str().unwrap());
    assert_eq!(set_password(app, &newest_code(app), PASSWORD).status, 200);
    path
}

/// The code in the newest mail to this address.
fn code_to(app: &App, address: &str) -> String {
    app.deliver();
    let mails = app.inbox();
    let mail = mails.iter().find(|mail| mail["to"] == address).unwrap_or_else(|| panic!("no mail to {address}"));
    mail["links"][0].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_new_address_is_confirmed_by_its_code_and_an_older_ones_is_18023() {
    let app = App::with(&[("EMAIL_UPDATE_VERIFICATION", "true")]);
    let path = live(&app);
    let change = |address: &str| app.scim().set(&path, "emails", json!([{ "value": address }])).is(200);
    change("first@example.com");
    let first = code_to(&app, "first@example.com");
    let told = post(&app, INTROSPECT, &json!({ "code": first })).json();
    assert_eq!(
        (&told["recoveryScenario"], &told["recoveryStep"]),
        (&json!("EMAIL_VERIFICATION_ON_UPDATE"), &json!("VERIFY_EMAIL"))
    );
    change("second@example.com");
    for path in [CONFIRM, INTROSPECT] {
        refused(&post(&app, path, &json!({ "code": first })), 400, "18023");
    }
    let second = code_to(&app, "second@example.com");
    assert_eq!(resend(&app, "paul", "EMAIL_VERIFICATION_ON_UPDATE").status, 201);
    refused(&post(&app, CONFIRM, &json!({ "code": second })), 400, "18001");
    let newest = code_to(&app, "second@example.com");
    assert_eq!(post(&app, CONFIRM, &json!({ "code": newest })).status, 202);
    let user = app.scim().get(&path).is(200);
    assert_eq!(user["emails"][0]["value"], "second@example.com");
    assert!(user[WSO2].get("pendingEmails").is_none(), "{user}");
    refused(&resend(&app, "paul", "EMAIL_VERIFICATION_ON_UPDATE"), 400, "");

    change("third@example.com");
    let given_up = code_to(&app, "third@example.com");
    change("second@example.com");
    refused(&post(&app, CONFIRM, &json!({ "code": given_up })), 400, "18023");
}
