//! The console's part of what was reported of other products (`related-complaints.md`), each named by its number.
//!
//! C2 and C3 are `api::jobs::failures`, C6 is `console::deletion`, C7 and C8 are `api::invitations::import_existing` and
//! `api::jobs::files`, C10 and C11 are `api::invitations::import_claims` and the round trip of an export in `api::jobs::files`.

use serde_json::json;

use crate::console::{Browser, signed_in};
use crate::scim2::client::{PASSWORD, id};
use crate::support::App;

/// C1
#[test]
fn nothing_chosen_is_not_everybody() {
    let app = App::new();
    app.invite("kim");
    let before = app.number("SELECT COUNT(*) FROM resources");
    for body in [
        json!({ "action": "delete" }),
        json!({ "action": "delete", "ids": [] }),
        json!({ "action": "delete", "filter": "" }),
        json!({ "action": "delete", "filter": "shoeSize eq 1" }),
        json!({ "action": "delete", "filter": "userName sw" }),
        json!({ "filter": "userName sw \"k\"" }),
    ] {
        assert_eq!(app.admin("POST", "/api/jobs", body.to_string()).status, 400, "{body}");
    }
    let mut browser = signed_in(&app, "alice", "admin");
    for fields in [
        &[("action", "delete")][..],
        &[("action", "delete"), ("id", "")],
        &[("action", "delete"), ("all", "on"), ("status", "nonsense")],
        &[("id", "x")],
    ] {
        let reply = browser.post("/console/users/actions", fields);
        assert!(reply.status.is_client_error(), "{fields:?}: {}", reply.words());
    }
    app.work_off_jobs();
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), before + 1, "alice came");
}

/// C4
#[test]
fn reloading_and_pressing_twice_does_a_thing_once() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let operation = browser.get("/console/users/new").hidden("operation");
    let fields = [("operation", &*operation), ("username", "kim"), ("ask", "on"), ("email", "kim@example.com")];
    let first = browser.post("/console/users/new", &fields);
    let second = browser.post("/console/users/new", &fields);
    assert_eq!((first.status.as_u16(), first.header("location")), (303, second.header("location")));
    for _ in 0..3 {
        assert_eq!(browser.get(first.header("location")).status, 200);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

/// C5
#[test]
fn of_two_administrators_who_bar_each_other_one_stays() {
    let app = App::new();
    let mut alice = signed_in(&app, "alice", "admin");
    let mut bob = signed_in(&app, "bob", "admin");
    let find = |name: &str| {
        let list = app.scim().get(&format!("/scim2/Users?filter=userName%20eq%20{name}")).json();
        list["Resources"][0]["id"].as_str().unwrap().to_owned()
    };
    let (alices, bobs) = (find("alice"), find("bob"));
    // Both have the other's page open.
    let by_alice = alice.get(&format!("/console/users/{bobs}")).hidden("operation");
    let by_bob = bob.get(&format!("/console/users/{alices}")).hidden("operation");
    alice.post(&format!("/console/users/{bobs}/lock"), &[("operation", &by_alice)]);
    bob.post(&format!("/console/users/{alices}/lock"), &[("operation", &by_bob)]);
    // Nor does the one who is left bar themselves.
    let own = alice.get(&format!("/console/users/{alices}")).hidden("operation");
    assert!(alice.post(&format!("/console/users/{alices}/lock"), &[("operation", &own)]).status.is_client_error());
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE type = 'User' AND lock = 'none'"), 1);
}

/// C9
#[test]
fn a_column_of_a_file_gives_nobody_a_role() {
    let app = App::new();
    let group = app.scim().create("/scim2/Groups", &json!({ "displayName": "admin" }));
    let token = format!("Bearer {}", app.token("", &["invitations"]).1);
    let body = json!({ "action": "import", "csv": "userName,email,groups\nzed,zed@example.com,admin\n" });
    let request = http::Request::builder().method("POST").uri("/api/jobs").header("authorization", token);
    let reply = app.send(request.body(body.to_string().into()).unwrap());
    assert_eq!(reply.status, 202, "{}", reply.text);
    app.work_off_jobs();
    assert_eq!(app.number(&format!("SELECT COUNT(*) FROM members WHERE group_id = '{}'", id(&group))), 0);
}

/// C12
#[test]
fn an_end_is_typed_in_a_named_zone_and_shown_as_an_instant() {
    for (zone, typed, utc) in [
        ("Asia/Tokyo", "2027-01-31T18:00", "2027-01-31 09:00"),
        ("America/Los_Angeles", "2027-03-14T03:30", "2027-03-14 10:30"),
        ("America/Los_Angeles", "2027-11-07T00:30", "2027-11-07 07:30"),
        ("America/Los_Angeles", "2027-11-07T12:00", "2027-11-07 20:00"),
    ] {
        let app = App::with(&[("TIME_ZONE", zone)]);
        let mut browser = signed_in(&app, "alice", "admin");
        let page = browser.get("/console/users/new");
        assert!(page.words().contains(&format!("time zone {zone}")), "{}", page.words());
        let operation = page.hidden("operation");
        let fields = [("operation", &*operation), ("username", "kim"), ("ask", "on"), ("email", "kim@example.com")];
        let shown = browser.post("/console/users/new", &[&fields[..], &[("expires", typed)]].concat());
        assert!(shown.status == 200 && shown.words().contains(&format!("({utc} UTC)")), "{}", shown.words());
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0, "not before it is shown");
    }
}

/// C13
#[test]
fn no_browser_fills_somebodys_own_password_into_anothers_form() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let kim = app.invite("kim")["id"].as_str().unwrap().to_owned();
    for path in ["/console/users/new", &format!("/console/users/{kim}")] {
        let page = browser.get(path);
        for field in page.text.split("<input").filter(|field| field.contains("type=\"password\"")) {
            let field = field.split('>').next().unwrap();
            assert!(field.contains("autocomplete=\"new-password\""), "{path}: {field}");
        }
    }
}

/// C14
#[test]
fn nothing_of_a_page_is_kept_and_after_signing_out_there_is_none() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let paths = [
        "/console",
        "/console/users",
        "/console/users/new",
        "/console/groups",
        "/console/import",
        "/console/templates",
        "/console/settings",
        "/console/tokens",
        "/console/mail",
        "/console/audit",
        "/console/tenants",
        "/console/jobs",
    ];
    for path in paths {
        let page = browser.get(path);
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"), "{path}");
    }
    let operation = browser.get("/console/tokens").hidden("operation");
    let fields = [("operation", &*operation), ("name", "t"), ("scope", "audit"), ("days", "1")];
    let made = browser.post("/console/tokens", &fields);
    assert_eq!(made.header("cache-control"), "no-store", "{}", made.text);
    let cookie = browser.cookie.clone();
    browser.post("/console/logout", &[]);
    for path in paths {
        assert_eq!(Browser::with_cookie(&app, cookie.clone()).get(path).status, 303, "{path}");
    }
    assert_eq!(Browser::signed_in(&app, "", "alice", PASSWORD).get("/console").status, 200);
}
