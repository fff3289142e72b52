//! Bounds of links to a new password that are asked for.

use std::time::Duration;

use serde_json::json;

use super::Bound;
use crate::scim2::client::PASSWORD;
use crate::support::{App, ORIGIN};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "bytes of what is typed at `/recover`",
        largest_allowed: || assert_eq!(typed(1_024), 200),
        smallest_refused: || assert_eq!(typed(1_025), 400),
    },
    Bound {
        name: "times that the same is typed at `/recover` in an hour",
        largest_allowed: || assert_eq!(taken(10), 10),
        smallest_refused: || assert_eq!(taken(11), 10),
    },
    Bound {
        name: "mails about one account in an hour, and one in a minute, that `/recover` asks for",
        largest_allowed: || assert_eq!(mailed(10), 10),
        smallest_refused: || assert_eq!(mailed(11), 10),
    },
    Bound {
        name: "accounts with one address whose links are in one mail",
        largest_allowed: || assert_eq!(linked(10), 10),
        smallest_refused: || assert_eq!(linked(11), 10),
    },
    Bound {
        name: "accounts with one address, live or not, that a recovery looks at in a user store",
        largest_allowed: || assert_eq!(found_behind(49), 1),
        smallest_refused: || assert_eq!(found_behind(50), 0),
    },
];

fn recover(app: &App, typed: &str) -> u16 {
    app.post_form("/recover", &[("username", typed)]).status.as_u16()
}

fn user(app: &App, name: &str) -> String {
    let body = json!({ "userName": name, "password": PASSWORD, "emails": [{ "value": "us@example.com" }] });
    app.scim().create("/scim2/Users", &body)
}

fn typed(bytes: usize) -> u16 {
    recover(&App::new(), &"x".repeat(bytes))
}

/// How many of so many requests count.
fn taken(times: usize) -> i64 {
    let app = App::with(&[("RATE_LIMITS", "on")]);
    assert!((0..times).all(|_| recover(&app, "paul") == 200));
    app.number("SELECT count FROM recoveries")
}

/// How many mails so many requests bring that come a minute apart.
fn mailed(times: usize) -> i64 {
    let app = App::new();
    user(&app, "paul");
    for _ in 0..times {
        recover(&app, "paul");
        app.renew();
        recover(&app, "us@example.com");
        app.renew();
        app.native.clock.advance(Duration::from_secs(60));
    }
    app.number("SELECT COUNT(*) FROM outbox")
}

/// How many links one mail has for so many accounts.
fn linked(count: usize) -> usize {
    let app = App::new();
    for number in 0..count {
        user(&app, &format!("user{number}"));
    }
    recover(&app, "us@example.com");
    app.renew();
    app.deliver();
    let text = app.inbox()[0]["text"].as_str().unwrap().to_owned();
    text.lines().filter(|line| line.starts_with(&format!("{ORIGIN}/reset/"))).count()
}

/// How many mails there are to a live user who was created after so many disabled ones.
fn found_behind(disabled: usize) -> i64 {
    let app = App::new();
    for number in 0..disabled {
        let body =
            json!({ "userName": format!("off{number}"), "active": false, "emails": [{ "value": "us@example.com" }] });
        app.scim().create("/scim2/Users", &body);
    }
    user(&app, "paul");
    recover(&app, "us@example.com");
    app.renew();
    app.number("SELECT COUNT(*) FROM outbox")
}
