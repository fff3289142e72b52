//! The schemas and resource types every tenant has: RFC 7643's, which the `scim` crate brings, and Latchkey's own in
//! `schema/scim/`: two extensions of the user, the aliases of their attributes, and what the store keeps an index over.

use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use scim::error::Error as ScimError;
use scim::schema::Registry;

/// Latchkey's schemas, in the order discovery lists them.
const SCHEMAS: [&str; 2] =
    [include_str!("../../schema/scim/wso2-user.json"), include_str!("../../schema/scim/latchkey-invitation.json")];
/// The private keys of RFC 7643's attributes, and aliases beside them.
const ANNOTATIONS: &str = include_str!("../../schema/scim/annotations.json");
/// The resource types that have extensions of Latchkey's.
const EXTENSIONS: &str = include_str!("../../schema/scim/extensions.json");

static BUILTIN: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    // The documents are compiled in, and a test reads them: this cannot fail in a build that passed.
    #[allow(clippy::expect_used, reason = "the documents are constants")]
    Arc::new(read().expect("the documents in schema/scim are valid"))
});

/// Returns the registry of a tenant that has registered nothing.
#[must_use]
pub fn builtin() -> Arc<Registry> {
    BUILTIN.clone()
}

fn read() -> Result<Registry, ScimError> {
    let json = |text: &str| serde_json::from_str::<Json>(text).map_err(|error| ScimError::internal(error.to_string()));
    let list = |text: &str| json(text).map(|list| list.as_array().cloned().unwrap_or_default());
    let mut builder = Registry::builder();
    for text in SCHEMAS {
        builder = builder.schema(json(text)?);
    }
    for document in list(ANNOTATIONS)? {
        builder = builder.annotate(document);
    }
    for document in list(EXTENSIONS)? {
        builder = builder.extend(document);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::builtin;

    #[test]
    fn the_built_in_documents_make_a_registry() {
        let registry = builtin();
        let names: Vec<&str> = registry.schemas().iter().map(|schema| schema.name.as_str()).collect();
        let expected = [
            "User",
            "Group",
            "EnterpriseUser",
            "WSO2User",
            "Invitation",
            "ServiceProviderConfig",
            "ResourceType",
            "Schema",
        ];
        assert_eq!(names, expected);
        let user = registry.resource_type("User").expect("users");
        let found = |path: &str| user.resolve_attribute(path).expect(path);
        let alias = found("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:askPassword");
        assert_eq!(alias.to_string(), "urn:scim:wso2:schema:askPassword");
        for indexed in
            ["id", "externalId", "meta.created", "meta.lastModified", "userName", "displayName", "emails.value"]
        {
            assert!(found(indexed).leaf().indexed, "{indexed}");
        }
    }

    #[test]
    fn every_attribute_has_a_description() {
        for schema in builtin().schemas() {
            for attribute in schema.attributes.iter().filter(|attribute| attribute.alias_of.is_none()) {
                assert!(!attribute.description.is_empty(), "{}:{}", schema.id, attribute.name);
            }
        }
    }
}
