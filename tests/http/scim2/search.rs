//! `/scim2/.search` and `/scim2/{endpoint}/.search` (RFC 7644 section 3.4.3)

use serde_json::json;

use crate::support::App;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

#[test]
fn a_search_on_a_type_is_a_list() {
    let app = App::new();
    let admin = app.scim();
    for name in ["anna", "bert", "carl"] {
        admin.create_user(name);
    }
    let body = json!({
        "schemas": [SEARCH], "filter": "userName gt \"a\"", "sortBy": "userName", "sortOrder": "descending",
        "startIndex": 2, "count": 1, "attributes": ["userName"],
    });
    let reply = admin.post("/scim2/Users/.search", &body);
    assert_eq!(reply.trips(), 1);
    let page = reply.is(200);
    assert_eq!((&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(page["Resources"][0]["userName"], "bert");
    assert!(page["Resources"][0].get("meta").is_none());
}

#[test]
fn a_search_at_the_root_finds_resources_of_all_types() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create("/scim2/Users", &json!({ "userName": "x", "displayName": "Same" }));
    let group = admin.create_group("same", &[&user]);
    let page =
        admin.post("/scim2/.search", &json!({ "schemas": [SEARCH], "filter": "displayName eq \"SAME\"" })).is(200);
    assert_eq!(page["totalResults"], 2, "{page}");
    for path in [&user, &group] {
        let one = admin.get(path).is(200);
        assert!(page["Resources"].as_array().unwrap().contains(&one), "{page}");
    }
    let page = admin.post("/scim2/.search", &json!({ "filter": "userName eq \"X\"" })).is(200);
    assert_eq!(page["totalResults"], 1, "{page}");
    let page = admin.post("/scim2/.search", &json!({ "filter": "meta.resourceType eq \"Group\"" })).is(200);
    assert_eq!(page["totalResults"], 1, "{page}");
    let page = admin.post("/scim2/.search", &json!({ "count": 0 })).is(200);
    assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(2), &json!([])));
}

#[test]
fn a_bad_search_is_a_scim_error() {
    let app = App::new();
    for endpoint in ["/scim2/.search", "/scim2/Users/.search"] {
        for (body, scim_type) in [
            (json!({ "filter": "nope eq 1" }), "invalidFilter"),
            (json!({ "filter": 7 }), "invalidSyntax"),
            (json!({ "schemas": ["urn:x"] }), "invalidSyntax"),
            (json!({ "sortBy": "nope" }), "invalidPath"),
            (json!({ "attributes": ["a"], "excludedAttributes": ["b"] }), "invalidValue"),
        ] {
            app.scim().post(endpoint, &body).is_error(400, Some(scim_type));
        }
    }
}
