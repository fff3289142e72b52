//! `/scim2/ServiceProviderConfig`, `/scim2/ResourceTypes`, `/scim2/Schemas` (RFC 7644 section 4)

use serde_json::{Value, json};

use crate::support::App;

#[test]
fn anybody_reads_what_the_service_can_do() {
    let app = App::new();
    let reply = app.nobody().get("/scim2/ServiceProviderConfig");
    assert_eq!(reply.trips(), 0);
    insta::assert_json_snapshot!(reply.is(200));
    assert_eq!(app.scim().get("/scim2/ServiceProviderConfig").is(200), reply.json());
}

#[test]
fn anybody_reads_the_resource_types() {
    let app = App::new();
    let list = app.nobody().get("/scim2/ResourceTypes").is(200);
    insta::assert_json_snapshot!(list);
    for one in list["Resources"].as_array().unwrap() {
        let path = format!("/scim2/ResourceTypes/{}", one["id"].as_str().unwrap());
        assert_eq!(app.nobody().get(&path).is(200), *one);
        assert_eq!(one["meta"]["location"], format!("https://id.example.com{path}"));
    }
    app.nobody().get("/scim2/ResourceTypes/Robot").is_error(404, None);
}

#[test]
fn anybody_reads_the_schemas() {
    let app = App::new();
    let list = app.nobody().get("/scim2/Schemas").is(200);
    let all = list["Resources"].as_array().unwrap();
    assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(all.len()), &json!(all.len())));
    for one in all {
        let urn = one["id"].as_str().unwrap();
        assert_eq!(app.nobody().get(&format!("/scim2/Schemas/{urn}")).is(200), *one);
        assert_eq!(app.nobody().get(&format!("/scim2/Schemas/{}", urn.replace(':', "%3A"))).is(200), *one);
    }
    assert!(!list.to_string().contains("\"x-"), "nothing private");
    let ids: Vec<&str> = all.iter().filter_map(|one| one["id"].as_str()).collect();
    insta::assert_json_snapshot!(ids);
    app.nobody().get("/scim2/Schemas/urn:nope").is_error(404, None);
}

#[test]
fn discovery_cannot_be_filtered() {
    let app = App::new();
    for path in [
        "/scim2/ServiceProviderConfig",
        "/scim2/ResourceTypes",
        "/scim2/ResourceTypes/User",
        "/scim2/Schemas",
        "/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
    ] {
        app.nobody().list(path, &[("filter", "id eq \"x\"")]).is_error(403, None);
        app.scim().list(path, &[("FILTER", "")]).is_error(403, None);
    }
}

#[test]
fn every_tenant_name_answers_alike_without_credentials() {
    let app = App::new();
    let plain = app.nobody().get("/scim2/Schemas").is(200);
    for tenant in ["acme.com", "never.heard.of", "carbon.super"] {
        let theirs = app.nobody().get(&format!("/t/{tenant}/scim2/Schemas")).is(200);
        let ids = |list: &Value| -> Vec<Value> {
            list["Resources"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
        };
        assert_eq!(ids(&theirs), ids(&plain));
    }
    let wrong = app.user("admin", "wrong").get("/scim2/Schemas");
    assert_eq!(wrong.is(200), plain, "wrong credentials are none");
}
