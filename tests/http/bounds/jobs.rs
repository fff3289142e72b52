//! Bounds of jobs.

use serde_json::json;

use super::Bound;
use crate::support::{App, Reply};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "ids in a request for a job",
        largest_allowed: || assert_eq!(naming(5_000).status, 202),
        smallest_refused: || assert_eq!(naming(5_001).status, 400),
    },
    Bound {
        name: "users of a job",
        largest_allowed: || {
            let reply = matching(50_000);
            assert_eq!((reply.status.as_u16(), &reply.json()["total"]), (202, &json!(50_000)), "{}", reply.text);
        },
        smallest_refused: || assert_eq!(matching(50_001).status, 400),
    },
    Bound {
        name: "rows of a job that a step works off",
        largest_allowed: || assert_eq!(in_one_step(50), 50),
        smallest_refused: || assert_eq!(in_one_step(51), 50),
    },
];

/// A job of so many ids, one of which is a user's.
fn naming(count: usize) -> Reply {
    let app = App::new();
    let mut ids = vec![app.invite("a")["id"].as_str().unwrap().to_owned()];
    ids.extend((1..count).map(|n| format!("00000000-0000-7000-8000-{n:012}")));
    app.admin("POST", "/api/jobs", json!({ "action": "lock", "ids": ids }).to_string())
}

/// An app with so many users.
pub fn with_users(count: u32) -> App {
    let app = App::new();
    app.invite("a");
    let copy = "INSERT INTO resources (tenant, id, type, name_key, document, keys, created, modified, operation) \
                WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                SELECT tenant, printf('00000000-0000-7000-8000-%012d', n), type, name_key || n, \
                json_object('userName', 'a' || n), '{}', created, modified, operation FROM resources, n \
                WHERE type = 'User'";
    app.native.sqlite.with(|connection| connection.execute(copy, [count]).unwrap());
    app
}

fn matching(count: u32) -> Reply {
    let body = json!({ "action": "lock", "filter": "userName sw \"a\"" });
    with_users(count).admin("POST", "/api/jobs", body.to_string())
}

/// How many of so many users a step has locked.
fn in_one_step(count: u32) -> u64 {
    let app = with_users(count);
    let body = json!({ "action": "lock", "filter": "userName sw \"a\"" });
    let id = app.admin("POST", "/api/jobs", body.to_string()).json()["id"].as_str().unwrap().to_owned();
    app.service.work_off_jobs(&app.platform, 1).unwrap();
    app.admin("GET", &format!("/api/jobs/{id}"), "").json()["done"].as_u64().unwrap()
}
