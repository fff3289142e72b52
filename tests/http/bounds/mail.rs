//! Bounds of what is mailed, and of what is shown of it.

use latchkey::mail::sender;
use serde_json::{Value, json};

use super::Bound;
use crate::support::{App, invited};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "mails to one mailbox in a day",
        largest_allowed: || assert_eq!(waiting(20), 0),
        smallest_refused: || assert_eq!(waiting(21), 1),
    },
    Bound {
        name: "mails in one batch of the sender",
        largest_allowed: || assert_eq!(first_batch(100, false), (100, 0)),
        smallest_refused: || assert_eq!(first_batch(101, false), (100, 0)),
    },
    Bound {
        name: "mails of one tenant in a batch while another waits",
        largest_allowed: || assert_eq!(first_batch(99, true), (99, 1)),
        smallest_refused: || assert_eq!(first_batch(100, true), (99, 1)),
    },
    Bound {
        name: "rows of a list in what is stored about a person",
        largest_allowed: || assert_eq!(truncated(1_000), json!([])),
        smallest_refused: || assert_eq!(truncated(1_001), json!(["auditAbout"])),
    },
];

/// How many of so many mails to one mailbox have to wait.
fn waiting(count: usize) -> usize {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=20/day")]);
    for number in 0..count {
        let mut user = invited(&format!("user{number}"));
        user["emails"][0]["value"] = json!(format!("paul+{number}@example.com"));
        assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201);
    }
    let report = app.deliver();
    assert_eq!(report.sent + report.deferred, count);
    report.deferred
}

/// Queues mails of the super tenant, and then perhaps one of another; returns how many of each the first batch sends.
fn first_batch(count: usize, another_waits: bool) -> (i64, i64) {
    let app = App::new();
    for number in 0..count {
        app.invite(&format!("user{number}"));
    }
    if another_waits {
        app.create_tenant("acme.com");
        assert_eq!(app.admin("POST", "/t/acme.com/scim2/Users", invited("paul").to_string()).status, 201);
    }
    sender::run(&app.platform, &app.deployment, app.service.mail_health(), 1).unwrap();
    let sent =
        |tenants: &str| app.number(&format!("SELECT count(*) FROM outbox WHERE state = 'sent' AND tenant {tenants}"));
    (sent("= 0"), sent("> 0"))
}

/// The lists that are cut of somebody about whom the audit has so many rows.
fn truncated(rows: usize) -> Value {
    let app = App::new();
    let paul = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let more = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2) \
        INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id) \
        SELECT 0, 1000 + n, 0, 'x', 'anyone', 'user.update', ?1, 'done', 'x' FROM n";
    let about = app.number(&format!("SELECT count(*) FROM audit WHERE target = '{paul}'"));
    let missing = i64::try_from(rows).unwrap() - about;
    app.native.sqlite.with(|connection| connection.execute(more, (paul.as_str(), missing)).unwrap());
    let shown = app.admin("GET", &format!("/api/users/{paul}/privacy"), "").json();
    assert_eq!(shown["auditAbout"].as_array().unwrap().len(), 1_000);
    shown["truncated"].clone()
}
