//! Bounds of e-mail addresses, and of how often users change theirs.

use std::time::Duration;

use serde_json::json;

use super::Bound;
use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::{App, Reply};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "bytes of an e-mail address that is mailed to",
        largest_allowed: || {
            invite(&App::new(), 320).is(201);
        },
        smallest_refused: || invite(&App::new(), 321).is_error(400, Some("invalidValue")),
    },
    Bound {
        name: "changes of their own address that a user makes in an hour",
        largest_allowed: || {
            changed(&app(), 3).is(200);
        },
        smallest_refused: || changed(&app(), 4).is_error(429, None),
    },
    Bound {
        name: "changes of their own address that a user makes in a day",
        largest_allowed: || {
            changed_slowly(10).is(200);
        },
        smallest_refused: || changed_slowly(11).is_error(429, None),
    },
];

fn invite(app: &App, bytes: usize) -> Reply {
    let address = format!("{}@example.com", "a".repeat(bytes - "@example.com".len()));
    app.scim().post(
        "/scim2/Users",
        &json!({ "userName": "kim", "emails": [{ "value": address }], WSO2: { "askPassword": true } }),
    )
}

/// Where Paul has a password.
fn app() -> App {
    let app = App::new();
    app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    app
}

/// The answer to Paul's last change of so many.
fn changed(app: &App, times: usize) -> Reply {
    let change = |number: usize| {
        let emails = json!([{ "value": format!("{number}@example.com") }]);
        app.user("paul", PASSWORD).set("/scim2/Me", "emails", emails)
    };
    (1..times).fold(change(0), |_, number| change(number))
}

/// The same, three in an hour.
fn changed_slowly(times: usize) -> Reply {
    let app = app();
    let mut left = times;
    while left > 3 {
        changed(&app, 3).is(200);
        left -= 3;
        app.native.clock.advance(Duration::from_secs(3_600));
    }
    changed(&app, left)
}
