//! Writing schemas and resource types as resources of their own (RFC 7643 sections 6 and 7), for discovery.

use serde_json::{Map, Value, json};

use crate::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type, Uniqueness};

/// The URN of the schema of schemas.
pub const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// The URN of the schema of resource types.
pub const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

impl Type {
    /// The keyword of RFC 7643 section 2.3.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

impl Mutability {
    /// The keyword of RFC 7643 section 7.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

impl Returned {
    /// The keyword of RFC 7643 section 7.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

impl Uniqueness {
    /// The keyword of RFC 7643 section 7.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}

impl Attribute {
    /// The attribute with every characteristic spelled out and nothing private (RFC 7643 section 7).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("name".into(), self.name.as_str().into());
        json.insert("type".into(), self.data_type.as_str().into());
        json.insert("multiValued".into(), self.multi_valued.into());
        json.insert("description".into(), self.description.as_str().into());
        json.insert("required".into(), self.required.into());
        if !self.canonical_values.is_empty() {
            json.insert("canonicalValues".into(), self.canonical_values.as_slice().into());
        }
        json.insert("caseExact".into(), self.case_exact.into());
        json.insert("mutability".into(), self.mutability.as_str().into());
        json.insert("returned".into(), self.returned.as_str().into());
        json.insert("uniqueness".into(), self.uniqueness.as_str().into());
        if !self.reference_types.is_empty() {
            json.insert("referenceTypes".into(), self.reference_types.as_slice().into());
        }
        if self.data_type == Type::Complex {
            json.insert("subAttributes".into(), list(&self.sub_attributes));
        }
        Value::Object(json)
    }
}

fn list(attributes: &[std::sync::Arc<Attribute>]) -> Value {
    attributes.iter().filter(|attribute| attribute.alias_of.is_none()).map(|attribute| attribute.to_json()).collect()
}

impl Schema {
    /// The schema as `/Schemas/{urn}` shows it. `base_url` has no trailing slash.
    #[must_use]
    pub fn to_json(&self, base_url: &str) -> Value {
        json!({
            "schemas": [SCHEMA_SCHEMA],
            "id": *self.id,
            "name": self.name,
            "description": self.description,
            "attributes": list(&self.attributes),
            "meta": { "resourceType": "Schema", "location": format!("{base_url}/Schemas/{}", self.id) },
        })
    }
}

impl ResourceType {
    /// The resource type as `/ResourceTypes/{id}` shows it. `base_url` has no trailing slash.
    #[must_use]
    pub fn to_json(&self, base_url: &str) -> Value {
        let extensions: Vec<Value> = self
            .extensions
            .iter()
            .filter(|extension| !extension.hidden)
            .map(|extension| json!({ "schema": *extension.schema.id, "required": extension.required }))
            .collect();
        json!({
            "schemas": [RESOURCE_TYPE_SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": *self.schema.id,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{base_url}/ResourceTypes/{}", self.id) },
        })
    }
}
