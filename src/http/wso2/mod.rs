//! WSO2's endpoints besides SCIM. What the bodies mean is `crate::wso2`'s.

pub mod codes;
pub mod email_templates;
pub mod governance;
pub mod tenants;

use ::http::StatusCode;
use serde_json::Value as Json;

use crate::http::response;
use crate::http::response::Response;

/// Returns a 200 with a JSON document.
fn json(document: &Json) -> Response {
    response::json(StatusCode::OK, document)
}
