//! Bounds of what a tenant registers.

use serde_json::{Value, json};

use super::Bound;
use crate::support::{App, Reply};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "a schema, or a resource type without its schema, as sent",
        largest_allowed: || {
            let app = App::new();
            assert_eq!(app.scim().send("POST", "/api/schemas", sized("s", 64 * 1024)).status, 201);
            let inside = sized("t", 64 * 1024);
            assert_eq!(app.scim().send("POST", "/api/resource-types", of_type(&inside)).status, 201);
        },
        smallest_refused: || {
            let app = App::new();
            assert_problem(&app.scim().send("POST", "/api/schemas", sized("s", 64 * 1024 + 1)), 413, "64 KiB");
            let inside = sized("t", 64 * 1024 + 1);
            assert_problem(&app.scim().send("POST", "/api/resource-types", of_type(&inside)), 413, "64 KiB");
            let mut large: Value = serde_json::from_str(&of_type(&sized("t", 1_000))).unwrap();
            large["description"] = "x".repeat(64 * 1024).into();
            assert_problem(&app.scim().post("/api/resource-types", &large), 413, "64 KiB");
        },
    },
    Bound {
        name: "a tenant's schemas and resource types together, as sent",
        largest_allowed: || {
            full();
        },
        smallest_refused: || {
            let app = full();
            assert_problem(&app.scim().send("POST", "/api/schemas", sized("more", 120)), 400, "512 KiB");
            app.create_tenant("acme.example");
            assert_eq!(app.scim().send("POST", "/t/acme.example/api/schemas", sized("more", 120)).status, 201);
            // What goes makes room.
            assert_eq!(app.scim().delete("/api/schemas/urn:x:s3").status, 204);
            assert_eq!(app.scim().send("POST", "/api/schemas", sized("more", 120)).status, 201);
        },
    },
    Bound {
        name: "attributes in a tenant's schemas, sub-attributes included",
        largest_allowed: || {
            with_attributes(500);
        },
        smallest_refused: || {
            let app = with_attributes(500);
            assert_problem(&app.scim().send("POST", "/api/schemas", sized("more", 120)), 400, "500 attributes");
            let app = App::new();
            assert_problem(&app.scim().post("/api/schemas", &attributes("s", 501)), 400, "500 attributes");
            let flat: Vec<Value> = (0..501).map(|number| json!({ "name": format!("a{number}") })).collect();
            let flat = json!({ "id": "urn:x:s", "attributes": flat });
            assert_problem(&app.scim().post("/api/schemas", &flat), 400, "500 attributes");
        },
    },
    Bound {
        name: "schemas, resource types and extensions of a tenant",
        largest_allowed: || {
            with_schemas(100);
        },
        smallest_refused: || {
            let app = with_schemas(100);
            assert_problem(&app.scim().send("POST", "/api/schemas", sized("more", 120)), 400, "100");
        },
    },
    Bound {
        name: "resources of a type when a schema makes values unique",
        largest_allowed: || {
            assert_eq!(unique_among(200_000).status, 201);
        },
        smallest_refused: || {
            assert_problem(&unique_among(200_001), 400, "200000");
        },
    },
];

fn assert_problem(reply: &Reply, status: u16, names: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert!(reply.text.contains(names), "{} names {names}", reply.text);
}

/// A schema of this many bytes.
fn sized(name: &str, size: usize) -> String {
    let schema = |padding: usize| {
        let attribute = json!({ "name": "a", "description": "x".repeat(padding) });
        json!({ "id": format!("urn:x:{name}"), "name": name, "attributes": [attribute] }).to_string()
    };
    let sized = schema(size - schema(0).len());
    assert_eq!(sized.len(), size);
    sized
}

fn of_type(schema: &str) -> String {
    format!(r#"{{"name":"T","endpoint":"/T","schema":{schema}}}"#)
}

/// A tenant whose schemas have 512 KiB.
fn full() -> App {
    let app = App::new();
    for number in 0..8 {
        let schema = sized(&format!("s{number}"), 64 * 1024);
        assert_eq!(app.scim().send("POST", "/api/schemas", schema).status, 201);
    }
    app
}

/// A schema with this many attributes: a complex one with the others in it.
fn attributes(name: &str, count: usize) -> Value {
    let subs: Vec<Value> = (1..count).map(|number| json!({ "name": format!("s{number}") })).collect();
    json!({ "id": format!("urn:x:{name}"), "attributes": [{ "name": "a", "type": "complex", "subAttributes": subs }] })
}

fn with_attributes(count: usize) -> App {
    let app = App::new();
    for (name, count) in [("s1", count / 2), ("s2", count - count / 2)] {
        assert_eq!(app.scim().post("/api/schemas", &attributes(name, count)).status, 201);
    }
    app
}

fn with_schemas(count: usize) -> App {
    let app = App::new();
    for number in 0..count {
        assert_eq!(app.scim().send("POST", "/api/schemas", sized(&format!("s{number}"), 120)).status, 201);
    }
    app
}

/// Registers a schema with a unique attribute where there are, by the counter, so many users.
fn unique_among(count: u32) -> Reply {
    let app = App::new();
    app.scim().create_user("ada");
    app.native.sqlite.with(|connection| {
        connection.execute("UPDATE counters SET total = ?1 WHERE type = 'User'", [count]).unwrap();
    });
    let schema = json!({ "attributes": [{ "name": "badge", "type": "string", "uniqueness": "server" }] });
    app.scim().post("/api/schemas", &schema)
}

#[test]
fn registrations_that_were_larger_are_read_and_removed_and_only_more_is_refused() {
    let app = App::new();
    let schema = |number: usize| {
        let values: Vec<String> = (0..12_000).map(|value| format!("value{value:06}")).collect();
        json!({ "id": format!("urn:x:old{number}"), "name": "old", "attributes": [{ "name": "a", "canonicalValues": values }] })
    };
    app.native.sqlite.with(|connection| {
        for number in 0..6 {
            let document = schema(number).to_string();
            let row = "INSERT INTO registrations (tenant, kind, name, document, sent, created) VALUES (0, 'schema', ?1, ?2, ?3, 0)";
            let size = i64::try_from(document.len()).unwrap();
            connection.execute(row, (format!("urn:x:old{number}"), document, size)).unwrap();
        }
    });
    // As an isolate finds it whose cache has nothing.
    let app = app.reconfigured(&[]);
    latchkey::store::registrations::refresh(&app.platform, 0).unwrap();
    let admin = app.scim();
    assert_eq!(admin.get("/api/schemas/urn:x:old5").status, 200);
    assert_problem(&admin.send("POST", "/api/schemas", sized("more", 120)), 400, "512 KiB");
    admin.create_user("ada");
    for number in 0..4 {
        assert_eq!(admin.delete(&format!("/api/schemas/urn:x:old{number}")).status, 204);
    }
    assert_eq!(admin.send("POST", "/api/schemas", sized("more", 120)).status, 201);
}
