//! Bounds of what is written below `/scim2`.

use serde_json::{Value, json};

use super::Bound;
use crate::support::App;

pub const BOUNDS: &[Bound] = &[Bound {
    name: "operations in a Bulk request",
    largest_allowed: || {
        App::new().scim().bulk(deletions(1_000)).is(200);
    },
    smallest_refused: || {
        App::new().scim().bulk(deletions(1_001)).is(413);
    },
}];

fn deletions(count: usize) -> Vec<Value> {
    vec![json!({ "method": "DELETE", "path": "/Users/00000000-0000-4000-8000-000000000000" }); count]
}
