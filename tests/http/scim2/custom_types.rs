//! A tenant's own extensions and resource types: `/api/schemas`, `/api/resource-types`, and their use below `/scim2`.

use serde_json::{Value, json};

use crate::scim2::client::{Client, ENTERPRISE, USER, id, in_parallel};
use crate::support::App;

const CUSTOM: &str = "urn:scim:schemas:extension:custom:User";
const DEVICE: &str = "urn:example:schemas:Device";
const WARRANTY: &str = "urn:example:schemas:Warranty";

fn badge() -> Value {
    json!({
        "name": "Custom",
        "attributes": [
            { "name": "badge", "type": "string", "caseExact": true, "uniqueness": "server" },
            { "name": "shirt", "type": "string", "canonicalValues": ["S", "M"], "indexed": true },
            { "name": "skills", "type": "string", "multiValued": true, "indexed": true },
            { "name": "hired", "type": "dateTime" },
            { "name": "desk", "type": "complex", "subAttributes": [
                { "name": "floor", "type": "integer", "required": true }, { "name": "code", "type": "string" } ] },
        ],
    })
}

fn device() -> Value {
    json!({
        "id": DEVICE, "name": "Device",
        "attributes": [
            { "name": "serial", "type": "string", "required": true, "caseExact": true, "uniqueness": "server" },
            { "name": "label", "type": "string", "indexed": true },
            { "name": "model", "type": "string", "mutability": "immutable" },
            { "name": "state", "type": "string", "mutability": "readOnly" },
            { "name": "notes", "type": "string", "returned": "request" },
            { "name": "tag", "type": "string", "returned": "always" },
            { "name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never" },
            { "name": "weight", "type": "decimal" },
            { "name": "count", "type": "integer" },
            { "name": "photo", "type": "binary" },
            { "name": "owner", "type": "reference", "referenceTypes": ["User"] },
            { "name": "ports", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value", "type": "string" },
                { "name": "type", "type": "string", "canonicalValues": ["usb", "hdmi"] },
                { "name": "secret", "type": "string", "returned": "request" },
                { "name": "primary", "type": "boolean" } ] },
        ],
    })
}

fn create(admin: &Client<'_>, path: &str, document: &Value) -> Value {
    let reply = admin.post(path, document);
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(reply.header("location").starts_with(&format!("https://id.example.com{path}/")));
    reply.json()
}

/// An application whose tenant has devices, with a required warranty if that is wanted.
fn with_devices(required: bool) -> App {
    let app = App::new();
    let admin = app.scim();
    let warranty = json!({ "id": WARRANTY, "name": "Warranty", "attributes": [{ "name": "until", "type": "dateTime", "required": true }] });
    create(&admin, "/api/schemas", &warranty);
    let resource_type = json!({
        "name": "Device", "endpoint": "/Devices", "description": "Things people carry", "schema": device(),
        "schemaExtensions": [{ "schema": WARRANTY, "required": required }],
    });
    create(&admin, "/api/resource-types", &resource_type);
    app
}

#[track_caller]
fn assert_problem(reply: &crate::support::Reply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["status"], status);
}

#[test]
fn an_extension_of_users_is_validated_stored_filtered_and_patched() {
    let app = App::new();
    let admin = app.scim();
    let schema = create(&admin, "/api/schemas", &badge());
    assert_eq!(schema["id"], CUSTOM);
    let body = json!({
        "userName": "paul",
        (CUSTOM): { "badge": "B1", "SHIRT": "M", "skills": ["Rust", "SQL", "rust"], "hired": "2020-01-02T03:04:05Z", "desk": { "floor": 3 } },
    });
    let paul = admin.create("/scim2/Users", &body);
    let user = admin.get(&paul).is(200);
    assert_eq!(user["schemas"], json!([USER, CUSTOM]));
    assert_eq!(user[CUSTOM]["skills"], json!(["Rust", "SQL"]));
    admin.create("/scim2/Users", &json!({ "userName": "mary", (CUSTOM): { "shirt": "XL" } }));

    for (wrong, scim_type) in [
        (json!({ "badge": 7 }), "invalidValue"),
        (json!({ "hired": "yesterday" }), "invalidValue"),
        (json!({ "desk": { "code": "x" } }), "invalidValue"),
        (json!({ "desk": { "floor": "3" } }), "invalidValue"),
        (json!("text"), "invalidValue"),
    ] {
        admin.post("/scim2/Users", &json!({ "userName": "x", (CUSTOM): wrong })).is_error(400, Some(scim_type));
    }

    for (filter, expected) in [
        ("badge eq \"B1\"", 1),
        ("badge eq \"b1\"", 0),
        ("shirt eq \"m\"", 1),
        ("shirt sw \"x\"", 1),
        ("skills eq \"RUST\"", 1),
        ("skills pr", 1),
        ("hired gt \"2020-01-01T00:00:00Z\"", 1),
        ("desk.floor ge 3", 1),
        ("desk.floor gt 3", 0),
    ] {
        assert_eq!(admin.count("/scim2/Users", &format!("{CUSTOM}:{filter}")), expected, "{filter}");
    }

    let after = admin
        .patch(
            &paul,
            json!([
                { "op": "add", "path": format!("{CUSTOM}:skills"), "value": ["Go"] },
                { "op": "replace", "path": format!("{CUSTOM}:desk.code"), "value": "3-17" },
                { "op": "remove", "path": format!("{CUSTOM}:hired") },
            ]),
        )
        .is(200);
    assert_eq!(
        after[CUSTOM],
        json!({ "badge": "B1", "shirt": "M", "skills": ["Rust", "SQL", "Go"], "desk": { "floor": 3, "code": "3-17" } })
    );
    assert_eq!(admin.count("/scim2/Users", &format!("{CUSTOM}:skills eq \"go\"")), 1);
    admin.set(&paul, &format!("{CUSTOM}:badge"), json!({ "a": 1 })).is_error(400, Some("invalidValue"));

    let page =
        admin.list("/scim2/Users", &[("attributes", &format!("{CUSTOM}:badge")), ("sortBy", "userName")]).is(200);
    assert_eq!(page["Resources"][1][CUSTOM], json!({ "badge": "B1" }));
    let shown = admin.get(&format!("{paul}?excludedAttributes={CUSTOM}")).is(200);
    assert!(shown.get(CUSTOM).is_none() && shown["schemas"] == json!([USER]), "{shown}");
}

#[test]
fn an_extension_of_groups_works_alike() {
    let app = App::new();
    let admin = app.scim();
    let urn = "urn:example:schemas:Group";
    create(
        &admin,
        "/api/schemas",
        &json!({ "id": urn, "name": "G", "attributes": [
        { "name": "cost", "type": "integer", "uniqueness": "server" }, { "name": "hint", "returned": "request" }, { "name": "key", "returned": "never" } ] }),
    );
    let body = json!({ "displayName": "staff", (urn): { "cost": 7, "hint": "h", "key": "k" } });
    let group = admin.create("/scim2/Groups", &body);
    assert_eq!(admin.get(&group).is(200)[urn], json!({ "cost": 7 }));
    assert_eq!(admin.get(&format!("{group}?attributes={urn}:hint")).is(200)[urn], json!({ "hint": "h" }));
    admin.post("/scim2/Groups", &json!({ "displayName": "x", (urn): { "cost": 7 } })).is_error(409, Some("uniqueness"));
    assert_eq!(admin.set(&group, &format!("{urn}:cost"), 8).is(200)[urn], json!({ "cost": 8 }));
    assert_eq!(admin.count("/scim2/Groups", &format!("{urn}:cost eq 8")), 1);
    admin.post("/scim2/Groups", &json!({ "displayName": "x", (urn): { "cost": 7 } })).is(201);
    assert!(!app.dump().contains("\"k\""), "what is never returned is not kept");
}

#[test]
fn the_own_schemas_and_types_are_discovered_with_credentials_and_not_without() {
    let app = with_devices(true);
    let admin = app.scim();
    create(&admin, "/api/schemas", &badge());
    for path in [
        "/scim2/ResourceTypes/Device".to_owned(),
        format!("/scim2/Schemas/{DEVICE}"),
        format!("/scim2/Schemas/{WARRANTY}"),
        format!("/scim2/Schemas/{CUSTOM}"),
    ] {
        let one = admin.get(&path).is(200);
        let list = admin.get(path.rsplit_once('/').unwrap().0).is(200);
        assert!(list["Resources"].as_array().unwrap().contains(&one), "{path}");
        app.nobody().get(&path).is_error(404, None);
        assert!(!app.nobody().get(path.rsplit_once('/').unwrap().0).text.contains("urn:example"));
    }
    let device = admin.get("/scim2/ResourceTypes/Device").is(200);
    insta::assert_json_snapshot!(device);
    let schema = admin.get(&format!("/scim2/Schemas/{DEVICE}")).is(200);
    insta::assert_json_snapshot!(schema);
    let user = admin.get("/scim2/ResourceTypes/User").is(200);
    assert!(user["schemaExtensions"].as_array().unwrap().contains(&json!({ "schema": CUSTOM, "required": false })));
    assert!(!app.nobody().get("/scim2/ResourceTypes/User").text.contains(CUSTOM));
}

#[test]
fn resources_of_an_own_type_go_through_their_life() {
    let app = with_devices(false);
    let admin = app.scim();
    let body = json!({
        "serial": "S-1", "label": "Laptop", "externalId": "ext", "weight": 1.25, "count": 3, "photo": "aGk=", "owner": "../Users/1",
        "ports": [{ "value": "left", "type": "usb", "primary": true }], (WARRANTY): { "until": "2030-01-01T00:00:00Z" }, "unknown": 1,
    });
    let reply = admin.post("/scim2/Devices", &body);
    assert_eq!(reply.trips(), 1);
    let device = reply.is(201);
    insta::assert_json_snapshot!(device, {
        ".id" => "[id]", ".meta.created" => "[time]", ".meta.lastModified" => "[time]", ".meta.location" => "[location]",
    });
    let path = format!("/scim2/Devices/{}", device["id"].as_str().unwrap());
    assert_eq!(
        (reply.header("etag"), reply.header("location")),
        ("W/\"1\"", format!("https://id.example.com{path}").as_str())
    );
    let read = admin.get(&path);
    assert_eq!((read.trips(), read.is(200)), (1, device.clone()));

    let patched = admin.patch(
        &path,
        json!([
            { "op": "add", "path": "ports[type eq \"hdmi\"].value", "value": "right" },
            { "op": "replace", "path": "count", "value": 4 },
            { "op": "remove", "path": WARRANTY },
        ]),
    );
    let after = patched.is(200);
    assert_eq!(patched.trips(), 2);
    assert_eq!((after["ports"].as_array().unwrap().len(), &after["count"], after.get(WARRANTY)), (2, &json!(4), None));
    assert_eq!(after["schemas"], json!([DEVICE]));
    assert_eq!(admin.set(&path, "count", 4).trips(), 1, "nothing to change");
    admin.if_match("W/\"1\"").set(&path, "count", 5).is_error(412, None);

    let replaced = admin.put(&path, &json!({ "serial": "S-2", "label": "Phone" }));
    assert_eq!(replaced.trips(), 2);
    let after = replaced.is(200);
    assert!(after.get("ports").is_none() && after["label"] == "Phone", "{after}");

    let found = admin.filter("/scim2/Devices", "label eq \"PHONE\" and serial eq \"S-2\"");
    assert_eq!(found, [after]);
    assert_eq!(admin.count("/scim2/Devices", "serial eq \"s-2\""), 0, "case-exact");
    assert_eq!(
        admin.post("/scim2/Devices/.search", &json!({ "filter": "label sw \"ph\"" })).is(200)["totalResults"],
        1
    );
    assert_eq!(admin.post("/scim2/.search", &json!({ "filter": "label eq \"phone\"" })).is(200)["totalResults"], 1);
    let bulk = admin.bulk(vec![
        json!({ "method": "POST", "bulkId": "d", "path": "/Devices", "data": { "serial": "S-3" } }),
        json!({ "method": "PATCH", "path": "/Devices/bulkId:d", "data": { "Operations": [{ "op": "add", "path": "label", "value": "Pad" }] } }),
    ]);
    assert_eq!(bulk.is(200)["Operations"][1]["status"], "200");

    let reply = admin.delete(&path);
    assert_eq!((reply.status.as_u16(), reply.trips()), (204, 1));
    admin.get(&path).is_error(404, None);
    assert_eq!(admin.get("/scim2/Devices").is(200)["totalResults"], 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'resource.delete'"), 1);
    app.scim().get(&format!("/scim2/Users/{}", id(&path))).is_error(404, None);
    app.nobody().get("/scim2/Devices").is_error(401, None);
}

#[test]
fn values_are_held_to_their_types() {
    let app = with_devices(false);
    for (name, wrong) in [
        ("serial", json!(null)),
        ("serial", json!("")),
        ("serial", json!(7)),
        ("label", json!(["a"])),
        ("weight", json!("heavy")),
        ("count", json!(1.5)),
        ("photo", json!("not base64!")),
        ("owner", json!(7)),
        ("ports", json!([7])),
        ("ports", json!([{ "primary": "perhaps" }])),
        (WARRANTY, json!({ "until": "soon" })),
    ] {
        let mut body = json!({ "serial": "S" });
        body[name] = wrong;
        app.scim().post("/scim2/Devices", &body).is_error(400, Some("invalidValue"));
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
    let strange = json!({ "serial": "S", "ports": [{ "value": "a", "type": "not canonical" }] });
    app.scim().post("/scim2/Devices", &strange).is(201);
}

#[test]
fn a_required_extension_is_required() {
    let app = with_devices(true);
    let admin = app.scim();
    admin.post("/scim2/Devices", &json!({ "serial": "S" })).is_error(400, Some("invalidValue"));
    admin.post("/scim2/Devices", &json!({ "serial": "S", (WARRANTY): {} })).is_error(400, Some("invalidValue"));
    let body = json!({ "serial": "S", (WARRANTY): { "until": "2030-01-01T00:00:00Z" } });
    let path = admin.create("/scim2/Devices", &body);
    admin.patch(&path, json!([{ "op": "remove", "path": WARRANTY }])).is_error(400, Some("invalidValue"));
    admin.put(&path, &json!({ "serial": "S" })).is_error(400, Some("invalidValue"));
}

#[test]
fn mutability_is_kept() {
    let app = with_devices(false);
    let admin = app.scim();
    let path = admin.create("/scim2/Devices", &json!({ "serial": "S", "state": "mine" }));
    let before = admin.get(&path).is(200);
    assert!(before.get("state").is_none(), "read-only: {before}");
    admin.set(&path, "state", "mine").is_error(400, Some("mutability"));
    assert_eq!(admin.set(&path, "model", "X1").is(200)["model"], "X1", "immutable, but not set yet");
    assert_eq!(admin.set(&path, "model", "X1").is(200)["model"], "X1");
    admin.set(&path, "model", "X2").is_error(400, Some("mutability"));
    admin.patch(&path, json!([{ "op": "remove", "path": "model" }])).is_error(400, Some("mutability"));
    admin.put(&path, &json!({ "serial": "S", "model": "X2" })).is_error(400, Some("mutability"));
    let after = admin.put(&path, &json!({ "serial": "S", "label": "L", "state": "other" })).is(200);
    assert_eq!((&after["model"], after.get("state")), (&json!("X1"), None));
}

#[test]
fn what_is_returned_follows_the_schema() {
    let app = with_devices(false);
    let admin = app.scim();
    let body = json!({
        "serial": "S", "label": "L", "notes": "between us", "tag": "T", "pin": "1234",
        "ports": [{ "value": "a", "type": "usb", "secret": "hush" }],
    });
    let reply = admin.post("/scim2/Devices", &body);
    let created = reply.is(201);
    let path = format!("/scim2/Devices/{}", created["id"].as_str().unwrap());
    let listed = admin.get("/scim2/Devices").is(200)["Resources"][0].clone();
    let patched = admin.set(&path, "label", "M").is(200);
    // Who wrote it is answered what is returned on request alone (RFC 7643 section 7).
    assert_eq!((&created["notes"], &created["tag"], created.get("pin")), (&json!("between us"), &json!("T"), None));
    assert_eq!(created["ports"], body["ports"]);
    for shown in [admin.get(&path).is(200), listed, patched] {
        assert!(shown.get("notes").is_none() && shown.get("pin").is_none(), "{shown}");
        assert_eq!((&shown["tag"], &shown["ports"]), (&json!("T"), &json!([{ "value": "a", "type": "usb" }])));
    }
    let asked = admin.get(&format!("{path}?attributes=notes,pin,ports.secret")).is(200);
    assert_eq!((&asked["notes"], &asked["tag"], asked.get("pin")), (&json!("between us"), &json!("T"), None));
    assert_eq!(asked["ports"], json!([{ "secret": "hush" }]));
    let without = admin.get(&format!("{path}?excludedAttributes=tag,label")).is(200);
    assert!(without["tag"] == "T" && without.get("label").is_none() && without.get("notes").is_none(), "{without}");
    assert!(!app.dump().contains("1234"), "a secret that nobody can use is not kept");
    admin.list("/scim2/Devices", &[("filter", "pin eq \"1234\"")]).is_error(400, Some("invalidFilter"));
}

#[test]
fn a_unique_value_is_unique_among_resources_of_the_type_whoever_is_faster() {
    let app = with_devices(false);
    let admin = app.scim();
    let replies = in_parallel(20, |_| app.scim().post("/scim2/Devices", &json!({ "serial": "S-1" })));
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for reply in lost {
        reply.is_error(409, Some("uniqueness"));
    }
    let first = format!("/scim2/Devices/{}", won[0].json()["id"].as_str().unwrap());
    let second = admin.create("/scim2/Devices", &json!({ "serial": "s-1" }));
    admin.set(&second, "serial", "S-1").is_error(409, Some("uniqueness"));
    admin.put(&second, &json!({ "serial": "S-1" })).is_error(409, Some("uniqueness"));
    admin.set(&first, "label", "kept").is(200);
    admin.set(&first, "serial", "S-2").is(200);
    admin.set(&second, "serial", "S-1").is(200);
    admin.delete(&second).is(204);
    admin.create("/scim2/Devices", &json!({ "serial": "S-1" }));
    let statuses = in_parallel(10, |number| {
        let device = app.scim().create("/scim2/Devices", &json!({ "serial": format!("racer {number}") }));
        app.scim().set(&device, "serial", "winner").status.as_u16()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

#[test]
fn unique_values_of_any_length_are_unique() {
    let app = with_devices(false);
    let long = "x".repeat(5_000);
    app.scim().post("/scim2/Devices", &json!({ "serial": long })).is(201);
    app.scim().post("/scim2/Devices", &json!({ "serial": long })).is_error(409, Some("uniqueness"));
    app.scim().post("/scim2/Devices", &json!({ "serial": format!("{long}y") })).is(201);
}

#[test]
fn a_conflict_of_unique_values_in_bulk_harms_no_other() {
    let app = with_devices(false);
    let device = |bulk_id: &str, serial: &str| json!({ "method": "POST", "bulkId": bulk_id, "path": "/Devices", "data": { "serial": serial } });
    app.scim().create("/scim2/Devices", &json!({ "serial": "taken" }));
    let operations = vec![device("1", "a"), device("2", "a"), device("3", "b"), device("4", "taken"), device("5", "c")];
    let statuses = |reply: crate::support::Reply| -> Vec<String> {
        reply.is(200)["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["status"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(statuses(app.scim().bulk(operations)), ["201", "409", "201", "409", "201"]);
    let body = json!({ "failOnErrors": 1, "Operations": [device("1", "d"), device("2", "taken"), device("3", "e")] });
    assert_eq!(statuses(app.scim().post("/scim2/Bulk", &body)), ["201", "409"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 5);
}

#[test]
fn what_does_not_make_a_schema_or_a_type_is_refused() {
    let app = App::new();
    let admin = app.scim();
    let attributes = json!([{ "name": "a" }]);
    for document in [
        json!({}),
        json!({ "id": 7, "attributes": attributes }),
        json!({ "id": "no urn", "attributes": attributes }),
        json!({ "id": "urn:x:y" }),
        json!({ "id": "urn:x:y", "attributes": [] }),
        json!({ "id": "urn:x:y", "attributes": "a" }),
        json!({ "id": "urn:x:y", "attributes": ["a", 7, null, []] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "subAttributes": ["x"] }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "subAttributes": 7 }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a b" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a" }, { "name": "A" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "type": "colour" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "type": "complex" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "mutability": "writeOnly" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "meta" }] }),
        json!({ "id": "urn:x:y", "resourceType": "Robot", "attributes": attributes }),
    ] {
        assert_problem(&admin.post("/api/schemas", &document), 400);
    }
    for document in [
        json!({}),
        json!({ "name": "Device", "endpoint": "/Devices" }),
        json!({ "name": "Device", "endpoint": "/Devices", "schema": "urn:nope" }),
        json!({ "name": "Device", "endpoint": "/a/b", "schema": device() }),
        json!({ "name": "Device", "endpoint": "/", "schema": device() }),
        json!({ "name": "Device", "endpoint": "/Devices", "schema": device(), "schemaExtensions": [{ "schema": "urn:nope" }] }),
        json!({ "name": "Device", "endpoint": "/Devices", "schema": { "id": DEVICE, "attributes": ["x"] } }),
    ] {
        assert_problem(&admin.post("/api/resource-types", &document), 400);
    }
    for (name, endpoint) in [
        ("User", "/Devices"),
        ("Device", "/users"),
        ("Device", "/Bulk"),
        ("Device", "/me"),
        ("Device", "/Schemas"),
        ("Device", "/ResourceTypes"),
        ("Device", "/ServiceProviderConfig"),
        ("Device", "/ServiceProviderConfigs"),
    ] {
        assert_problem(
            &admin.post("/api/resource-types", &json!({ "name": name, "endpoint": endpoint, "schema": device() })),
            409,
        );
    }
    assert_problem(&admin.post("/api/schemas", &json!({ "id": ENTERPRISE, "attributes": attributes })), 409);
    for broken in ["", "{", "[]", "7"] {
        assert_problem(&admin.send("POST", "/api/schemas", broken), 400);
        assert_problem(&admin.send("POST", "/api/resource-types", broken), 400);
    }
    assert_problem(&admin.send("POST", "/api/schemas", vec![b' '; 300 * 1024]), 413);
    assert_eq!(app.number("SELECT COUNT(*) FROM registrations"), 0);
    assert_problem(&app.nobody().post("/api/schemas", &badge()), 401);
    assert_problem(&app.nobody().get("/api/resource-types"), 401);
}

#[test]
fn what_is_registered_can_be_read_and_taken_back() {
    let app = with_devices(false);
    let admin = app.scim();
    create(&admin, "/api/schemas", &badge());
    assert_problem(&admin.post("/api/schemas", &badge()), 409);
    let body = json!({ "userName": "paul", (CUSTOM): { "badge": "B1" } });
    let user = admin.create("/scim2/Users", &body);
    let device = admin.create("/scim2/Devices", &json!({ "serial": "S" }));
    for path in [
        format!("/api/schemas/{CUSTOM}"),
        format!("/api/schemas/{}", CUSTOM.replace(':', "%3A")),
        "/api/resource-types/Device".to_owned(),
    ] {
        assert_eq!(admin.get(&path).status, 200, "{path}");
    }
    assert!(admin.get("/api/schemas").text.contains(DEVICE));
    let in_use = admin.delete(&format!("/api/schemas/{DEVICE}"));
    assert_eq!(in_use.status, 409, "a type uses it: {}", in_use.text);
    assert_problem(&admin.delete(&format!("/api/schemas/{USER}")), 404);
    assert_problem(&admin.delete("/api/resource-types/User"), 404);

    assert_eq!(admin.delete(&format!("/api/schemas/{CUSTOM}")).status, 204);
    assert_problem(&admin.delete(&format!("/api/schemas/{CUSTOM}")), 404);
    let shown = admin.get(&user).is(200);
    assert!(shown.get(CUSTOM).is_none() && shown["schemas"] == json!([USER]), "{shown}");
    assert_eq!(admin.get("/scim2/Users").is(200)["Resources"][0], shown);
    admin
        .list("/scim2/Users", &[("filter", &format!("{CUSTOM}:badge eq \"B1\""))])
        .is_error(400, Some("invalidFilter"));
    create(&admin, "/api/schemas", &badge());
    assert_eq!(admin.get(&user).is(200)[CUSTOM]["badge"], "B1", "kept, and shown again");

    assert_eq!(admin.delete("/api/resource-types/Device").status, 204);
    admin.get(&device).is_error(404, None);
    admin.get("/scim2/Devices").is_error(404, None);
    assert_eq!(admin.delete(&format!("/api/schemas/{DEVICE}")).status, 204);
}

#[test]
fn another_service_over_the_same_data_learns_of_a_registration() {
    let app = with_devices(false);
    let device = app.scim().create("/scim2/Devices", &json!({ "serial": "S" }));
    let other = app.reconfigured(&[]);
    other.scim().get(&device).is(200);
}

#[test]
fn registrations_at_the_same_time_are_all_served() {
    let app = App::new();
    let admin = app.scim();
    let schema = json!({ "id": "urn:example:schemas:Thing", "name": "Thing", "attributes": [{ "name": "label", "type": "string" }] });
    assert_eq!(admin.post("/api/schemas", &schema).status, 201);
    let replies = in_parallel(6, |number| {
        let resource_type = json!({ "name": format!("T{number}"), "endpoint": format!("/T{number}"), "schema": "urn:example:schemas:Thing" });
        app.scim().post("/api/resource-types", &resource_type)
    });
    assert!(replies.iter().all(|reply| reply.status == 201));
    for number in 0..6 {
        admin.get(&format!("/scim2/T{number}")).is(200);
    }
}
