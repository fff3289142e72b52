//! Bounds of imports.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Bound;
use super::jobs::with_users;
use crate::console::signed_in;
use crate::scim2::client::PASSWORD;
use crate::support::{App, basic};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "users who exist that one request to import changes or invites again",
        largest_allowed: || assert_eq!(updated(200), (json!(200), json!(0))),
        smallest_refused: || assert_eq!(updated(201), (json!(200), json!(1))),
    },
    Bound {
        name: "a file that is imported on the console",
        largest_allowed: || assert_eq!(sent_to_the_console(1_000_000), 303),
        smallest_refused: || assert_eq!(sent_to_the_console(1_000_001), 422),
    },
    Bound {
        name: "rows of an import that a step works off",
        largest_allowed: || assert_eq!(imported_in_one_step(100), 100),
        smallest_refused: || assert_eq!(imported_in_one_step(101), 100),
    },
    Bound {
        name: "users of an export that a step works off",
        largest_allowed: || assert_eq!(exported_in_one_step(500), 500),
        smallest_refused: || assert_eq!(exported_in_one_step(501), 500),
    },
    Bound {
        name: "passwords that jobs hash before they wake the next Worker",
        largest_allowed: || assert_eq!(hashed(200), 200),
        smallest_refused: || assert_eq!(hashed(201), 200),
    },
    Bound {
        name: "users of an export that is no job",
        largest_allowed: || assert!(export_of(10_000).starts_with("\u{feff}\"id\"")),
        smallest_refused: || assert!(export_of(10_001).contains("made by a job")),
    },
];

fn sent_to_the_console(bytes: usize) -> u16 {
    let app = App::new();
    let mut browser = signed_in(&app, "ivy", "admin");
    let mut file = b"userName,email\n".to_vec();
    file.resize(bytes, b'a');
    browser.post_file("/console/import", "a.csv", &file).status.as_u16()
}

fn file_of(count: usize, column: &str, value: &str) -> String {
    (0..count).fold(format!("userName,email{column}\n"), |file, n| file + &format!("u{n},u{n}@example.com{value}\n"))
}

/// How many rows are done when the Worker has taken steps until so many round trips were made.
fn done(app: &App, body: Value, trips: u64) -> u64 {
    let id = app.admin("POST", "/api/jobs", body.to_string()).json()["id"].as_str().unwrap().to_owned();
    app.service.work_off_jobs(&app.platform, trips).unwrap();
    app.admin("GET", &format!("/api/jobs/{id}"), "").json()["done"].as_u64().unwrap()
}

fn imported_in_one_step(count: usize) -> u64 {
    done(&App::new(), json!({ "action": "import", "csv": file_of(count, "", "") }), 1)
}

fn exported_in_one_step(count: u32) -> u64 {
    done(&with_users(count), json!({ "action": "export", "filter": "userName sw \"a\"" }), 1)
}

fn hashed(count: usize) -> u64 {
    let file = file_of(count, ",password", &format!(",{PASSWORD}"));
    done(&App::new(), json!({ "action": "import", "csv": file }), 1_000)
}

fn export_of(count: u32) -> String {
    let app = with_users(count);
    signed_in(&app, "ivy", "auditor").get("/console/users/export?q=a&status=").text
}

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
