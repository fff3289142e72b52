//! `POST /api/invitations/{userId}/resend` and `/revoke`

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, WSO2, in_parallel};
use crate::support::{App, Faulty, Reply};

fn invite(app: &App, name: &str) -> String {
    app.invite(name)["id"].as_str().unwrap().to_owned()
}

fn resend(app: &App, id: &str) -> Reply {
    app.admin("POST", &format!("/api/invitations/{id}/resend"), "")
}

fn revoke(app: &App, id: &str) -> Reply {
    app.admin("POST", &format!("/api/invitations/{id}/revoke"), "")
}

fn redeem(app: &App, link: &str) -> u16 {
    app.post_form(link, &[("password", PASSWORD), ("confirm", PASSWORD)]).status.as_u16()
}

fn user(app: &App, id: &str) -> Value {
    app.admin("GET", &format!("/scim2/Users/{id}"), "").json()
}

/// Holds an answer to being a problem of this status that says this.
#[track_caller]
fn assert_problem(reply: &Reply, status: u16, words: &str) {
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (status, "application/problem+json"));
    assert!(reply.json()["detail"].as_str().unwrap().contains(words), "not {words:?} in {}", reply.text);
}

#[track_caller]
fn assert_dead(app: &App, link: &str, reason: &str) {
    let page = app.anyone("GET", link);
    assert_eq!(page.status, 410);
    assert!(page.text.contains(reason), "not {reason:?} in {}", page.text);
}

#[test]
fn a_resend_mails_a_new_link_and_the_older_ones_die_as_replaced() {
    let app = App::new();
    let id = invite(&app, "paul");
    let mut links = vec![app.newest_link()];
    for round in 1..=3 {
        app.native.clock.advance(Duration::from_secs(1));
        let reply = resend(&app, &id);
        assert_eq!((reply.status.as_u16(), reply.trips()), (202, 1), "{}", reply.text);
        let invitation = reply.json();
        assert_eq!(
            invitation,
            json!({
                "userId": id, "userName": "paul", "email": "paul@example.com", "template": "resendAskPassword",
                "status": "pending", "delivery": "queued", "sentAt": invitation["sentAt"], "expiresAt": null,
                "attempts": 0,
            })
        );
        links.push(app.newest_link());
        assert_eq!(user(&app, &id)["meta"]["version"], format!("W/\"{}\"", round + 1));
    }
    let newest = links.pop().unwrap();
    for link in &links {
        assert_dead(&app, link, "newer");
        assert_eq!(redeem(&app, link), 410);
    }
    assert_eq!(redeem(&app, &newest), 200);
    assert_eq!(
        app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend' AND actor = 'administrator:admin'"),
        3
    );
}

#[test]
fn a_mail_that_still_waits_is_replaced_by_the_resend_and_only_one_goes_out() {
    let app = App::new();
    let id = invite(&app, "paul");
    resend(&app, &id);
    resend(&app, &id);
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(app.inbox().len(), 1);
}

#[test]
fn a_resend_works_after_expiry_and_after_a_revoke() {
    let app = App::new();
    let id = invite(&app, "paul");
    let expired = app.newest_link();
    app.native.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(app.anyone("GET", &expired).status, 410);
    assert_eq!(resend(&app, &id).status, 202);
    let newer = app.newest_link();
    assert_eq!(app.anyone("GET", &newer).status, 200);
    assert_eq!(revoke(&app, &id).status, 200);
    let reply = resend(&app, &id);
    assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (202, Some("pending")));
    assert_eq!(redeem(&app, &newer), 410);
    assert_eq!(redeem(&app, &app.newest_link()), 200);
}

#[test]
fn a_mail_to_confirm_the_address_is_sent_again_as_that() {
    let app = App::new();
    let body = r#"{"userName":"peter","password":"walking the dog","emails":["peter@somemail.com"],"urn:scim:wso2:schema":{"verifyEmail":true}}"#;
    let id = app.admin("POST", "/scim2/Users", body).json()["id"].as_str().unwrap().to_owned();
    let older = app.newest_link();
    assert_eq!(resend(&app, &id).json()["template"], "resendEmailConfirm");
    let newer = app.newest_link();
    assert!(newer.starts_with("/verify/"));
    assert_dead(&app, &older, "newer");
    assert_eq!(app.post_form(&newer, &[("intent", "confirm-email")]).status, 200);
    assert_eq!(app.me("peter", "walking the dog").status, 200);
}

#[test]
fn a_revoked_link_dies_and_the_account_stays_pending_and_locked() {
    let app = App::new();
    let id = invite(&app, "paul");
    let link = app.newest_link();
    let reply = revoke(&app, &id);
    assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1), "{}", reply.text);
    assert_eq!(reply.json()["status"], "revoked");
    let after = user(&app, &id);
    assert_eq!(
        (after[WSO2]["accountState"].as_str(), &after[WSO2]["accountLocked"]),
        (Some("PENDING_AP"), &json!(true))
    );
    assert_dead(&app, &link, "withdrawn");
    assert_eq!(redeem(&app, &link), 410);
    assert_problem(&revoke(&app, &id), 409, "already");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.revoke'"), 1);
    assert_eq!(app.number("SELECT MAX(version) FROM resources"), 2);
}

#[test]
fn a_mail_that_waits_is_not_sent_once_its_invitation_is_revoked() {
    let app = App::new();
    let id = invite(&app, "paul");
    revoke(&app, &id);
    app.deliver();
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'dropped'"), 1);
}

#[test]
fn what_cannot_be_resent_or_revoked_is_told_what_to_do() {
    let app = App::new();
    let plain = app.admin("POST", "/scim2/Users", r#"{"userName":"plain"}"#).json()["id"].as_str().unwrap().to_owned();
    assert_problem(&resend(&app, &plain), 409, "never invited");
    assert_problem(&revoke(&app, &plain), 409, "never invited");
    let accepted = invite(&app, "accepted");
    assert_eq!(redeem(&app, &app.newest_link()), 200);
    assert_problem(&resend(&app, &accepted), 409, "has been accepted");
    assert_problem(&revoke(&app, &accepted), 409, "has been accepted");
    let disabled = invite(&app, "disabled");
    app.scim().set(&format!("/scim2/Users/{disabled}"), "active", false).is(200);
    assert_problem(&resend(&app, &disabled), 409, "active");
    for id in ["nobody", "0192c6a0-0000-7000-8000-000000000000"] {
        assert_problem(&resend(&app, id), 404, "no user");
        assert_problem(&revoke(&app, id), 404, "no user");
    }
    let group =
        app.admin("POST", "/scim2/Groups", r#"{"displayName":"staff"}"#).json()["id"].as_str().unwrap().to_owned();
    assert_problem(&resend(&app, &group), 404, "no user");
    let before = app.dump();
    assert_eq!(app.anyone("POST", &format!("/api/invitations/{disabled}/resend")).status, 401);
    assert_eq!(app.admin("POST", &format!("/t/acme.com/api/invitations/{disabled}/revoke"), "").status, 401);
    assert_eq!(app.dump(), before);
}

#[test]
fn a_lost_answer_is_answered_from_what_was_committed() {
    for (after_commit, status) in [(true, 202), (false, 503)] {
        let mut app = App::new();
        let id = invite(&app, "paul");
        app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 1, after_commit));
        assert_eq!(resend(&app, &id).status, status);
        assert_eq!(app.number("SELECT seq FROM resources"), i64::from(after_commit));
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1 + i64::from(after_commit));
        let mut app = App::new();
        let id = invite(&app, "paul");
        app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 1, after_commit));
        assert_eq!(revoke(&app, &id).status, if after_commit { 200 } else { 503 });
        assert_eq!(app.number("SELECT seq FROM resources"), i64::from(after_commit));
    }
}

/// One redeeming against one of the others at the same moment: afterwards either the password works and the account is
/// live, or it does not and the other has taken place; never both, never neither.
#[test]
fn redeeming_races_a_revoke_a_resend_a_deletion_and_a_lock_and_one_wins() {
    let lock = |app: &App, path: &str| app.scim().set(path, "active", false).status.as_u16();
    for round in 0..12 {
        for rival in ["revoke", "resend", "delete", "disable"] {
            let app = App::new();
            let id = invite(&app, "paul");
            let path = format!("/scim2/Users/{id}");
            let link = app.newest_link();
            let statuses: Vec<u16> = in_parallel(2, |number| match (number + round) % 2 {
                0 => redeem(&app, &link),
                _ => match rival {
                    "revoke" => revoke(&app, &id).status.as_u16(),
                    "resend" => resend(&app, &id).status.as_u16(),
                    "delete" => app.admin("DELETE", &path, "").status.as_u16(),
                    _ => lock(&app, &path),
                },
            });
            let (redeemed, other) =
                if round % 2 == 0 { (statuses[0], statuses[1]) } else { (statuses[1], statuses[0]) };
            let signs_in = app.me("paul", PASSWORD).status == 200;
            let has_password = app.number("SELECT COUNT(*) FROM credentials") == 1;
            let outcome = format!("{rival}: redeemed {redeemed}, other {other}, signs in {signs_in}");
            match rival {
                "revoke" | "resend" => {
                    assert_eq!(redeemed == 200, signs_in && has_password, "{outcome}");
                    assert_ne!(redeemed == 200, other < 300, "{outcome}");
                }
                // A user who has redeemed can still be deleted or disabled; nobody redeems afterwards.
                _ => {
                    assert!(other < 300 && !signs_in, "{outcome}");
                    assert_eq!(has_password, redeemed == 200 && rival == "disable", "{outcome}");
                }
            }
        }
    }
}

#[test]
fn of_many_resends_at_once_each_has_a_link_of_its_own_and_the_last_one_works() {
    let app = App::new();
    let id = invite(&app, "paul");
    let statuses: Vec<u16> = in_parallel(8, |_| resend(&app, &id).status.as_u16());
    assert_eq!(statuses, [202; 8]);
    assert_eq!(app.number("SELECT COUNT(DISTINCT seq) FROM outbox"), 9);
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(redeem(&app, &app.newest_link()), 200);
}
