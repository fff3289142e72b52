//! What discovery shows is complete, in RFC form, and free of anything private.

use crate::discovery::*;

fn strings(value: &Value, path: &str) -> Vec<String> {
    value["Resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|resource| resource[path].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn schemas_lists_resources_extensions_and_discovery_itself() {
    let list = schemas(Registry::example(), "https://h/scim2");
    assert_eq!(list["totalResults"], 8);
    let names = strings(&list, "name");
    for expected in
        ["User", "Group", "EnterpriseUser", "WSO2User", "Invitation", "ServiceProviderConfig", "ResourceType", "Schema"]
    {
        assert!(names.iter().any(|name| name == expected), "{expected}");
    }
}

#[test]
fn nothing_private_is_shown() {
    let text = schemas(Registry::example(), "https://h/scim2").to_string();
    assert!(!text.contains("x-"), "private keys");
    let enterprise = schema(Registry::example(), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "")
        .expect("the enterprise schema");
    assert_eq!(enterprise["attributes"].as_array().map(Vec::len), Some(6), "aliases");
}

#[test]
fn an_attribute_spells_out_every_characteristic() {
    let user = schema(Registry::example(), "urn:ietf:params:scim:schemas:core:2.0:user", "https://h/scim2")
        .expect("the user schema");
    insta::assert_json_snapshot!(user["attributes"][0], @r#"
    {
      "name": "userName",
      "type": "string",
      "multiValued": false,
      "description": "The name the user signs in with.",
      "required": true,
      "caseExact": false,
      "mutability": "readWrite",
      "returned": "default",
      "uniqueness": "server"
    }
    "#);
    assert_eq!(user["meta"]["location"], "https://h/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User");
}

#[test]
fn resource_types_name_their_extensions_save_hidden_ones() {
    let user = resource_type(Registry::example(), "User", "https://h/scim2").expect("users");
    insta::assert_json_snapshot!(user, @r#"
    {
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
      ],
      "id": "User",
      "name": "User",
      "description": "User Account",
      "endpoint": "/Users",
      "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
      "schemaExtensions": [
        {
          "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
          "required": false
        }
      ],
      "meta": {
        "resourceType": "ResourceType",
        "location": "https://h/scim2/ResourceTypes/User"
      }
    }
    "#);
    assert_eq!(resource_type(Registry::example(), "Nope", ""), None);
    assert_eq!(resource_types(Registry::example(), "")["totalResults"], 2);
}

#[test]
fn the_service_provider_config_is_true_of_the_code() {
    let config = ServiceProviderConfig { cursor_timeout: Some(3600), ..ServiceProviderConfig::default() }
        .to_json("https://h/scim2");
    insta::assert_json_snapshot!(config, @r#"
    {
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
      ],
      "patch": {
        "supported": true
      },
      "bulk": {
        "supported": true,
        "maxOperations": 1000,
        "maxPayloadSize": 1048576
      },
      "filter": {
        "supported": true,
        "maxResults": 1000
      },
      "changePassword": {
        "supported": true
      },
      "sort": {
        "supported": true
      },
      "etag": {
        "supported": true
      },
      "pagination": {
        "cursor": true,
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600
      },
      "authenticationSchemes": [
        {
          "type": "oauthbearertoken",
          "name": "Bearer Token",
          "description": "An API token in the Authorization header.",
          "specUri": "https://www.rfc-editor.org/info/rfc6750",
          "primary": true
        },
        {
          "type": "httpbasic",
          "name": "HTTP Basic",
          "description": "User name and password of an administrator.",
          "specUri": "https://www.rfc-editor.org/info/rfc7617",
          "primary": false
        }
      ],
      "meta": {
        "resourceType": "ServiceProviderConfig",
        "location": "https://h/scim2/ServiceProviderConfig"
      }
    }
    "#);
}
