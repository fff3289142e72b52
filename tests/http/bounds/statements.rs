//! How many statements an invocation runs: D1 lets it run a thousand.

use serde_json::{Value, json};

use super::Bound;
use crate::scim2::client::{BULK, GROUP, PATCH, USER, id, values};
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

pub const BOUNDS: &[Bound] = &[Bound {
    name: "statements that the operations of a Bulk request run before another begins",
    // A PATCH of a user takes three or more.
    largest_allowed: || assert_eq!(statuses_of_patches(150), vec!["200"; 150]),
    smallest_refused: || {
        let statuses = statuses_of_patches(500);
        let begun = statuses.iter().take_while(|status| *status == "200").count();
        assert!((150..500).contains(&begun), "{begun}");
        assert_eq!(statuses[begun..], vec!["429"; 500 - begun], "what is refused stays so to the end");
    },
}];

fn bulk(operations: &[Value]) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

fn patch(path: &str, operation: Value) -> Value {
    json!({ "method": "PATCH", "path": path.trim_start_matches("/scim2"), "data": { "schemas": [PATCH], "Operations": [operation] } })
}

fn title(text: &str) -> Value {
    json!({ "op": "replace", "path": "title", "value": text })
}

fn statuses(reply: &Reply) -> Vec<String> {
    let answers = reply.json();
    let answers = answers["Operations"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    answers.iter().map(|answer| answer["status"].as_str().unwrap().to_owned()).collect()
}

fn statuses_of_patches(count: usize) -> Vec<String> {
    let app = App::new();
    let path = app.scim().create_user("ada");
    let operations: Vec<Value> = (0..count).map(|number| patch(&path, title(&number.to_string()))).collect();
    let (reply, ran) = counted(&app, "POST", "/scim2/Bulk", &bulk(&operations));
    assert!(ran <= ALLOWED, "{ran} statements");
    statuses(&reply)
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

/// Sends operations again and again, those that were refused, until all are done: each time something is.
fn all_are_done(app: &App, mut operations: Vec<Value>, done: &str) {
    while !operations.is_empty() {
        let (reply, count) = counted(app, "POST", "/scim2/Bulk", &bulk(&operations));
        assert!(count <= ALLOWED, "{count} statements");
        let statuses = statuses(&reply);
        let answers = reply.json();
        let refused = |status: &String| status == "429";
        assert!(statuses.iter().all(|status| refused(status) || status == done), "{statuses:?}");
        let first = statuses.iter().position(refused).unwrap_or(operations.len());
        assert!(first >= operations.len().min(40) && statuses[first..].iter().all(refused), "{statuses:?}");
        for answer in &answers["Operations"].as_array().unwrap()[first..] {
            assert_eq!((answer["headers"]["Retry-After"].as_str(), answer["version"].as_str()), (Some("1"), None));
        }
        operations.drain(..first);
    }
}

#[test]
fn a_bulk_request_of_any_verb_stays_below_what_d1_allows_and_what_it_leaves_can_be_sent_again() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let admin = app.scim();
    let total = |filter: &str| {
        let path = format!("/scim2/Users?count=0&filter={}", filter.replace(' ', "%20").replace('"', "%22"));
        admin.get(&path).is(200)["totalResults"].as_u64().unwrap()
    };
    let users = create(&app, 1_000);
    all_are_done(&app, users.iter().map(|path| patch(path, title("Lead"))).collect(), "200");
    assert_eq!(total("title eq \"Lead\""), 1_000);
    let replacement = |(number, path): (usize, &String)| {
        let name = format!("{}u{number}", ["", "ACME/", "LEGACY/"][number % 3]);
        json!({ "method": "PUT", "path": path, "data": { "schemas": [USER], "userName": name, "title": "Clerk" } })
    };
    all_are_done(&app, users.iter().enumerate().take(500).map(replacement).collect(), "200");
    assert_eq!(total("title eq \"Clerk\""), 500);
    all_are_done(&app, users.iter().take(200).map(|path| json!({ "method": "DELETE", "path": path })).collect(), "204");
    assert_eq!(total("userName pr"), 800);
}

#[test]
fn nor_does_one_of_groups_or_of_all_mixed_pass_it() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let admin = app.scim();
    let users = create(&app, 300);
    let members: Vec<&str> = users.iter().map(|path| id(path)).collect();
    let teams: Vec<String> = (0..5).map(|number| admin.create_group(&format!("team {number}"), &[])).collect();
    let adds = |number: usize| {
        let value = values(&members[number % 200..number % 200 + 8]);
        patch(&teams[number % 5], json!({ "op": "add", "path": "members", "value": value }))
    };
    let replaces = |number: usize| {
        let data = json!({ "schemas": [GROUP], "displayName": format!("team {}", number % 5), "members": values(&members[..number % 16]) });
        json!({ "method": "PUT", "path": teams[number % 5].trim_start_matches("/scim2"), "data": data })
    };
    let creates = |number: usize| {
        let data =
            json!({ "schemas": [GROUP], "displayName": format!("new {number}"), "members": values(&members[..3]) });
        json!({ "method": "POST", "path": "/Groups", "bulkId": format!("g{number}"), "data": data })
    };
    let mixed = |number: usize| match number % 4 {
        0 => adds(number),
        1 => creates(number),
        2 => replaces(number),
        _ => patch(&users[number % 300], title(&number.to_string())),
    };
    for operations in
        [(0..1_000).map(adds).collect::<Vec<_>>(), (0..1_000).map(replaces).collect(), (0..1_000).map(mixed).collect()]
    {
        let (reply, count) = counted(&app, "POST", "/scim2/Bulk", &bulk(&operations));
        let statuses = statuses(&reply);
        assert!(count <= ALLOWED && statuses.len() == 1_000, "{count} statements");
        assert!(statuses.contains(&"429".to_owned()) && statuses.iter().filter(|status| *status != "429").count() > 40);
    }
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
    let import = |rows: std::ops::Range<usize>, given: &str, query: &str| {
        let file: String = rows.map(|number| row(number, given)).collect();
        let (platform, meter) = app.platform.metered();
        let request = http::Request::post(format!("/api/invitations/import{query}")).header("content-type", "text/csv");
        let request = request.header("authorization", basic("admin", "admin"));
        let file = format!("userName,email,givenName,groups\r\n{file}");
        let response = pollster::block_on(app.service.handle(&platform, request.body(file.into()).unwrap()));
        assert_eq!(response.status(), 200);
        let bytes = pollster::block_on(axum::body::to_bytes(response.into_body(), usize::MAX)).unwrap();
        let report: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(meter.statements() <= ALLOWED, "{query} {given}: {} statements", meter.statements());
        let count = |name: &str| report[name].as_u64().unwrap_or_default();
        (count("created"), count("updated") + count("invited"), count("failed"))
    };
    let (created, _, failed) = import(0..10_000, "Ada", "");
    assert_eq!((created, failed), (10_000, 0));
    let (_, updated, failed) = import(0..300, "Bob", "?existing=update");
    assert!(updated > 60 && updated + failed == 300, "{updated}, {failed}");
    let (created, _, failed) = import(10_000..13_000, "Eve", "");
    assert_eq!((created, failed), (3_000, 0));
}
