//! SCIM errors (RFC 7644 section 3.12, RFC 9865 section 2.1): the one error type of this room.
//!
//! An [`Error`] carries everything the protocol lets a client see. The `detail` texts name attributes and rules, never
//! values: a value may be a password or a person's data, and errors end up in logs.

use serde_json::{Value, json};

/// The URN of an error body (RFC 7644 section 3.12).
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The `scimType` keywords of RFC 7644 table 9 and RFC 9865 table 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter is malformed or combines an attribute and an operator that do not go together.
    InvalidFilter,
    /// The filter yields more results than the service is willing to calculate or process.
    TooMany,
    /// A value is already in use or reserved.
    Uniqueness,
    /// The change is not compatible with the attribute's mutability or current state.
    Mutability,
    /// The request body is not what the request schema says.
    InvalidSyntax,
    /// The `path` of a PATCH operation is malformed or names no attribute.
    InvalidPath,
    /// The `path` of a PATCH operation selects nothing that could be operated on.
    NoTarget,
    /// A required value is missing, or a value does not fit the attribute or operation.
    InvalidValue,
    /// The SCIM protocol version is not supported.
    InvalidVers,
    /// The request carries sensitive information in its URI.
    Sensitive,
    /// The `cursor` is not one this service gave out for this query (RFC 9865).
    InvalidCursor,
    /// The `cursor` is no longer valid (RFC 9865).
    ExpiredCursor,
    /// The `count` cannot be used with cursors (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// The keyword as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A SCIM error: HTTP status, optional `scimType`, and a text for people (RFC 7644 section 3.12).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}{}: {detail}", scim_type.map(|kind| format!(" {}", kind.as_str())).unwrap_or_default())]
pub struct Error {
    /// The HTTP status code.
    pub status: u16,
    /// The keyword that tells a program which kind of error this is.
    pub scim_type: Option<ScimType>,
    /// A description of the error for people.
    pub detail: String,
}

impl Error {
    /// An error without a `scimType`.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// An error with a `scimType`, under the status that RFC 7644 table 9 pairs with it.
    pub fn with_type(kind: ScimType, detail: impl Into<String>) -> Self {
        let status = match kind {
            ScimType::Uniqueness => 409,
            ScimType::Sensitive => 403,
            _ => 400,
        };
        Self { status, scim_type: Some(kind), detail: detail.into() }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidFilter, detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::TooMany, detail)
    }

    /// 409 `uniqueness`.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::Uniqueness, detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::Mutability, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::NoTarget, detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidValue, detail)
    }

    /// 403 `sensitive`.
    pub fn sensitive(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::Sensitive, detail)
    }

    /// 400 `invalidCursor` (RFC 9865).
    pub fn invalid_cursor(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidCursor, detail)
    }

    /// 400 `expiredCursor` (RFC 9865).
    pub fn expired_cursor(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::ExpiredCursor, detail)
    }

    /// 400 `invalidCount` (RFC 9865).
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::with_type(ScimType::InvalidCount, detail)
    }

    /// 401: no credentials, or wrong ones.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, detail)
    }

    /// 403: the caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, detail)
    }

    /// 404: no such resource or endpoint.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// 405: the endpoint exists, the method does not.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, detail)
    }

    /// 409 without a `scimType`, as for a `bulkId` that cannot be resolved (RFC 7644 section 3.7.2).
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, detail)
    }

    /// 412: `If-Match` names another version (RFC 7644 section 3.14).
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, detail)
    }

    /// 413: the body, or the number of bulk operations, is beyond the limit.
    pub fn payload_too_large(detail: impl Into<String>) -> Self {
        Self::new(413, detail)
    }

    /// 415: the body is not JSON.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(415, detail)
    }

    /// 500: a defect of ours. The detail must not tell anything about the inside.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(500, detail)
    }

    /// The error body of RFC 7644 section 3.12; `status` is a JSON string.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_SCHEMA] });
        if let Some(kind) = self.scim_type {
            body["scimType"] = kind.as_str().into();
        }
        body["detail"] = self.detail.as_str().into();
        body["status"] = self.status.to_string().into();
        body
    }
}

/// A piece of the client's text that is short enough for an error message: the longest name that there is, behind its
/// schema's URN, is whole.
pub(crate) fn shorten(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_an_error_body_is_a_string() {
        let body = Error::invalid_filter("x").to_json();
        assert_eq!(body["status"], "400");
        assert_eq!(body["scimType"], "invalidFilter");
        assert_eq!(body["schemas"], json!([ERROR_SCHEMA]));
    }

    #[test]
    fn an_error_without_a_keyword_has_no_scim_type() {
        let body = Error::not_found("no such resource").to_json();
        assert_eq!(body.get("scimType"), None);
        assert_eq!(body["status"], "404");
    }

    #[test]
    fn each_keyword_comes_with_the_status_of_the_rfc() {
        assert_eq!(Error::uniqueness("").status, 409);
        assert_eq!(Error::sensitive("").status, 403);
        assert_eq!(Error::expired_cursor("").status, 400);
        assert_eq!(Error::mutability("x").to_string(), "400 mutability: x");
    }
}
