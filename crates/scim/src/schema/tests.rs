//! The built-in documents are in order, paths lead where the RFC says, and a tenant's schemas fit in.

use std::sync::Arc;

use serde_json::json;

use crate::schema::*;

fn user() -> &'static Arc<ResourceType> {
    Registry::example().resource_type("User").expect("there are users")
}

fn found(path: &str) -> Option<String> {
    user().resolve_attribute(path).map(|path| path.to_string())
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
fn the_built_in_documents_make_a_registry() {
    let registry = Registry::example();
    assert_eq!(registry.schemas().len(), 8);
    let names: Vec<&str> = registry.resource_types().iter().map(|resource_type| resource_type.name.as_str()).collect();
    assert_eq!(names, ["User", "Group"]);
    assert_eq!(registry.resource_type_at("Users"), registry.resource_type("user"));
    assert_eq!(registry.resource_type_at("/USERS"), registry.resource_type("User"));
    assert_eq!(registry.resource_type_at("User"), None);
}

#[test]
fn paths_lead_to_attributes_in_any_case() {
    assert_eq!(found("USERNAME").as_deref(), Some("userName"));
    assert_eq!(found("name.FAMILYNAME").as_deref(), Some("name.familyName"));
    assert_eq!(found("meta.lastmodified").as_deref(), Some("meta.lastModified"));
    assert_eq!(found("urn:ietf:params:scim:schemas:core:2.0:User:emails.value").as_deref(), Some("emails.value"));
    assert_eq!(
        found(&format!("{}:manager.displayname", ENTERPRISE.to_uppercase())),
        Some(format!("{ENTERPRISE}:manager.displayName"))
    );
    for unknown in [
        "",
        ".",
        "nope",
        "name.nope",
        "userName.value",
        "name.familyName.x",
        "department",
        "urn:nope:x",
        "urn:",
        ":",
        "é",
    ] {
        assert_eq!(found(unknown), None, "{unknown}");
    }
}

#[test]
fn p04_older_clients_write_a_dot_after_the_urn() {
    assert_eq!(found(&format!("{ENTERPRISE}.department")), Some(format!("{ENTERPRISE}:department")));
}

#[test]
fn the_longest_urn_wins() {
    let mut registry = Registry::example().clone();
    for urn in ["urn:x:ext", "urn:x:ext:inner"] {
        let schema = json!({ "id": urn, "attributes": [{ "name": "a" }, { "name": "inner", "type": "complex", "subAttributes": [{ "name": "a" }] }] });
        registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
        registry.extend_resource_type("User", urn, false).expect("a new extension");
    }
    let user = registry.resource_type("User").expect("there are users");
    let path = |text: &str| user.resolve_attribute(text).map(|path| path.to_string());
    assert_eq!(path("urn:x:ext:inner:a").as_deref(), Some("urn:x:ext:inner:a"));
    assert_eq!(path("urn:x:ext:a").as_deref(), Some("urn:x:ext:a"));
    assert!(
        matches!(user.resolve("urn:x:ext:inner"), Some(Target::Extension(schema)) if &*schema.id == "urn:x:ext:inner")
    );
    assert_eq!(registry.resource_type("Group").map(|group| group.extensions.len()), Some(0));
    assert_eq!(Registry::example().schemas().len(), 8);
}

#[test]
fn an_alias_leads_to_the_attribute_it_stands_for() {
    assert_eq!(found(&format!("{ENTERPRISE}:askPassword")).as_deref(), Some("urn:scim:wso2:schema:askPassword"));
    assert_eq!(
        found(&format!("{ENTERPRISE}:pendingEmails.value")).as_deref(),
        Some("urn:scim:wso2:schema:pendingEmails.value")
    );
}

#[test]
fn a_list_of_simple_values_has_an_implied_value() {
    assert_eq!(
        found("urn:scim:wso2:schema:emailAddresses.value").as_deref(),
        Some("urn:scim:wso2:schema:emailAddresses")
    );
}

#[test]
fn documents_that_are_wrong_are_refused() {
    let cases = [
        json!({ "id": "urn:x:y" }),
        json!({ "id": "urn:x:y", "attributes": [{}] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "1a" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a.b" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a" }, { "name": "A" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "type": "text" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "type": "complex" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "subAttributes": [{ "name": "b" }] }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "required": "yes" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "mutability": "writeOnly" }] }),
        json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "type": "complex", "subAttributes": [
            { "name": "b", "type": "complex", "subAttributes": [{ "name": "c" }] }] }] }),
        json!([]),
    ];
    for case in cases {
        let error = Schema::parse(&case).expect_err("a document that is wrong");
        assert_eq!((error.status, error.scim_type), (400, Some(crate::ScimType::InvalidValue)), "{case}");
    }
}

#[test]
fn a_registry_refuses_what_would_be_ambiguous() {
    let mut registry = Registry::example().clone();
    let schema =
        |id: &str, name: &str| Schema::parse(&json!({ "id": id, "attributes": [{ "name": name }] })).expect("a schema");
    assert_eq!(registry.add_schema(schema("not a urn", "a")).map_err(|error| error.status), Err(400));
    assert_eq!(registry.add_schema(schema("urn:x:y", "meta")).map_err(|error| error.status), Err(400));
    assert_eq!(registry.add_schema(schema("URN:scim:WSO2:schema", "a")).map_err(|error| error.status), Err(409));
    assert_eq!(registry.extend_resource_type("User", "urn:nope", false).map_err(|error| error.status), Err(400));
    assert_eq!(
        registry.extend_resource_type("User", "urn:scim:wso2:schema", false).map_err(|error| error.status),
        Err(409)
    );
    registry.add_schema(schema("urn:x:y", "a")).expect("a new URN");
    let kind =
        |name: &str, endpoint: &str, schema: &str| json!({ "name": name, "endpoint": endpoint, "schema": schema });
    assert_eq!(
        registry.add_resource_type(&kind("Device", "/Users", "urn:x:y")).map_err(|error| error.status),
        Err(409)
    );
    assert_eq!(registry.add_resource_type(&kind("Device", "/a/b", "urn:x:y")).map_err(|error| error.status), Err(400));
    assert_eq!(
        registry.add_resource_type(&kind("Device", "/Devices", "urn:nope")).map_err(|error| error.status),
        Err(400)
    );
    registry.add_resource_type(&kind("Device", "Devices", "urn:x:y")).expect("a new resource type");
    assert_eq!(registry.resource_type_at("/Devices").map(|device| device.name.as_str()), Some("Device"));
}

#[test]
fn an_alias_must_lead_somewhere() {
    let mut registry = Registry::example().clone();
    let schema = json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "x-aliasOf": "b" }, { "name": "b", "x-aliasOf": "a" }] });
    registry.add_schema(Schema::parse(&schema).expect("a schema")).expect("a new URN");
    assert_eq!(registry.extend_resource_type("User", "urn:x:y", false).map_err(|error| error.status), Err(400));
}

#[test]
fn every_writable_attribute_has_a_description() {
    for schema in Registry::example().schemas() {
        for attribute in schema.attributes.iter().filter(|attribute| attribute.alias_of.is_none()) {
            assert!(!attribute.description.is_empty(), "{}:{}", schema.id, attribute.name);
        }
    }
}
