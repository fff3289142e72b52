//! The head of a tenant's audit, its copy outside the database, anchors that callers keep, and how an operator goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey::native::MemoryCache;
use latchkey::ports::{Cache, CacheError};
use serde_json::{Value, json};

use super::{execute, lived_in, sealed, verification};
use crate::support::{App, authorized};

fn with_anchor(app: &App, anchor: &str) -> Value {
    let reply = app.admin("GET", &format!("/api/audit/verification?anchor={anchor}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn accept(app: &App, body: &Value) -> (u16, Value) {
    let reply = app.admin("POST", "/api/audit/acceptance", body.to_string());
    (reply.status.as_u16(), reply.json())
}

/// A KV that cannot be read, or written, for a while.
#[derive(Default)]
struct Unsteady {
    held: MemoryCache,
    unreadable: AtomicBool,
    unwritable: AtomicBool,
}
impl Cache for Unsteady {
    fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(CacheError("unreadable".to_owned()));
        }
        self.held.get(key)
    }

    fn put(&self, key: &str, value: &str, seconds: u32) {
        self.held.put(key, value, seconds);
    }

    fn keep(&self, key: &str, value: &str) -> Result<(), CacheError> {
        if self.unwritable.load(Ordering::SeqCst) {
            return Err(CacheError("unwritable".to_owned()));
        }
        self.held.keep(key, value)
    }

    fn put_later(&self, key: &str, value: &str, seconds: u32) {
        self.held.put_later(key, value, seconds);
    }
}

fn unsteady() -> (App, Arc<Unsteady>) {
    let mut app = lived_in(&[]);
    let cache = Arc::new(Unsteady::default());
    app.platform.cache = cache.clone();
    (app, cache)
}

#[test]
fn the_answer_shows_an_anchor_to_keep() {
    let app = lived_in(&[]);
    assert_eq!(verification(&app)["anchor"], Value::Null);
    sealed(&app);
    let found = verification(&app);
    let newest = app.admin("GET", "/api/audit?count=1", "").json()["Resources"][0]["seal"].clone();
    assert_eq!(found["anchor"], format!("5:{}", newest.as_str().unwrap()));
    assert_eq!(found["headCopy"], "current");
    let anchor = found["anchor"].as_str().unwrap();
    assert_eq!(with_anchor(&app, anchor)["intact"], true);
    app.invite("Pia");
    sealed(&app);
    assert_eq!(with_anchor(&app, anchor)["intact"], true, "it goes on");
    let other = format!("4:{}", newest.as_str().unwrap());
    assert_eq!(with_anchor(&app, &other)["breaks"], json!([{ "number": 4, "problem": "changed" }]));
    let later = format!("8:{}", newest.as_str().unwrap());
    assert_eq!(with_anchor(&app, &later)["breaks"], json!([{ "number": 8, "problem": "missing" }]));
    for bad in ["5", "5:", ":x", "five:x", &format!("0:{}", "a".repeat(43)), &format!("5:{}", "a".repeat(44)), ""] {
        let reply = app.admin("GET", &format!("/api/audit/verification?anchor={bad}"), "");
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (400, "application/problem+json"), "{bad}");
    }
}

#[test]
fn an_anchor_outlives_the_row_that_retention_removes() {
    let app = lived_in(&[("AUDIT_RETENTION_DAYS", "30")]);
    sealed(&app);
    let anchor = verification(&app)["anchor"].as_str().unwrap().to_owned();
    app.native.clock.advance(Duration::from_secs(31 * 86_400));
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 1, "the newest stays");
    assert_eq!(with_anchor(&app, &anchor)["intact"], true);
    app.invite("Pia");
    sealed(&app);
    assert_eq!(with_anchor(&app, &anchor)["intact"], true);
    app.native.clock.advance(Duration::from_secs(31 * 86_400));
    sealed(&app);
    assert_eq!(app.number("SELECT MIN(number) FROM audit"), 7);
    assert_eq!(with_anchor(&app, &anchor)["intact"], true, "it is older than any that is left");
    let newest = verification(&app)["anchor"].as_str().unwrap().to_owned();
    execute(&app, "DELETE FROM audit_anchors");
    assert_eq!(verification(&app)["intact"], false);
    assert_eq!(with_anchor(&app, &newest)["intact"], false);
}

#[test]
fn rows_that_wait_for_their_seal_too_long_are_told() {
    let app = lived_in(&[]);
    assert_eq!(verification(&app)["intact"], true);
    app.native.clock.advance(Duration::from_secs(11 * 60));
    let found = verification(&app);
    assert_eq!(found["breaks"].as_array().unwrap().len(), 5);
    assert_eq!(found["breaks"][0], json!({ "number": 1, "problem": "unsealed" }));
    sealed(&app);
    assert_eq!(verification(&app)["intact"], true);
    app.invite("Pia");
    execute(&app, "UPDATE audit SET time = time + 86400000 WHERE seal IS NULL");
    assert_eq!(verification(&app)["intact"], false, "rows of tomorrow are no newer than others");
}

#[test]
fn a_row_that_went_before_it_was_sealed_leaves_a_gap() {
    let app = lived_in(&[]);
    sealed(&app);
    app.invite("Pia");
    execute(&app, "DELETE FROM audit WHERE number = 6");
    for _ in 0..2 {
        assert_eq!(verification(&app)["breaks"], json!([{ "number": 6, "problem": "missing" }]));
        sealed(&app);
    }
    assert_eq!(verification(&app)["to"], 7, "what stands behind it is sealed");
}

#[test]
fn nothing_is_sealed_while_the_copy_cannot_be_read() {
    let (app, cache) = unsteady();
    sealed(&app);
    app.invite("Pia");
    cache.unreadable.store(true, Ordering::SeqCst);
    sealed(&app);
    let found = verification(&app);
    assert_eq!((&found["to"], &found["intact"], &found["headCopy"]), (&json!(5), &json!(true), &json!("unavailable")));
    assert!(app.native.log.to_text().contains("the copy of the head cannot be read"));
    cache.unreadable.store(false, Ordering::SeqCst);
    sealed(&app);
    assert_eq!(verification(&app)["to"], 7);
}

#[test]
fn a_copy_that_was_not_written_is_written_later() {
    let (app, cache) = unsteady();
    sealed(&app);
    app.invite("Pia");
    cache.unwritable.store(true, Ordering::SeqCst);
    sealed(&app);
    let found = verification(&app);
    assert_eq!((&found["to"], &found["intact"], &found["headCopy"]), (&json!(7), &json!(true), &json!("behind")));
    cache.unwritable.store(false, Ordering::SeqCst);
    sealed(&app);
    assert_eq!(verification(&app)["headCopy"], "current", "though there is nothing new to seal");
    execute(&app, "DELETE FROM audit_heads");
    assert_eq!(verification(&app)["breaks"], json!([{ "number": 7, "problem": "head missing" }]));
}

#[test]
fn a_kv_that_has_forgotten_is_told_again() {
    let (mut app, _) = unsteady();
    sealed(&app);
    app.platform.cache = Arc::new(MemoryCache::default());
    let found = verification(&app);
    assert_eq!((&found["intact"], &found["headCopy"]), (&json!(true), &json!("none")));
    app.invite("Pia");
    sealed(&app);
    assert_eq!(verification(&app)["headCopy"], "current");
}

#[test]
fn rows_that_were_sealed_before_there_were_heads_are_gone_on_from() {
    let mut app = lived_in(&[]);
    sealed(&app);
    execute(&app, "DELETE FROM audit_heads");
    app.platform.cache = Arc::new(MemoryCache::default());
    assert_eq!(verification(&app)["intact"], true);
    app.invite("Pia");
    sealed(&app);
    let found = verification(&app);
    assert_eq!((&found["to"], &found["intact"], &found["headCopy"]), (&json!(7), &json!(true), &json!("current")));
}

#[test]
fn the_copy_vouches_for_a_head_whose_key_has_been_retired() {
    let app = lived_in(&[]);
    sealed(&app);
    let app = app.reconfigured(&[("TOKEN_KEYS", "k2:HxwdGhsYGRYXFBUSExAREg8ODQwLCgkIBwYFBAMCAQA")]);
    execute(&app, "UPDATE audit_heads SET number = 4, seal = (SELECT seal FROM audit WHERE number = 4)");
    app.invite("Pia");
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE kid = 'k2'"), 0);
    execute(&app, "UPDATE audit_heads SET number = 5, seal = (SELECT seal FROM audit WHERE number = 5)");
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE kid = 'k2'"), 2);
}

#[test]
fn an_operator_who_put_a_backup_back_goes_on_and_leaves_a_row() {
    let app = lived_in(&[]);
    sealed(&app);
    execute(&app, "CREATE TABLE old_rows AS SELECT * FROM audit; CREATE TABLE old_heads AS SELECT * FROM audit_heads");
    app.invite("Pia");
    sealed(&app);
    execute(
        &app,
        "DELETE FROM audit; INSERT INTO audit SELECT * FROM old_rows; DELETE FROM audit_heads; \
         INSERT INTO audit_heads SELECT * FROM old_heads",
    );
    app.invite("Piet");
    assert_eq!(verification(&app)["intact"], false);
    assert_eq!(accept(&app, &json!({})), (200, json!({ "from": 6 })));
    sealed(&app);
    let found = verification(&app);
    assert_eq!(
        (&found["to"], &found["intact"], &found["headCopy"]),
        (&json!(8), &json!(true), &json!("current")),
        "{found}"
    );
    let row = &app.admin("GET", "/api/audit?count=1", "").json()["Resources"][0];
    assert_eq!(
        (&row["action"], &row["target"], &row["actor"]),
        (&json!("audit.accept"), &json!("rows from 6 on"), &json!("administrator:admin"))
    );
    // What is done afterwards shows as ever.
    execute(&app, "UPDATE audit SET actor = 'administrator:eve' WHERE number = 7");
    assert_eq!(verification(&app)["breaks"], json!([{ "number": 7, "problem": "changed" }]));
}

#[test]
fn rows_that_were_changed_are_taken_as_they_are_from_the_first_of_them() {
    let app = lived_in(&[]);
    sealed(&app);
    execute(
        &app,
        "UPDATE audit SET actor = 'administrator:eve' WHERE number = 2; UPDATE audit SET seal = NULL WHERE number = 4",
    );
    let (status, text) = accept(&app, &json!({ "from": 5 }));
    assert_eq!(status, 400, "the row before has no seal: {text}");
    assert_eq!(accept(&app, &json!({ "from": 2 })), (200, json!({ "from": 2 })));
    sealed(&app);
    assert_eq!(verification(&app)["intact"], true);
    assert_eq!(verification(&app)["to"], 6);
    assert_eq!(accept(&app, &json!({ "from": 8 })).0, 400);
    for bad in [json!({ "from": 0 }), json!({ "from": "2" }), json!({ "form": 2 }), json!([])] {
        assert_eq!(accept(&app, &bad).0, 400, "{bad}");
    }
    assert_eq!(accept(&app, &json!({ "from": 1 })), (200, json!({ "from": 1 })), "all of them");
    sealed(&app);
    assert_eq!(verification(&app)["intact"], true);
}

#[test]
fn taking_rows_as_they_are_takes_two_scopes_and_the_copy() {
    let (app, cache) = unsteady();
    sealed(&app);
    let status = |scopes: &[&str]| {
        let bearer = format!("Bearer {}", app.token("", scopes).1);
        let mut request = authorized(&bearer, "POST", "/api/audit/acceptance");
        *request.body_mut() = "{}".into();
        app.send(request).status.as_u16()
    };
    assert_eq!([status(&["audit"]), status(&["settings"]), status(&["audit", "settings"])], [403, 403, 200]);
    cache.unwritable.store(true, Ordering::SeqCst);
    assert_eq!(accept(&app, &json!({ "from": 1 })).0, 503);
    cache.unwritable.store(false, Ordering::SeqCst);
    sealed(&app);
    assert_eq!(verification(&app)["intact"], false, "the copy says otherwise");
    assert_eq!(accept(&app, &json!({})).0, 200);
    sealed(&app);
    assert_eq!(verification(&app)["intact"], true);
}

#[test]
fn each_user_store_is_accepted_by_itself() {
    let app = App::with_stores(&["ACME"]);
    app.invite("Paul");
    app.invite("ACME/Ada");
    sealed(&app);
    app.stores[0].with(|connection| connection.execute_batch("DELETE FROM audit_heads").unwrap());
    let of_acme = |app: &App| app.admin("GET", "/api/audit/verification?domain=ACME", "").json()["intact"].clone();
    assert_eq!(of_acme(&app), false);
    assert_eq!(accept(&app, &json!({})).0, 200);
    assert_eq!(of_acme(&app), false);
    assert_eq!(app.admin("POST", "/api/audit/acceptance?domain=ACME", "{}").status, 200);
    sealed(&app);
    assert_eq!(of_acme(&app), true);
    assert_eq!(app.admin("POST", "/api/audit/acceptance?domain=NONE", "{}").status, 400);
}
