//! Isolates that do not know of a change of schemas yet: what they write is put right once they must know.

use std::time::Duration;

use http::Request;
use latchkey::http::Service;
use latchkey::provision::reindex;
use serde_json::{Value, json};

use super::{CUSTOM, badge, employee, found, index_rows, register, register_again, remove, sweep, unique_rows};
use crate::support::{App, Reply, basic};

/// Another isolate, which has asked for the schemas that are in force by now and keeps them for a while.
struct Other<'a> {
    app: &'a App,
    service: Service,
}

impl<'a> Other<'a> {
    fn knowing(app: &'a App) -> Self {
        let other = Self { app, service: app.isolate() };
        assert_eq!(other.send("GET", "/scim2/Users", &json!({})).status, 200);
        other
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let request = Request::builder().method(method).uri(path).header("authorization", basic("admin", "admin"));
        let request = request.header("content-type", "application/scim+json");
        self.app.send_to(&self.service, request.body(body.to_string().into()).unwrap())
    }
}

/// All isolates know by now, and the sweep has looked at what they wrote before.
pub(super) fn settle(app: &App) {
    app.native.clock.advance(Duration::from_millis(u64::try_from(reindex::UNAWARE).unwrap() + 1));
    sweep(&app.platform);
    let left: i64 =
        app.native.sqlite.with(|c| c.query_row("SELECT COUNT(*) FROM reindexes", [], |row| row.get(0)).unwrap());
    assert_eq!(left, 0);
}

fn indexed_and_unique() -> Value {
    badge(json!({ "indexed": true, "uniqueness": "server" }))
}

/// Another extension of users, which has nothing to do with the first.
fn other_schema() -> Value {
    json!({
        "id": "urn:example:Desk:User", "name": "Desk",
        "attributes": [{ "name": "desk", "type": "string", "indexed": true }],
    })
}

#[test]
fn a_value_that_an_isolate_without_its_schema_drops_leaves_no_rows() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &indexed_and_unique());
    let ada = admin.create("/scim2/Users", &employee("ada", "B1"));
    let bob = admin.create("/scim2/Users", &employee("bob", "B2"));
    remove(&admin);
    let other = Other::knowing(&app);
    register(&admin, &indexed_and_unique());
    let replaced = other.send("PUT", &ada, &json!({ "userName": "ada" })).is(200);
    assert_eq!((replaced.get(CUSTOM), admin.get(&ada).is(200).get(CUSTOM)), (None, None));
    settle(&app);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec!["badge b2".to_owned()], vec!["badge b2".to_owned()]));
    assert_eq!(found(&admin, "badge eq \"B1\""), [""; 0]);
    admin.set(&bob, &format!("{CUSTOM}:badge"), "B1").is(200);
}

#[test]
fn such_a_value_is_free_even_when_another_schema_came_meanwhile() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &indexed_and_unique());
    let ada = admin.create("/scim2/Users", &employee("ada", "B1"));
    remove(&admin);
    let other = Other::knowing(&app);
    register(&admin, &indexed_and_unique());
    other.send("PUT", &ada, &json!({ "userName": "ada" })).is(200);
    app.native.clock.advance(Duration::from_secs(60));
    register(&admin, &other_schema());
    settle(&app);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec![], vec![]));
    admin.create("/scim2/Users", &employee("bob", "B1"));
}

#[test]
fn a_value_that_an_isolate_writes_by_a_schema_that_is_gone_leaves_no_rows_beside_one_that_came() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &indexed_and_unique());
    admin.create("/scim2/Users", &json!({ "userName": "ada" }));
    register(&admin, &other_schema());
    let other = Other::knowing(&app);
    remove(&admin);
    other.send("POST", "/scim2/Users", &employee("bob", "B1")).is(201);
    assert_eq!((index_rows(&app).len(), unique_rows(&app).len()), (1, 1), "it does not know yet");
    settle(&app);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec![], vec![]));
    // It comes back with the schema.
    register(&admin, &indexed_and_unique());
    assert_eq!(found(&admin, "badge eq \"B1\""), ["bob"]);
    admin.post("/scim2/Users", &employee("eve", "b1")).is_error(409, Some("uniqueness"));
}

#[test]
fn a_schema_that_comes_back_while_there_is_nobody_keeps_the_rows_of_who_comes_then() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &indexed_and_unique());
    register_again(&admin, &indexed_and_unique());
    admin.create("/scim2/Users", &employee("ada", "B1"));
    settle(&app);
    assert_eq!(found(&admin, "badge eq \"B1\""), ["ada"]);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec!["badge b1".to_owned()], vec!["badge b1".to_owned()]));
}

#[test]
fn whom_an_isolate_creates_by_a_former_schema_while_there_is_nobody_is_found_by_the_new_one() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    let other = Other::knowing(&app);
    register_again(&admin, &indexed_and_unique());
    other.send("POST", "/scim2/Users", &employee("ada", "B1")).is(201);
    settle(&app);
    assert_eq!(found(&admin, "badge eq \"B1\""), ["ada"]);
    assert_eq!(unique_rows(&app), ["badge b1"]);
}
