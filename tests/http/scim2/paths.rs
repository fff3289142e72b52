//! Paths, bodies and answers as clients vary them: slashes, case, escapes, a byte order mark, and what they named
//! themselves.

use serde_json::{Value, json};

use crate::scim2::client::id;
use crate::support::App;

#[test]
fn a_path_in_any_spelling_leads_to_its_resource() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create_user("kim");
    let id = id(&user);
    let escaped = id.replace('-', "%2D");
    for path in [
        format!("/scim2/Users/{id}/"),
        format!("/scim2//Users//{id}"),
        format!("//scim2/Users/{id}//"),
        format!("/scim2/Users/{escaped}"),
        format!("/scim2/users/{}", id.replace('-', "%2d")),
        format!("/scim2/USERS/{id}"),
        format!("/scim2/%55sers/{id}"),
    ] {
        assert_eq!(admin.get(&path).is(200)["id"], id, "{path}");
        assert_eq!(admin.set(&path, "title", "t").is(200)["id"], id, "{path}");
        admin.set(&user, "title", json!(null)).is(200);
        assert_eq!(admin.get(&format!("{path}?attributes=userName")).is(200)["userName"], "kim", "{path}");
    }
    for path in ["/scim2/users", "/scim2/Users/", "/scim2//USERS//", "/scim2/uSERS?filter=userName%20eq%20kim"] {
        assert_eq!(admin.get(path).is(200)["totalResults"], 1, "{path}");
    }
    let created = admin.post("/scim2/groups/", &json!({ "displayName": "g" }));
    assert_eq!(created.is(201)["meta"]["location"].as_str().map(|path| path.contains("/scim2/Groups/")), Some(true));
    for path in ["/scim2/users/.search/", "/scim2/users/.SEARCH", "/scim2//Users//.Search/", "/scim2/Users/%2Esearch"] {
        assert_eq!(admin.post(path, &json!({})).is(200)["totalResults"], 1, "{path}");
    }
    for path in ["/scim2/.SEARCH", "/scim2/.Search/"] {
        assert_eq!(admin.post(path, &json!({ "filter": "userName pr" })).is(200)["totalResults"], 1, "{path}");
    }
    assert_eq!(
        admin
            .post(
                "/scim2/bulk",
                &json!({ "Operations": [{ "method": "DELETE", "path": format!("/users/{escaped}/") }] })
            )
            .is(200)["Operations"][0]["status"],
        "204"
    );
    admin.get("/scim2/Nothing").is_error(404, None);
    admin.get("/scim2x/Users").status.as_u16();
    assert_eq!(admin.get("/scim2x/Users").status, 404);
}

#[test]
fn a_tenants_prefix_in_any_spelling_leads_to_the_tenant() {
    let app = App::new();
    app.create_tenant("acme.com");
    let admin = app.scim();
    let kim = admin.create("/t/acme.com/scim2/Users", &json!({ "userName": "kim" }));
    let paul = admin.create_user("paul");
    for prefix in ["/t/acme.com", "/t/ACME.com", "/t/acme%2Ecom", "//t/acme.com", "/t//acme.com/", "/%74/acme%2ecom"] {
        let path = kim.replacen("/t/acme.com", prefix, 1);
        assert_eq!(admin.get(&path).is(200)["userName"], "kim", "{path}");
        assert_eq!(admin.set(&path, "title", prefix).is(200)["title"], prefix, "{path}");
        assert_eq!(admin.get(&format!("{prefix}{paul}")).status, 404, "{prefix}");
    }
    for prefix in ["/t/carbon.super", "/t/carbon%2Esuper", "//t/Carbon.Super/", "/t/%63arbon.super"] {
        assert_eq!(admin.get(&format!("{prefix}{paul}")).is(200)["userName"], "paul", "{prefix}");
    }
    for (path, status) in [
        ("/t", 404),
        ("/t/", 404),
        ("//t//", 404),
        ("/T/acme.com/scim2/Users", 404),
        // Tenants that there are not: nobody has credentials there.
        ("/t/acme%252Ecom/scim2/Users", 401),
        ("/t/nobody.com/scim2/Users", 401),
    ] {
        assert_eq!(admin.get(path).status, status, "{path}");
    }
}

#[test]
fn discovery_answers_in_any_case_and_by_scim_1s_name() {
    let app = App::new();
    let nobody = app.nobody();
    let config = nobody.get("/scim2/ServiceProviderConfig").is(200);
    for path in [
        "/scim2/ServiceProviderConfigs",
        "/scim2/serviceproviderconfigs/",
        "/scim2/serviceConfiguration",
        "/scim2/ServiceConfiguration/",
        "/scim2/serviceproviderconfig",
        "/scim2//SERVICEPROVIDERCONFIG",
    ] {
        assert_eq!(nobody.get(path).is(200), config, "{path}");
    }
    for (path, name) in [
        ("/scim2/schemas", "Schemas"),
        ("/scim2/resourcetypes/", "ResourceTypes"),
        ("/scim2/RESOURCETYPES/user", "ResourceTypes/User"),
    ] {
        assert_eq!(nobody.get(path).is(200), nobody.get(&format!("/scim2/{name}")).is(200), "{path}");
    }
    // A path that anybody may read does not open another.
    assert_eq!(nobody.get("/scim2/users").status, 401);
    assert_eq!(nobody.get("/scim2//Users/").status, 401);
    assert_eq!(nobody.get("/scim2").status, 401);
    assert_eq!(app.scim().get("/scim2/me/").status, 404);
}

#[test]
fn the_root_is_queried_by_get_as_by_search() {
    let app = App::new();
    let admin = app.scim();
    admin.create_user("kim");
    admin.create_group("kim", &[]);
    for filter in ["userName eq kim", "displayName eq \"kim\"", "userName eq kim or displayName eq kim", "id pr"] {
        let expected = admin.post("/scim2/.search", &json!({ "filter": filter })).is(200);
        for path in ["/scim2", "/scim2/"] {
            assert_eq!(admin.list(path, &[("filter", filter)]).is(200), expected, "{path} {filter}");
        }
    }
    assert_eq!(
        admin.list("/scim2", &[("count", "1"), ("attributes", "userName"), ("sortBy", "meta.created")]).is(200)["totalResults"],
        2
    );
    admin.list("/scim2", &[("filter", "nope pr")]).is_error(400, Some("invalidFilter"));
    admin.list("/scim2", &[("filter", "")]).is_error(400, Some("invalidFilter"));
}

#[test]
fn a_byte_order_mark_before_json_is_skipped() {
    let app = App::new();
    let admin = app.scim();
    let marked = |body: Value| format!("\u{feff}{body}");
    assert_eq!(admin.send("POST", "/scim2/Users", marked(json!({ "userName": "kim" }))).status, 201);
    assert_eq!(admin.send("POST", "/scim2/Users", "\u{feff}{userName: 'lee'}").status, 201);
    assert_eq!(
        admin.send("POST", "/scim2/.search", marked(json!({ "filter": "userName eq lee" }))).is(200)["totalResults"],
        1
    );
    let json = admin.with("content-type", "application/json");
    let schema = json!({ "name": "Custom", "attributes": [{ "name": "badge", "type": "string" }] });
    assert_eq!(json.send("POST", "/api/schemas", marked(schema)).status, 201);
    assert_eq!(json.send("PATCH", "/api/settings", marked(json!({}))).status, 200);
    admin.send("POST", "/scim2/Users", "\u{feff}").is_error(400, Some("invalidSyntax"));
}

#[test]
fn what_is_returned_on_request_comes_back_to_whoever_wrote_or_named_it() {
    let app = App::new();
    let admin = app.scim();
    let schema = json!({ "name": "Custom", "attributes": [
        { "name": "note", "type": "string", "returned": "request" },
        { "name": "other", "type": "string", "returned": "request" },
    ] });
    assert_eq!(admin.post("/api/schemas", &schema).status, 201);
    let custom = "urn:scim:schemas:extension:custom:User";
    let note = json!({ "note": "n" });
    let body = json!({ "userName": "kim", custom: note });
    let created = admin.post("/scim2/Users", &body).is(201);
    assert_eq!(created[custom], note);
    let user = format!("/scim2/Users/{}", created["id"].as_str().unwrap());
    assert_eq!(admin.get(&user).is(200).get(custom), None);
    assert_eq!(admin.get(&format!("{user}?attributes={custom}:note")).is(200)[custom], note);
    assert_eq!(admin.list("/scim2/Users", &[("attributes", "note")]).is(200)["Resources"][0][custom], note);
    let search = json!({ "attributes": ["note"], "filter": "userName eq kim" });
    assert_eq!(admin.post("/scim2/Users/.search", &search).is(200)["Resources"][0][custom], note);
    assert_eq!(admin.put(&user, &body).is(200)[custom], note);
    assert_eq!(admin.set(&user, &format!("{custom}:other"), "o").is(200)[custom], json!({ "other": "o" }));
    for operation in [
        json!({ "op": "replace", "path": "note", "value": "n" }),
        json!({ "op": "add", "value": { custom: { "note": "n" } } }),
        json!({ "op": "add", "value": { format!("{custom}:note"): "n" } }),
    ] {
        assert_eq!(admin.patch(&user, json!([operation])).is(200)[custom], note);
    }
    assert_eq!(admin.set(&user, "title", "t").is(200).get(custom), None);
    assert_eq!(admin.set(&format!("{user}?attributes=title"), "note", "n").is(200).get(custom), None);
    assert_eq!(admin.set(&format!("{user}?excludedAttributes=note"), "note", "n").is(200).get(custom), None);
}
