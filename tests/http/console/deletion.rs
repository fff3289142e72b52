//! Deleting one user: by a job that can be undone for a minute.

use std::sync::Arc;

use latchkey::http::Service;
use serde_json::{Value, json};

use super::{Browser, signed_in};
use crate::scim2::client::{PASSWORD, USER, id as id_at};
use crate::support::{App, ORIGIN, Reply, deployment};

const WSO2: &str = "urn:scim:wso2:schema";

fn id_of(user: &Value) -> String {
    user["id"].as_str().unwrap().to_owned()
}

/// Presses "Delete" on a user's page, and answers what the list says.
fn delete(browser: &mut Browser, id: &str) -> Reply {
    let path = format!("/console/users/{id}");
    let page = browser.get(&path);
    assert!(page.text.contains(">Delete</button>"), "{}", page.text);
    let reply = browser.post(&format!("{path}/delete"), &[("operation", &page.hidden("operation"))]);
    assert_eq!(reply.status, 303, "{}", reply.text);
    let to = reply.header("location").to_owned();
    browser.get(&to)
}

fn user(app: &App, id: &str) -> Reply {
    app.scim().get(&format!("/scim2/Users/{id}"))
}

fn wait(app: &App, millis: u64) {
    app.native.clock.advance(std::time::Duration::from_millis(millis));
    app.work_off_jobs();
}

#[test]
fn a_user_goes_after_a_minute_and_not_before() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let id = id_of(&app.invite("paul"));
    let list = delete(&mut browser, &id);
    assert!(list.words().contains("paul is deleted at 20"), "{}", list.words());
    assert!(list.text.contains(&format!("action=\"/console/users/{id}/undo\"")) && list.text.contains(">Undo<"));
    assert!(list.words().contains("Awaiting deletion"), "{}", list.words());
    let wake = *app.native.wakes.take().last().unwrap();
    assert!((60..=120).contains(&wake.as_secs()), "{wake:?}");
    // Looked at again, the message is gone, and the button with it.
    assert!(!browser.get("/console/users").text.contains(">Undo<"));
    let page = browser.get(&format!("/console/users/{id}"));
    assert!(page.words().contains("Awaiting deletion") && page.text.contains(">Undo<"), "{}", page.words());
    for button in ["Delete", "Resend", "Lock", "Enable", "Revoke", "Copy link", "Save"] {
        assert!(!page.text.contains(&format!(">{button}</")), "{button}");
    }
    let home = browser.get("/console");
    assert!(home.words().contains("paul is deleted at 20") && home.text.contains(">Undo<"), "{}", home.words());
    wait(&app, 59_000);
    assert_eq!(user(&app, &id).status, 200);
    wait(&app, 1_000);
    assert_eq!(user(&app, &id).status, 404);
    assert!(!browser.get("/console").text.contains(">Undo<"));
    let late = browser.post(&format!("/console/users/{id}/undo"), &[]);
    assert_eq!((late.status.as_u16(), late.header("location")), (303, "/console/users"));
    assert!(browser.get("/console/users").words().contains("undo came too late"));
    app.scim().create_user("paul");
}

#[test]
fn until_then_they_are_disabled_and_nobody_writes_to_them() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let admin = app.scim();
    let path = admin.create("/scim2/Users", &json!({ "schemas": [USER], "userName": "kim", "password": PASSWORD }));
    let id = id_at(&path).to_owned();
    let mut kim = signed_in(&app, "lea", "auditor");
    let lea = admin.filter("/scim2/Users", "userName eq \"lea\"")[0]["id"].as_str().unwrap().to_owned();
    delete(&mut browser, &id);
    delete(&mut browser, &lea);
    assert_eq!(kim.get("/console").status, 303, "the session is over");
    assert_eq!(app.me("kim", PASSWORD).status, 401);
    let shown = admin.get(&path).json();
    assert_eq!((&shown["active"], &shown[WSO2]["accountState"]), (&json!(false), &json!("DISABLED")));
    assert_eq!(admin.count("/scim2/Users", "active eq false"), 2);
    admin.set(&path, "displayName", "Kim").is_error(409, None);
    admin.set(&path, "active", true).is_error(409, None);
    admin.put(&path, &json!({ "schemas": [USER], "userName": "kim" })).is_error(409, None);
    admin.post("/scim2/Users", &json!({ "schemas": [USER], "userName": "kim" })).is_error(409, Some("uniqueness"));
    let bulk = admin.bulk(vec![json!({
        "method": "PATCH", "path": format!("/Users/{id}"),
        "data": { "Operations": [{ "op": "replace", "path": "displayName", "value": "K" }] },
    })]);
    assert_eq!(bulk.json()["Operations"][0]["status"], "409", "{}", bulk.text);
    for action in ["lock", "enable", "disable", "resend", "revoke", "link", "delete"] {
        let operation = browser.get("/console/users/new").hidden("operation");
        let reply = browser.post(&format!("/console/users/{id}/{action}"), &[("operation", &operation)]);
        assert_eq!(reply.status, 409, "{action}: {}", reply.text);
    }
    let job = json!({ "action": "enable", "ids": [id] });
    assert_eq!(app.admin("POST", "/api/jobs", job.to_string()).status, 202);
    app.work_off_jobs();
    assert_eq!(admin.get(&path).json()["active"], false);
    // A DELETE does it at once, and the job finds nobody.
    assert_eq!(admin.delete(&path).status, 204);
    wait(&app, 60_000);
    assert_eq!(admin.get(&format!("/scim2/Users/{lea}")).status, 404);
    let jobs = app.admin("GET", "/api/jobs", "").json();
    let skipped =
        jobs["Resources"].as_array().unwrap().iter().filter(|job| job["action"] == "delete" && job["skipped"] == 1);
    assert_eq!(skipped.count(), 1, "{jobs}");
}

#[test]
fn an_undo_gives_all_back_but_sessions_and_links() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let admin = app.scim();
    let body = json!({ "schemas": [USER], "userName": "kim", "password": PASSWORD, "displayName": "Kim" });
    let path = admin.create("/scim2/Users", &body);
    let group = admin.create_group("People", &[&path]);
    let before = admin.get(&path).json();
    delete(&mut browser, id_at(&path));
    let reply = browser.post(&format!("/console/users/{}/undo", id_at(&path)), &[]);
    assert_eq!(reply.status, 303);
    let page = browser.get(&format!("/console/users/{}", id_at(&path)));
    assert!(page.words().contains("kim is not deleted.") && page.text.contains(">Delete<"), "{}", page.words());
    // Once more, from another tab.
    assert_eq!(browser.post(&format!("/console/users/{}/undo", id_at(&path)), &[]).status, 303);
    wait(&app, 200_000);
    let mut after = admin.get(&path).json();
    after["meta"] = before["meta"].clone();
    assert_eq!(after, before);
    assert_eq!(app.me("kim", PASSWORD).status, 200);
    assert_eq!(admin.get(&group).json()["members"].as_array().map(Vec::len), Some(1));

    // One who was disabled stays so.
    admin.set(&path, "active", false);
    delete(&mut browser, id_at(&path));
    browser.post(&format!("/console/users/{}/undo", id_at(&path)), &[]);
    assert_eq!(admin.get(&path).json()["active"], false);

    // The second job of two does it, and not the first.
    delete(&mut browser, id_at(&path));
    app.native.clock.advance(std::time::Duration::from_secs(30));
    browser.post(&format!("/console/users/{}/undo", id_at(&path)), &[]);
    delete(&mut browser, id_at(&path));
    wait(&app, 45_000);
    assert_eq!(admin.get(&path).status, 200);
    wait(&app, 15_000);
    assert_eq!(admin.get(&path).status, 404);
}

#[test]
fn who_was_invited_is_invited_again_by_an_undo() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let id = id_of(&app.invite("paul"));
    let link = app.newest_link();
    // What waits to be sent is not.
    let other = id_of(&app.invite("rita"));
    delete(&mut browser, &other);
    delete(&mut browser, &id);
    app.deliver();
    assert_eq!(app.inbox().len(), 1);
    let dead = app.anyone("GET", &link);
    assert!(!dead.text.contains("type=\"password\""), "{}", dead.text);
    browser.post(&format!("/console/users/{id}/undo"), &[]);
    let page = browser.get(&format!("/console/users/{id}"));
    assert!(page.words().contains("The invitation to paul@example.com is on its way."), "{}", page.words());
    assert!(!app.anyone("GET", &link).text.contains("type=\"password\""));
    let newer = app.newest_link();
    assert!(newer != link && app.anyone("GET", &newer).text.contains("type=\"password\""));
    assert!(newer.starts_with("/invite/") && !newer.starts_with(ORIGIN));
}

/// The same app without the secret administrator.
fn without_secret(app: App) -> App {
    let deployment = Arc::new(deployment(&[("ADMIN_USERNAME", ""), ("ADMIN_PASSWORD", "")]));
    App { service: Service::new(Ok(deployment.clone())), deployment, ..app }
}

#[test]
fn nobody_deletes_the_last_administrator_and_the_job_asks_again() {
    let app = App::new();
    signed_in(&app, "alice", "admin");
    signed_in(&app, "bob", "admin");
    let app = without_secret(app);
    let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
    let admin = app.user("alice", PASSWORD);
    let id = |name: &str| {
        let found = admin.filter("/scim2/Users", &format!("userName eq \"{name}\""));
        found[0]["id"].as_str().unwrap().to_owned()
    };
    let (alice_id, bob) = (id("alice"), id("bob"));
    let list = delete(&mut alice, &bob);
    assert!(list.words().contains("bob is deleted at"), "{}", list.words());
    // Who awaits it does not count.
    admin.set(&format!("/scim2/Users/{alice_id}"), "active", false).is_error(409, None);
    admin.delete(&format!("/scim2/Users/{alice_id}")).is_error(409, None);
    let operation = alice.get("/console/users/new").hidden("operation");
    let own = alice.post(&format!("/console/users/{alice_id}/delete"), &[("operation", &operation)]);
    assert_eq!(own.status, 403);
    // Whatever made bob the last one meanwhile: the job looks again, and gives him back.
    let lock = |state: &str| {
        let sql = format!("UPDATE resources SET lock = '{state}' WHERE name_key = 'alice'");
        app.native.sqlite.with(|connection| connection.execute(&sql, []).unwrap());
    };
    lock("admin");
    wait(&app, 60_000);
    lock("none");
    assert_eq!(admin.get(&format!("/scim2/Users/{bob}")).json()["active"], true);
    let job = &admin.get("/api/jobs").json()["Resources"][0];
    assert_eq!((&job["state"], &job["failed"]), (&json!("done"), &json!(1)), "{job}");
    // The last of all cannot even be asked for.
    admin.set(&format!("/scim2/Users/{bob}"), "active", false).is(200);
    let carol = admin.create(
        "/scim2/Users",
        &json!({ "schemas": [USER], "userName": "carol", "password": PASSWORD,
        "roles": [{ "value": "admin" }] }),
    );
    let mut carol_browser = Browser::signed_in(&app, "", "carol", PASSWORD);
    lock("admin");
    let reply = alice.get("/console");
    assert_eq!(reply.status, 303);
    let operation = carol_browser.get("/console/users/new").hidden("operation");
    let own = carol_browser.post(&format!("/console/users/{}/delete", id_at(&carol)), &[("operation", &operation)]);
    assert_eq!(own.status, 403);
}

#[test]
fn users_of_another_store_go_and_come_back_too() {
    let app = App::with_stores(&["ACME"]);
    let mut browser = signed_in(&app, "alice", "admin");
    let rita = app.scim().create_user("ACME/rita");
    let list = delete(&mut browser, id_at(&rita));
    assert!(list.words().contains("ACME/rita is deleted at"), "{}", list.words());
    assert!(browser.get("/console").words().contains("ACME/rita is deleted at"));
    let undone = browser.post(&format!("/console/users/{}/undo", id_at(&rita)), &[]);
    assert_eq!(undone.status, 303);
    assert!(!browser.get("/console").text.contains(">Undo<"));
    wait(&app, 60_000);
    assert_eq!(app.scim().get(&rita).json()["active"], true);
    delete(&mut browser, id_at(&rita));
    wait(&app, 60_000);
    assert_eq!(app.scim().get(&rita).status, 404);
}

#[test]
fn a_double_press_asks_once_and_a_stopped_job_deletes_nobody() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let path = app.scim().create_user("kim");
    let id = id_at(&path);
    let page = browser.get(&format!("/console/users/{id}"));
    let operation = page.hidden("operation");
    for _ in 0..2 {
        let reply = browser.post(&format!("/console/users/{id}/delete"), &[("operation", &operation)]);
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, &*format!("/console/users?undo={id}")));
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 1);
    let job = app.admin("GET", "/api/jobs", "").json()["Resources"][0]["id"].as_str().unwrap().to_owned();
    browser.post(&format!("/console/jobs/{job}/stop"), &[]);
    wait(&app, 120_000);
    let home = browser.get("/console");
    assert!(home.words().contains("was stopped after 0 of 1") && home.text.contains(">Resume<"), "{}", home.words());
    assert!(home.text.contains(">Undo<"));
    browser.post(&format!("/console/jobs/{job}/resume"), &[]);
    app.work_off_jobs();
    assert_eq!(app.scim().get(&path).status, 404);
}
