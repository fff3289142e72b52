//! What becomes of mails that are no invitation: their users show nothing of it.

use std::time::Duration;

use latchkey::mail::webhooks::cloudflare;
use latchkey::store::bounces;
use serde_json::{Value, json};

use super::vendors::{Kind, Told, Vendor};
use super::{app, app_with, now, post};
use crate::provider::{answer, with_resend};
use crate::scim2::client::{INVITATION, PASSWORD, USER, WSO2};
use crate::support::App;

/// The path of a user who was never invited, whose address is about to change.
fn never_invited(app: &App) -> String {
    let body = json!({
        "schemas": [USER], "userName": "paul", "password": PASSWORD,
        "emails": [{ "value": "paul@example.com" }], WSO2: { "emailVerified": true },
    });
    let paul = app.scim().create("/scim2/Users", &body);
    app.scim().set(&paul, "emails", json!([{ "value": "new@example.com", "primary": true }])).is(200);
    paul
}

/// The ids of the mails of these types, as if `provider` had taken them under the same id.
fn taken(app: &App, provider: &str, types: &str) -> Vec<String> {
    app.native.sqlite.with(|connection| {
        let sql = format!("UPDATE outbox SET provider = ?1, provider_id = id WHERE template IN ({types}) RETURNING id");
        let mut taken = connection.prepare(&sql).unwrap();
        taken.query_map([provider], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    })
}

#[track_caller]
fn assert_no_invitation(app: &App, user: &str) {
    let shown = app.scim().get(user).is(200);
    assert_eq!(shown.get(INVITATION), None, "{shown}");
    for filter in ["delivery%20pr", "delivery%20eq%20%22bounced%22", "status%20pr"] {
        let found = app.scim().get(&format!("/scim2/Users?filter={INVITATION}:{filter}")).is(200);
        assert_eq!(found["totalResults"], 0, "{filter}");
    }
    for query in ["", "?status=pending", "?status=accepted"] {
        let listed = app.admin("GET", &format!("/api/invitations{query}"), "").json();
        assert_eq!(listed["Resources"], json!([]), "{query}");
    }
}

fn mail_states(app: &App) -> Vec<Value> {
    let listed = app.admin("GET", "/api/mail", "").json();
    let mut states: Vec<_> = listed["Resources"].as_array().unwrap().iter().map(|mail| mail["state"].clone()).collect();
    states.dedup();
    states
}

#[test]
fn a_bounce_of_a_mail_about_an_address_makes_nobody_an_invitation() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let paul = never_invited(&app);
        app.deliver();
        let mails = taken(&app, vendor.name(), "'VerifyEmailOnUpdate', 'NotifyExistingEmailOnUpdate'");
        assert_eq!(mails.len(), 2);
        for (kind, state) in [(Kind::Hard, "bounced"), (Kind::Complaint, "complained")] {
            for id in &mails {
                let id = vendor.answered(id).trim_matches(['<', '>']).trim_end_matches("@mail.example.com").to_owned();
                let sql = "UPDATE outbox SET provider_id = ?1 WHERE id = ?2";
                let answered = (vendor.answered(&id), id.as_str());
                app.native.sqlite.with(|connection| connection.execute(sql, answered).unwrap());
                let number = u32::from(state == "bounced") + 1;
                post(&app, vendor, &vendor.hook(Told { kind, user: &id, number }, now(&app)));
            }
            assert_no_invitation(&app, &paul);
        }
    }
}

#[test]
fn cloudflares_bounces_and_what_is_tried_again_make_nobody_an_invitation() {
    let (app, _) = app();
    let paul = never_invited(&app);
    app.deliver();
    for (number, id) in
        taken(&app, "cloudflare", "'VerifyEmailOnUpdate', 'NotifyExistingEmailOnUpdate'").iter().enumerate()
    {
        let told = json!({
            "type": "cf.email.sending.message.bounced",
            "payload": { "eventId": format!("evt_{number}"), "messageId": id, "bounce": { "type": "hard" } },
        });
        let told: Vec<_> = cloudflare::read(&told).into_iter().collect();
        assert_eq!(bounces::record(&app.platform, "cloudflare", &told).unwrap(), 1);
    }
    assert_eq!(mail_states(&app), ["bounced"]);
    assert_no_invitation(&app, &paul);
    assert_eq!(app.admin("POST", "/api/mail/retry", r#"{"state":"bounced"}"#).json()["queued"], 2);
    assert_no_invitation(&app, &paul);
    app.deliver();
    assert_eq!(mail_states(&app), ["sent"]);
    assert_no_invitation(&app, &paul);
}

#[test]
fn a_mail_about_an_address_that_is_refused_given_up_or_dropped_makes_nobody_an_invitation() {
    for (status, state) in [(422, "failed"), (429, "deferred")] {
        let (app, _) = with_resend(move |_, _| answer(status, r#"{"name":"validation_error"}"#));
        let paul = never_invited(&app);
        app.deliver();
        assert!(mail_states(&app).contains(&json!(state)), "{:?}", mail_states(&app));
        assert_no_invitation(&app, &paul);
        for _ in 0..3 {
            app.native.clock.advance(Duration::from_secs(100 * 3_600));
            app.deliver();
        }
        assert_eq!(mail_states(&app), ["failed"]);
        assert_no_invitation(&app, &paul);
    }
    let app = App::new();
    let paul = never_invited(&app);
    app.scim().set(&paul, &format!("{WSO2}:accountLocked"), true).is(200);
    app.deliver();
    assert!(mail_states(&app).contains(&json!("dropped")));
    assert_no_invitation(&app, &paul);
}

#[test]
fn an_accepted_invitation_stays_as_it_was_whatever_becomes_of_later_mails() {
    let (app, _) = app();
    let user = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let paul = format!("/scim2/Users/{user}");
    app.deliver();
    app.scim().set(&paul, "password", PASSWORD).is(200);
    app.scim().set(&paul, &format!("{WSO2}:emailVerified"), true).is(200);
    app.scim().set(&paul, "emails", json!([{ "value": "new@example.com", "primary": true }])).is(200);
    app.deliver();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{user}/resend"), "").status, 202);
    app.deliver();
    let vendor = Vendor::Resend;
    let other =
        "'VerifyEmailOnUpdate', 'resendVerifyEmailOnUpdate', 'NotifyExistingEmailOnUpdate', 'AccountActivationSuccess'";
    let mails = taken(&app, vendor.name(), other);
    assert!(mails.len() >= 2, "{mails:?}");
    let before = app.scim().get(&paul).is(200)[INVITATION].clone();
    for id in &mails {
        post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: id, number: 1 }, now(&app)));
    }
    assert_eq!(app.scim().get(&paul).is(200)[INVITATION], before);
    assert_eq!(before["delivery"], "sent");
}

#[test]
fn a_bounce_of_the_invitation_counts_although_another_mail_has_followed() {
    let (app, _) = app();
    let user = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let paul = format!("/scim2/Users/{user}");
    app.deliver();
    app.scim().set(&paul, "password", PASSWORD).is(200);
    app.scim().set(&paul, &format!("{WSO2}:emailVerified"), true).is(200);
    app.scim().set(&paul, "emails", json!([{ "value": "new@example.com", "primary": true }])).is(200);
    app.deliver();
    let vendor = Vendor::Resend;
    let invitation = taken(&app, vendor.name(), "'AskPassword'");
    post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &invitation[0], number: 1 }, now(&app)));
    assert_eq!(app.scim().get(&paul).is(200)[INVITATION]["delivery"], "bounced");
}

#[test]
fn an_older_mail_says_nothing_of_an_invitation_that_others_deliver() {
    let (app, _) = app_with(&[]);
    let user = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let paul = format!("/scim2/Users/{user}");
    app.deliver();
    let mail = taken(&app, "resend", "'AskPassword'");
    app.invite("ada");
    let app =
        app.reconfigured(&[("MAIL_WEBHOOK_SECRET_RESEND", &Vendor::Resend.secret()), ("EMAIL_SENDER", "external")]);
    for user in ["paul", "ada"] {
        let found = app.scim().get(&format!("/scim2/Users?filter=userName%20eq%20%22{user}%22")).is(200);
        let path = format!("/scim2/Users/{}", found["Resources"][0]["id"].as_str().unwrap());
        app.scim().set(&path, &format!("{WSO2}:askPassword"), true).is(200);
        assert_eq!(app.scim().get(&path).is(200)[INVITATION]["delivery"], "external");
    }
    post(&app, Vendor::Resend, &Vendor::Resend.hook(Told { kind: Kind::Hard, user: &mail[0], number: 1 }, now(&app)));
    assert_eq!(app.scim().get(&paul).is(200)[INVITATION]["delivery"], "external");
    assert_eq!(app.deliver().ended, 1, "the mail that the code has replaced");
    let external = app.scim().get(&format!("/scim2/Users?filter={INVITATION}:delivery%20eq%20%22external%22")).is(200);
    assert_eq!(external["totalResults"], 2);
}
