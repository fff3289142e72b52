//! `/recover`: a way back in for whoever has forgotten their password.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, Spy, WSO2};
use crate::support::{App, Faulty, ORIGIN, Reply, invited};

const NEW: &str = "feeding the cat at ten";

fn recover(app: &App, typed: &str) -> Reply {
    app.post_form("/recover", &[("username", typed)])
}

/// A live user whose password is [`PASSWORD`], and their path.
fn live(app: &App, name: &str, email: &str) -> String {
    let body = json!({ "userName": name, "password": PASSWORD, "emails": [{ "value": email, "primary": true }] });
    app.scim().create("/scim2/Users", &body)
}

/// Works off what was typed, and answers the mails that go out, newest first.
fn mails(app: &App) -> Vec<Value> {
    let before = app.inbox().len();
    app.renew();
    app.deliver();
    let all = app.inbox();
    all[..all.len() - before].to_vec()
}

fn link_in(mail: &Value) -> String {
    mail["links"][0].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
}

fn minute(app: &App) {
    app.native.clock.advance(Duration::from_secs(60));
}

#[test]
fn whoever_has_forgotten_their_password_is_mailed_a_link_to_a_new_one() {
    let app = App::new();
    let path = live(&app, "paul", "Paul@example.com");
    let page = app.anyone("GET", "/recover");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Email address or user name") && page.text.contains("autocomplete=\"username\""));
    let sign_in = app.anyone("GET", "/console/login");
    assert!(sign_in.text.contains("href=\"/recover\""), "{}", sign_in.text);

    for typed in ["paul", " PAUL ", "paul@EXAMPLE.com"] {
        let reply = recover(&app, typed);
        assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1), "{}", reply.text);
        assert!(reply.text.contains("Look into your mailbox") && !reply.text.to_lowercase().contains("paul"));
        let sent = mails(&app);
        assert_eq!(sent.len(), 1, "{typed}");
        assert_eq!((&sent[0]["template"], &sent[0]["to"]), (&json!("passwordReset"), &json!("Paul@example.com")));
        minute(&app);
    }
    let link = link_in(&app.inbox()[0]);
    assert!(link.starts_with("/reset/lk1."), "{link}");
    let done = app.post_form(&link, &[("password", NEW), ("confirm", NEW)]);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", done.text);
    assert_eq!((app.me("paul", PASSWORD).status.as_u16(), app.me("paul", NEW).status.as_u16()), (401, 200));
    let user = app.scim().get(&path).is(200);
    assert_eq!(user[WSO2]["emailVerified"], true, "who used the link reads the mailbox");
    assert!(user["schemas"].as_array().unwrap().contains(&json!(WSO2)), "{user}");
    let used = app.anyone("GET", &link);
    assert!(used.status == 410 && used.text.contains("href=\"/recover\""), "{}", used.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'password.recover'"), 3);
    assert!(!app.dump().contains("lk1."));
}

/// The statements and the answer of a request.
fn observed(app: &App, spy: &Spy, typed: &str) -> (u16, String, Vec<String>, usize, u32) {
    let _ = spy.take();
    let reply = recover(app, typed);
    let (statements, trips) = spy.take();
    (reply.status.as_u16(), reply.text.clone(), statements, trips, reply.trips())
}

#[test]
fn the_answer_and_the_work_are_the_same_for_everybody() {
    let mut app = App::with(&[("RATE_LIMITS", "on")]);
    let _ = live(&app, "live", "live@example.com");
    app.invite("pending");
    let revoked = app.invite("revoked")["id"].as_str().unwrap().to_owned();
    app.admin("POST", &format!("/api/invitations/{revoked}/revoke"), "");
    let locked = live(&app, "locked", "locked@example.com");
    app.scim().set(&locked, &format!("{WSO2}:accountLocked"), true).is(200);
    let disabled = live(&app, "disabled", "disabled@example.com");
    app.scim().set(&disabled, "active", false).is(200);
    app.deliver();
    let spy = Spy::on(&mut app);
    let nobody = observed(&app, &spy, "nobody");
    assert_eq!((nobody.0, nobody.4), (200, 1));
    for round in 0..12 {
        for name in ["live", "pending", "revoked", "locked", "disabled", "nobody", "live@example.com", "a@b@c", "x/y"] {
            assert_eq!(observed(&app, &spy, name), nobody, "{name}, {round}: also above the limit");
        }
    }
    assert_eq!(app.number("SELECT MAX(count) FROM recoveries"), 10);
}

#[test]
fn each_state_of_an_account_gets_what_is_due_to_it() {
    let app = App::new();
    app.invite("pending");
    app.deliver();
    let expires_at = app.number("SELECT expires_at FROM resources WHERE name_key = 'pending'");
    let first = link_in(&app.inbox()[0]);
    app.native.clock.advance(Duration::from_secs(3_600));
    recover(&app, "pending@example.com");
    let sent = mails(&app);
    assert_eq!((sent.len(), &sent[0]["template"]), (1, &json!("resendAskPassword")));
    assert_eq!(
        app.number("SELECT expires_at FROM resources WHERE name_key = 'pending'"),
        expires_at,
        "its end is its end"
    );
    assert_eq!(app.anyone("GET", &first).status, 410);
    app.native.clock.advance(Duration::from_secs(86_400 - 3_600));
    assert_eq!(app.anyone("GET", &link_in(&sent[0])).status, 410);
    recover(&app, "pending");
    assert_eq!(mails(&app).len(), 0, "expired");

    let id = app.invite("revoked")["id"].as_str().unwrap().to_owned();
    app.deliver();
    app.admin("POST", &format!("/api/invitations/{id}/revoke"), "");
    let locked = live(&app, "locked", "locked@example.com");
    app.scim().set(&locked, &format!("{WSO2}:accountLocked"), true).is(200);
    let disabled = live(&app, "disabled", "disabled@example.com");
    app.scim().set(&disabled, "active", false).is(200);
    app.scim().create("/scim2/Users", &json!({ "userName": "bare", "emails": [{ "value": "bare@example.com" }] }));
    app.scim().create("/scim2/Users", &json!({ "userName": "mute", "password": PASSWORD }));
    for name in ["revoked", "locked", "disabled", "bare", "mute", "nobody", "nobody@example.com"] {
        recover(&app, name);
    }
    assert_eq!(mails(&app).len(), 0);
    app.admin("PATCH", "/api/settings", json!({ "RECOVERY_NOTIFY_FAILURE": true }).to_string());
    for name in ["revoked", "locked", "disabled"] {
        recover(&app, name);
    }
    let sent = mails(&app);
    assert_eq!(
        (sent.len(), &sent[0]["template"], &sent[0]["to"]),
        (1, &json!("passwordRecoveryFailureNotify"), &json!("locked@example.com"))
    );
    assert_eq!(
        sent[0]["links"].as_array().unwrap().iter().filter(|link| link.as_str().unwrap().contains("/reset/")).count(),
        0
    );
    recover(&app, "locked");
    assert_eq!(mails(&app).len(), 0, "once a minute");
    minute(&app);
    recover(&app, "locked");
    assert_eq!(mails(&app).len(), 1);
}

#[test]
fn what_is_typed_is_one_text() {
    let app = App::new();
    live(&app, "paul", "paul@example.com");
    let twice = [("username", "paul@example.com"), ("username", "thief@example.com")];
    for fields in
        [&[][..], &[("username", "")], &[("username", "  ")], &twice, &[("username[]", "paul")], &[("email", "paul")]]
    {
        let reply = app.post_form("/recover", fields);
        assert_eq!(reply.status, 400, "{fields:?}");
        assert!(reply.text.contains("Type an email address or a user name"));
    }
    let post = |media_type: &str, body: &'static [u8]| {
        let request = Request::post("/recover").header("content-type", media_type);
        app.send(request.body(Bytes::from(body)).unwrap()).status.as_u16()
    };
    assert_eq!(post("application/json", br#"{"username":["paul@example.com","thief@example.com"]}"#), 400);
    assert_eq!(post("application/x-www-form-urlencoded", b"username=paul%FF"), 400);
    assert_eq!(app.post_form("/recover", &[("username", &"x".repeat(1_024))]).status, 200);
    assert_eq!(app.post_form("/recover", &[("username", &"x".repeat(1_025))]).status, 400);
    recover(&app, "paul@example.com,thief@example.com");
    recover(&app, "paul@example.com\nthief@example.com");
    for look_alike in ["pau\u{217c}@example.com", "paul@examp\u{217c}e.com", "\u{ff50}aul@example.com"] {
        recover(&app, look_alike);
    }
    assert_eq!(mails(&app).len(), 0);
}

#[test]
fn what_is_typed_is_counted_as_it_is_compared() {
    let app = App::with(&[("RATE_LIMITS", "on")]);
    live(&app, "paul", "paul@example.com");
    for spelling in ["paul", "PAUL", " Paul ", "pAuL", "PRIMARY/paul"] {
        recover(&app, spelling);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM recoveries WHERE key = 'paul'"), 1);
    assert_eq!(mails(&app).len(), 1, "several requests within a minute: one mail");
    let link = link_in(&app.inbox()[0]);
    for _ in 0..20 {
        recover(&app, "paul");
    }
    assert_eq!(app.number("SELECT count FROM recoveries WHERE key = 'paul'"), 10);
    assert_eq!(app.anyone("GET", &link).status, 200, "the limit stops no link that was mailed");
    // Tries do not prolong it.
    app.native.clock.advance(Duration::from_secs(3_599));
    recover(&app, "paul");
    assert_eq!(mails(&app).len(), 1, "what was asked for before the limit was reached");
    app.native.clock.advance(Duration::from_secs(1));
    recover(&app, "paul");
    app.native.clock.advance(Duration::from_secs(60));
    recover(&app, "paul");
    assert_eq!(mails(&app).len(), 1);
}

#[test]
fn an_account_gets_ten_mails_an_hour_at_most() {
    let app = App::with(&[("RATE_LIMITS", "off")]);
    live(&app, "paul", "paul@example.com");
    let mut sent = 0;
    for number in 0..30 {
        recover(&app, if number % 2 == 0 { "paul" } else { "paul@example.com" });
        sent += mails(&app).len();
        minute(&app);
    }
    assert_eq!(sent, 10);
    assert_eq!(app.anyone("GET", &link_in(&app.inbox()[0])).status, 200);
    app.native.clock.advance(Duration::from_secs(1_800));
    recover(&app, "paul");
    assert_eq!(mails(&app).len(), 1);
}

#[test]
fn a_later_link_kills_the_older_one() {
    let app = App::new();
    live(&app, "paul", "paul@example.com");
    recover(&app, "paul");
    let first = link_in(&mails(&app)[0]);
    minute(&app);
    recover(&app, "paul");
    let second = link_in(&mails(&app)[0]);
    let page = app.anyone("GET", &first);
    assert_eq!(page.status, 410);
    assert!(page.text.contains("There is a newer link") && page.text.contains("href=\"/recover\""), "{}", page.text);
    assert_eq!(app.anyone("GET", &second).status, 200);
    app.native.clock.advance(Duration::from_secs(3_600));
    let expired = app.anyone("GET", &second);
    assert!(expired.status == 410 && expired.text.contains("href=\"/recover\""), "{}", expired.text);
}

#[test]
fn accounts_with_one_address_get_one_mail_with_a_link_each() {
    let app = App::new();
    for number in 0..12 {
        live(&app, &format!("paul{number:02}"), if number == 1 { "US@example.com" } else { "us@example.com" });
    }
    let off = live(&app, "off", "us@example.com");
    app.scim().set(&off, "active", false).is(200);
    live(&app, "other", "other@example.com");
    recover(&app, "us@example.com");
    let sent = mails(&app);
    assert_eq!(sent.len(), 1);
    let (text, html) = (sent[0]["text"].as_str().unwrap(), sent[0]["html"].as_str().unwrap());
    let links: Vec<String> = text.lines().filter_map(|line| line.strip_prefix(ORIGIN)).map(str::to_owned).collect();
    assert_eq!(links.len(), 10, "{text}");
    for (number, link) in links.iter().enumerate() {
        let name = format!("paul{number:02}");
        assert!(text.contains(&name) && html.contains(&name) && html.contains(link.as_str()), "{name}");
        let page = app.anyone("GET", link);
        assert!(page.text.contains(&format!("value=\"{name}\"")), "the link decides: {}", page.text);
        assert_eq!(app.post_form(link, &[("password", NEW)]).status, 200);
        assert_eq!(app.me(&name, NEW).status, 200);
    }
    assert!(!text.contains("off") || !text.contains("User name: off"));
    recover(&app, "paul11");
    assert_eq!(mails(&app).len(), 1, "by its name alone");
}

#[test]
fn users_of_every_store_and_tenant_are_found() {
    let app = App::with_stores(&["ACME"]);
    live(&app, "paul", "paul@example.com");
    live(&app, "ACME/paul", "paul@acme.example");
    recover(&app, "acme/PAUL");
    assert_eq!(mails(&app)[0]["to"], "paul@acme.example");
    let link = link_in(&app.inbox()[0]);
    assert_eq!(app.post_form(&link, &[("password", NEW)]).status, 200);
    assert_eq!((app.me("ACME/paul", NEW).status.as_u16(), app.me("paul", PASSWORD).status.as_u16()), (200, 200));
    recover(&app, "paul@example.com");
    recover(&app, "paul@acme.example");
    minute(&app);
    assert_eq!(mails(&app).len(), 2);

    app.create_tenant("acme.com");
    let other = app.post_form("/t/acme.com/recover", &[("username", "paul")]);
    let unknown = app.post_form("/t/nowhere.example/recover", &[("username", "paul")]);
    assert_eq!((other.status.as_u16(), unknown.status.as_u16()), (200, 200));
    assert_eq!(other.text.replace("acme.com", "nowhere.example"), unknown.text);
    minute(&app);
    assert_eq!(mails(&app).len(), 0, "nobody of that tenant");
    let body = json!({ "userName": "petra", "password": PASSWORD, "emails": [{ "value": "petra@example.com" }] });
    app.scim().create("/t/acme.com/scim2/Users", &body);
    app.post_form("/t/acme.com/recover", &[("username", "petra")]);
    assert!(link_in(&mails(&app)[0]).starts_with("/t/acme.com/reset/"));
}

#[test]
fn recovery_can_be_off_and_others_can_send_the_mails() {
    let app = App::with(&[("PASSWORD_RECOVERY", "false")]);
    live(&app, "paul", "paul@example.com");
    assert_eq!((app.anyone("GET", "/recover").status.as_u16(), recover(&app, "paul").status.as_u16()), (404, 404));
    assert!(!app.anyone("GET", "/console/login").text.contains("/recover"));
    assert_eq!(mails(&app).len(), 0);
    let app = App::with(&[("EMAIL_SENDER", "external")]);
    live(&app, "paul", "paul@example.com");
    assert_eq!((app.anyone("GET", "/recover").status.as_u16(), recover(&app, "paul").status.as_u16()), (200, 200));
    assert_eq!(mails(&app).len(), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM recoveries WHERE requested IS NOT NULL"), 0);
}

#[test]
fn the_mail_is_in_the_accounts_language_and_leads_to_the_configured_origin() {
    let app = App::new();
    let body = json!({ "userName": "jan", "password": PASSWORD, "locale": "de_DE", "emails": [{ "value": "jan@example.com" }] });
    app.scim().create("/scim2/Users", &body);
    let request = Request::post("/recover")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept-language", "fr")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "http")
        .header("forwarded", "host=evil.example");
    assert_eq!(app.send(request.body(Bytes::from("username=jan")).unwrap()).status, 200);
    let sent = mails(&app);
    assert_eq!(sent[0]["subject"], "Passwort zurücksetzen");
    assert!(!sent[0].to_string().contains("evil.example"));
    assert!(app.anyone("GET", &link_in(&sent[0])).text.contains("lang=\"de\""));
}

#[test]
fn a_mail_that_an_address_or_a_password_has_outlived_is_not_sent() {
    let app = App::new();
    let path = live(&app, "paul", "paul@example.com");
    for (attribute, value) in
        [("password", json!("another one of theirs")), ("emails", json!([{ "value": "new@example.com" }]))]
    {
        recover(&app, "paul");
        app.renew();
        app.scim().set(&path, attribute, value).is(200);
        assert_eq!(mails(&app).len(), 0, "{attribute}");
        minute(&app);
    }
}

#[test]
fn a_request_that_cannot_be_worked_off_now_is_later() {
    let mut app = App::new();
    live(&app, "paul", "paul@example.com");
    recover(&app, "paul");
    let healthy = app.platform.db.clone();
    for batch in 1..4 {
        app.platform.db = Arc::new(Faulty::on_batch(healthy.clone(), batch, batch == 3));
        let _ = app.service.renew(&app.platform);
    }
    app.platform.db = healthy;
    assert_eq!(mails(&app).len(), 1, "once");
    assert_eq!(app.number("SELECT COUNT(*) FROM recoveries WHERE requested IS NOT NULL"), 0);
    let _ = invited("x");
}
