//! Discovery: service provider configuration, schemas and resource types (RFC 7643 section 5, RFC 7644 section 4, RFC 9865
//! section 4).

use serde_json::{Value, json};

use crate::bulk;
use crate::list::LIST_RESPONSE_SCHEMA;
use crate::query;
use crate::schema::Registry;

/// The URN of the service provider configuration.
pub const SERVICE_PROVIDER_CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// How clients may authenticate (RFC 7643 section 5, `authenticationSchemes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// `Authorization: Bearer`.
    BearerToken,
    /// `Authorization: Basic`.
    Basic,
}

/// What a deployment says of itself. The rest of the configuration follows from the code.
#[derive(Debug, Clone)]
pub struct ServiceProviderConfig<'a> {
    /// The address of the service's documentation.
    pub documentation_uri: Option<&'a str>,
    /// The largest Bulk request in bytes.
    pub max_payload_size: usize,
    /// The least number of seconds a cursor is valid, if it expires.
    pub cursor_timeout: Option<u32>,
    /// The schemes, the preferred one first.
    pub authentication_schemes: &'a [AuthenticationScheme],
}

impl Default for ServiceProviderConfig<'_> {
    fn default() -> Self {
        Self {
            documentation_uri: None,
            max_payload_size: bulk::MAX_PAYLOAD_SIZE,
            cursor_timeout: None,
            authentication_schemes: &[AuthenticationScheme::BearerToken, AuthenticationScheme::Basic],
        }
    }
}

impl ServiceProviderConfig<'_> {
    /// The document at `/ServiceProviderConfig`. `base_url` has no trailing slash.
    #[must_use]
    pub fn to_json(&self, base_url: &str) -> Value {
        let schemes: Vec<Value> =
            self.authentication_schemes.iter().enumerate().map(|(index, scheme)| scheme.to_json(index == 0)).collect();
        let mut pagination = json!({
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": query::DEFAULT_COUNT,
            "maxPageSize": query::MAX_COUNT,
        });
        if let Some(seconds) = self.cursor_timeout {
            pagination["cursorTimeout"] = seconds.into();
        }
        let mut document = json!({
            "schemas": [SERVICE_PROVIDER_CONFIG_SCHEMA],
            "patch": { "supported": true },
            "bulk": { "supported": true, "maxOperations": bulk::MAX_OPERATIONS, "maxPayloadSize": self.max_payload_size },
            "filter": { "supported": true, "maxResults": query::MAX_COUNT },
            "changePassword": { "supported": true },
            "sort": { "supported": true },
            "etag": { "supported": true },
            "pagination": pagination,
            "authenticationSchemes": schemes,
            "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base_url}/ServiceProviderConfig") },
        });
        if let Some(uri) = self.documentation_uri {
            document["documentationUri"] = uri.into();
        }
        document
    }
}

impl AuthenticationScheme {
    fn to_json(self, primary: bool) -> Value {
        let (kind, name, description, specification) = match self {
            Self::BearerToken => (
                "oauthbearertoken",
                "Bearer Token",
                "An API token in the Authorization header.",
                "https://www.rfc-editor.org/info/rfc6750",
            ),
            Self::Basic => (
                "httpbasic",
                "HTTP Basic",
                "User name and password of an administrator.",
                "https://www.rfc-editor.org/info/rfc7617",
            ),
        };
        json!({ "type": kind, "name": name, "description": description, "specUri": specification, "primary": primary })
    }
}

/// The list at `/Schemas`.
#[must_use]
pub fn schemas(registry: &Registry, base_url: &str) -> Value {
    list(registry.schemas().iter().map(|schema| schema.to_json(base_url)).collect())
}

/// The document at `/Schemas/{urn}`.
#[must_use]
pub fn schema(registry: &Registry, urn: &str, base_url: &str) -> Option<Value> {
    registry.schema(urn).map(|schema| schema.to_json(base_url))
}

/// The list at `/ResourceTypes`.
#[must_use]
pub fn resource_types(registry: &Registry, base_url: &str) -> Value {
    list(registry.resource_types().iter().map(|resource_type| resource_type.to_json(base_url)).collect())
}

/// The document at `/ResourceTypes/{id}`.
#[must_use]
pub fn resource_type(registry: &Registry, id: &str, base_url: &str) -> Option<Value> {
    registry.resource_type(id).map(|resource_type| resource_type.to_json(base_url))
}

/// Discovery answers everything at once: these lists are short.
fn list(resources: Vec<Value>) -> Value {
    let total = resources.len();
    json!({
        "schemas": [LIST_RESPONSE_SCHEMA],
        "totalResults": total,
        "startIndex": 1,
        "itemsPerPage": total,
        "Resources": Value::Array(resources),
    })
}

#[cfg(test)]
mod tests;
