//! The names of groups: unique in their tenant, whatever way they come in.

use serde_json::{Value, json};

use crate::scim2::client::{id, in_parallel};
use crate::support::App;

#[test]
fn a_taken_name_is_refused_in_any_spelling_and_by_every_verb() {
    let app = App::new();
    let admin = app.scim();
    let (staff, other) = (admin.create_group("Straße", &[]), admin.create_group("other", &[]));
    let before = admin.get(&other).is(200);
    for taken in ["Straße", "STRASSE", "straße", "stra\u{df}e", "Strasse"] {
        admin.post("/scim2/Groups", &json!({ "displayName": taken })).is_error(409, Some("uniqueness"));
        admin.put(&other, &json!({ "displayName": taken })).is_error(409, Some("uniqueness"));
        admin.set(&other, "displayName", taken).is_error(409, Some("uniqueness"));
        let value = json!({ "id": id(&other), "displayName": taken });
        admin.patch(&other, json!([{ "op": "replace", "value": value }])).is_error(409, Some("uniqueness"));
    }
    assert_eq!(admin.get(&other).is(200), before);
    // A group may keep its name, or spell it in another way.
    assert_eq!(admin.put(&staff, &json!({ "displayName": "Straße" })).is(200)["meta"]["version"], "W/\"1\"");
    assert_eq!(admin.set(&staff, "displayName", "STRASSE").is(200)["displayName"], "STRASSE");
    admin.set(&staff, "displayName", "new").is(200);
    admin.set(&other, "displayName", "strasse").is(200);
    admin.delete(&other).is(204);
    admin.create_group("Straße", &[]);
    // A user's names are another matter, and so are names longer than an index key.
    admin.create("/scim2/Users", &json!({ "userName": "new", "displayName": "Straße" }));
    let long = "ü".repeat(600);
    admin.create_group(&format!("{long}a"), &[]);
    admin.create_group(&format!("{long}b"), &[]);
    admin
        .post("/scim2/Groups", &json!({ "displayName": format!("{}A", long.to_uppercase()) }))
        .is_error(409, Some("uniqueness"));
}

#[test]
fn names_are_unique_in_a_tenant_and_not_across_tenants() {
    let app = App::new();
    let admin = app.scim();
    admin.create_group("staff", &[]);
    let tenant = admin.post("/api/server/v1/tenants", &json!({ "domain": "acme.com", "owners": [{
        "username": "kim", "password": "walking the dog at nine", "email": "kim@acme.com", "firstname": "k", "lastname": "k",
        "provisioningMethod": "inline-password" }] }));
    assert_eq!(tenant.status, 201, "{}", tenant.text);
    let own = app.user("kim", "walking the dog at nine");
    let created = own.post("/t/acme.com/scim2/Groups", &json!({ "displayName": "staff" }));
    assert_eq!(created.status, 201, "{}", created.text);
    own.post("/t/acme.com/scim2/Groups", &json!({ "displayName": "STAFF" })).is_error(409, Some("uniqueness"));
}

#[test]
fn fifty_parallel_creations_of_a_name_make_one_group() {
    let app = App::new();
    let statuses = in_parallel(50, |number| {
        let name = if number % 2 == 0 { "staff" } else { "STAFF" };
        app.scim().post("/scim2/Groups", &json!({ "displayName": name })).status.as_u16()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 49, "{statuses:?}");
    assert_eq!(app.scim().count("/scim2/Groups", "displayName eq staff"), 1);
}

#[test]
fn a_group_with_a_new_name_costs_one_round_trip() {
    let app = App::new();
    let admin = app.scim();
    assert_eq!(admin.post("/scim2/Groups", &json!({ "displayName": "staff" })).trips(), 1);
    let group = admin.create_group("other", &[]);
    assert_eq!(admin.set(&group, "displayName", "third").trips(), 2);
    assert_eq!(admin.post("/scim2/Groups", &json!({ "displayName": "staff" })).trips(), 1);
}

#[test]
fn in_bulk_a_taken_name_is_the_operations_own_conflict() {
    let app = App::new();
    let admin = app.scim();
    admin.create_group("staff", &[]);
    let post = |name: &str, bulk_id: &str| json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": { "displayName": name } });
    let statuses = |body: Value| -> Vec<Value> {
        body["Operations"].as_array().unwrap().iter().map(|operation| operation["status"].clone()).collect()
    };
    let operations = vec![post("Staff", "1"), post("new", "2"), post("NEW", "3"), post("last", "4")];
    assert_eq!(statuses(admin.bulk(operations.clone()).is(200)), ["409", "201", "409", "201"]);
    assert_eq!(admin.count("/scim2/Groups", "id pr"), 3);
    // With a limit on errors, nothing behind the last error that counts is created.
    let body = json!({ "failOnErrors": 1, "Operations": [post("a", "1"), post("A", "2"), post("b", "3")] });
    assert_eq!(statuses(admin.post("/scim2/Bulk", &body).is(200)), ["201", "409"]);
    let body = json!({ "failOnErrors": 1, "Operations": [post("c", "1"), post("STAFF", "2"), post("d", "3")] });
    assert_eq!(statuses(admin.post("/scim2/Bulk", &body).is(200)), ["201", "409"]);
    assert_eq!(admin.count("/scim2/Groups", "displayName eq b or displayName eq d"), 0);
}

#[test]
fn white_space_around_a_name_is_no_part_of_it() {
    let app = App::new();
    let admin = app.scim();
    let team = admin.create_group(" Team\t\r\n", &[]);
    assert_eq!(admin.get(&team).is(200)["displayName"], "Team");
    let other = admin.create_group("Other", &[]);
    for taken in ["Team ", "\u{a0}Team", "\u{3000}team\u{2003}", "\nTEAM"] {
        admin.post("/scim2/Groups", &json!({ "displayName": taken })).is_error(409, Some("uniqueness"));
        admin.put(&other, &json!({ "displayName": taken })).is_error(409, Some("uniqueness"));
        admin.set(&other, "displayName", taken).is_error(409, Some("uniqueness"));
        let create = json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": taken } });
        assert_eq!(admin.bulk(vec![create]).is(200)["Operations"][0]["status"], "409");
    }
    admin.post("/scim2/Groups", &json!({ "displayName": " \u{a0}" })).is_error(400, Some("invalidValue"));
    for filter in ["displayName eq \"Team\"", "displayName eq \" team \""] {
        assert_eq!(admin.count("/scim2/Groups", filter), 1, "{filter}");
    }
}

#[test]
fn a_name_has_no_invisible_characters() {
    let app = App::new();
    let admin = app.scim();
    let team = admin.create_group("Team", &[]);
    let before = admin.get(&team).is(200);
    for bad in [
        "\u{200b}Team",
        "Te\u{ad}am",
        "Team\u{feff}",
        "\u{202e}maeT",
        "Te\u{7}am",
        "Te\nam",
        "Te\u{a0}am",
        "Te\u{2028}am",
    ] {
        admin.post("/scim2/Groups", &json!({ "displayName": bad })).is_error(400, Some("invalidValue"));
        admin.put(&team, &json!({ "displayName": bad })).is_error(400, Some("invalidValue"));
        admin.set(&team, "displayName", bad).is_error(400, Some("invalidValue"));
        let create = json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": bad } });
        assert_eq!(admin.bulk(vec![create]).is(200)["Operations"][0]["status"], "400");
    }
    assert_eq!(admin.get(&team).is(200), before);
    admin.create_group("Te\u{301}am \u{2764}\u{fe0f}", &[]);
}

#[test]
fn a_group_that_was_stored_with_such_a_name_stays_readable() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("kim");
    let team = admin.create_group("Team", &[&user]);
    app.native.sqlite.with(|connection| {
        connection
            .execute_batch(
                "UPDATE resources SET display = char(8203) || 'Team ', \
                 document = json_set(document, '$.displayName', char(8203) || 'Team '), \
                 keys = json_set(keys, '$.displayName', char(8203) || 'team ') WHERE type = 'Group'; \
                 UPDATE value_index SET key = char(8203) || 'team ' WHERE attribute = 'displayName' AND type = 'Group'",
            )
            .unwrap();
    });
    assert_eq!(admin.get(&team).is(200)["displayName"], "\u{200b}Team ");
    assert_eq!(admin.count("/scim2/Groups", "displayName eq \"\u{200b}Team \""), 1);
    let before = admin.get(&team).is(200);
    assert_eq!(admin.put(&team, &before).is(200), before);
    let removed = json!([{ "op": "remove", "path": "members" }]);
    assert_eq!(admin.patch(&team, removed).is(200)["displayName"], "\u{200b}Team ");
    assert_eq!(admin.set(&team, "displayName", "Team").is(200)["displayName"], "Team");
}
