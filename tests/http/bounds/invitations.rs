//! Bounds of invitations' ends and reminders, of test mails, and of the console's Dashboard.

use std::time::Duration;

use serde_json::json;

use super::Bound;
use crate::console::templates::{HTML, editor, test_mail};
use crate::console::{Browser, signed_in};
use crate::support::App;

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "reminders of an invitation (`REMINDER_DAYS`)",
        largest_allowed: || assert_eq!(remind("1,2,3"), 200),
        smallest_refused: || assert_eq!(remind("1,2,3,4"), 400),
    },
    Bound {
        name: "days until a reminder",
        largest_allowed: || assert_eq!((remind("1"), remind("365")), (200, 200)),
        smallest_refused: || assert_eq!((remind("0"), remind("366")), (400, 400)),
    },
    Bound {
        name: "reminders of one run of the sweep, in each user store",
        largest_allowed: || assert_eq!(reminded(100), [100, 0]),
        smallest_refused: || assert_eq!(reminded(101), [100, 1]),
    },
    Bound {
        name: "days until an invitation's own end",
        largest_allowed: || assert_eq!(ends_in(3_660 * 1_440), 200, "the page asks to send it"),
        smallest_refused: || assert_eq!(ends_in(3_660 * 1_440 + 1), 422),
    },
    Bound {
        name: "test mails that one person sends in an hour",
        largest_allowed: || assert_eq!(test_mails(10), 200),
        smallest_refused: || assert_eq!(test_mails(11), 429),
    },
    Bound {
        name: "jobs, and deletions, that the Dashboard names",
        largest_allowed: || assert_eq!(named(10), 10),
        smallest_refused: || assert_eq!(named(11), 10),
    },
    Bound {
        name: "days that the charts tell of",
        largest_allowed: || assert_eq!(charted(89), "1"),
        smallest_refused: || assert_eq!(charted(90), "0"),
    },
];

fn remind(days: &str) -> u16 {
    App::new().admin("PATCH", "/api/settings", json!({ "REMINDER_DAYS": days }).to_string()).status.as_u16()
}

/// Whom two runs remind of so many who are due.
fn reminded(count: usize) -> [usize; 2] {
    let app = App::with(&[("REMINDER_DAYS", "1")]);
    app.number(&format!(
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {count}) \
         INSERT INTO resources (tenant, id, type, name_key, document, keys, created, modified, operation, onboarding, email, \
         delivery, asked_at, remind_at) SELECT 0, printf('u%03d', value), 'User', printf('u%03d', value), '{{}}', '{{}}', 1, 1, 'test', \
         'AP', 'x@example.com', 'sent', 1, 1 FROM n RETURNING 1"
    ));
    let run = || app.service.remind(&app.platform).unwrap();
    [run(), run()]
}

/// What the page answers to an invitation that ends in so many minutes.
fn ends_in(minutes: i64) -> u16 {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let now = app.platform.clock.now();
    let whole = now - now % 60_000;
    app.native.clock.advance(Duration::from_millis(u64::try_from(whole + 60_000 - now).unwrap()));
    let end = latchkey::base::text::rfc3339(whole + 60_000 + minutes * 60_000);
    let operation = browser.get("/console/users/new").hidden("operation");
    let fields = [("operation", &*operation), ("username", "paul"), ("ask", "on"), ("email", "paul@example.com")];
    let reply = browser.post("/console/users/new", &[&fields[..], &[("expires", &end[..16])]].concat());
    reply.status.as_u16()
}

/// The status of the last of so many test mails.
fn test_mails(count: usize) -> u16 {
    let (app, cookie) = editor();
    let mut browser = Browser::with_cookie(&app, cookie);
    (0..count).map(|_| test_mail(&mut browser, HTML).status.as_u16()).last().unwrap_or_default()
}

/// How many of so many jobs that failed the page names.
fn named(count: usize) -> usize {
    let app = App::new();
    app.number(&format!(
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {count}) \
         INSERT INTO jobs (tenant, id, action, state, reason, total, started_by, scopes, created, due) \
         SELECT 0, printf('j%03d', value), 'lock', 'failed', 'why', 1, '[]', '', 1, 1 FROM n RETURNING 1"
    ));
    signed_in(&app, "alice", "admin").get("/console").words().matches("The job “").count()
}

/// How many mails, of one that was sent so many days ago, the charts tell of.
fn charted(days: u64) -> String {
    let app = App::new();
    app.invite("paul");
    app.deliver();
    app.native.clock.advance(Duration::from_secs(days * 86_400));
    let page = signed_in(&app, "alice", "admin").get("/console?by=day");
    page.text.split_once("<figcaption>Sent: ").unwrap().1.split_once('<').unwrap().0.to_owned()
}
