//! What somebody tries who is not the provider, or has overheard it (attacks.md, 24).

use std::time::Duration;

use serde_json::{Value, json};

use super::vendors::{Hook, Kind, Told, Vendor};
use super::{app, delivery, invited, mail, now, post, post_to};
use crate::support::App;

/// Nothing was written, and the answer is a problem of this status.
fn refused(app: &App, vendor: Vendor, user: &str, hook: &Hook, status: u16) {
    let reply = post(app, vendor, hook);
    assert_eq!(reply.status, status, "{vendor:?}: {}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{vendor:?}");
    assert_eq!(reply.trips(), 0, "{vendor:?}");
    assert_eq!(mail(app, user), ("sent".to_owned(), String::new()), "{vendor:?}");
    assert_eq!(delivery(app, user), "sent", "{vendor:?}");
    assert_eq!(app.number("SELECT COUNT(*) FROM webhook_events"), 0, "{vendor:?}");
}

#[test]
fn webhook_forgery_a_wrong_signature_is_401() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let body = vendor.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        refused(&app, vendor, &user, &vendor.sign(&body, "event-1", now(&app), false), 401);
    }
}

#[test]
fn webhook_forgery_no_signature_is_401() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let body = vendor.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        let bare = Hook { headers: vec![], body: body.to_string().into_bytes() };
        refused(&app, vendor, &user, &bare, 401);
        // One header less at a time, and each cut short or made of something else.
        let whole = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        for at in 0..whole.headers.len() {
            let mut less = whole.clone();
            less.headers.remove(at);
            refused(&app, vendor, &user, &less, 401);
            for mangle in [
                |text: &str| text[..text.len() / 2].to_owned(),
                |_: &str| String::new(),
                |text: &str| text.replace(|c: char| c.is_ascii_alphanumeric(), "!"),
            ] {
                let mut mangled = whole.clone();
                mangled.headers[at].1 = mangle(&mangled.headers[at].1);
                refused(&app, vendor, &user, &mangled, 401);
            }
        }
    }
}

#[test]
fn webhook_forgery_every_byte_of_a_signed_body_counts() {
    for vendor in Vendor::SEALED {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        let mut other = hook.clone();
        let text = String::from_utf8(hook.body.clone()).unwrap();
        other.body = text.replacen("ounce", "oUnce", 1).into_bytes();
        assert_ne!(other.body, hook.body, "{vendor:?}");
        refused(&app, vendor, &user, &other, 401);
        // SNS signs values, and not the braces around them.
        if vendor != Vendor::Ses {
            for change in [|body: &mut Vec<u8>| body.push(b' '), |body: &mut Vec<u8>| body.truncate(body.len() - 1)] {
                let mut other = hook.clone();
                change(&mut other.body);
                refused(&app, vendor, &user, &other, 401);
            }
        }
        assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
    }
}

#[test]
fn webhook_forgery_an_old_or_future_timestamp_is_401() {
    for vendor in Vendor::TIMED {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        for away in [-100_000, 100_000] {
            let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app) + away);
            refused(&app, vendor, &user, &hook, 401);
        }
    }
}

#[test]
fn webhook_forgery_where_each_attempt_is_signed_anew_five_minutes_are_all() {
    for vendor in [Vendor::Resend, Vendor::SendGrid, Vendor::MailChannels] {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app) - 310);
        refused(&app, vendor, &user, &hook, 401);
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app) - 290);
        assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
    }
}

#[test]
fn webhook_forgery_timestamps_that_are_no_numbers_do_no_harm() {
    for vendor in [Vendor::Resend, Vendor::SendGrid] {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        for time in ["", "now", "99999999999999999999999", "9223372036854775807", "-9223372036854775808", "1e9"] {
            let mut hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
            for (name, value) in &mut hook.headers {
                if name.ends_with("timestamp") {
                    *value = time.to_owned();
                }
            }
            refused(&app, vendor, &user, &hook, 401);
        }
        // Signed all the same.
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, i64::MAX);
        refused(&app, vendor, &user, &hook, 401);
    }
}

#[test]
fn webhook_replay_the_same_event_counts_once() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
        // As if somebody had mended it since: a replay must not undo that.
        app.native.sqlite.with(|connection| {
            connection
                .execute_batch("UPDATE outbox SET state = 'sent'; UPDATE resources SET delivery = 'sent'")
                .unwrap();
        });
        app.native.clock.advance(Duration::from_secs(60));
        assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
        assert_eq!((mail(&app, &user).0.as_str(), delivery(&app, &user)), ("sent", json!("sent")), "{vendor:?}");
        assert_eq!(app.number("SELECT COUNT(*) FROM webhook_events"), 1, "{vendor:?}");
    }
}

#[test]
fn webhook_replay_mailguns_token_counts_once_whatever_comes_with_it() {
    let (app, _) = app();
    let vendor = Vendor::Mailgun;
    let (paul, petra) = (invited(&app, vendor, "paul"), invited(&app, vendor, "petra"));
    let seen = vendor.hook(Told { kind: Kind::Delivered, user: &petra, number: 1 }, now(&app));
    assert_eq!(post(&app, vendor, &seen).status, 200);
    let mut forged: Value = serde_json::from_slice(&seen.body).unwrap();
    forged["event-data"] =
        vendor.body(Told { kind: Kind::Hard, user: &paul, number: 1 }, now(&app))["event-data"].clone();
    let forged = Hook { headers: vec![], body: forged.to_string().into_bytes() };
    for hours in [0, 1, 8] {
        app.native.clock.advance(Duration::from_secs(hours * 3600));
        post(&app, vendor, &forged);
        assert_eq!(mail(&app, &paul).0, "sent");
    }
}

#[test]
fn webhook_forgery_mailguns_time_and_token_do_not_run_into_each_other() {
    let (app, _) = app();
    let vendor = Vendor::Mailgun;
    let user = invited(&app, vendor, "paul");
    let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
    let mut body: Value = serde_json::from_slice(&hook.body).unwrap();
    let (time, token) = (body["signature"]["timestamp"].clone(), body["signature"]["token"].clone());
    let all = format!("{}{}", time.as_str().unwrap(), token.as_str().unwrap());
    for end in [9, 11] {
        body["signature"]["timestamp"] = json!(all[..end]);
        body["signature"]["token"] = json!(all[end..]);
        refused(&app, vendor, &user, &Hook { headers: vec![], body: body.to_string().into_bytes() }, 401);
    }
}

#[test]
fn webhook_forgery_another_accounts_events_are_ignored() {
    let (app, _) = app();
    let vendor = Vendor::MailChannels;
    let user = invited(&app, vendor, "paul");
    let mut body = vendor.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
    body[0]["customer_handle"] = json!("mallory");
    let reply = post(&app, vendor, &vendor.sign(&body, "", now(&app), true));
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "received": 0 })));
    assert_eq!(mail(&app, &user).0, "sent");
}

#[test]
fn a_body_that_is_not_what_the_provider_documents_is_400() {
    for vendor in Vendor::ALL {
        for body in [json!("text"), json!(5), json!([5]), json!(null)] {
            let (app, _) = app();
            // Mailgun's signature and SNS's topic are in the body: without them it is nobody's.
            if matches!(vendor, Vendor::Mailgun | Vendor::Ses) {
                let reply = post(&app, vendor, &Hook { headers: vec![], body: body.to_string().into_bytes() });
                assert!(matches!(reply.status.as_u16(), 400 | 401), "{vendor:?} {body}");
                continue;
            }
            let reply = post(&app, vendor, &vendor.sign(&body, "event-1", now(&app), true));
            assert_eq!(reply.status, 400, "{vendor:?} {body}: {}", reply.text);
            assert_eq!(app.number("SELECT COUNT(*) FROM webhook_events"), 0, "{vendor:?}");
        }
    }
}

#[test]
fn an_event_of_an_unknown_kind_is_taken_and_changes_nothing() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let known = vendor.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)).to_string();
        let (from, to) = match vendor {
            Vendor::Resend => ("email.bounced", "email.opened"),
            Vendor::Postmark => ("\"Bounce\"", "\"Click\""),
            Vendor::SendGrid => ("\"event\":\"bounce\"", "\"event\":\"open\""),
            Vendor::Mailgun => ("\"failed\"", "\"opened\""),
            Vendor::Ses => ("\\\"eventType\\\":\\\"Bounce\\\"", "\\\"eventType\\\":\\\"Open\\\""),
            Vendor::Brevo => ("hard_bounce", "unique_opened"),
            Vendor::MailChannels => ("hard-bounced", "open"),
        };
        let unknown = known.replace(from, to);
        assert_ne!(known, unknown, "{vendor:?}");
        let unknown: Value = serde_json::from_str(&unknown).unwrap();
        let reply = post(&app, vendor, &vendor.sign(&unknown, "event-1", now(&app), true));
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "received": 0 })), "{vendor:?}");
        assert_eq!(mail(&app, &user), ("sent".to_owned(), String::new()), "{vendor:?}");
    }
}

#[test]
fn a_huge_body_is_413() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let huge = Hook { headers: vec![], body: vec![b' '; 1024 * 1024 + 1] };
        let reply = post(&app, vendor, &huge);
        assert_eq!(reply.status, 413, "{vendor:?}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
}

#[test]
fn a_thousand_events_in_one_webhook_are_one_round_trip() {
    let (app, _) = app();
    let vendor = Vendor::MailChannels;
    let user = invited(&app, vendor, "paul");
    let mut all = Vec::new();
    for number in 0..1_000 {
        let user = if number == 500 { user.as_str() } else { "somebody" };
        all.push(vendor.body(Told { kind: Kind::Hard, user, number }, now(&app))[0].clone());
    }
    let reply = post(&app, vendor, &vendor.sign(&json!(all), "", now(&app), true));
    assert_eq!((reply.json(), reply.trips()), (json!({ "received": 1_000 }), 1));
    assert_eq!(mail(&app, &user).0, "bounced");
}

#[test]
fn what_is_not_configured_or_not_known_is_404() {
    let configured = app().0;
    let empty = App::new();
    for (app, path) in [
        (&configured, "/hooks/mail/cloudflare"),
        (&configured, "/hooks/mail/inbox"),
        (&configured, "/hooks/mail/nobody"),
        (&configured, "/hooks/mail/Resend"),
        (&configured, "/hooks/mail/"),
        (&configured, "/hooks/mail/resend/x"),
        (&configured, "/t/acme.com/hooks/mail/resend"),
        (&empty, "/hooks/mail/resend"),
        (&empty, "/hooks/mail/postmark"),
    ] {
        let hook = Vendor::Resend.hook(Told { kind: Kind::Hard, user: "x", number: 1 }, now(app));
        let reply = post_to(app, path, &hook);
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "application/problem+json"), "{path}");
    }
    assert_eq!(configured.anyone("GET", "/hooks/mail/resend").status, 405);
}

#[test]
fn a_providers_kinds_of_words_are_kept_and_nothing_else() {
    let (app, _) = app();
    let vendor = Vendor::Resend;
    let user = invited(&app, vendor, "paul");
    let mut body = vendor.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
    body["data"]["bounce"]["type"] = json!("paul@example.com");
    body["data"]["bounce"]["subType"] = json!("<script>alert(1)</script>");
    post(&app, vendor, &vendor.sign(&body, "event-1", now(&app), true));
    assert_eq!(mail(&app, &user), ("bounced".to_owned(), "bounced".to_owned()));
}
