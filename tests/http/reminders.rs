//! `REMINDER_DAYS`: whoever has not accepted is mailed again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::App;

const DAY: u64 = 86_400;

fn app() -> App {
    App::with(&[("REMINDER_DAYS", "1,3,5")])
}

/// Some days later: the sweep, and the sender.
fn wait(app: &App, hours: u64) {
    app.native.clock.advance(Duration::from_secs(hours * 3_600));
    app.service.remind(&app.platform).unwrap();
    app.deliver();
}

fn subjects(app: &App) -> Vec<String> {
    app.inbox().iter().map(|mail| mail["subject"].as_str().unwrap().to_owned()).collect()
}

fn id(user: &Value) -> String {
    user["id"].as_str().unwrap().to_owned()
}

#[test]
fn reminders_come_on_their_days_with_new_links_that_outlive_the_old_end() {
    let app = app();
    app.invite("paul");
    let first = app.newest_link();
    let mut counts = Vec::new();
    for _ in 0..14 {
        wait(&app, 12);
        counts.push(app.inbox().len());
    }
    // After 24, 72 and 120 hours, and no more.
    assert_eq!(counts, [1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]);
    let subjects = subjects(&app);
    assert!(subjects[..3].iter().all(|subject| subject.starts_with("Reminder: ")), "{subjects:?}");
    assert!(!subjects[3].starts_with("Reminder"), "{subjects:?}");
    let mail = &app.inbox()[0];
    assert!(mail["text"].as_str().unwrap().contains("This is a reminder. The link works once"), "{mail}");
    assert!(!app.anyone("GET", &first).text.contains("type=\"password\""));
    app.invite("rita");
    app.deliver();
    wait(&app, 24);
    assert_eq!(app.inbox().len(), 6);
    assert!(app.anyone("GET", &app.newest_link()).text.contains("type=\"password\""));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.remind' AND actor = 'system'"), 4);
}

#[test]
fn each_reminder_is_sent_once_and_none_where_it_is_not_wanted() {
    let app = app();
    let [accepted, revoked, locked, bounced, deleted, resent] =
        ["accepted", "revoked", "locked", "bounced", "deleted", "resent"].map(|name| id(&app.invite(name)));
    app.deliver();
    let set = |sql: &str| app.native.sqlite.with(|connection| connection.execute(sql, []).unwrap());
    app.scim().set(&format!("/scim2/Users/{accepted}"), "password", crate::scim2::client::PASSWORD).is(200);
    app.admin("POST", &format!("/api/invitations/{revoked}/revoke"), "");
    app.scim().set(&format!("/scim2/Users/{locked}"), "active", false).is(200);
    set(&format!("UPDATE resources SET delivery = 'bounced' WHERE id = '{bounced}'"));
    app.scim().delete(&format!("/scim2/Users/{deleted}"));
    app.native.clock.advance(Duration::from_secs(DAY / 2));
    app.admin("POST", &format!("/api/invitations/{resent}/resend"), "");
    app.deliver();
    let before = app.inbox().len();
    wait(&app, 12);
    assert_eq!(app.inbox().len(), before, "the resend starts anew: {:?}", subjects(&app));
    assert_eq!(
        app.number("SELECT COUNT(*) FROM resources WHERE remind_at IS NOT NULL"),
        1,
        "the others are off the list"
    );
    app.native.clock.advance(Duration::from_secs(DAY / 2));
    for _ in 0..3 {
        app.service.remind(&app.platform).unwrap();
    }
    app.deliver();
    assert_eq!(app.inbox().len(), before + 1);
}

#[test]
fn without_the_setting_nothing_is_indexed_and_a_tenant_may_have_its_own() {
    let app = App::new();
    app.invite("paul");
    app.deliver();
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE remind_at IS NOT NULL"), 0);
    wait(&app, 24 * 30);
    assert_eq!(app.inbox().len(), 1);
    for wrong in ["0", "3,1", "1,1", "1,2,3,4", "x", "1,", "-1", "366", "1.5"] {
        let reply = app.admin("PATCH", "/api/settings", json!({ "REMINDER_DAYS": wrong }).to_string());
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text);
    }
    let reply = app.admin("PATCH", "/api/settings", json!({ "REMINDER_DAYS": "2" }).to_string());
    assert_eq!(reply.status, 200, "{}", reply.text);
    app.invite("rita");
    app.deliver();
    wait(&app, 47);
    assert_eq!(app.inbox().len(), 2);
    wait(&app, 1);
    assert_eq!(app.inbox().len(), 3);
    // Taken back, it holds for those who wait, too.
    app.invite("kim");
    app.deliver();
    app.admin("PATCH", "/api/settings", json!({ "REMINDER_DAYS": "" }).to_string());
    wait(&app, 49);
    assert_eq!(app.inbox().len(), 4);
}

#[test]
fn users_of_another_store_are_reminded_in_their_language() {
    let app = App::with(&[("REMINDER_DAYS", "1"), ("USER_STORES", "ACME=DB_ACME")]);
    let mut body = crate::support::invited("ACME/rita");
    body["preferredLanguage"] = json!("de");
    app.scim().create("/scim2/Users", &body);
    app.deliver();
    wait(&app, 24);
    assert!(subjects(&app)[0].starts_with("Erinnerung: "), "{:?}", subjects(&app));
}
