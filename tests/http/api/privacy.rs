//! What is left of a person: after a deletion, after `MAIL_RETENTION_DAYS`, and as `/api/users/{id}/privacy` shows it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::mail::retention;
use latchkey::model::tenant::Tenant;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use latchkey::store::bounces::{self, MailEvent, MailEventKind};
use serde_json::{Value, json};

use crate::provider::{answer, with_resend};
use crate::scim2::client::{INVITATION, PASSWORD, USER, WSO2};
use crate::support::{App, authorized, basic, invited};

const DAY: Duration = Duration::from_secs(86_400);

fn invite(app: &App, name: &str) -> String {
    let mut user = invited(name);
    user["name"] = json!({ "givenName": "Paulina", "familyName": "Schmidtke" });
    let reply = app.admin("POST", "/scim2/Users", user.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn delete(app: &App, id: &str) {
    assert_eq!(app.admin("DELETE", &format!("/scim2/Users/{id}"), "").status, 204);
}

fn mails(app: &App) -> Vec<Value> {
    app.admin("GET", "/api/mail?count=1000", "").json()["Resources"].as_array().unwrap().clone()
}

fn privacy(app: &App, id: &str) -> Value {
    let reply = app.admin("GET", &format!("/api/users/{id}/privacy"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

/// Nothing of a person whose name, address and user name are like this is in the database.
#[track_caller]
fn assert_forgotten(app: &App, user_name: &str) {
    let rest = app.dump().to_lowercase();
    for word in ["paulina", "schmidtke", &format!("{user_name}@example.com"), "new@example.com"] {
        let found = rest.lines().find(|line| line.contains(word));
        assert_eq!(found, None, "{word}");
    }
}

fn sweep(app: &App) {
    retention::run(&app.platform, &app.deployment).unwrap();
}

#[test]
fn a_deletion_empties_the_mails_of_the_user_and_of_nobody_else() {
    let (app, _) = with_resend(|call, _| match call {
        0 => answer(200, r#"{"id":"x"}"#),
        1 => answer(422, r#"{"name":"validation_error"}"#),
        _ => answer(429, r#"{"name":"rate_limit_exceeded"}"#),
    });
    let sent = invite(&app, "sent");
    app.deliver();
    let failed = invite(&app, "failed");
    app.deliver();
    let deferred = invite(&app, "deferred");
    app.deliver();
    let queued = invite(&app, "queued");
    let before = mails(&app);
    for id in [&sent, &failed, &deferred] {
        delete(&app, id);
    }
    let bulk = app.scim().bulk(vec![json!({ "method": "DELETE", "path": format!("/Users/{queued}") })]).is(200);
    assert_eq!(bulk["Operations"][0]["status"], "204");
    app.invite("other");
    for name in ["sent", "failed", "deferred", "queued"] {
        assert_forgotten(&app, name);
    }
    let after = mails(&app);
    assert_eq!(after[0]["to"], "other@example.com");
    for (was, is) in before.iter().zip(&after[1..]) {
        assert_eq!(is["to"], Value::Null);
        for kept in ["id", "userId", "template", "state", "attempts", "provider"] {
            assert_eq!(is[kept], was[kept], "{kept}");
        }
    }
    let states: Vec<_> = after[1..].iter().map(|mail| mail["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "deferred", "failed", "sent"]);
    let again = app.admin("POST", &format!("/api/mail/{}/retry", after[3]["id"].as_str().unwrap()), "");
    assert_eq!(again.status, 409, "{}", again.text);
    assert_eq!(app.admin("POST", "/api/mail/retry", r#"{"state":"failed"}"#).json()["queued"], 0);
}

/// A database that does something after the `n`th batch.
struct Interrupted {
    inner: Arc<dyn Database>,
    left: AtomicUsize,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}
impl Database for Interrupted {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let outcomes = self.inner.batch(statements);
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
        outcomes
    }
}

#[test]
fn a_deletion_while_a_mail_is_on_its_way_is_not_undone() {
    // After the look, and after the lease.
    for batch in [1, 2] {
        for status in [200, 422, 429, 500] {
            let (mut app, provider) =
                with_resend(move |_, _| answer(status, r#"{"id":"x","name":"no such mailbox: paul@example.com"}"#));
            let paul = invite(&app, "paul");
            let (isolate, platform, path) = (app.isolate(), app.platform.clone(), format!("/scim2/Users/{paul}"));
            let inner = app.platform.db.clone();
            let act = move || {
                let request = authorized(&basic("admin", "admin"), "DELETE", &path);
                assert_eq!(isolate.handle(&platform, request).status(), 204);
            };
            let act: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(Some(Box::new(act)));
            app.platform.db = Arc::new(Interrupted { inner: inner.clone(), left: AtomicUsize::new(batch), act });
            app.deliver();
            app.platform.db = inner;
            assert_eq!(provider.seen.lock().unwrap().len(), batch - 1, "a mail that is not leased yet is not sent");
            assert_forgotten(&app, "paul");
            app.native.clock.advance(DAY);
            app.deliver();
            let told = MailEvent {
                id: "evt".to_owned(),
                message: "x".to_owned(),
                kind: MailEventKind::Bounced,
                class: "paul@example.com".to_owned(),
            };
            bounces::record(&app.platform, "resend", &[told]).unwrap();
            let shown = mails(&app)[0].clone();
            assert_eq!(shown["to"], Value::Null);
            assert!(!shown.to_string().contains("example.com"), "{shown}");
        }
    }
}

#[test]
fn a_tenant_forgets_the_name_of_an_owner_who_is_deleted() {
    let app = App::new();
    let owner = |name: &str| {
        json!({ "username": name, "email": format!("{name}@acme.com"), "firstname": "A", "lastname": "B",
            "provisioningMethod": "invite-via-email" })
    };
    let body = json!({ "domain": "acme.com", "owners": [owner("paulina"), owner("ada")] });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", body.to_string()).status, 201);
    let number = Tenant::from_domain("acme.com").number();
    let owners = || app.admin("GET", &format!("/api/server/v1/tenants/{number}/owners"), "").json();
    let before = owners();
    let id = before[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(before[0]["username"], "paulina");
    assert_eq!(app.admin("DELETE", &format!("/t/acme.com/scim2/Users/{id}"), "").status, 204);
    assert_eq!(owners(), json!([{ "id": id }, before[1]]));
    assert!(!app.dump().contains("paulina"));
}

#[test]
fn a_deleted_administrators_name_is_not_kept_with_the_tokens_they_made() {
    for name in ["kim", "ACME/kim"] {
        let app = App::with_stores(&["ACME"]);
        let body =
            json!({ "schemas": [USER], "userName": name, "password": PASSWORD, "roles": [{ "value": "admin" }] });
        let kim = app.scim().create("/scim2/Users", &body);
        let token = json!({ "name": "a script", "scopes": ["scim:read"], "expiresInDays": 1 });
        let made = app.user(name, PASSWORD).post("/api/tokens", &token);
        assert_eq!(made.status, 201, "{}", made.text);
        let id = kim.rsplit('/').next().unwrap().to_owned();
        let by = |shown: &Value| shown["apiTokens"][0]["createdBy"].as_str().unwrap().to_owned();
        assert!(by(&privacy(&app, &id)).contains("kim"));
        assert!(privacy(&app, &id)["auditBy"].to_string().contains("token.create"));
        app.scim().delete(&kim).is(204);
        assert_eq!(by(&privacy(&app, &id)["withoutPersonalData"]), format!("user:{id}"));
    }
}

#[test]
fn mails_are_kept_for_as_long_as_the_tenant_says() {
    let app = App::with(&[("MAIL_RETENTION_DAYS", "10"), ("MAIL_GIVE_UP_HOURS", "48")]);
    let paul = invite(&app, "paul");
    app.deliver();
    let gone = invite(&app, "gone");
    app.deliver();
    delete(&app, &gone);
    app.native.clock.advance(DAY * 9);
    sweep(&app);
    assert_eq!(mails(&app).len(), 2);
    app.native.clock.advance(DAY * 2);
    app.invite("ada");
    sweep(&app);
    let left = mails(&app);
    assert_eq!((left.len(), &left[0]["to"]), (1, &json!("ada@example.com")), "what has not ended stays");
    assert_eq!(app.number("SELECT count(*) FROM outbox"), 1);
    let history = privacy(&app, &paul)["withoutPersonalData"]["mailHistory"].clone();
    assert_eq!((&history[0]["template"], &history[0]["state"]), (&json!("AskPassword"), &json!("sent")));
    assert!(!history.to_string().contains("example.com"), "{history}");
    assert_eq!(
        privacy(&app, &gone)["withoutPersonalData"]["mailHistory"],
        json!([]),
        "what is left went with the user"
    );
    delete(&app, &paul);
    assert_eq!(app.number("SELECT count(*) FROM mail_history"), 0);

    let set = |days: &str| app.admin("PATCH", "/api/settings", json!({ "MAIL_RETENTION_DAYS": days }).to_string());
    for too_short in ["0", "1", "-1", "ten"] {
        let reply = set(too_short);
        assert_eq!(reply.status, 400, "{too_short}");
        assert!(reply.text.contains("MAIL_RETENTION_DAYS"), "{}", reply.text);
    }
    assert_eq!(set("2").status, 200);
    app.deliver();
    app.native.clock.advance(DAY * 3);
    sweep(&app);
    assert_eq!(mails(&app), Vec::<Value>::new());
}

#[test]
fn many_mails_go_in_bounded_steps_of_every_tenant_and_store() {
    let app = App::with_stores(&["ACME"]);
    app.create_tenant("globex.com");
    for path in ["/scim2/Users", "/t/globex.com/scim2/Users"] {
        assert_eq!(app.admin("POST", path, invited("paul").to_string()).status, 201);
    }
    app.invite("ACME/paul");
    app.deliver();
    let more = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
        INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due) \
        SELECT tenant, id || '-' || n, user_id, template, seq, recipient, state, created, due FROM n, outbox WHERE tenant = 0";
    app.native.sqlite.with(|connection| connection.execute(more, []).unwrap());
    app.native.clock.advance(DAY * 31);
    sweep(&app);
    assert_eq!(app.number("SELECT count(*) FROM outbox"), 501, "four steps of 500, of the tenant that has so many");
    sweep(&app);
    assert_eq!(app.number("SELECT count(*) FROM outbox"), 0);
    let left = "SELECT count(*) FROM outbox";
    let left = app.stores[0].with(|connection| connection.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap());
    assert_eq!(left, 0);
}

#[test]
fn what_is_removed_still_counts_and_still_supersedes() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day"), ("MAIL_RETENTION_DAYS", "3")]);
    let paul = invite(&app, "paul");
    app.deliver();
    // A mail that has waited longer than mails are kept, and then goes out, counts.
    app.native
        .sqlite
        .with(|connection| connection.execute("UPDATE outbox SET created = created - 864000000", []).unwrap());
    sweep(&app);
    let mut user = invited("second");
    user["emails"][0]["value"] = json!("paul+2@example.com");
    app.scim().create("/scim2/Users", &user);
    assert_eq!(app.deliver().deferred, 1);

    // An older mail that ends says nothing of a newer invitation that has been removed.
    app.native.clock.advance(DAY * 2);
    assert_eq!(app.deliver().sent, 1);
    app.native.clock.advance(DAY * 2);
    let first = app.admin("POST", &format!("/api/invitations/{paul}/resend"), "");
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(app.deliver().sent, 1);
    let sql = "UPDATE outbox SET state = 'queued', issued_at = NULL, facts = NULL WHERE seq = 0 AND user_id = ?1";
    app.native.sqlite.with(|connection| connection.execute(sql, [paul.as_str()]).unwrap());
    let old = "UPDATE outbox SET created = 0, issued_at = 0 WHERE seq = 1 AND user_id = ?1";
    app.native.sqlite.with(|connection| connection.execute(old, [paul.as_str()]).unwrap());
    sweep(&app);
    assert_eq!(app.number("SELECT count(*) FROM mail_history WHERE seq = 1"), 1);
    app.deliver();
    assert_eq!(app.number("SELECT count(*) FROM outbox WHERE seq = 0 AND state = 'dropped'"), 1);
    let shown = app.scim().get(&format!("/scim2/Users/{paul}")).is(200);
    assert_eq!(shown[INVITATION]["delivery"], "sent");
}

#[test]
fn everything_about_a_person_is_shown_and_no_secret() {
    let app = App::with_stores(&["ACME"]);
    for name in ["paul", "ACME/paul"] {
        let mut user = invited(name);
        user["emails"][0]["value"] = json!("paul@example.com");
        user["name"] = json!({ "givenName": "Paulina" });
        let user = app.scim().post("/scim2/Users", &user).is(201);
        let id = user["id"].as_str().unwrap();
        app.scim().create_group(&format!("staff of {name}").replace('/', " "), &[id]);
        let link = app.newest_link();
        assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
        app.scim().set(&format!("/scim2/Users/{id}"), &format!("{WSO2}:emailVerified"), true).is(200);
        app.me(name, PASSWORD);
        let shown = privacy(&app, id);
        assert_eq!((&shown["id"], &shown["deleted"]), (&json!(id), &json!(false)));
        assert_eq!(shown["userStore"], if name == "paul" { "PRIMARY" } else { "ACME" });
        assert_eq!(shown["user"]["document"]["name"]["givenName"], "Paulina");
        assert_eq!(shown["user"]["account"]["state"], "unlocked");
        assert!(shown["user"]["credentials"]["passwordChanged"].is_string(), "{shown}");
        assert_eq!(shown["user"]["invitation"]["template"], "AskPassword");
        assert_eq!(shown["groups"][0]["type"], "direct");
        assert_eq!(shown["mails"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&shown["mails"][1]["to"], &shown["mails"][1]["content"]["givenName"]),
            (&json!("paul@example.com"), &json!("Paulina"))
        );
        assert!(shown["indexValues"].to_string().contains("paul@example.com"), "{shown}");
        assert!(shown["auditAbout"].to_string().contains("user.create"));
        assert_eq!(shown["truncated"], json!([]));
        for secret in ["$argon2", "lk1.", PASSWORD] {
            assert!(!shown.to_string().contains(secret), "{secret}");
        }

        delete(&app, id);
        let left = privacy(&app, id);
        assert_eq!((&left["deleted"], &left["user"]), (&json!(true), &Value::Null));
        for (name, rows) in left.as_object().unwrap() {
            let is_list_with_something = rows.as_array().is_some_and(|rows| !rows.is_empty());
            assert!(!is_list_with_something || name.starts_with("audit"), "{name}: {rows}");
        }
        assert_eq!(left["withoutPersonalData"]["mails"].as_array().unwrap().len(), 2);
        assert!(!left.to_string().contains("example.com") && !left.to_string().contains("Paulina"), "{left}");
    }
}

#[test]
fn it_takes_both_scopes_and_an_id_of_the_tenant() {
    let app = App::new();
    app.create_tenant("acme.com");
    let paul = invite(&app, "paul");
    let path = format!("/api/users/{paul}/privacy");
    let status =
        |scopes: &[&str]| app.authorized(&format!("Bearer {}", app.token("", scopes).1), "GET", &path).status.as_u16();
    assert_eq!(status(&["scim:read", "audit"]), 200);
    for too_few in [&["scim:read"][..], &["audit"], &["scim:write", "settings", "mail"]] {
        assert_eq!(status(too_few), 403, "{too_few:?}");
    }
    assert_eq!(app.anyone("GET", &path).status, 401);
    let encoded = path.replace('-', "%2D");
    assert_eq!(app.admin("GET", &encoded, "").json()["id"], paul);
    assert_eq!(app.me("paul", "x").status, 401);
    let group = app.scim().create_group("staff", &[]);
    let group = group.rsplit('/').next().unwrap();
    for unknown in ["00000000-0000-4000-8000-000000000000", "nobody", "admin", "%00", group] {
        let reply = app.admin("GET", &format!("/api/users/{unknown}/privacy"), "");
        assert_eq!(reply.status, 404, "{unknown}: {}", reply.text);
    }
    assert_eq!(app.admin("GET", &format!("/t/acme.com/api/users/{paul}/privacy"), "").status, 404);
    delete(&app, &paul);
    assert_eq!(app.admin("GET", &format!("/t/acme.com/api/users/{paul}/privacy"), "").status, 404);
    assert_eq!(app.admin("GET", &path, "").status, 200);
}
