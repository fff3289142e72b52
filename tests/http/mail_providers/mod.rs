//! Each provider's exact request, held to the vendor's documented form by a fake that takes no other.

mod hostile;
mod schema;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::base::address::Sender;
use latchkey::mail::providers::{Handover, Message, Provider, find};
use latchkey::model::deployment::Deployment;
use latchkey::model::deployment::PROVIDERS;
use latchkey::native::Native;
use latchkey::ports::{Clock, EmailBinding, EmailError, HttpClient, HttpError, Millis, Platform};
use serde_json::{Value, json};

use crate::support::{self, App};

/// What must never be shown.
const KEY: &str = "sEcReT-kEy";

/// Returns the vendors that are reached by HTTP.
fn vendors() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().copied().filter(|name| !["inbox", "cloudflare"].contains(name))
}

/// A vendor as its documentation describes it: takes what fits, and says of anything else what does not.
struct Vendor {
    name: &'static str,
    seen: Mutex<Vec<http::Request<Vec<u8>>>>,
}
impl HttpClient for Vendor {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let response = match schema::check(self.name, &request) {
            Ok((status, body)) => http::Response::builder().status(status).header("x-message-id", "id-1").body(body),
            Err(why) => panic!("{} would refuse this: {why}\n{}", self.name, shown(&request)),
        };
        self.seen.lock().unwrap().push(request);
        Ok(response.unwrap())
    }
}

/// A vendor that gives one answer to everything.
struct Answers(u16, &'static str);
impl HttpClient for Answers {
    fn send(&self, _: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        Ok(http::Response::builder().status(self.0).body(self.1.as_bytes().to_vec()).unwrap())
    }
}

/// A line that is dead.
struct Dead;
impl HttpClient for Dead {
    fn send(&self, _: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        Err(HttpError::Failed("connection reset".to_owned()))
    }
}

struct Noon;
impl Clock for Noon {
    fn now(&self) -> Millis {
        1_767_268_800_000 // 2026-01-01T12:00:00Z
    }

    fn sleep(&self, _: Duration) {}
}

fn configured(vendor: &str) -> Deployment {
    support::deployment(&[
        ("MAIL_PROVIDER", vendor),
        ("MAIL_API_KEY", KEY),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_REGION", "eu-central-1"),
        ("MAILGUN_DOMAIN", "mg.example.com"),
        ("MAIL_FROM", "\"Größe, Söhne\" <einladung@müller.example>"),
    ])
}

fn provider(vendor: &str) -> Box<dyn Provider> {
    find(&configured(vendor), vendor).unwrap()
}

fn message(to: &str) -> Message {
    Message {
        from: Sender::parse("\"Größe, Söhne\" <einladung@müller.example>").unwrap(),
        to: to.to_owned(),
        reply_to: Some("hilfe@müller.example".to_owned()),
        subject: "Willkommen, Jörg & Söhne".to_owned(),
        html: "<p>Hier: <a href=\"https://id.example.com/invite/lk1.x\">Einladung</a></p>".to_owned(),
        text: "Hier: https://id.example.com/invite/lk1.x\n".to_owned(),
        idempotency_key: "AskPassword/0198c0de-0000-7000-8000-000000000001/3".to_owned(),
    }
}

fn platform(http: Arc<dyn HttpClient>) -> Platform {
    Platform { http, clock: Arc::new(Noon), ..Native::in_memory().unwrap().platform }
}

fn vendor(name: &'static str) -> (Platform, Arc<Vendor>) {
    let vendor = Arc::new(Vendor { name, seen: Mutex::default() });
    (platform(vendor.clone()), vendor)
}

/// A request as text, its body in lines.
fn shown(request: &http::Request<Vec<u8>>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        text.push_str(&format!("{name}: {value}\n"));
    }
    let body = String::from_utf8(request.body().clone()).unwrap();
    let body = match serde_json::from_str::<Value>(&body) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
        Err(_) => form_urlencoded::parse(body.as_bytes()).map(|(name, value)| format!("{name}={value}\n")).collect(),
    };
    format!("{text}\n{body}")
}

#[test]
fn every_vendor_gets_exactly_this() {
    for name in vendors() {
        let (platform, seen) = vendor(name);
        let handover = provider(name).send(&platform, &message("paul@例え.example"));
        assert_eq!(handover, Handover::Accepted(Some("id-1".to_owned())), "{name}");
        insta::assert_snapshot!(name, shown(&seen.seen.lock().unwrap()[0]));
    }
}

#[test]
fn every_attempt_is_the_same() {
    for name in vendors() {
        let (platform, seen) = vendor(name);
        for _ in 0..3 {
            provider(name).send(&platform, &message("paul@example.com"));
        }
        let seen = seen.seen.lock().unwrap();
        assert!(seen.iter().all(|request| shown(request) == shown(&seen[0])), "{name}");
    }
}

#[test]
fn a_message_without_the_optional_parts_is_taken_too() {
    for name in vendors() {
        let (platform, _) = vendor(name);
        let plain =
            Message { from: Sender::parse("id@example.com").unwrap(), reply_to: None, ..message("paul@example.com") };
        let handover = provider(name).send(&platform, &plain);
        assert_eq!(handover, Handover::Accepted(Some("id-1".to_owned())), "{name}");
    }
}

#[test]
fn a_local_part_beyond_ascii_goes_where_it_is_taken_and_is_refused_in_words_elsewhere() {
    for (name, taken) in [
        ("resend", false),
        ("postmark", false),
        ("sendgrid", false),
        ("mailgun", true),
        ("ses", false),
        ("brevo", true),
        ("mailchannels", true),
    ] {
        let (platform, seen) = vendor(name);
        match provider(name).send(&platform, &message("jörg@müller.example")) {
            Handover::Accepted(_) => assert!(taken, "{name}"),
            Handover::Permanent(why) => assert!(!taken && why.contains("SMTPUTF8"), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(seen.seen.lock().unwrap().len(), usize::from(taken), "{name}");
    }
}

#[test]
fn no_key_is_in_anything_that_is_told() {
    let echo: &'static str =
        r#"{"name":"sEcReT-kEy","message":"sEcReT-kEy","code":"sEcReT-kEy","errors":["sEcReT-kEy"]}"#;
    for name in vendors() {
        assert!(!format!("{:?}", configured(name)).contains(KEY), "{name}");
        for status in [200, 202, 302, 400, 401, 403, 408, 409, 413, 422, 429, 500] {
            let platform = platform(Arc::new(Answers(status, echo)));
            let handover = provider(name).send(&platform, &message("paul@example.com"));
            assert!(!format!("{handover:?}").contains(KEY), "{name} {status}: {handover:?}");
        }
    }
}

#[test]
fn a_dead_line_leaves_a_doubt() {
    for name in vendors() {
        let platform = platform(Arc::new(Dead));
        let provider = provider(name);
        let alone = provider.send(&platform, &message("paul@example.com"));
        assert!(matches!(alone, Handover::Unknown(_)), "{name}: {alone:?}");
        let both = [message("paul@example.com"), message("mary@example.com")];
        let both = provider.send_all(&platform, &both);
        assert_eq!(both, [alone.clone(), alone], "{name}");
    }
}

#[test]
fn only_what_answers_for_each_message_takes_a_batch() {
    for name in vendors() {
        let limit = if name == "postmark" { 500 } else { 1 };
        assert_eq!(provider(name).batch_limit(), limit, "{name}");
    }
    for (name, lifetime) in [("resend", Some(86_400)), ("brevo", Some(900)), ("postmark", None), ("ses", None)] {
        assert_eq!(provider(name).remembers_keys_for(), lifetime, "{name}");
    }
}

#[test]
fn a_batch_is_one_call_and_an_outcome_for_each() {
    let (platform, seen) = vendor("postmark");
    let messages: Vec<Message> =
        ["paul@example.com", "jörg@example.com", "inactive@example.com", "mary@example.com"].map(message).into();
    let outcomes = provider("postmark").send_all(&platform, &messages);
    assert_eq!(outcomes[0], Handover::Accepted(Some("id-1".to_owned())));
    assert!(matches!(&outcomes[1], Handover::Permanent(why) if why.contains("SMTPUTF8")), "{outcomes:?}");
    assert_eq!(outcomes[2], Handover::Permanent("200 error 406".to_owned()));
    assert_eq!(outcomes[3], Handover::Accepted(Some("id-1".to_owned())));
    let seen = seen.seen.lock().unwrap();
    assert_eq!((seen.len(), seen[0].uri().path()), (1, "/email/batch"));
    let recipients: Vec<Value> = serde_json::from_slice::<Vec<Value>>(seen[0].body())
        .unwrap()
        .into_iter()
        .map(|email| email["To"].clone())
        .collect();
    assert_eq!(recipients, ["paul@example.com", "inactive@example.com", "mary@example.com"]);
}

#[test]
fn what_has_no_batch_sends_one_by_one() {
    let (platform, seen) = vendor("ses");
    let messages = ["paul@example.com", "jörg@example.com", "mary@example.com"].map(message);
    let outcomes = provider("ses").send_all(&platform, &messages);
    assert!(matches!(outcomes[..], [Handover::Accepted(_), Handover::Permanent(_), Handover::Accepted(_)]));
    assert_eq!(seen.seen.lock().unwrap().len(), 2);
}

#[test]
fn an_invitation_goes_out_through_any_vendor() {
    for name in vendors() {
        let mut app = App::with(&[
            ("MAIL_PROVIDER", name),
            ("MAIL_API_KEY", KEY),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", KEY),
            ("AWS_REGION", "eu-central-1"),
            ("MAIL_FROM", "Acme <id@mg.example.com>"),
        ]);
        app.platform.http = Arc::new(Vendor { name, seen: Mutex::default() });
        app.invite("paul");
        assert_eq!(app.deliver().sent, 1, "{name}");
        assert_eq!(
            app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent' AND provider_id = 'id-1'"),
            1,
            "{name}"
        );
        assert!(!app.native.log.to_text().contains(KEY) && !app.dump().contains(KEY), "{name}");
    }
}

#[test]
fn an_address_that_a_vendor_does_not_take_is_told_in_the_mails_state() {
    for (name, status, answer) in [
        ("resend", 422, r#"{"name":"validation_error","message":"Invalid `to` field."}"#),
        ("postmark", 422, r#"{"ErrorCode":300,"Message":"Invalid email request"}"#),
        (
            "sendgrid",
            400,
            r#"{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email"}]}"#,
        ),
        ("mailgun", 400, r#"{"message":"to parameter is not a valid address."}"#),
        ("brevo", 400, r#"{"code":"invalid_parameter","message":"email is not valid in to"}"#),
    ] {
        let mut app = App::with(&[
            ("MAIL_PROVIDER", name),
            ("MAIL_API_KEY", KEY),
            ("MAILGUN_DOMAIN", "mg.example.com"),
            ("MAIL_FROM", "Acme <id@mg.example.com>"),
        ]);
        app.platform.http = Arc::new(Answers(status, answer));
        let mut user = support::invited("paul");
        user["emails"] = json!([{ "value": "a..b@example.com" }]);
        let created = app.scim().post("/scim2/Users", &user).is(201);
        let report = app.deliver();
        assert_eq!((report.sent, report.ended), (0, 1), "{name}");
        let mails = app.admin("GET", "/api/mail", "").json();
        let mail = &mails["Resources"][0];
        assert_eq!((&mail["to"], &mail["state"]), (&json!("a..b@example.com"), &json!("failed")), "{name}: {mails}");
        assert!(mail["lastError"].as_str().is_some_and(|why| !why.is_empty()), "{name}: {mail}");
        let path = format!("/scim2/Users/{}", created["id"].as_str().unwrap());
        let shown = app.scim().get(&path).is(200);
        assert_eq!(shown[crate::scim2::client::INVITATION]["delivery"], "failed", "{name}: {shown}");
    }
}

/// Cloudflare's binding: takes what its documentation describes, or fails as scripted.
struct Binding {
    fails: Option<EmailError>,
    seen: Mutex<Vec<Value>>,
}
impl EmailBinding for Binding {
    fn send(&self, mail: &Value, _: Duration) -> Option<Result<String, EmailError>> {
        schema::cloudflare(mail).unwrap();
        self.seen.lock().unwrap().push(mail.clone());
        Some(self.fails.clone().map_or(Ok("id-1".to_owned()), Err))
    }
}

#[test]
fn cloudflares_binding_gets_exactly_this() {
    let binding = Arc::new(Binding { fails: None, seen: Mutex::default() });
    let platform = Platform { email: Some(binding.clone()), ..platform(Arc::new(Dead)) };
    let handover = provider("cloudflare").send(&platform, &message("paul@例え.example"));
    assert_eq!(handover, Handover::Accepted(Some("id-1".to_owned())));
    insta::assert_json_snapshot!("cloudflare", binding.seen.lock().unwrap()[0]);
}

#[test]
fn a_missing_or_failing_binding_loses_no_mail() {
    let without = platform(Arc::new(Dead));
    let send = |platform: &Platform| provider("cloudflare").send(platform, &message("paul@example.com"));
    assert!(matches!(send(&without), Handover::Transient(why, Some(60)) if why.contains("EMAIL")));
    let fails = |code: &str| {
        let error = EmailError(code.to_owned());
        let binding = Binding { fails: Some(error), seen: Mutex::default() };
        send(&Platform { email: Some(Arc::new(binding)), ..platform(Arc::new(Dead)) })
    };
    assert_eq!(fails("E_RATE_LIMIT_EXCEEDED"), Handover::Transient("E_RATE_LIMIT_EXCEEDED".to_owned(), None));
    assert_eq!(fails("E_RECIPIENT_SUPPRESSED"), Handover::Permanent("E_RECIPIENT_SUPPRESSED".to_owned()));
    for doubtful in ["", "E_INTERNAL_SERVER_ERROR"] {
        assert!(matches!(fails(doubtful), Handover::Unknown(_)), "{doubtful}");
    }
}

#[test]
fn an_invitation_goes_out_through_the_binding() {
    let mut app = App::with(&[("MAIL_PROVIDER", "cloudflare"), ("MAIL_FROM", "Acme <id@example.com>")]);
    let binding = Arc::new(Binding { fails: None, seen: Mutex::default() });
    app.platform.email = Some(binding.clone());
    app.invite("paul");
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(binding.seen.lock().unwrap()[0]["to"], json!("paul@example.com"));
}

#[test]
fn each_provider_is_named_where_a_deployer_looks() {
    for name in PROVIDERS {
        for (file, text) in
            [("README.md", include_str!("../../../README.md")), ("docs/mail.md", include_str!("../../../docs/mail.md"))]
        {
            assert!(text.contains(&format!("`{name}`")), "{name} in {file}");
        }
    }
}
