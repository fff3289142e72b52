//! Bounds of the console.

use super::Bound;
use crate::console::branding::{png, save};
use crate::console::{Browser, signed_in};
use crate::scim2::client::id;
use crate::support::App;

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "bytes of a form of the console that adds members to a group or edits a template",
        largest_allowed: || assert_eq!(add_members(1024 * 1024), 422, "it is read: there is no such user"),
        smallest_refused: || assert_eq!(add_members(1024 * 1024 + 1), 413),
    },
    Bound {
        name: "bytes of a logo",
        largest_allowed: || assert_eq!(upload(&png(256 * 1024, 320, 80), 0), 303),
        smallest_refused: || assert_eq!(upload(&png(256 * 1024 + 1, 320, 80), 0), 422),
    },
    Bound {
        name: "pixels of a logo, each way",
        largest_allowed: || assert_eq!(upload(&png(3000, 2_048, 2_048), 0), 303),
        smallest_refused: || assert_eq!(upload(&png(3000, 2_049, 80), 0), 422),
    },
    Bound {
        name: "fields of a form with a file",
        // Besides them the operation's id, the section and the file.
        largest_allowed: || assert_eq!(upload(&png(3000, 320, 80), 97), 303),
        smallest_refused: || assert_eq!(upload(&png(3000, 320, 80), 98), 400),
    },
    Bound {
        name: "a tenant's own templates in the console's list",
        largest_allowed: || assert_eq!(listed(1_000), 1_000),
        smallest_refused: || assert_eq!(listed(1_001), 1_000),
    },
    Bound {
        name: "groups that a user joins when added on the console",
        largest_allowed: || assert_eq!(status_with_groups(50), 303),
        smallest_refused: || assert_eq!(status_with_groups(51), 422),
    },
];

/// What a form of so many bytes is answered with.
fn add_members(bytes: usize) -> u16 {
    let app = App::new();
    let group = app.scim().create_group("Staff", &[]);
    let path = format!("/console/groups/{}", id(&group));
    let mut browser = signed_in(&app, "alice", "admin");
    let operation = browser.get(&path).hidden("operation");
    let around = format!("operation={operation}&members=").len();
    let name = "x".repeat(bytes - around);
    browser.post(&format!("{path}/members"), &[("operation", &operation), ("members", &name)]).status.as_u16()
}

/// The status of uploading a logo, with so many other fields.
fn upload(content: &[u8], more: usize) -> u16 {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    save(&mut browser, &vec![("more", ""); more], "logo.png", content).status.as_u16()
}

/// How many of so many templates are listed.
fn listed(templates: usize) -> usize {
    let app = App::new();
    let mut browser: Browser = signed_in(&app, "alice", "admin");
    app.number(&format!(
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {templates}) \
         INSERT INTO templates (tenant, type, version, locale, bytes, modified, content_type, subject, body, footer, text) \
         SELECT 0, 'own', value, printf('x%d', value), 0, 0, 'text/html', '', '', '', '' FROM n RETURNING 1"
    ));
    browser.get("/console/templates").text.matches("href=\"/console/templates/own/").count()
}

/// The status of adding a user to so many groups.
fn status_with_groups(count: usize) -> u16 {
    let app = App::new();
    let names: Vec<String> = (0..count).map(|number| format!("group {number}")).collect();
    for name in &names {
        app.scim().create_group(name, &[]);
    }
    let mut browser = signed_in(&app, "alice", "admin");
    let operation = browser.get("/console/users/new").hidden("operation");
    let mut fields = vec![("operation", &*operation), ("username", "paul"), ("ask", "on"), ("email", "paul@x.com")];
    fields.extend(names.iter().map(|name| ("group", name.as_str())));
    browser.post("/console/users/new", &fields).status.as_u16()
}
