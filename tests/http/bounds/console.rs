//! Bounds of the console's forms.

use super::Bound;
use crate::console::signed_in;
use crate::support::App;

pub const BOUNDS: &[Bound] = &[Bound {
    name: "groups that a user joins when added on the console",
    largest_allowed: || assert_eq!(status_with_groups(50), 303),
    smallest_refused: || assert_eq!(status_with_groups(51), 422),
}];

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
