//! The outbox and the sender.

use std::sync::Arc;
use std::time::Duration;

use latchkey::mail::sender;
use latchkey::ports::HttpError;

use crate::provider::{answer, with_resend};
use crate::support::{App, Faulty, invited};

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
    assert!(!app.native.log.to_text().contains("re_secret") && !app.dump().contains("re_secret"));
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

/// `delivery` as the user shows it.
fn delivery(app: &App, id: &str) -> serde_json::Value {
    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["delivery"].clone()
}

fn execute(app: &App, sql: &str) {
    app.native.sqlite.with(|connection| connection.execute_batch(sql).unwrap());
}

fn last_error(app: &App) -> String {
    let sql = "SELECT COALESCE(last_error, '') FROM outbox";
    app.native.sqlite.with(|connection| connection.query_row(sql, [], |row| row.get(0)).unwrap())
}

#[test]
fn a_dropped_mail_says_why_and_its_user_shows_it() {
    for (change, why) in [
        ("UPDATE resources SET disabled = 1", "the account is disabled"),
        ("UPDATE resources SET lock = 'admin'", "the account is locked"),
        ("UPDATE resources SET seq_log = 'L', lock = 'admin'", "the account is locked"),
        ("UPDATE resources SET seq_log = 'L'", "the account was locked or disabled meanwhile"),
        ("UPDATE resources SET seq_log = 'R'", "the invitation has been revoked"),
        ("UPDATE resources SET seq_log = 'N'", "a newer mail has replaced it"),
        ("UPDATE resources SET seq_log = 'M'", "the user's address has changed"),
        ("UPDATE resources SET seq_log = 'A', onboarding = 'none'", "the invitation has been redeemed"),
    ] {
        let app = App::new();
        let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
        assert_eq!(delivery(&app, &id), "queued");
        execute(&app, change);
        assert_eq!(app.deliver().ended, 1);
        assert_eq!((state(&app).0.as_str(), last_error(&app).as_str()), ("dropped", why));
        assert_eq!(delivery(&app, &id), "dropped", "{change}");
    }
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.admin("DELETE", &format!("/scim2/Users/{id}"), "");
    app.deliver();
    assert_eq!(last_error(&app), "the user has been deleted");
}

#[test]
fn a_dropped_mail_says_nothing_about_the_newer_one() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    // A resend, as its batch writes it; the newer mail is not due yet.
    execute(
        &app,
        "UPDATE resources SET seq_log = 'N'; \
         INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due) SELECT tenant, 'newer', \
         user_id, 'resendAskPassword', 1, recipient, 'queued', created, due + 3600000 FROM outbox",
    );
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(delivery(&app, &id), "queued");
}

#[test]
fn names_of_any_length_hold_up_nobodys_mail() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    for number in 0..20 {
        app.invite(&format!("user{number}"));
    }
    // As if the limit on user names were not there: 240 KiB each.
    execute(
        &app,
        "UPDATE resources SET document = json_set(document, '$.userName', printf('%.*c', 245760, 'x'), \
         '$.name', json_object('givenName', printf('%.*c', 245760, 'y')))",
    );
    assert_eq!(app.deliver().sent, 20);
    let seen = provider.seen.lock().unwrap();
    assert!(seen.iter().all(|request| request.body().len() < 32_000), "{}", seen[0].body().len());
    assert!(app.number("SELECT MAX(length(facts)) FROM outbox") < 2_000);
}

#[test]
fn a_row_that_cannot_be_leased_is_set_aside_and_the_others_go_out() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(app.invite(&format!("user{number}"))["id"].as_str().unwrap().to_owned());
    }
    // What the database refuses about two rows, for a reason that is theirs alone.
    execute(
        &app,
        "CREATE TRIGGER poison BEFORE UPDATE ON outbox WHEN NEW.state = 'sending' AND OLD.recipient IN \
         ('user3@example.com', 'user17@example.com') BEGIN SELECT RAISE(ABORT, 'string or blob too big'); END",
    );
    let report = app.deliver();
    assert_eq!((report.sent, report.ended), (28, 2), "{report:?}");
    assert_eq!(provider.seen.lock().unwrap().len(), 28);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'failed' AND last_error LIKE '%too big'"), 2);
    assert_eq!(delivery(&app, &ids[3]), "failed");
    assert_eq!(delivery(&app, &ids[4]), "sent");
}

#[test]
fn a_lease_committed_behind_an_error_is_no_doubt_and_no_loss() {
    let (mut app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    for number in 0..4 {
        app.invite(&format!("user{number}"));
    }
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 2, true));
    assert_eq!(app.deliver().sent, 4);
    assert_eq!(provider.seen.lock().unwrap().len(), 4);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent' AND attempts = 1 AND doubtful IS NULL"), 4);
}

#[test]
fn a_row_that_this_version_cannot_read_is_set_aside() {
    let (app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    for number in 0..4 {
        app.invite(&format!("user{number}"));
    }
    execute(
        &app,
        "UPDATE outbox SET template = 'FromTheFuture' WHERE recipient = 'user0@example.com'; \
         UPDATE outbox SET facts = '{' WHERE recipient = 'user1@example.com'; \
         UPDATE resources SET document = '{' WHERE email = 'user2@example.com'",
    );
    let report = app.deliver();
    assert_eq!((report.sent, report.ended), (1, 3), "{report:?}");
    assert_eq!(provider.seen.lock().unwrap().len(), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'failed' AND last_error <> ''"), 3);
    assert_eq!(app.deliver(), sender::Report::default(), "not again");
}

#[test]
fn a_doubt_outlives_certain_refusals_but_not_the_providers_memory() {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    // In doubt since the first attempt, and refused for certain since.
    let (app, provider) = with_resend(|call, _| if call == 0 { answer(500, "") } else { answer(429, "") });
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(app.deliver().deferred, 1);
        app.native.clock.advance(hours(7));
    }
    assert_eq!(app.deliver().deferred, 1, "21 hours old: the provider still knows the key");
    app.native.clock.advance(hours(3));
    assert_eq!(app.deliver().ended, 1);
    assert_eq!((state(&app).0.as_str(), delivery(&app, &id)), ("unknown", "unknown".into()));
    assert_eq!(provider.seen.lock().unwrap().len(), 4, "never sent under a key that the provider has dropped");
}

#[test]
fn without_a_doubt_the_providers_memory_does_not_matter() {
    let (app, provider) = with_resend(|call, _| match call {
        0..3 => answer(429, ""),
        3 => answer(500, ""),
        _ => answer(200, r#"{"id":"1"}"#),
    });
    app.invite("paul");
    for _ in 0..4 {
        assert_eq!(app.deliver().deferred, 1);
        app.native.clock.advance(Duration::from_secs(10 * 3600));
    }
    // In doubt for ten hours, forty hours old.
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(provider.seen.lock().unwrap().len(), 5);
}

#[test]
fn a_dead_lease_is_a_doubt_that_lasts() {
    let (mut app, provider) = with_resend(|_, _| answer(429, ""));
    app.invite("paul");
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 3, false));
    assert!(sender::run(&app.platform, &app.deployment, app.service.mail_health(), 1).is_err());
    app.native.clock.advance(Duration::from_secs(601));
    assert_eq!(app.deliver().deferred, 1);
    app.native.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(state(&app).0, "unknown");
    assert_eq!(provider.seen.lock().unwrap().len(), 2);
}

#[test]
fn a_redirect_is_no_place_to_take_a_mail_to() {
    let (app, provider) = with_resend(|call, _| match call {
        0 => Ok(http::Response::builder().status(307).header("location", "http://evil.example").body(vec![]).unwrap()),
        _ => answer(200, r#"{"id":"1"}"#),
    });
    app.invite("paul");
    assert_eq!(app.deliver().deferred, 1);
    app.native.clock.advance(Duration::from_secs(61));
    assert_eq!(app.deliver().sent, 1);
    assert!(provider.seen.lock().unwrap().iter().all(|request| request.uri().host() == Some("127.0.0.1")));
}

#[test]
fn a_provider_may_not_ask_for_longer_than_there_is() {
    let ask = |seconds: &'static str| {
        let (app, _) = with_resend(move |_, _| {
            Ok(http::Response::builder().status(429).header("retry-after", seconds).body(Vec::new()).unwrap())
        });
        app.invite("paul");
        app.deliver();
        app
    };
    let app = ask("4000000000");
    assert!(app.number("SELECT due - created FROM outbox") <= 24 * 3_600_000 + 60_000, "a day at most");
    for _ in 0..2 {
        app.native.clock.advance(Duration::from_secs(24 * 3600 + 60));
        assert_eq!(app.deliver().deferred, 1);
    }
    // The last attempt comes with the end of its time, not a day after it.
    app.native.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(app.deliver().ended, 1);
    assert_eq!(state(&app), ("failed".to_owned(), 4));
    assert!(app.number("SELECT due FROM outbox") > 0);
}

#[test]
fn the_language_of_a_mail_is_one_that_a_token_can_carry() {
    let app = App::with(&[("DEFAULT_LOCALE", "de")]);
    for (name, preferred, expected) in [
        ("one", "*", "de"),
        ("two", "english please", "de"),
        ("three", "*, fr-ca;q=0.5", "fr_CA"),
        ("four", "zh-hans-cn", "zh_Hans_CN"),
        ("five", "../../etc", "de"),
        ("seven", "fr;q=0.5,de-AT", "de_AT"),
        ("eight", "fr;q=0.5,es;q=0.9,ja;q=0", "es"),
        ("nine", "ja_JP.UTF-8", "ja_JP"),
        ("ten", "fr_FR@euro", "fr_FR"),
        ("eleven", "zh-TW", "de"),
        ("twelve", "zh-Hant", "de"),
        ("thirteen", "zh-HK,fr;q=0.4", "fr"),
        ("fourteen", "zh-Hant-CN", "de"),
        ("fifteen", "zh-SG", "zh_SG"),
        ("sixteen", "fr-FR-u-ca-gregory", "fr_FR"),
        ("six", "abc-abcdefgh-abcdefgh", "de"),
    ] {
        let mut body = invited(name);
        body["preferredLanguage"] = preferred.into();
        let reply = app.admin("POST", "/scim2/Users", body.to_string());
        assert_eq!(reply.status, 201, "{}", reply.text);
        app.deliver();
        assert_eq!(app.inbox()[0]["locale"], expected, "{preferred}");
        let simplified = app.inbox()[0]["html"].as_str().unwrap().contains("lang=\"zh");
        assert_eq!(simplified, expected == "zh_SG" || expected == "zh_Hans_CN", "{preferred}");
    }
}

#[test]
fn a_name_makes_no_link_in_the_mail() {
    let app = App::new();
    let mut body = invited("paul");
    body["name"] = serde_json::json!({ "givenName": "win at https:/\u{200b}/evil.example now", "familyName": "x" });
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    app.deliver();
    let mail = &app.inbox()[0];
    for part in ["html", "text", "subject"] {
        let text = mail[part].as_str().unwrap();
        assert!(!text.contains("://evil"), "{part}: {text}");
    }
    assert!(mail["text"].as_str().unwrap().contains("win at https: //evil. example now"));
    assert!(
        mail["links"].as_array().unwrap().iter().all(|link| link.as_str().unwrap().starts_with(crate::support::ORIGIN))
    );
}

#[test]
fn a_lease_that_dies_with_its_holder_is_taken_over_under_the_same_key() {
    let (mut app, provider) = with_resend(|_, _| answer(200, r#"{"id":"1"}"#));
    app.invite("paul");
    // The third batch of a run records the outcomes: losing it is what a killed isolate looks like.
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 3, false));
    assert!(sender::run(&app.platform, &app.deployment, app.service.mail_health(), 1).is_err());
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
fn thousands_of_mails_cost_three_round_trips_a_hundred() {
    let app = App::new();
    for thousand in 0..2 {
        let create = |number: usize| {
            let data = invited(&format!("user{}", thousand * 1000 + number));
            serde_json::json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data })
        };
        let bulk = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": (0..1000).map(create).collect::<Vec<_>>(),
        });
        assert_eq!(app.admin("POST", "/scim2/Bulk", bulk.to_string()).status, 200);
    }
    let (platform, meter) = app.platform.metered();
    let health = app.service.mail_health();
    let report = sender::run(&platform, &app.deployment, health, 100).unwrap();
    // The last look finds nothing more.
    assert_eq!((report.sent, meter.trips()), (2_000, 61));
}

#[test]
fn a_run_that_leaves_something_has_the_sender_woken_again() {
    let app = App::new();
    for number in 0..101 {
        app.invite(&format!("user{number}"));
    }
    assert!(!app.native.wakes.take().is_empty());
    let run = || sender::run(&app.platform, &app.deployment, app.service.mail_health(), 1).unwrap();
    assert_eq!((run().sent, app.native.wakes.take()), (100, vec![Duration::ZERO]));
    assert_eq!((run().sent, app.native.wakes.take()), (1, vec![]));
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
