//! How many statements an invocation runs: D1 lets it run a thousand.

use serde_json::{Value, json};

use crate::scim2::client::{BULK, GROUP, USER, id};
use crate::support::{App, Reply, basic};

/// What an administrator's request is answered, and how many statements it ran in all stores.
fn counted(app: &App, method: &str, path: &str, body: &Value) -> (Reply, u64) {
    let (platform, meter) = app.platform.metered();
    let request = http::Request::builder().method(method).uri(path).header("authorization", basic("admin", "admin"));
    let request = request.header("content-type", "application/scim+json");
    let request = request.body(axum::body::Body::from(body.to_string())).unwrap();
    let response = pollster::block_on(app.service.handle(&platform, request));
    let (parts, body) = response.into_parts();
    let bytes = pollster::block_on(axum::body::to_bytes(body, usize::MAX)).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (Reply { status: parts.status, headers: parts.headers, text }, meter.statements())
}

/// What D1 allows.
const ALLOWED: u64 = 1_000;

fn bulk(operations: &[Value]) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

/// Users with an invitation in three stores, created by one request.
fn create(app: &App, count: usize) -> Vec<String> {
    let user = |number: usize| {
        let address = json!([{ "value": format!("u{number}@example.com"), "primary": true }]);
        let name = format!("{}u{number}", ["", "ACME/", "LEGACY/"][number % 3]);
        json!({ "schemas": [USER], "userName": name, "emails": address, "urn:scim:wso2:schema": { "askPassword": true } })
    };
    let post =
        |number| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": user(number) });
    let (reply, count) = counted(app, "POST", "/scim2/Bulk", &bulk(&(0..count).map(post).collect::<Vec<_>>()));
    assert!(count <= 200, "{count} statements");
    let answers = reply.json();
    let location = |answer: &Value| {
        assert_eq!(answer["status"], "201", "{answer}");
        answer["location"].as_str().unwrap().rsplit_once("/scim2").unwrap().1.to_owned()
    };
    answers["Operations"].as_array().unwrap().iter().map(location).collect()
}

/// The statuses that deletions of these paths are answered in one request, which stays below what D1 allows.
fn statuses_of_deletions(app: &App, paths: &[String], more: &Value) -> Vec<String> {
    let delete = |path: &String| match more.get("version") {
        Some(version) => json!({ "method": "DELETE", "path": path, "version": version }),
        None => json!({ "method": "DELETE", "path": path }),
    };
    let mut body = bulk(&paths.iter().map(delete).collect::<Vec<_>>());
    if let Some(most) = more.get("failOnErrors") {
        body["failOnErrors"] = most.clone();
    }
    let (reply, ran) = counted(app, "POST", "/scim2/Bulk", &body);
    assert!(ran <= ALLOWED && reply.trips() <= 60, "{more}: {ran} statements, {} round trips", reply.trips());
    let answers = reply.json();
    let answers = answers["Operations"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    answers.iter().map(|answer| answer["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_thousand_deletions_in_one_request_stay_below_it() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let users = create(&app, 1_000);
    assert_eq!(statuses_of_deletions(&app, &users[..400], &json!({})), vec!["204"; 400]);
    assert_eq!(statuses_of_deletions(&app, &users[..500], &json!({ "failOnErrors": 400 })), vec!["404"; 400]);
    // What is gone, what is there and what is asked for twice, a thousand in all.
    let mixed: Vec<String> = users[200..600].iter().chain(&users[..500]).chain(&users[200..300]).cloned().collect();
    let statuses = statuses_of_deletions(&app, &mixed, &json!({}));
    assert_eq!(statuses.iter().filter(|status| *status == "204").count(), 200);
    assert_eq!(statuses.iter().filter(|status| *status == "404").count(), 800);
    assert_eq!(statuses_of_deletions(&app, &users, &json!({ "version": "W/\"99\"" }))[600..], vec!["412"; 400]);
    let left = &users[600..];
    let counted = json!({ "version": "W/\"1\"", "failOnErrors": 1 });
    assert_eq!(statuses_of_deletions(&app, left, &counted), vec!["204"; 400]);
    assert_eq!(app.number("SELECT SUM(total) FROM counters"), 0);
}

#[test]
fn nor_do_a_thousand_deletions_of_groups_and_users_in_turns_pass_it() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let group = |number: usize| {
        let inner = json!([{ "value": format!("bulkId:g{}", number.saturating_sub(1)), "type": "Group" }]);
        let members = if number % 5 == 0 { json!([]) } else { inner };
        let data = json!({ "schemas": [GROUP], "displayName": format!("group {number}"), "members": members });
        json!({ "method": "POST", "path": "/Groups", "bulkId": format!("g{number}"), "data": data })
    };
    let (reply, _) = counted(&app, "POST", "/scim2/Bulk", &bulk(&(0..500).map(group).collect::<Vec<_>>()));
    let answers = reply.json();
    let location = |answer: &Value| answer["location"].as_str().unwrap().rsplit_once("/scim2").unwrap().1.to_owned();
    let groups: Vec<String> = answers["Operations"].as_array().unwrap().iter().map(location).collect();
    let turns: Vec<String> = create(&app, 500).into_iter().zip(groups).flat_map(<[String; 2]>::from).collect();
    assert_eq!(statuses_of_deletions(&app, &turns, &json!({})), vec!["204"; 1_000]);
    assert_eq!(app.number("SELECT COUNT(*) FROM group_ancestors"), 0);
    assert_eq!(app.number("SELECT SUM(total) FROM counters"), 0);
}

/// Works off what is due of jobs, one invocation after the other, each below what D1 allows.
fn work_off(app: &App) -> usize {
    for invocation in 1..100 {
        let _ = app.native.wakes.take();
        let (platform, meter) = app.platform.metered();
        pollster::block_on(app.service.work_off_jobs(&platform, 200)).unwrap();
        assert!(meter.statements() <= ALLOWED, "{} statements", meter.statements());
        if app.native.wakes.take().is_empty() {
            return invocation;
        }
    }
    panic!("the jobs do not end");
}

#[test]
fn an_invocation_that_works_jobs_off_stays_below_it_and_leaves_the_rest_to_the_next() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let users = create(&app, 210);
    let ids: Vec<&str> = users.iter().map(|path| id(path)).collect();
    for action in ["disable", "enable", "lock", "unlock", "resend", "revoke", "delete"] {
        let reply = app.admin("POST", "/api/jobs", json!({ "action": action, "ids": ids }).to_string());
        assert_eq!(reply.status, 202, "{action}: {}", reply.text);
        let invocations = work_off(&app);
        assert!(invocations > 1, "{action}");
        let job = app.admin("GET", &format!("/api/jobs/{}", reply.json()["id"].as_str().unwrap()), "").json();
        assert_eq!((&job["failed"], &job["state"]), (&json!(0), &json!("done")), "{action}: {job}");
    }
}

#[test]
fn an_import_stays_below_it_whatever_becomes_of_its_rows() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    app.scim().create_group("Staff", &[]);
    let row = |number: usize, given: &str| {
        let store = if number < 10_000 { "" } else { ["", "ACME/", "LEGACY/"][number % 3] };
        format!("{store}u{number},u{number}@example.com,{given},Staff\r\n")
    };
    let import = |rows: std::ops::Range<usize>, given: &str, query: &str, most: u64| {
        let file: String = rows.map(|number| row(number, given)).collect();
        let (platform, meter) = app.platform.metered();
        let request = http::Request::post(format!("/api/invitations/import{query}")).header("content-type", "text/csv");
        let request = request.header("authorization", basic("admin", "admin"));
        let file = format!("userName,email,givenName,groups\r\n{file}");
        let response = pollster::block_on(app.service.handle(&platform, request.body(file.into()).unwrap()));
        assert_eq!(response.status(), 200);
        let bytes = pollster::block_on(axum::body::to_bytes(response.into_body(), usize::MAX)).unwrap();
        let report: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(meter.statements() <= most, "{query} {given}: {} statements", meter.statements());
        let count = |name: &str| report[name].as_u64().unwrap_or_default();
        (count("created"), count("updated") + count("invited"), count("failed"))
    };
    // Of a file of ten thousand rows a tenth, which may take no more than that of them.
    let (created, _, failed) = import(0..1_000, "Ada", "", ALLOWED / 20);
    assert_eq!((created, failed), (1_000, 0));
    let (_, updated, failed) = import(0..300, "Bob", "?existing=update", ALLOWED);
    assert!(updated > 60 && updated + failed == 300, "{updated}, {failed}");
    let (created, _, failed) = import(10_000..10_750, "Eve", "", ALLOWED / 10);
    assert_eq!((created, failed), (750, 0));
}
