//! Bounds of imports.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Bound;
use crate::support::{App, basic};

pub const BOUNDS: &[Bound] = &[Bound {
    name: "users who exist that one request to import changes or invites again",
    largest_allowed: || assert_eq!(updated(200), (json!(200), json!(0))),
    smallest_refused: || assert_eq!(updated(201), (json!(200), json!(1))),
}];

/// How many of so many users an import has changed, and how many rows failed.
fn updated(count: usize) -> (Value, Value) {
    let app = App::new();
    let import = |query: &str, name: &str| {
        let mut file = "userName,email,givenName\n".to_owned();
        for n in 0..count {
            writeln!(file, "u{n},u{n}@example.com,{name}").unwrap();
        }
        let request = http::Request::post(format!("/api/invitations/import{query}")).header("content-type", "text/csv");
        app.send(request.header("authorization", basic("admin", "admin")).body(file.into()).unwrap()).json()
    };
    import("", "A");
    let report = import("?existing=update", "B");
    (report["updated"].clone(), report["failed"].clone())
}
