//! Whom a job is about.

use serde_json::{Value, json};

use super::{confirmed, invite_all, job, result, rows};
use crate::support::App;

#[test]
fn a_selection_that_names_nobody_is_refused() {
    let app = App::with(&[]);
    let ids = invite_all(&app, &["a"]);
    let refused = |body: Value| {
        let reply = app.admin("POST", "/api/jobs", body.to_string());
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        assert!(reply.header("content-type").starts_with("application/problem+json"));
    };
    for action in ["", "Resend", "erase", "import"] {
        refused(json!({ "action": action, "ids": ids }));
    }
    refused(json!({ "ids": ids }));
    for selection in [
        json!({}),
        json!({ "ids": [] }),
        json!({ "ids": "a" }),
        json!({ "ids": [1] }),
        json!({ "ids": ["nobody"] }),
        json!({ "filter": "" }),
        json!({ "filter": "  " }),
        json!({ "filter": 1 }),
        json!({ "filter": "userName" }),
        json!({ "filter": "nothing eq \"a\"" }),
        json!({ "filter": "userName eq \"b\"" }),
        json!({ "filter": "userName eq \"a\"", "ids": ids }),
        json!({ "filter": "userName eq \"a\"", "domain": "NOWHERE" }),
        json!({ "ids": ids, "domain": "PRIMARY" }),
        json!({ "ids": ids, "groupId": "g" }),
    ] {
        let mut body = selection;
        body["action"] = json!("lock");
        refused(body);
    }
    refused(json!({ "action": "addToGroup", "ids": ids }));
    refused(json!({ "action": "addToGroup", "ids": ids, "groupId": "nothing" }));
    refused(json!({ "action": "addToGroup", "ids": ids, "groupId": ids[0] }));
    assert_eq!(app.admin("POST", "/api/jobs", "[]").status, 400);
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 0);
    let external = App::with(&[("EMAIL_SENDER", "external")]);
    let ids = invite_all(&external, &["a"]);
    let reply = external.admin("POST", "/api/jobs", json!({ "action": "resend", "ids": ids }).to_string());
    assert_eq!(reply.status, 409, "{}", reply.text);
}

#[test]
fn the_set_is_fixed_when_it_is_confirmed() {
    let app = App::new();
    let ids = invite_all(&app, &["anna", "anton", "bea"]);
    let id = confirmed(&app, &json!({ "action": "delete", "filter": "userName sw \"an\"" }));
    assert_eq!(job(&app, &id)["total"], 2);
    invite_all(&app, &["andrea"]);
    assert_eq!(app.admin("DELETE", &format!("/scim2/Users/{}", ids[0]), "").status, 204);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (1, 0, 1, "done".to_owned()), "{:?}", rows(&app, &id));
    let left = app.admin("GET", "/scim2/Users", "").json();
    assert_eq!(left["totalResults"], 2, "{left}");
}

#[test]
fn a_user_who_is_named_twice_is_one() {
    let app = App::new();
    let ids = invite_all(&app, &["a"]);
    let id = confirmed(&app, &json!({ "action": "resend", "ids": [ids[0], ids[0]] }));
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (1, 0, 0, "done".to_owned()));
}
