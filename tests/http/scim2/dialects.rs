//! Filters, names and parameters in the ways in which real clients write them.

use serde_json::{Value, json};

use crate::scim2::client::{Client, ENTERPRISE, id};
use crate::support::App;

/// Three users: kim with a work and a home address, lee with the same the other way round, and max with none.
fn people(admin: &Client<'_>) -> [String; 3] {
    let emails = |work: &str, home: &str| json!([{ "value": work, "type": "work", "primary": true }, { "value": home, "type": "home" }]);
    [
        json!({ "userName": "kim", "externalId": "701984a", "emails": emails("w@example.com", "h@example.com"),
            ENTERPRISE: { "department": "Engines", "manager": { "value": "m1" } },
            "addresses": [{ "type": "work", "locality": "Ulm" }, { "type": "home", "locality": "Jena" }] }),
        json!({ "userName": "lee", "emails": emails("h@example.com", "w@example.com") }),
        json!({ "userName": "max", "title": "kim" }),
    ]
    .map(|body| admin.create("/scim2/Users", &body))
}

fn names(found: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = found.iter().filter_map(|user| user["userName"].as_str()).collect();
    names.sort_unstable();
    names
}

/// What a filter finds by GET, by `.search` and by the root's `.search`: the same.
fn found(admin: &Client<'_>, filter: &str) -> Vec<String> {
    let by_get = admin.filter("/scim2/Users", filter);
    for endpoint in ["/scim2/Users/.search", "/scim2/.search"] {
        let page = admin.post(endpoint, &json!({ "filter": filter })).is(200);
        let mut found = page["Resources"].as_array().cloned().unwrap_or_default();
        found.retain(|resource| resource.get("userName").is_some());
        assert_eq!(names(&found), names(&by_get), "{endpoint} {filter}");
    }
    names(&by_get).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_sub_attribute_behind_the_brackets_is_a_term_inside_them() {
    let app = App::new();
    let admin = app.scim();
    people(&admin);
    for (filter, expected) in [
        (r#"emails[type eq "work"].value eq "w@example.com""#, vec!["kim"]),
        (r#"emails[type eq "work"].value eq "W@EXAMPLE.com""#, vec!["kim"]),
        (r#"EMAILS[TYPE EQ "WORK"].VALUE EQ "w@example.com""#, vec!["kim"]),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "home"].value eq "w@example.com""#, vec!["lee"]),
        (r#"emails[type eq "work"].value ne "w@example.com""#, vec!["lee"]),
        (r#"not (emails[type eq "work"].value eq "w@example.com")"#, vec!["lee", "max"]),
        (r#"emails[type eq "work"].value sw "w@" or userName eq "max""#, vec!["kim", "max"]),
        (r#"emails[type eq "work"].value eq "w@example.com" and active ne false"#, vec!["kim"]),
        (r#"emails[type eq work].value co w@"#, vec!["kim"]),
        (r#"emails[type eq "work"].value ew "example.com""#, vec!["kim", "lee"]),
        (r#"emails[type eq "work"].value gt "i""#, vec!["kim"]),
        (r#"emails[type eq "work"].value ge "w@example.com""#, vec!["kim"]),
        (r#"emails[type eq "work"].value lt "i""#, vec!["lee"]),
        (r#"emails[type eq "work"].value le "h@example.com""#, vec!["lee"]),
        (r#"emails[type eq "work"].value pr"#, vec!["kim", "lee"]),
        (r#"emails[value eq "w@example.com"].primary eq true"#, vec!["kim"]),
        (r#"emails[value eq "w@example.com"].type eq "work""#, vec!["kim"]),
        (r#"emails[primary eq true].value eq "w@example.com""#, vec!["kim"]),
        (r#"emails[type eq "work" or type eq "other"].value eq "w@example.com""#, vec!["kim"]),
        (r#"addresses[type eq "home"].locality eq "jena""#, vec!["kim"]),
        (r#"addresses[type eq "home"].locality eq "ulm""#, vec![]),
        (r#"name[familyName pr].givenName pr"#, vec![]),
    ] {
        assert_eq!(found(&admin, filter), expected, "{filter}");
    }
    let kim = admin.filter("/scim2/Users", "userName eq kim")[0]["id"].as_str().unwrap().to_owned();
    admin.create_group("staff", &[&kim]);
    assert_eq!(admin.count("/scim2/Groups", &format!("members[type eq \"User\"].value eq \"{kim}\"")), 1);
    assert_eq!(admin.count("/scim2/Groups", &format!("members[type eq \"Group\"].value eq \"{kim}\"")), 0);
    for wrong in [
        r#"emails[type eq "work"].nope eq "x""#,
        r#"emails[type eq "work"].value"#,
        r#"emails[type eq "work"].value.x pr"#,
    ] {
        admin.list("/scim2/Users", &[("filter", wrong)]).is_error(400, Some("invalidFilter"));
    }
}

#[test]
fn a_sub_attribute_behind_the_brackets_costs_what_it_costs_inside_them() {
    let app = App::new();
    let admin = app.scim();
    people(&admin);
    let cost = |filter: &str| {
        let reply = admin.list("/scim2/Users", &[("filter", filter)]);
        assert_eq!(reply.trips(), 1);
        reply.header("server-timing").to_owned()
    };
    for (behind, inside) in [
        (
            r#"emails[type eq "work"].value eq "w@example.com""#,
            r#"emails[type eq "work" and value eq "w@example.com"]"#,
        ),
        (r#"emails[type eq work].value sw w"#, r#"emails[type eq "work" and value sw "w"]"#),
    ] {
        assert_eq!(cost(behind), cost(inside));
    }
}

#[test]
fn a_bare_word_is_text() {
    let app = App::new();
    let admin = app.scim();
    let [kim, ..] = people(&admin);
    let group = admin.create_group("staff", &[&kim]);
    for (filter, expected) in [
        ("userName eq kim", vec!["kim"]),
        ("userName EQ KIM", vec!["kim"]),
        ("title eq kim and userName sw m", vec!["max"]),
        ("externalId eq 701984a", vec!["kim"]),
        ("emails[type eq home and value eq w@example.com]", vec!["lee"]),
        ("(userName eq kim) or not (emails pr)", vec!["kim", "max"]),
        ("meta.created gt 2026-01-01T00:00:00Z and userName eq kim", vec!["kim"]),
        ("meta.created lt 2020-01-01T00:00:00+01:00", vec![]),
        ("manager eq m1", vec!["kim"]),
    ] {
        assert_eq!(found(&admin, filter), expected, "{filter}");
    }
    assert_eq!(found(&admin, &format!("id eq {}", id(&kim))), ["kim"]);
    assert_eq!(admin.count("/scim2/Groups", &format!("members[value eq {}]", id(&kim))), 1);
    assert_eq!(admin.count("/scim2/Groups", &format!("members eq {}", id(&kim))), 1);
    for wrong in [
        "userName eq \"kim",
        "userName eq kim smith",
        "userName eq kim\"",
        "userName eq",
        "eq",
        "eq kim",
        "userName eq and title pr",
        "userName eq 'kim'",
        "",
        " ",
    ] {
        admin.list("/scim2/Users", &[("filter", wrong)]).is_error(400, Some("invalidFilter"));
        admin.list("/scim2/Groups", &[("filter", wrong), ("count", "0")]).is_error(400, Some("invalidFilter"));
        admin.post("/scim2/Users/.search", &json!({ "filter": wrong })).is_error(400, Some("invalidFilter"));
        admin.post("/scim2/.search", &json!({ "filter": wrong })).is_error(400, Some("invalidFilter"));
    }
    admin.get("/scim2/Users?filter").is_error(400, Some("invalidFilter"));
    let removed = json!([{ "op": "remove", "path": format!("members[value eq {}]", id(&kim)) }]);
    assert_eq!(admin.patch(&group, removed).is(200).get("members"), None);
    let set = |path: &str, value: Value| admin.patch(&kim, json!([{ "op": "replace", "path": path, "value": value }]));
    let after = set("emails[type eq home].value", json!("new@example.com")).is(200);
    assert_eq!(after["emails"][1]["value"], "new@example.com");
    set("emails[type eq \"home].value", json!("x@example.com")).is_error(400, Some("invalidFilter"));
    set("emails[type eq].value", json!("x@example.com")).is_error(400, Some("invalidFilter"));
}

#[test]
fn names_without_a_urn_are_found_everywhere_alike() {
    let app = App::new();
    let admin = app.scim();
    let [kim, lee, _] = people(&admin);
    for path in ["department", "DEPARTMENT"] {
        let after = admin.patch(&lee, json!([{ "op": "replace", "path": path, "value": "Brakes" }])).is(200);
        assert_eq!(after[ENTERPRISE]["department"], "Brakes");
        let after = admin.patch(&lee, json!([{ "op": "replace", "value": { path: "Wheels" } }])).is(200);
        assert_eq!(after[ENTERPRISE]["department"], "Wheels");
        assert_eq!(admin.count("/scim2/Users", &format!("{path} eq \"wheels\"")), 1);
        let sorted = admin.list("/scim2/Users", &[("sortBy", path), ("attributes", path)]).is(200);
        let departments: Vec<_> =
            sorted["Resources"].as_array().unwrap().iter().map(|user| user[ENTERPRISE]["department"].clone()).collect();
        assert_eq!(departments, [json!("Engines"), json!("Wheels"), json!(null)]);
    }
    let shown = admin.get(&format!("{kim}?attributes=manager.value")).is(200);
    assert_eq!(shown[ENTERPRISE], json!({ "manager": { "value": "m1" } }));
    let shown = admin.get(&format!("{kim}?excludedAttributes=manager,department")).is(200);
    assert_eq!(shown.get(ENTERPRISE), None);
    let removed = admin.patch(&kim, json!([{ "op": "remove", "path": "manager" }])).is(200);
    assert_eq!(removed[ENTERPRISE], json!({ "department": "Engines" }));
    let error = admin.patch(&kim, json!([{ "op": "replace", "path": "departement", "value": "x" }]));
    assert!(error.json()["detail"].as_str().unwrap().contains("'departement'"));
    let misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:departement";
    for error in [
        admin.patch(&kim, json!([{ "op": "replace", "path": misspelt, "value": "x" }])),
        admin.list("/scim2/Users", &[("filter", &format!("{misspelt} eq \"x\""))]),
        admin.list("/scim2/Users", &[("sortBy", misspelt)]),
    ] {
        let detail = error.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("'{misspelt}'")), "{detail}");
    }
    error.is_error(400, Some("invalidPath"));
}

#[test]
fn a_name_of_two_extensions_is_refused_and_both_are_named() {
    let app = App::new();
    let admin = app.scim();
    for name in ["one", "two"] {
        let schema = json!({ "id": format!("urn:example:{name}:User"), "name": name,
            "attributes": [{ "name": "badge", "type": "string" }] });
        assert_eq!(admin.post("/api/schemas", &schema).status, 201);
    }
    let user = admin.create_user("kim");
    let names_both = |reply: crate::support::Reply, scim_type: &str| {
        let body = reply.json();
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("urn:example:one:User") && detail.contains("urn:example:two:User"), "{body}");
        reply.is_error(400, Some(scim_type));
    };
    names_both(admin.list("/scim2/Users", &[("filter", "badge pr")]), "invalidFilter");
    names_both(admin.post("/scim2/.search", &json!({ "filter": "badge pr" })), "invalidFilter");
    names_both(admin.list("/scim2/Users", &[("sortBy", "badge")]), "invalidPath");
    names_both(admin.post("/scim2/.search", &json!({ "sortBy": "badge" })), "invalidPath");
    names_both(admin.list("/scim2/Users", &[("attributes", "badge")]), "invalidValue");
    names_both(admin.get(&format!("{user}?excludedAttributes=badge")), "invalidValue");
    names_both(admin.patch(&user, json!([{ "op": "add", "path": "badge", "value": "x" }])), "invalidPath");
    names_both(admin.patch(&user, json!([{ "op": "add", "value": { "badge": "x" } }])), "invalidPath");
    let path = "urn:example:two:User:badge";
    let after = admin.patch(&user, json!([{ "op": "add", "path": path, "value": "x" }])).is(200);
    assert_eq!(after["urn:example:two:User"]["badge"], "x");
}

#[test]
fn values_of_a_simple_list_come_in_a_wrapping() {
    let app = App::new();
    let admin = app.scim();
    let schema =
        json!({ "name": "Custom", "attributes": [{ "name": "devices", "type": "string", "multiValued": true }] });
    assert_eq!(admin.post("/api/schemas", &schema).status, 201);
    let custom = "urn:scim:schemas:extension:custom:User";
    let user = admin.create_user("kim");
    let path = format!("{custom}:devices");
    let devices = |operation: Value| admin.patch(&user, json!([operation])).is(200)[custom]["devices"].clone();
    assert_eq!(devices(json!({ "op": "Add", "path": path, "value": [{ "value": "1" }] })), json!(["1"]));
    assert_eq!(
        devices(json!({ "op": "Add", "path": path, "value": [{ "$ref": null, "value": "2" }, "3"] })),
        json!(["1", "2", "3"])
    );
    assert_eq!(
        devices(json!({ "op": "Replace", "path": path, "value": [{ "value": "4" }, { "Value": "5" }] })),
        json!(["4", "5"])
    );
    assert_eq!(devices(json!({ "op": "Remove", "path": path, "value": [{ "value": "4" }] })), json!(["5"]));
    assert_eq!(devices(json!({ "op": "Replace", "value": { &path: [{ "value": "6" }] } })), json!(["6"]));
    assert_eq!(
        devices(json!({ "op": "Add", "value": { custom: { "devices": { "value": "7" } } } })),
        json!(["6", "7"])
    );
    assert_eq!(devices(json!({ "op": "Remove", "path": path, "value": [{ "value": "9" }] })), json!(["6", "7"]));
    admin
        .patch(&user, json!([{ "op": "Add", "path": path, "value": [{ "display": "x" }] }]))
        .is_error(400, Some("invalidValue"));
}

#[test]
fn attributes_are_read_without_their_value_filter() {
    let app = App::new();
    let admin = app.scim();
    let [kim, ..] = people(&admin);
    for list in ["emails[type eq \"work\"]", "emails[type eq work]", "EMAILS[value eq \"a,b\"]"] {
        let page = admin.list("/scim2/Users", &[("attributes", list), ("filter", "userName eq kim")]).is(200);
        assert_eq!(page["Resources"][0]["emails"].as_array().map(Vec::len), Some(2), "{list}");
        assert_eq!(page["Resources"][0].get("userName"), None, "{list}");
        let body = json!({ "attributes": [list, "userName"], "filter": "userName eq kim" });
        let page = admin.post("/scim2/Users/.search", &body).is(200);
        assert_eq!(page["Resources"][0]["emails"].as_array().map(Vec::len), Some(2), "{list}");
        assert_eq!(page["Resources"][0]["userName"], "kim");
    }
    let one = admin.get(&format!("{kim}?attributes=emails%5Btype%20eq%20%22work%22%5D.value")).is(200);
    assert_eq!(one["emails"], json!([{ "value": "w@example.com" }, { "value": "h@example.com" }]));
}
