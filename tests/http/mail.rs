//! The outbox and the sender.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use latchkey::mail::sender;
use latchkey::ports::{HttpClient, HttpError};

use crate::support::{App, Faulty, invited};

/// What the provider does with one request.
type Script = Box<dyn Fn(usize, &http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, HttpError> + Send + Sync>;

/// A provider by script, which keeps what it was sent.
struct Provider {
    script: Script,
    calls: AtomicUsize,
    seen: Mutex<Vec<http::Request<Vec<u8>>>>,
}

#[async_trait]
impl HttpClient for Provider {
    async fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let answer = (self.script)(self.calls.fetch_add(1, Ordering::SeqCst), &request);
        self.seen.lock().unwrap().push(request);
        answer
    }
}

fn answer(status: u16, body: &str) -> Result<http::Response<Vec<u8>>, HttpError> {
    Ok(http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
}

fn with_resend(
    script: impl Fn(usize, &http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, HttpError> + Send + Sync + 'static,
) -> (App, Arc<Provider>) {
    let mut app = App::with(&[
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_secret"),
        ("MAIL_API_BASE", "http://127.0.0.1:9"),
    ]);
    let provider =
        Arc::new(Provider { script: Box::new(script), calls: AtomicUsize::new(0), seen: Mutex::new(Vec::new()) });
    app.platform.http = provider.clone();
    (app, provider)
}

fn state(app: &App) -> (String, i64) {
    app.native.sqlite.with(|connection| {
        connection.query_row("SELECT state, attempts FROM outbox", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    })
}

#[test]
fn resend_gets_the_documented_request() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"49a3999c"}"#));
    app.invite("paul");
    assert_eq!(app.deliver(), sender::Report { sent: 1, ..sender::Report::default() });
    let seen = provider.seen.lock().unwrap();
    let request = &seen[0];
    assert_eq!(
        (request.method().as_str(), request.uri().to_string()),
        ("POST", "http://127.0.0.1:9/emails".to_owned())
    );
    assert_eq!(request.headers()["authorization"], "Bearer re_secret");
    assert!(request.headers()["user-agent"].to_str().unwrap().starts_with("latchkey/"));
    assert!(request.headers()["idempotency-key"].to_str().unwrap().starts_with("AskPassword/"));
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body["to"], serde_json::json!(["paul@example.com"]));
    assert!(body["html"].as_str().unwrap().contains("https://id.example.com/invite/lk1."));
    assert!(body["text"].as_str().unwrap().contains("https://id.example.com/invite/lk1."));
    assert!(!app.native.log.text().contains("re_secret") && !app.dump().contains("re_secret"));
}

#[test]
fn a_delivered_invitation_shows_when_it_was_sent_and_until_when_it_works() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.deliver();
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    let invitation = &user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"];
    assert_eq!(invitation["status"], "pending");
    assert_eq!(invitation["delivery"], "sent");
    assert_eq!(invitation["attempts"], 1);
    assert!(invitation["sentAt"].is_string() && invitation["expiresAt"].is_string(), "{invitation}");
    assert_eq!(user["meta"]["version"], "W/\"1\"", "delivery is no write to the resource");
    app.native.clock.advance(Duration::from_secs(86_400));
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    assert_eq!(user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["status"], "expired");
}

#[test]
fn doubtful_and_refused_attempts_are_repeated_byte_for_byte_under_one_key() {
    let (app, provider) = with_resend(|call, _| match call {
        0 => answer(500, "oops"),
        1 => Err(HttpError::Timeout),
        2 => Err(HttpError::Failed("reset".to_owned())),
        3 => answer(200, "<html>garbage"),
        4 => answer(429, r#"{"name":"rate_limit_exceeded"}"#),
        _ => answer(200, r#"{"id":"1"}"#),
    });
    app.invite("paul");
    for attempt in 1..=5 {
        assert_eq!(app.deliver().deferred, 1);
        assert_eq!(state(&app), ("deferred".to_owned(), attempt));
        assert_eq!(app.deliver(), sender::Report::default(), "not before its time");
        app.native.clock.advance(Duration::from_secs(15 * 60));
    }
    assert_eq!(app.deliver().sent, 1);
    let seen = provider.seen.lock().unwrap();
    assert_eq!(seen.len(), 6);
    assert!(seen.iter().all(|request| request.body() == seen[0].body()));
    assert!(seen.iter().all(|request| request.headers()["idempotency-key"] == seen[0].headers()["idempotency-key"]));
}

#[test]
fn retry_after_is_respected() {
    let (app, _) = with_resend(|call, _| match call {
        0 => Ok(http::Response::builder().status(429).header("retry-after", "3600").body(Vec::new()).unwrap()),
        _ => answer(200, r#"{"id":"1"}"#),
    });
    app.invite("paul");
    app.deliver();
    app.native.clock.advance(Duration::from_secs(3590));
    assert_eq!(app.deliver(), sender::Report::default());
    app.native.clock.advance(Duration::from_secs(11));
    assert_eq!(app.deliver().sent, 1);
}

#[test]
fn a_deferred_mail_wakes_the_sender_when_it_is_due() {
    let (app, _) = with_resend(|_, _| answer(500, ""));
    app.invite("paul");
    assert_eq!(app.native.wakes.take(), [Duration::ZERO]);
    app.deliver();
    let wakes = app.native.wakes.take();
    assert!(wakes[0] >= Duration::from_millis(1400) && wakes[0] <= Duration::from_millis(2600), "{wakes:?}");
}

#[test]
fn a_mail_refused_for_good_is_a_visible_dead_letter() {
    let (app, _) = with_resend(|_, _| answer(422, r#"{"name":"validation_error","message":"no"}"#));
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(state(&app).0, "failed");
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    assert_eq!(user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["delivery"], "failed");
}

#[test]
fn a_mail_is_given_up_after_its_hours() {
    let (app, _) = with_resend(|_, _| answer(429, ""));
    app.invite("paul");
    app.deliver();
    app.native.clock.advance(Duration::from_secs(73 * 3600));
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(state(&app).0, "failed");
}

#[test]
fn a_mail_for_a_deleted_or_redeemed_user_is_dropped_unsent() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.admin("DELETE", &format!("/scim2/Users/{id}"), "");
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(state(&app).0, "dropped");
    assert_eq!(provider.seen.lock().unwrap().len(), 0);
}

#[test]
fn a_lease_that_dies_with_its_holder_is_taken_over_under_the_same_key() {
    let (mut app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    app.invite("paul");
    // The third batch of a run records the outcomes: losing it is what a killed isolate looks like.
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 3, false));
    assert!(pollster::block_on(sender::run(&app.platform, &app.deployment, 1)).is_err());
    assert_eq!(state(&app).0, "sending");
    assert_eq!(app.deliver(), sender::Report::default(), "still leased");
    app.native.clock.advance(Duration::from_secs(601));
    assert_eq!(app.deliver().sent, 1);
    let seen = provider.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].headers()["idempotency-key"], seen[1].headers()["idempotency-key"]);
    assert_eq!(seen[0].body(), seen[1].body());
}

#[test]
fn two_senders_never_hold_one_row() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    for number in 0..20 {
        app.invite(&format!("user{number}"));
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| app.deliver());
        }
    });
    assert_eq!(provider.seen.lock().unwrap().len(), 20);
}

#[test]
fn a_hundred_mails_cost_three_round_trips() {
    let app = App::new();
    for number in 0..100 {
        app.invite(&format!("user{number}"));
    }
    let (platform, meter) = app.platform.metered();
    let report = pollster::block_on(sender::run(&platform, &app.deployment, 1)).unwrap();
    assert_eq!((report.sent, meter.trips()), (100, 3));
}

#[test]
fn mails_are_in_the_language_of_the_user() {
    let app = App::new();
    for (name, language, expected) in [("one", "de-DE,en;q=0.5", "de_DE"), ("two", "fr", "fr"), ("three", "", "en_US")]
    {
        let mut body = invited(name);
        body["preferredLanguage"] = language.into();
        assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
        app.deliver();
        assert_eq!(app.inbox()[0]["locale"], expected);
    }
}

#[test]
fn the_invitation_says_who_invites_and_until_when_the_link_works() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", crate::support::SEED);
    app.deliver();
    let mail = &app.inbox()[0];
    assert_eq!(
        (&mail["to"], &mail["template"], &mail["state"]),
        (&"paul@somemail.com".into(), &"AskPassword".into(), &"sent".into())
    );
    for part in ["html", "text"] {
        let text = mail[part].as_str().unwrap();
        for expected in ["Paul", "admin", "24 hours", "UTC", "https://id.example.com/invite/lk1."] {
            assert!(text.contains(expected), "{expected} in {part}: {text}");
        }
    }
}

#[test]
fn hostile_names_stay_text_in_the_mail() {
    let app = App::new();
    let mut body = invited("paul");
    body["userName"] = "<script>alert(1)</script>{{7*7}}".into();
    body["name"] = serde_json::json!({ "givenName": "Eve\r\nBcc: x@y.z", "familyName": "\" onload=\"x" });
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    app.deliver();
    let mail = &app.inbox()[0];
    assert!(!mail["html"].as_str().unwrap().contains("<script>alert"));
    assert!(mail["text"].as_str().unwrap().contains("{{7*7}}"));
    assert!(!mail["subject"].as_str().unwrap().contains(['\r', '\n']));
    assert_eq!(mail["to"], "paul@example.com");
}
