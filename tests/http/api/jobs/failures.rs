//! What a job comes to when the database fails it, or its Worker is killed, wherever that is: to each user once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latchkey::ports::{Database, DatabaseError, Outcome, Platform, Statement};
use serde_json::json;

use super::{confirmed, invite_all, result, rows};
use crate::support::{App, Faulty};

const USERS: [&str; 2] = ["a", "b"];

/// A database of a Worker that is killed with its `n`th batch: nothing comes of that, or no answer, and of none after it.
struct Killed {
    inner: Arc<dyn Database>,
    left: AtomicUsize,
    after_commit: bool,
}
impl Database for Killed {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let dead = || DatabaseError::Unavailable("the Worker is gone".to_owned());
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(1) if self.after_commit => self.inner.batch(statements).and(Err(dead())),
            Ok(0 | 1) | Err(_) => Err(dead()),
            Ok(_) => self.inner.batch(statements),
        }
    }
}

/// Works a job off on a platform that fails it, and then on a good one, a minute later; twice in all.
fn worked_off(app: &App, fail: impl Fn() -> Platform) {
    for _ in 0..2 {
        let _ = app.service.work_off_jobs(&fail(), 200);
        app.native.clock.advance(Duration::from_secs(61));
    }
    app.work_off_jobs();
}

/// What each action must come to, however often it was tried: a count that the SQL tells.
const ONCE: [(&str, &str, i64); 5] = [
    ("resend", "SELECT COUNT(*) FROM outbox WHERE template = 'resendAskPassword'", 2),
    ("revoke", "SELECT COUNT(*) FROM audit WHERE action = 'invitation.revoke'", 2),
    ("lock", "SELECT COUNT(*) FROM audit WHERE action = 'user.update' AND target IN (SELECT user_id FROM job_rows)", 2),
    ("delete", "SELECT COUNT(*) FROM audit WHERE action = 'user.delete'", 2),
    ("addToGroup", "SELECT COUNT(*) FROM members", 2),
];

fn check(label: &str, most: usize, fail: impl Fn(&App, usize) -> Platform) {
    for (action, sql, count) in ONCE {
        for place in 1..=most {
            let app = App::new();
            let ids = invite_all(&app, &USERS);
            let mut body = json!({ "action": action, "ids": ids });
            if action == "addToGroup" {
                body["groupId"] = app.admin("POST", "/scim2/Groups", r#"{"displayName":"Staff"}"#).json()["id"].clone();
            }
            let id = confirmed(&app, &body);
            worked_off(&app, || fail(&app, place));
            let name = format!("{action} {label} {place}");
            assert_eq!(result(&app, &id), (2, 0, 0, "done".to_owned()), "{name}: {:?}", rows(&app, &id));
            assert_eq!(app.number(sql), count, "{name}");
        }
    }
}

#[test]
fn whatever_batch_the_database_fails_each_user_has_it_once() {
    for after_commit in [false, true] {
        check(&format!("failed, committed: {after_commit}"), 9, |app, place| Platform {
            db: Arc::new(Faulty::on_batch(app.platform.db.clone(), place, after_commit)),
            ..app.platform.clone()
        });
    }
}

#[test]
fn wherever_the_worker_is_killed_each_user_has_it_once() {
    for after_commit in [false, true] {
        check(&format!("killed, committed: {after_commit}"), 9, |app, place| Platform {
            db: Arc::new(Killed { inner: app.platform.db.clone(), left: AtomicUsize::new(place), after_commit }),
            ..app.platform.clone()
        });
    }
}

#[test]
fn a_confirmation_whose_answer_is_lost_makes_one_job_or_none() {
    for (after_commit, place) in [false, true].into_iter().flat_map(|after| (1..6).map(move |place| (after, place))) {
        let mut app = App::new();
        let ids = invite_all(&app, &USERS);
        let good = app.platform.clone();
        app.platform.db = Arc::new(Faulty::on_batch(good.db.clone(), place, after_commit));
        let reply = app.admin("POST", "/api/jobs", json!({ "action": "resend", "ids": ids }).to_string());
        app.platform = good;
        app.native.clock.advance(Duration::from_secs(61));
        app.work_off_jobs();
        let sent = app.number("SELECT COUNT(*) FROM outbox WHERE template = 'resendAskPassword'");
        let jobs = app.number("SELECT COUNT(*) FROM jobs");
        assert!(jobs <= 1 && sent == 2 * jobs, "{place} {after_commit}: {} jobs, {} mails", jobs, sent);
        if reply.status == 202 {
            assert_eq!(jobs, 1, "{place} {after_commit}");
        }
    }
}

#[test]
fn a_job_that_the_database_keeps_failing_fails_and_is_resumed() {
    let app = App::new();
    let ids = invite_all(&app, &USERS);
    let id = confirmed(&app, &json!({ "action": "resend", "ids": ids }));
    struct NoEffects(Arc<dyn Database>);
    impl Database for NoEffects {
        fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
            if statements.iter().any(|statement| statement.sql.contains("UPDATE resources")) {
                return Err(DatabaseError::Unavailable("no".to_owned()));
            }
            self.0.batch(statements)
        }
    }
    let failing = Platform { db: Arc::new(NoEffects(app.platform.db.clone())), ..app.platform.clone() };
    for _ in 0..10 {
        assert_eq!(result(&app, &id).3, "running");
        assert!(app.service.work_off_jobs(&failing, 200).is_err());
        app.native.clock.advance(Duration::from_secs(61));
    }
    assert_eq!(result(&app, &id), (0, 0, 0, "failed".to_owned()));
    assert_eq!(app.admin("POST", &format!("/api/jobs/{id}/resume"), "").status, 200);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (2, 0, 0, "done".to_owned()));
}
