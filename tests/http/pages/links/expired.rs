//! The button of an expired link's page: a new mail.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::{App, Faulty};

const BUTTON: &[(&str, &str)] = &[("intent", "new-mail")];

/// A user's path and a link whose time is over.
fn expired(app: &App, name: &str) -> (String, String) {
    let user = app.invite(name);
    let link = app.newest_link();
    app.native.clock.advance(Duration::from_secs(86_400));
    (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), link)
}

fn mails(app: &App) -> i64 {
    app.renew();
    app.deliver();
    app.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'")
}

#[test]
fn the_page_of_an_expired_link_has_a_button_that_mails_a_new_one() {
    let app = App::new();
    let (_, link) = expired(&app, "paul");
    let page = app.anyone("GET", &link);
    assert_eq!((page.status.as_u16(), page.trips()), (410, 0));
    assert!(
        page.text.contains("value=\"new-mail\"") && page.text.contains(&format!("action=\"{link}\"")),
        "{}",
        page.text
    );
    let reply = app.post_form(&link, BUTTON);
    assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1), "{}", reply.text);
    assert!(!reply.text.contains("paul@example.com"), "the address is not told: {}", reply.text);
    app.renew();
    let newer = app.newest_link();
    assert_eq!(
        (app.inbox()[0]["to"].as_str(), app.inbox()[0]["template"].as_str()),
        (Some("paul@example.com"), Some("resendAskPassword"))
    );
    assert_eq!(app.post_form(&newer, &[("password", PASSWORD)]).status, 200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend' AND actor LIKE 'user:%'"), 1);
}

#[test]
fn the_answer_is_the_same_whatever_became_of_the_user() {
    let app = App::new();
    let cases = ["pending", "accepted", "revoked", "locked", "disabled", "deleted", "moved"];
    let users: Vec<(String, String)> = cases
        .iter()
        .map(|name| {
            let user = app.invite(name);
            (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link())
        })
        .collect();
    assert_eq!(app.post_form(&users[1].1, &[("password", PASSWORD)]).status, 200);
    let revoked = users[2].0.rsplit('/').next().unwrap();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{revoked}/revoke"), "").status, 200);
    app.scim().set(&users[3].0, &format!("{WSO2}:accountLocked"), true).is(200);
    app.scim().set(&users[4].0, "active", false).is(200);
    app.admin("DELETE", &users[5].0, "");
    app.scim().set(&users[6].0, "emails", json!([{ "value": "elsewhere@example.com" }])).is(200);
    let before = mails(&app);
    app.native.clock.advance(Duration::from_secs(86_400));

    let answers: Vec<_> = users.iter().map(|(_, link)| app.post_form(link, BUTTON)).collect();
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!((answer.status.as_u16(), answer.trips()), (200, 1), "{case}");
        assert_eq!(answer.text, answers[0].text, "{case}");
    }
    assert_eq!(mails(&app) - before, 2);
    let to: Vec<String> = app.inbox()[..2].iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect();
    assert!(
        to.contains(&"pending@example.com".to_owned()) && to.contains(&"elsewhere@example.com".to_owned()),
        "{to:?}"
    );
    assert_eq!(app.number("SELECT COUNT(*) FROM renewals WHERE requested IS NOT NULL"), 0);
    assert_eq!(app.me("accepted", PASSWORD).status, 200);
}

#[test]
fn pressing_often_mails_once_a_minute_and_five_times_a_day() {
    let app = App::new();
    let (_, link) = expired(&app, "paul");
    let before = mails(&app);
    let mut sent = Vec::new();
    for _ in 0..8 {
        for _ in 0..3 {
            assert_eq!(app.post_form(&link, BUTTON).status, 200);
            app.renew();
        }
        sent.push(mails(&app) - before);
        app.native.clock.advance(Duration::from_secs(61));
    }
    assert_eq!(sent, [1, 2, 3, 4, 5, 5, 5, 5]);
    app.native.clock.advance(Duration::from_secs(86_400));
    app.post_form(&link, BUTTON);
    assert_eq!(mails(&app) - before, 6);
}

#[test]
fn many_who_press_at_once_get_one_mail() {
    let app = App::new();
    let (_, link) = expired(&app, "paul");
    let before = mails(&app);
    crate::scim2::client::in_parallel(8, |_| assert_eq!(app.post_form(&link, BUTTON).status, 200));
    crate::scim2::client::in_parallel(4, |_| app.renew());
    assert_eq!(mails(&app) - before, 1);
}

#[test]
fn a_link_that_is_alive_forged_or_of_another_tenant_has_no_button() {
    let app = App::new();
    let (_, old) = expired(&app, "peter");
    app.native.clock.advance(Duration::from_secs(86_400));
    app.invite("quentin");
    let alive = app.newest_link();
    let before = app.dump();
    assert_eq!(app.post_form(&alive, BUTTON).status, 422);
    let forged = old.replace(".A", ".B");
    for path in [forged, format!("/t/acme.com{old}"), old.replace("/invite/", "/verify/"), "/invite/x".to_owned()] {
        for page in [app.post_form(&path, BUTTON), app.anyone("GET", &path)] {
            assert_eq!((page.status.as_u16(), page.trips()), (404, 0), "{path}");
            assert!(!page.text.contains("new-mail"));
        }
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn a_request_outlives_a_lost_wake_up_and_a_failing_database() {
    let mut app = App::new();
    let (_, link) = expired(&app, "paul");
    let before = mails(&app);
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 1, false));
    let reply = app.post_form(&link, BUTTON);
    assert_eq!(reply.status, 503);
    assert!(reply.text.contains(&format!("href=\"{link}\"")), "{}", reply.text);
    assert_eq!(app.post_form(&link, BUTTON).status, 200);
    // The run that takes the request dies before, then after its commit.
    for after_commit in [false, true] {
        let faulty = Faulty::on_batch(app.native.platform.db.clone(), 2, after_commit);
        let platform = latchkey::ports::Platform { db: Arc::new(faulty), ..app.native.platform.clone() };
        assert!(app.service.renew(&platform).is_err());
    }
    assert_eq!(mails(&app) - before, 1);
}

#[test]
fn where_codes_are_handed_on_by_others_there_is_no_button() {
    let app = App::new();
    let (_, link) = expired(&app, "paul");
    let app = app.reconfigured(&[("EMAIL_SENDER", "external")]);
    let page = app.anyone("GET", &link);
    assert_eq!(page.status, 410);
    assert!(!page.text.contains("new-mail"));
    let before = app.number("SELECT COUNT(*) FROM outbox");
    assert_eq!(app.post_form(&link, BUTTON).status, 200);
    app.renew();
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), before);
}
