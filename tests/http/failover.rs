//! A list of providers: who takes a mail that another has certainly not taken, and who is left alone for a while.

use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::mail::sender;
use latchkey::ports::{Clock, Entropy, HttpClient, HttpError, Millis};
use serde_json::{Value, json};

use crate::provider::{Answer, Provider, answer, with_resend};
use crate::support::App;

const RESEND: (&str, &str) = ("MAIL_API_KEY_RESEND", "re_secret");
const SENDGRID: (&str, &str) = ("MAIL_API_KEY_SENDGRID", "sg_secret");

/// Vendors that answer with a status each: 0 is a connection that breaks.
#[derive(Default)]
struct Vendors {
    resend: AtomicU16,
    sendgrid: AtomicU16,
    retry_after: Mutex<Option<&'static str>>,
    calls: Mutex<Vec<(&'static str, String)>>,
}
impl HttpClient for Vendors {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Answer {
        let is_resend = request.uri().host() == Some("api.resend.com");
        let (name, status) = if is_resend { ("resend", &self.resend) } else { ("sendgrid", &self.sendgrid) };
        let body = String::from_utf8(request.into_body()).unwrap();
        self.calls.lock().unwrap().push((name, body));
        let status = status.load(Ordering::SeqCst);
        if status == 0 {
            return Err(HttpError::Failed("connection reset".to_owned()));
        }
        let mut response = http::Response::builder().status(status).header("x-message-id", "sg-1");
        if let Some(seconds) = self.retry_after.lock().unwrap().filter(|_| is_resend && status == 429) {
            response = response.header("retry-after", seconds);
        }
        let body = if status == 200 { r#"{"id":"re-1"}"# } else { "" };
        Ok(response.body(body.as_bytes().to_vec()).unwrap())
    }
}

impl Vendors {
    fn answer(&self, resend: u16, sendgrid: u16) {
        self.resend.store(resend, Ordering::SeqCst);
        self.sendgrid.store(sendgrid, Ordering::SeqCst);
    }

    /// Who was called since the last time this was asked.
    fn called(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().drain(..).map(|(name, _)| name).collect()
    }
}

fn with_list(list: &str) -> (App, Arc<Vendors>) {
    let mut app = App::with(&[("MAIL_PROVIDER", list), RESEND, SENDGRID]);
    let vendors = Arc::new(Vendors::default());
    app.platform.http = vendors.clone();
    (app, vendors)
}

/// One batch.
fn step(app: &App) {
    sender::run(&app.platform, &app.deployment, app.service.mail_health(), 1).unwrap();
}

fn mail(app: &App) -> Value {
    app.admin("GET", "/api/mail", "").json()["Resources"][0].clone()
}

fn link(body: &str) -> &str {
    let from = body.find("/invite/lk1.").expect("a link");
    body[from..].split(['"', '\\', ' ', '&']).next().unwrap()
}

#[test]
fn a_mail_that_was_certainly_not_taken_goes_to_the_next_at_once() {
    for refusal in [401, 403, 404, 429] {
        let (app, vendors) = with_list("resend,sendgrid");
        vendors.answer(refusal, 202);
        app.invite("paul");
        step(&app);
        let seen = mail(&app);
        assert_eq!((&seen["state"], &seen["provider"]), (&json!("deferred"), &json!("resend")));
        assert_eq!(seen["lastError"], format!("resend: {refusal}"));
        // No pause: the other provider is free.
        step(&app);
        let seen = mail(&app);
        assert_eq!((&seen["state"], &seen["provider"]), (&json!("sent"), &json!("sendgrid")));
        assert_eq!(app.number("SELECT attempts FROM outbox WHERE doubtful IS NULL AND provider_id = 'sg-1'"), 2);
        let calls = vendors.calls.lock().unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(link(&calls[0].1), link(&calls[1].1), "the same mail");
    }
}

#[test]
fn a_doubt_keeps_a_mail_with_the_provider_that_may_have_it() {
    let (app, vendors) = with_list("resend,sendgrid");
    // After the doubt, even a certain refusal says nothing about the first attempt.
    for status in [500, 0, 429, 401] {
        vendors.answer(status, 202);
        if status == 500 {
            app.invite("paul");
        }
        app.deliver();
        app.native.clock.advance(Duration::from_secs(3600));
        assert_eq!(mail(&app)["state"], "deferred");
    }
    vendors.answer(200, 202);
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(vendors.called(), ["resend"; 5]);

    let (app, vendors) = with_list("sendgrid,resend");
    vendors.answer(200, 500);
    app.invite("paul");
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(mail(&app)["state"], "unknown");
    assert_eq!(vendors.called(), ["sendgrid"]);
}

#[test]
fn what_is_about_the_mail_itself_is_nothing_for_the_next() {
    let (app, vendors) = with_list("resend,sendgrid");
    vendors.answer(422, 202);
    app.invite("paul");
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(mail(&app)["state"], "failed");
    assert_eq!(vendors.called(), ["resend"]);
}

#[test]
fn when_all_have_refused_the_list_begins_again_but_for_who_asked_for_longer() {
    let (app, vendors) = with_list("resend,sendgrid");
    vendors.answer(429, 429);
    *vendors.retry_after.lock().unwrap() = Some("3600");
    app.invite("paul");
    app.deliver();
    assert_eq!(vendors.called(), ["resend", "sendgrid"]);
    let pause = app.number("SELECT due - created FROM outbox");
    assert!((1_400..60_000).contains(&pause), "{pause}: as after a first attempt, not resend's hour");
    for _ in 0..3 {
        app.native.clock.advance(Duration::from_secs(900));
        app.deliver();
        assert_eq!(vendors.called(), ["sendgrid"]);
    }
    *vendors.retry_after.lock().unwrap() = None;
    app.native.clock.advance(Duration::from_secs(901));
    app.deliver();
    assert_eq!(vendors.called(), ["resend", "sendgrid"]);
    vendors.answer(200, 429);
    app.native.clock.advance(Duration::from_secs(900));
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(app.number("SELECT attempts FROM outbox WHERE state = 'sent' AND doubtful IS NULL"), 8);
}

#[test]
fn the_mails_that_follow_begin_with_the_provider_that_works() {
    for failure in [403, 500] {
        let (app, vendors) = with_list("resend,sendgrid");
        vendors.answer(failure, 202);
        for number in 0..40 {
            app.invite(&format!("user{number}"));
        }
        app.deliver();
        let calls = vendors.called();
        let to_resend = calls.iter().filter(|name| **name == "resend").count();
        // Three in a row, and those that were under way by then.
        assert!((3..=8).contains(&to_resend), "{failure}: {to_resend}");
        let in_doubt = app.number("SELECT COUNT(*) FROM outbox WHERE doubtful IS NOT NULL");
        assert_eq!(in_doubt, if failure == 500 { to_resend as i64 } else { 0 });
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'"), 40 - in_doubt);

        // It is tried again with one mail, and has them all when it has taken that.
        app.native.clock.advance(Duration::from_secs(61));
        app.invite("probe");
        app.invite("other");
        app.deliver();
        let calls = vendors.called();
        let again = calls.iter().filter(|name| **name == "resend").count();
        assert!(again <= 1 + in_doubt as usize, "{failure}: {calls:?}");
        vendors.answer(200, 202);
        app.native.clock.advance(Duration::from_secs(900));
        app.invite("trial");
        app.deliver();
        vendors.called();
        for number in 0..10 {
            app.invite(&format!("late{number}"));
        }
        app.deliver();
        assert_eq!(vendors.called(), ["resend"; 10], "{failure}");
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state <> 'sent'"), 0);
    }
}

#[test]
fn an_outage_of_the_only_provider_leaves_few_doubts_and_the_others_waiting() {
    let (app, vendors) = with_list("sendgrid");
    vendors.answer(200, 503);
    for number in 0..200 {
        app.invite(&format!("user{number}"));
    }
    // An hour, with the sender woken every minute.
    for _ in 0..60 {
        app.deliver();
        app.native.clock.advance(Duration::from_secs(60));
    }
    let unknown = app.number("SELECT COUNT(*) FROM outbox WHERE state = 'unknown'");
    assert!((3..=80).contains(&unknown), "{unknown}: three in a row, and one whenever it is tried again");
    assert_eq!(vendors.called().len(), usize::try_from(unknown).unwrap());
    vendors.answer(200, 202);
    app.native.clock.advance(Duration::from_secs(60));
    while app.deliver().sent > 0 {}
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'"), 200 - unknown);
    assert_eq!(app.number("SELECT MAX(attempts) FROM outbox"), 1, "waiting is no attempt");
    let again = app.admin("POST", "/api/mail/retry", json!({ "state": "unknown" }).to_string());
    assert_eq!(again.json(), json!({ "queued": unknown }));
    while app.deliver().sent > 0 {}
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'"), 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE delivery = 'sent'"), 200);
}

#[test]
fn a_mail_outlives_its_provider_in_the_list() {
    for (status, state, provider) in [(429, "sent", "sendgrid"), (500, "unknown", "resend")] {
        let (app, vendors) = with_list("resend");
        vendors.answer(status, 202);
        app.invite("paul");
        app.deliver();
        assert_eq!(mail(&app)["state"], "deferred");
        let mut app = app.reconfigured(&[("MAIL_PROVIDER", "sendgrid"), ("MAIL_API_KEY", "sg_secret")]);
        app.platform.http = vendors.clone();
        app.native.clock.advance(Duration::from_secs(900));
        app.deliver();
        let seen = mail(&app);
        assert_eq!((&seen["state"], &seen["provider"]), (&json!(state), &json!(provider)), "{seen}");
    }
}

/// A Postmark that refuses the recipients that the script names.
fn with_postmark(script: impl Fn(&str) -> u32 + Send + Sync + 'static, more: &[(&str, &str)]) -> (App, Arc<Provider>) {
    let mut app = App::with(&[&[("MAIL_PROVIDER", "postmark"), ("MAIL_API_KEY", "pm")], more].concat());
    let provider = Provider::new(move |_, request| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let said = |mail: &Value| match script(mail["To"].as_str().unwrap()) {
            0 => json!({ "ErrorCode": 0, "MessageID": mail["To"] }),
            code => json!({ "ErrorCode": code, "Message": "no" }),
        };
        match body.as_array() {
            Some(mails) => answer(200, &mails.iter().map(said).collect::<Value>().to_string()),
            None => answer(200, &said(&body).to_string()),
        }
    });
    app.platform.http = provider.clone();
    (app, provider)
}

#[test]
fn a_batch_of_a_hundred_is_one_call_with_an_outcome_for_each() {
    let (app, provider) = with_postmark(
        |to| match to {
            "user3@example.com" => 406,
            "user5@example.com" => 429,
            _ => 0,
        },
        // Six calls are all that this lease has time for; a hundred mails are one.
        &[("MAIL_LEASE_SECONDS", "2"), ("MAIL_TIMEOUT_SECONDS", "1")],
    );
    for number in 0..100 {
        app.invite(&format!("user{number}"));
    }
    let (platform, meter) = app.platform.metered();
    let health = app.service.mail_health();
    let report = sender::run(&platform, &app.deployment, health, 1).unwrap();
    assert_eq!(report, sender::Report { sent: 98, deferred: 1, ended: 1 });
    assert_eq!((meter.trips(), provider.seen.lock().unwrap().len()), (3, 1));
    let whose = "SELECT COUNT(*) FROM outbox WHERE state = 'sent' AND provider_id = recipient";
    assert_eq!(app.number(whose), 98, "each its own outcome");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'failed' AND last_error = '200 error 406'"), 1);
    app.native.clock.advance(Duration::from_secs(4));
    app.deliver();
    assert_eq!(provider.seen.lock().unwrap()[1].uri().path(), "/email", "one alone");
}

#[test]
fn no_more_is_leased_than_can_time_out_before_the_lease_ends() {
    let (app, vendors) = with_list("sendgrid");
    vendors.answer(200, 202);
    let app = app.reconfigured(&[
        ("MAIL_PROVIDER", "sendgrid"),
        ("MAIL_API_KEY", "sg_secret"),
        ("MAIL_LEASE_SECONDS", "6"),
        ("MAIL_TIMEOUT_SECONDS", "2"),
    ]);
    for number in 0..50 {
        app.invite(&format!("user{number}"));
    }
    let app = App { platform: latchkey::ports::Platform { http: vendors, ..app.platform.clone() }, ..app };
    step(&app);
    // Two rounds of three seconds, six at a time.
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'"), 12);
}

/// A clock that stands still, and chance that is always the same.
struct Still(AtomicI64);
impl Clock for Still {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, _: Duration) {}
}

struct Always(u8);

impl Entropy for Always {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

#[test]
fn retry_k_comes_after_base_times_two_to_the_k_give_or_take_a_quarter() {
    for (chance, quarters) in [(0, 3), (255, 5)] {
        let (mut app, _) = with_resend(|_, _| answer(429, ""));
        app.invite("paul");
        let clock = Arc::new(Still(AtomicI64::new(app.native.clock.now())));
        app.platform.clock = clock.clone();
        app.platform.entropy = Arc::new(Always(chance));
        let created = app.number("SELECT created FROM outbox");
        for k in 0..14 {
            assert_eq!(app.deliver().deferred, 1, "retry {k}");
            let pause = app.number("SELECT due FROM outbox") - clock.now();
            let longest = 15 * 60 * 1000;
            assert_eq!(pause, ((2_000 << k).min(longest) * quarters / 4).min(longest), "retry {k}");
            clock.0.fetch_add(pause - 1, Ordering::SeqCst);
            assert_eq!(app.deliver(), sender::Report::default(), "retry {k}: not before its time");
            clock.0.fetch_add(1, Ordering::SeqCst);
        }
        assert!(clock.now() - created > 3_600_000);
    }
}

#[test]
fn retry_after_is_a_lower_bound_and_the_schedule_another() {
    let (mut app, _) = with_resend(|call, _| {
        let asked = if call == 0 { "30" } else { "1" };
        Ok(http::Response::builder().status(429).header("retry-after", asked).body(Vec::new()).unwrap())
    });
    app.invite("paul");
    let clock = Arc::new(Still(AtomicI64::new(app.native.clock.now())));
    app.platform.clock = clock.clone();
    app.platform.entropy = Arc::new(Always(0));
    for expected in [30_000, 3_000, 6_000] {
        app.deliver();
        let pause = app.number("SELECT due FROM outbox") - clock.now();
        assert_eq!(pause, expected);
        clock.0.fetch_add(pause, Ordering::SeqCst);
    }
}
