//! Schemas that are registered when there are values already: their rows in the index tables, and what must be unique.

mod concurrent;
mod isolates;

use std::time::Duration;

use latchkey::ports::{Clock, Platform};
use latchkey::provision::reindex;
use latchkey::store::registrations;
use serde_json::{Value, json};

use crate::scim2::client::{Client, id};
use crate::support::{App, Reply};

const CUSTOM: &str = "urn:scim:schemas:extension:custom:User";
const DEVICE: &str = "urn:example:schemas:Device";

/// WSO2's custom schema with a badge that has these characteristics.
fn badge(characteristics: Value) -> Value {
    let mut attribute = json!({ "name": "badge", "type": "string" });
    attribute.as_object_mut().unwrap().extend(characteristics.as_object().unwrap().clone());
    json!({ "attributes": [attribute] })
}

fn register(admin: &Client<'_>, schema: &Value) -> Value {
    let reply = admin.post("/api/schemas", schema);
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()
}

fn remove(admin: &Client<'_>) {
    assert_eq!(admin.delete(&format!("/api/schemas/{CUSTOM}")).status, 204);
}

fn register_again(admin: &Client<'_>, schema: &Value) -> Value {
    remove(admin);
    register(admin, schema)
}

fn employee(name: &str, badge: impl Into<Value>) -> Value {
    json!({ "userName": name, (CUSTOM): { "badge": badge.into() } })
}

/// Creates users whose badges are their names.
fn employees(admin: &Client<'_>, numbers: std::ops::Range<usize>) {
    let creation = |number| {
        let name = format!("u{number:05}");
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": employee(&name, name.to_uppercase()) })
    };
    let all: Vec<Value> = numbers.map(creation).collect();
    for some in all.chunks(1_000) {
        let answers = admin.bulk(some.to_vec()).is(200);
        assert!(answers["Operations"].as_array().unwrap().iter().all(|one| one["status"] == "201"), "{answers}");
    }
}

fn found(admin: &Client<'_>, filter: &str) -> Vec<String> {
    let page = admin.filter("/scim2/Users", &format!("{CUSTOM}:{filter}"));
    page.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// The rows of the custom schema's attributes in an index table of a database.
fn rows(sqlite: &latchkey::native::Sqlite, table: &str) -> Vec<String> {
    sqlite.with(|connection| {
        let sql = format!("SELECT attribute || ' ' || key FROM {table} WHERE attribute LIKE '%:badge%' ORDER BY 1");
        let mut statement = connection.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| row.unwrap().replace(&format!("{CUSTOM}:"), "")).collect()
    })
}

fn index_rows(app: &App) -> Vec<String> {
    rows(&app.native.sqlite, "value_index")
}

fn unique_rows(app: &App) -> Vec<String> {
    rows(&app.native.sqlite, "unique_values")
}

fn sweep(platform: &Platform) {
    reindex::sweep(platform).unwrap();
    registrations::refresh_cache(platform).unwrap();
}

fn pending(app: &App) -> i64 {
    app.native.sqlite.with(|connection| {
        connection.query_row("SELECT COUNT(*) FROM reindexes WHERE phase <> 'settling'", [], |row| row.get(0)).unwrap()
    })
}

/// A statement's plan names the table that serves it: whether a filter goes by the value index.
fn detail(reply: &Reply) -> String {
    reply.json()["detail"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_attribute_that_becomes_indexed_has_the_rows_of_what_is_stored() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    admin.create("/scim2/Users", &employee("ada", "B1"));
    assert_eq!(index_rows(&app), [""; 0]);
    register_again(&admin, &badge(json!({ "indexed": true })));
    assert_eq!(index_rows(&app), ["badge b1"]);
    assert_eq!(found(&admin, "badge eq \"b1\""), ["ada"]);
    register_again(&admin, &badge(json!({})));
    assert_eq!(index_rows(&app), [""; 0]);
    assert_eq!(found(&admin, "badge eq \"b1\""), ["ada"]);
}

#[test]
fn what_was_written_without_the_schema_is_indexed_when_it_comes_back() {
    let app = App::new();
    let admin = app.scim();
    let schema = badge(json!({ "indexed": true, "uniqueness": "server" }));
    register(&admin, &schema);
    let kept = admin.create("/scim2/Users", &employee("kept", "B1"));
    let replaced = admin.create("/scim2/Users", &employee("replaced", "B2"));
    let deleted = admin.create("/scim2/Users", &employee("deleted", "B3"));
    remove(&admin);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec![], vec![]));
    admin.set(&kept, "displayName", "Kept").is(200);
    admin.put(&replaced, &json!({ "userName": "replaced" })).is(200);
    assert_eq!(admin.delete(&deleted).status, 204);
    let without = admin.get(&kept).is(200);
    register(&admin, &schema);
    // What is found is what is shown.
    for (path, name, value) in [(&kept, "kept", "b1"), (&replaced, "replaced", "b2")] {
        let is_shown = admin.get(path).is(200).get(CUSTOM).is_some();
        let expected: Vec<&str> = if is_shown { vec![name] } else { vec![] };
        assert_eq!(found(&admin, &format!("badge eq \"{value}\"")), expected, "{without}");
        assert_eq!(found(&admin, "badge pr").contains(&name.to_owned()), is_shown);
        assert_eq!(index_rows(&app).contains(&format!("badge {value}")), is_shown);
        assert_eq!(unique_rows(&app).contains(&format!("badge {value}")), is_shown);
    }
    admin.create("/scim2/Users", &employee("next", "B3"));
}

#[test]
fn a_value_that_nobody_has_any_more_is_free() {
    let app = App::new();
    let admin = app.scim();
    let schema = badge(json!({ "uniqueness": "server" }));
    register(&admin, &schema);
    let ada = admin.create("/scim2/Users", &employee("ada", "B1"));
    register_again(&admin, &badge(json!({})));
    admin.set(&ada, &format!("{CUSTOM}:badge"), "B2").is(200);
    register_again(&admin, &schema);
    admin.create("/scim2/Users", &employee("bob", "B1"));
    admin.post("/scim2/Users", &employee("eve", "b2")).is_error(409, Some("uniqueness"));
    assert_eq!(unique_rows(&app), ["badge b1", "badge b2"]);
}

#[test]
fn a_uniqueness_that_stored_values_violate_is_refused_and_changes_nothing() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({ "indexed": true })));
    let users: Vec<String> = (0..14)
        .map(|number| admin.create("/scim2/Users", &employee(&format!("u{number}"), format!("B{}", number / 2))))
        .collect();
    remove(&admin);
    let refused = admin.post("/api/schemas", &badge(json!({ "uniqueness": "server" })));
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let named = users.iter().filter(|user| detail(&refused).contains(id(user))).count();
    assert_eq!(named, 10, "the first ten: {}", refused.text);
    assert!(users[..10].iter().all(|user| detail(&refused).contains(id(user))));
    assert_eq!(admin.get(&format!("/api/schemas/{CUSTOM}")).status, 404);
    assert_eq!((unique_rows(&app), pending(&app)), (vec![], 0));
    // It can be registered in another way, and once the values differ.
    register(&admin, &badge(json!({})));
    for (number, user) in users.iter().enumerate() {
        admin.set(user, &format!("{CUSTOM}:badge"), format!("C{number}")).is(200);
    }
    register_again(&admin, &badge(json!({ "uniqueness": "global" })));
    admin.post("/scim2/Users", &employee("late", "c3")).is_error(409, Some("uniqueness"));
    admin.set(&users[0], &format!("{CUSTOM}:badge"), "C13").is_error(409, Some("uniqueness"));
}

#[test]
fn values_are_compared_as_the_new_schema_says() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({ "caseExact": true, "uniqueness": "server", "indexed": true })));
    admin.create("/scim2/Users", &employee("ada", "straße"));
    let bob = admin.create("/scim2/Users", &employee("bob", "STRASSE"));
    assert_eq!(found(&admin, "badge eq \"STRASSE\""), ["bob"]);
    remove(&admin);
    let folded = badge(json!({ "uniqueness": "server", "indexed": true }));
    assert_eq!(admin.post("/api/schemas", &folded).status, 409);
    register(&admin, &badge(json!({ "indexed": true })));
    assert_eq!(found(&admin, "badge eq \"Strasse\"").len(), 2);
    admin.set(&bob, &format!("{CUSTOM}:badge"), "Ünder").is(200);
    register_again(&admin, &folded);
    assert_eq!(found(&admin, "badge eq \"üNDER\""), ["bob"]);
    assert_eq!(found(&admin, "badge sw \"STRA\""), ["ada"]);
    register_again(&admin, &badge(json!({ "caseExact": true, "uniqueness": "server" })));
    assert_eq!(found(&admin, "badge eq \"ünder\""), [""; 0]);
    assert_eq!(found(&admin, "badge eq \"Ünder\""), ["bob"]);
    assert_eq!((index_rows(&app), unique_rows(&app)), (vec![], vec!["badge straße".into(), "badge Ünder".into()]));
}

#[test]
fn another_type_or_name_leaves_no_rows_of_the_former() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({ "indexed": true, "uniqueness": "server" })));
    let ada = admin.create("/scim2/Users", &employee("ada", "2020-01-01T00:00:00Z"));
    register_again(&admin, &badge(json!({ "type": "dateTime", "indexed": true })));
    assert_eq!(found(&admin, "badge eq \"2020-01-01T01:00:00+01:00\""), ["ada"]);
    assert_eq!(found(&admin, "badge lt \"2020-01-01T00:00:01Z\""), ["ada"]);
    assert_eq!((index_rows(&app).len(), unique_rows(&app).len()), (1, 0));
    register_again(&admin, &badge(json!({ "multiValued": true, "indexed": true })));
    assert_eq!(found(&admin, "badge eq \"2020-01-01t00:00:00z\""), ["ada"]);
    let renamed = json!({ "attributes": [{ "name": "plate", "type": "string", "indexed": true }] });
    register_again(&admin, &renamed);
    assert_eq!(index_rows(&app), [""; 0]);
    assert_eq!(found(&admin, "plate pr"), [""; 0]);
    admin.put(&ada, &json!({ "userName": "ada", (CUSTOM): { "plate": "X" } })).is(200);
    assert_eq!(found(&admin, "plate eq \"x\""), ["ada"]);
    register_again(&admin, &badge(json!({ "type": "integer", "indexed": true })));
    assert_eq!(found(&admin, "badge pr"), [""; 0]);
    admin.put(&ada, &employee("ada", 7)).is(200);
    assert_eq!(found(&admin, "badge eq 7"), ["ada"]);
}

#[test]
fn users_of_every_store_and_groups_are_reindexed() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    admin.create("/scim2/Users", &employee("ada", "B1"));
    admin.create("/scim2/Users", &employee("ACME/bob", "B2"));
    admin.create("/scim2/Users", &employee("LEGACY/eve", "B3"));
    let twin = admin.create("/scim2/Users", &employee("LEGACY/twin", "B3"));
    remove(&admin);
    let unique = badge(json!({ "uniqueness": "server", "indexed": true }));
    let refused = admin.post("/api/schemas", &unique);
    assert!(refused.status == 409 && detail(&refused).contains(id(&twin)), "{}", refused.text);
    assert_eq!(admin.delete(&twin).status, 204);
    register(&admin, &unique);
    for (store, key) in app.stores.iter().zip(["badge b2", "badge b3"]) {
        assert_eq!(rows(store, "value_index"), [key]);
        assert_eq!(rows(store, "unique_values"), [key]);
    }
    assert_eq!(found(&admin, "badge eq \"b2\""), ["ACME/bob"]);
    admin.post("/scim2/Users", &employee("ACME/late", "b2")).is_error(409, Some("uniqueness"));
    remove(&admin);
    assert!(
        app.stores.iter().all(|store| rows(store, "value_index").is_empty() && rows(store, "unique_values").is_empty())
    );

    let of_groups = |more: Value| {
        let mut schema = badge(more);
        schema["id"] = json!("urn:example:Team:Group");
        schema
    };
    register(&admin, &of_groups(json!({})));
    let team = json!({ "displayName": "Team", "urn:example:Team:Group": { "badge": "T" } });
    admin.create("/scim2/Groups", &team);
    assert_eq!(admin.delete("/api/schemas/urn:example:Team:Group").status, 204);
    register(&admin, &of_groups(json!({ "indexed": true, "uniqueness": "server" })));
    assert_eq!(admin.count("/scim2/Groups", "urn:example:Team:Group:badge eq \"t\""), 1);
    let other = json!({ "displayName": "Other", "urn:example:Team:Group": { "badge": "t" } });
    admin.post("/scim2/Groups", &other).is_error(409, Some("uniqueness"));
}

#[test]
fn a_tenants_schema_concerns_nobody_else() {
    let app = App::new();
    app.create_tenant("acme.example");
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    for prefix in ["", "/t/acme.example"] {
        if !prefix.is_empty() {
            assert_eq!(admin.post(&format!("{prefix}/api/schemas"), &badge(json!({}))).status, 201);
        }
        admin.create(&format!("{prefix}/scim2/Users"), &employee("ada", "B1"));
    }
    let path = format!("/t/acme.example/api/schemas/{CUSTOM}");
    assert_eq!(admin.delete(&path).status, 204);
    let unique = badge(json!({ "uniqueness": "server", "indexed": true }));
    assert_eq!(admin.post("/t/acme.example/api/schemas", &unique).status, 201);
    assert_eq!(index_rows(&app), ["badge b1"]);
    let taken = admin.post("/t/acme.example/scim2/Users", &employee("bob", "b1"));
    taken.is_error(409, Some("uniqueness"));
    admin.create("/scim2/Users", &employee("bob", "b1"));
}

#[test]
fn a_resource_type_that_comes_back_has_the_rows_of_its_schema() {
    let app = App::new();
    let admin = app.scim();
    let device = |label: Value, name: &str| {
        let mut attribute = json!({ "name": name, "type": "string" });
        attribute.as_object_mut().unwrap().extend(label.as_object().unwrap().clone());
        json!({ "name": "Device", "endpoint": "/Devices", "schema": { "id": DEVICE, "name": "Device", "attributes": [attribute] } })
    };
    let again = |document: &Value| {
        assert_eq!(admin.delete("/api/resource-types/Device").status, 204);
        assert_eq!(admin.delete(&format!("/api/schemas/{DEVICE}")).status, 204);
        admin.post("/api/resource-types", document)
    };
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE type = 'Device'");
        app.native.sqlite.with(|connection| connection.query_row(&sql, [], |row| row.get(0)).unwrap())
    };
    let first = device(json!({ "indexed": true, "uniqueness": "server" }), "label");
    assert_eq!(admin.post("/api/resource-types", &first).status, 201);
    let one = admin.create("/scim2/Devices", &json!({ "label": "L1" }));
    assert_eq!(admin.delete("/api/resource-types/Device").status, 204);
    assert_eq!((rows("value_index"), rows("unique_values")), (0, 0));
    assert_eq!(admin.delete(&format!("/api/schemas/{DEVICE}")).status, 204);
    assert_eq!(admin.post("/api/resource-types", &device(json!({}), "label")).status, 201);
    assert_eq!((rows("value_index"), rows("unique_values")), (0, 0));
    let two = admin.create("/scim2/Devices", &json!({ "label": "l1" }));
    let refused = again(&first);
    assert_eq!(refused.status, 409);
    assert!([&one, &two].iter().all(|path| detail(&refused).contains(id(path))), "{}", refused.text);
    // Nothing is changed: neither the type nor its schema came.
    assert_eq!(admin.get(&format!("/api/schemas/{DEVICE}")).status, 404);
    assert_eq!(admin.post("/api/resource-types", &device(json!({ "indexed": true }), "label")).status, 201);
    assert_eq!(admin.count("/scim2/Devices", "label eq \"L1\""), 2);
    assert_eq!(again(&device(json!({ "indexed": true }), "model")).status, 201);
    assert_eq!(rows("value_index"), 0);
}

#[test]
fn a_long_reindex_goes_on_in_steps_while_queries_stay_right() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    employees(&admin, 0..4_000);
    let schema = badge(json!({ "indexed": true, "caseExact": true }));
    let shown = register_again(&admin, &schema);
    let done = |shown: &Value| shown["reindex"]["done"].as_u64();
    assert_eq!(shown["reindex"], json!({ "done": 1_000, "total": 4_000 }));
    assert_eq!(index_rows(&app).len(), 1_000);
    // Whoever asks carries it on.
    let shown = admin.get(&format!("/api/schemas/{CUSTOM}")).json();
    assert_eq!(done(&shown), Some(2_000), "{shown}");
    let list = admin.get("/api/schemas").json();
    let listed = list["Resources"].as_array().unwrap().iter().find(|schema| schema["id"] == CUSTOM).unwrap();
    assert_eq!(done(listed), Some(3_000), "{listed}");
    // What is written meanwhile is in it, whichever side of the place that the steps have reached it is.
    for name in ["u00000", "u03999"] {
        let user = &admin.filter("/scim2/Users", &format!("userName eq \"{name}\""))[0];
        let path = format!("/scim2/Users/{}", user["id"].as_str().unwrap());
        admin.set(&path, &format!("{CUSTOM}:badge"), format!("new {name}")).is(200);
    }
    admin.create("/scim2/Users", &employee("late", "Late"));
    let other = admin.filter("/scim2/Users", "userName eq \"u03998\"");
    assert_eq!(admin.delete(&format!("/scim2/Users/{}", other[0]["id"].as_str().unwrap())).status, 204);
    assert_eq!(pending(&app), 1);
    // A query for such values finds them all, and none by its former value.
    assert_eq!(found(&admin, "badge eq \"U03997\""), ["u03997"]);
    assert_eq!(found(&admin, "badge eq \"u03997\""), [""; 0], "the case counts by now");
    assert_eq!(found(&admin, "badge eq \"U03999\""), [""; 0]);
    assert_eq!(found(&admin, "badge sw \"new\""), ["u00000", "u03999"]);
    assert_eq!(found(&admin, "badge eq \"Late\""), ["late"]);
    assert_eq!((pending(&app), index_rows(&app).len()), (0, 4_000));
    let shown = admin.get(&format!("/api/schemas/{CUSTOM}")).json();
    assert_eq!(shown.get("reindex"), None, "{shown}");
}

#[test]
fn the_sweep_carries_a_reindex_on_and_no_duplicate_comes_meanwhile() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    employees(&admin, 0..2_100);
    register_again(&admin, &badge(json!({ "uniqueness": "server", "indexed": true })));
    assert_eq!((pending(&app), unique_rows(&app).len()), (1, 2_100), "what must be unique is written before all else");
    admin.post("/scim2/Users", &employee("late", "u02099")).is_error(409, Some("uniqueness"));
    // Another isolate, that finds it where it stands.
    let next = app.reconfigured(&[]);
    sweep(&next.platform);
    assert_eq!((pending(&next), index_rows(&next).len()), (0, 2_100));
    let admin = next.scim();
    admin.post("/scim2/Users", &employee("late", "u02099")).is_error(409, Some("uniqueness"));
    assert_eq!(found(&admin, "badge eq \"u02099\""), ["u02099"]);
    // What isolates that did not know of it may have written is looked at once they must know.
    next.native.clock.advance(Duration::from_millis(u64::try_from(reindex::UNAWARE).unwrap() + 1));
    next.native.sqlite.with(|connection| {
        connection.execute("DELETE FROM value_index WHERE key = 'u02098'", []).unwrap();
        let now = next.native.clock.now();
        connection.execute("UPDATE resources SET modified = ?1 WHERE name_key = 'u02098'", [now]).unwrap();
    });
    sweep(&next.platform);
    assert_eq!(index_rows(&next).len(), 2_100);
    let left: i64 =
        next.native.sqlite.with(|c| c.query_row("SELECT COUNT(*) FROM reindexes", [], |row| row.get(0)).unwrap());
    assert_eq!(left, 0);
}

#[test]
fn above_ten_thousand_a_query_on_what_is_being_indexed_is_too_many_and_others_are_not() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    employees(&admin, 0..12_000);
    register_again(&admin, &badge(json!({ "indexed": true })));
    let filter = format!("{CUSTOM}:badge eq \"u11999\"");
    let refused = admin.list("/scim2/Users", &[("filter", &filter)]);
    refused.is_error(400, Some("tooMany"));
    assert!(detail(&refused).contains("12000"), "{}", refused.text);
    assert_eq!(admin.count("/scim2/Users", "userName eq \"u11999\""), 1);
    let all = json!({ "filter": filter });
    assert_eq!(admin.post("/scim2/.search", &all).is(200)["totalResults"], 1, "the first query carried it on");
    assert_eq!(pending(&app), 0);
    assert_eq!(found(&admin, "badge eq \"u11999\""), ["u11999"]);
}

#[test]
fn a_check_that_was_cut_short_leaves_nothing() {
    let app = App::new();
    let admin = app.scim();
    register(&admin, &badge(json!({})));
    admin.create("/scim2/Users", &employee("ada", "B1"));
    remove(&admin);
    let unique = badge(json!({ "uniqueness": "server" }));
    let now = app.native.clock.now();
    app.native.sqlite.with(|connection| {
        let row = format!(
            "INSERT OR REPLACE INTO reindexes (tenant, type, schemas, attributes, phase, total, started, due, operation) \
             VALUES (0, 'User', '[]', '[\"{CUSTOM}:badge\"]', 'checking', 1, {now}, {}, 'x')",
            now + 1_000
        );
        connection.execute(&row, []).unwrap();
        let row = format!("INSERT INTO unique_values SELECT 0, 'User', '{CUSTOM}:badge', 'b1', id FROM resources");
        connection.execute(&row, []).unwrap();
    });
    assert_eq!(admin.post("/api/schemas", &unique).status, 503, "somebody checks");
    app.native.clock.advance(Duration::from_secs(2));
    sweep(&app.platform);
    assert_eq!(unique_rows(&app), [""; 0]);
    register(&admin, &unique);
    assert_eq!(unique_rows(&app), ["badge b1"]);
}

#[test]
fn the_sweep_touches_tenants_that_have_work_and_no_others() {
    let app = App::new();
    let admin = app.scim();
    for number in 0..30 {
        let domain = format!("t{number}.example");
        app.create_tenant(&domain);
        assert_eq!(admin.post(&format!("/t/{domain}/api/schemas"), &badge(json!({}))).status, 201);
    }
    let sweep_cost = || {
        let (platform, meter) = app.platform.metered();
        sweep(&platform);
        meter.trips()
    };
    app.native.clock.advance(Duration::from_secs(60));
    // What is due is asked for twice; ten tenants are read, and noted as done.
    assert_eq!([sweep_cost(), sweep_cost(), sweep_cost(), sweep_cost()], [22, 22, 22, 2]);
    let left: i64 =
        app.native.sqlite.with(|c| c.query_row("SELECT COUNT(*) FROM registry_changes", [], |row| row.get(0)).unwrap());
    assert_eq!(left, 0);
}
