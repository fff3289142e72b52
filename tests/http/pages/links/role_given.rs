//! A link that was made before its user was given a role lets nobody in with it.

use std::sync::Arc;
use std::time::Duration;

use latchkey::native::Sqlite;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::{Value, json};

use crate::scim2::client::{GROUP, INVITATION, PASSWORD, Spy, USER, WSO2, id, values};
use crate::support::{App, ORIGIN, invited};

const PRESSED: &[(&str, &str)] = &[("intent", "confirm-email")];
const CODE: &str = "ask-password-confirmation-code";

/// A user who is asked for a password, and the link that was mailed.
fn user(app: &App, name: &str) -> (String, String) {
    let user = app.scim().create("/scim2/Users", &invited(name));
    (user, app.newest_link())
}

fn redeem(app: &App, link: &str) -> u16 {
    app.post_form(link, &[("password", PASSWORD)]).status.as_u16()
}

fn mails(app: &App) -> i64 {
    app.deliver();
    app.stores
        .iter()
        .chain([&app.native.sqlite])
        .map(|database| {
            database.with(|connection| {
                let sent = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'";
                connection.query_row(sent, [], |row| row.get::<_, i64>(0)).unwrap()
            })
        })
        .sum()
}

/// Asserts that this link is one that a newer mail has replaced, and that the newer one works.
#[track_caller]
fn assert_replaced(app: &App, old: &str) {
    let page = app.anyone("GET", old);
    assert_eq!(page.status, 410, "{}", page.text);
    assert!(page.text.contains("There is a newer link"), "{}", page.text);
    assert_eq!(redeem(app, old), 410);
    let code = old.rsplit('/').next().unwrap();
    let wso2 = json!({ "code": code, "step": "UPDATE_PASSWORD" });
    assert_eq!(app.nobody().post("/api/identity/recovery/v0.9/validate-code", &wso2).status, 400);
    let new = app.newest_link();
    assert_ne!(new, old);
    assert_eq!(redeem(app, &new), 200);
}

fn add(app: &App, group: &str, users: &[&str]) {
    app.scim().patch(group, json!([{ "op": "add", "path": "members", "value": values(users) }])).is(200);
}

#[test]
fn the_attribute_replaces_the_link_with_the_write_that_gives_the_role() {
    let app = App::with_stores(&["ACME"]);
    let role = json!([{ "value": "auditor" }]);
    for store in ["", "ACME/"] {
        for method in ["PATCH", "PUT", "Bulk"] {
            let (paul, old) = user(&app, &format!("{store}{method}"));
            let before = mails(&app);
            match method {
                "PATCH" => drop(app.scim().set(&paul, "roles", role.clone()).is(200)),
                "PUT" => {
                    let mut body = app.scim().get(&paul).is(200);
                    body["roles"] = role.clone();
                    app.scim().put(&paul, &body).is(200);
                }
                _ => {
                    let data = json!({ "Operations": [{ "op": "add", "path": "roles", "value": role }] });
                    let path = format!("/Users/{}", id(&paul));
                    app.scim().bulk(vec![json!({ "method": "PATCH", "path": path, "data": data })]).is(200);
                }
            }
            assert_eq!(mails(&app), before + 1);
            // What is so already sends nothing.
            app.scim().set(&paul, "roles", role.clone()).is(200);
            assert_eq!(mails(&app), before + 1);
            assert_replaced(&app, &old);
        }
    }
    let (petra, link) = user(&app, "petra");
    app.scim().set(&petra, "roles", json!([{ "value": "janitor" }])).is(200);
    assert_eq!(redeem(&app, &link), 200);
}

#[test]
fn a_link_that_confirms_an_address_is_replaced_too() {
    let app = App::new();
    let body = json!({
        "schemas": [USER], "userName": "vera", "password": PASSWORD, "emails": [{ "value": "vera@example.com" }],
        WSO2: { "verifyEmail": true },
    });
    let vera = app.scim().create("/scim2/Users", &body);
    let old = app.newest_link();
    app.scim().set(&vera, "roles", json!([{ "value": "admin" }])).is(200);
    assert_eq!(app.post_form(&old, PRESSED).status, 410);
    let new = app.newest_link();
    assert_eq!(app.post_form(&new, PRESSED).status, 200);
    // A live user whose new address waits.
    app.scim().set(&vera, "emails", json!([{ "value": "new@example.com" }])).is(200);
    app.deliver();
    let waiting = app.inbox().iter().find(|mail| mail["to"] == "new@example.com").unwrap()["links"][0].clone();
    let waiting = waiting.as_str().unwrap().strip_prefix(ORIGIN).unwrap();
    app.scim().create_group("inviter", &[&vera]);
    assert_eq!(app.post_form(waiting, PRESSED).status, 410);
    let new = app.newest_link();
    assert_eq!(app.post_form(&new, PRESSED).status, 200);
    assert_eq!(app.scim().get(&vera).is(200)["emails"][0]["value"], "new@example.com");
}

#[test]
fn a_group_replaces_the_links_of_those_it_gives_a_role_to_and_of_nobody_else() {
    let app = App::with_stores(&["ACME"]);
    for store in ["", "ACME/"] {
        let group = app.scim().create_group("admin", &[]);
        let (first, old) = user(&app, &format!("{store}first"));
        let before = mails(&app);
        add(&app, &group, &[&first]);
        assert_eq!(mails(&app), before + 1);
        let of_first = app.newest_link();
        let (second, old_of_second) = user(&app, &format!("{store}second"));
        let before = mails(&app);
        // A PUT with all members: the first was one before.
        let all = json!({ "schemas": [GROUP], "displayName": "admin", "members": values(&[&first, &second]) });
        app.scim().put(&group, &all).is(200);
        assert_eq!(mails(&app), before + 1);
        assert_replaced(&app, &old_of_second);
        assert_eq!(app.anyone("GET", &old).status, 410);
        assert_eq!(redeem(&app, &of_first), 200);
        app.scim().delete(&group).is(204);

        // A group that comes with its members, and one that is called another name.
        let (third, old) = user(&app, &format!("{store}third"));
        let group = app.scim().create_group("staff", &[&third]);
        assert_eq!(app.anyone("GET", &old).status, 200);
        app.scim().set(&group, "displayName", " Inviter").is(200);
        assert_replaced(&app, &old);
        app.scim().delete(&group).is(204);
        let (fourth, old) = user(&app, &format!("{store}fourth"));
        let group = app.scim().create_group("auditor", &[&fourth]);
        assert_replaced(&app, &old);
        app.scim().delete(&group).is(204);
        let (fifth, old) = user(&app, &format!("{store}fifth"));
        let data = json!({ "schemas": [GROUP], "displayName": "auditor", "members": values(&[&fifth]) });
        let created =
            app.scim().bulk(vec![json!({ "method": "POST", "path": "/Groups", "bulkId": "1", "data": data })]);
        assert_replaced(&app, &old);
        let location = created.is(200)["Operations"][0]["location"].as_str().unwrap().to_owned();
        app.scim().delete(location.strip_prefix(ORIGIN).unwrap()).is(204);

        // By a group within the group, nobody gets the role.
        let (sixth, old) = user(&app, &format!("{store}sixth"));
        let inner = app.scim().create_group("inner", &[&sixth]);
        let outer = app.scim().create_group("admin", &[&inner]);
        assert_eq!(redeem(&app, &old), 200);
        for group in [outer, inner] {
            app.scim().delete(&group).is(204);
        }
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM role_grants"), 0);
}

#[test]
fn who_is_created_with_the_role_gets_one_mail() {
    let app = App::new();
    let mut body = invited("ada");
    body["roles"] = json!([{ "value": "admin" }]);
    app.scim().create("/scim2/Users", &body);
    assert_eq!(mails(&app), 1);
    let group = json!({ "schemas": [GROUP], "displayName": "admin", "members": [{ "value": "bulkId:1" }] });
    app.scim()
        .bulk(vec![
            json!({ "method": "POST", "path": "/Users", "bulkId": "1", "data": invited("bea") }),
            json!({ "method": "POST", "path": "/Groups", "bulkId": "2", "data": group }),
        ])
        .is(200);
    assert_eq!(mails(&app), 2);
    let csv = "userName,email,groups\ncleo,cleo@example.com,admin\n";
    let reply = app.scim().with("content-type", "text/csv").send("POST", "/api/invitations/import", csv);
    assert_eq!(reply.json()["created"], 1, "{}", reply.text);
    assert_eq!(mails(&app), 3);
    assert_eq!(redeem(&app, &app.newest_link()), 200);
}

#[test]
fn a_withdrawn_or_barred_invitation_stays_what_it_is() {
    let app = App::new();
    let (revoked, old) = user(&app, "rita");
    let (locked, _) = user(&app, "lola");
    assert_eq!(app.admin("POST", &format!("/api/invitations/{}/revoke", id(&revoked)), "").status, 200);
    app.scim().set(&locked, "active", false).is(200);
    let before = mails(&app);
    app.scim().create_group("admin", &[&revoked, &locked]);
    app.scim().set(&revoked, "roles", json!([{ "value": "auditor" }])).is(200);
    assert_eq!(mails(&app), before);
    assert_eq!(app.scim().get(&revoked).is(200)[INVITATION]["status"], "revoked");
    assert_eq!(redeem(&app, &old), 410);
    app.scim().set(&locked, "active", true).is(200);
    assert_eq!(mails(&app), before + 1);
    assert_eq!(redeem(&app, &app.newest_link()), 200);
}

#[test]
fn whoever_sends_links_on_asks_for_another() {
    for by_group in [false, true] {
        let app = App::with(&[("EMAIL_SENDER", "external")]);
        let created = app.scim().post("/scim2/Users", &invited("paul"));
        let old = format!("/invite/{}", created.header(CODE));
        let paul = format!("/scim2/Users/{}", created.is(201)["id"].as_str().unwrap());
        if by_group {
            app.scim().create_group("admin", &[&paul]);
        } else {
            let (_, token) = app.token("", &["scim:read", "scim:write", "roles"]);
            let script = app.nobody().with("authorization", &format!("Bearer {token}"));
            let given = script.set(&paul, "roles", json!([{ "value": "admin" }]));
            assert_eq!(given.header(CODE), "");
            assert_eq!(given.is(200)[INVITATION]["status"], "expired");
        }
        let shown = app.scim().get(&paul).is(200)[INVITATION].clone();
        assert_eq!((&shown["status"], &shown["delivery"]), (&json!("expired"), &json!("external")));
        assert_eq!(redeem(&app, &old), 410);
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
        let resent = app.admin("POST", &format!("/api/invitations/{}/resend", id(&paul)), "");
        assert_eq!(resent.status, 202, "{}", resent.text);
        assert_eq!(redeem(&app, &format!("/invite/{}", resent.header(CODE))), 200);
    }
}

/// A database that does not tell who waits for another link.
struct Forgetful(Arc<Sqlite>);
impl Database for Forgetful {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        if statements.iter().any(|statement| statement.sql.starts_with("SELECT user_id, invited_by FROM role_grants")) {
            return Err(DatabaseError::Unavailable("the step fails".to_owned()));
        }
        self.0.batch(statements)
    }
}

#[test]
fn a_step_that_fails_leaves_the_link_refused_until_the_sweep() {
    for store in ["", "ACME/"] {
        let mut app = App::with_stores(&["ACME"]);
        let group = app.scim().create_group("admin", &[]);
        let (paul, old) = user(&app, &format!("{store}paul"));
        let before = mails(&app);
        let whole = std::mem::replace(&mut app.platform.db, Arc::new(Forgetful(app.native.sqlite.clone())));
        add(&app, &group, &[&paul]);
        app.platform.db = whole;
        assert_eq!(app.number("SELECT COUNT(*) FROM role_grants"), 1);
        assert_eq!(app.anyone("GET", &old).status, 410);
        assert_eq!(redeem(&app, &old), 410);
        let sweep = || app.service.settle_role_grants(&app.platform).unwrap();
        sweep();
        assert_eq!(mails(&app), before, "a request may still be at it");
        app.native.clock.advance(Duration::from_secs(31));
        sweep();
        sweep();
        assert_eq!(mails(&app), before + 1);
        assert_eq!(app.number("SELECT COUNT(*) FROM role_grants"), 0);
        assert_replaced(&app, &old);
    }
}

#[test]
fn the_write_that_redeems_asks_for_the_role_itself() {
    let app = App::new();
    let (paul, link) = user(&app, "paul");
    let sql = format!("INSERT INTO role_grants (tenant, user_id, created) VALUES (0, '{}', 0)", id(&paul));
    // As if the role had been given after the link was looked at.
    app.native.sqlite.with(|connection| {
        let trigger = format!(
            "CREATE TRIGGER meddle BEFORE UPDATE OF onboarding ON resources WHEN NOT EXISTS (SELECT 1 FROM role_grants) \
             BEGIN SELECT RAISE(ABORT, 'no condition'); END; {sql}"
        );
        connection.execute_batch(&trigger).unwrap();
    });
    assert_eq!(redeem(&app, &link), 410);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE onboarding = 'AP'"), 1);
}

#[test]
fn a_large_group_is_worked_off_in_steps_and_refused_meanwhile() {
    let mut app = App::with_stores(&["ACME"]);
    let users: Vec<Value> = (0..250)
        .map(|n| json!({ "userName": format!("user-{n}"), "email": format!("u{n}@example.com"), "groups": "staff" }))
        .collect();
    let group = app.scim().create_group("staff", &[]);
    let import = app.scim().with("content-type", "application/json");
    let reply = import.send("POST", "/api/invitations/import", json!(users).to_string());
    assert_eq!(reply.status, 200, "{}", reply.text);
    let before = app.number("SELECT COUNT(*) FROM outbox");
    let spy = Spy::on(&mut app);
    app.scim().set(&group, "displayName", "auditor").is(200);
    let (statements, _) = spy.take();
    assert!(statements.len() < 30, "{}: {statements:#?}", statements.len());
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), before + 100);
    assert_eq!(app.number("SELECT COUNT(*) FROM role_grants"), 150);
    app.native.clock.advance(Duration::from_secs(31));
    app.service.settle_role_grants(&app.platform).unwrap();
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), before + 250);
    assert_eq!(app.number("SELECT COUNT(*) FROM role_grants"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE type = 'User' AND seq = 1"), 250);
    let (statements, _) = spy.take();
    assert!(statements.len() < 40, "{}", statements.len());
}
