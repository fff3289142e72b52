//! WSO2's endpoints besides SCIM. What the bodies mean is `crate::wso2`'s.

pub mod codes;
pub mod email_templates;
pub mod governance;
pub mod tenants;

use ::http::StatusCode;
use axum::body::{self, Body};
use axum::response::Response;
use serde_json::Value as Json;

use crate::http::answer;
use crate::wso2::error::Error;

/// The largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// An error in WSO2's terms.
fn error_of(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = if error.message.is_empty() { status.canonical_reason().unwrap_or_default() } else { error.message };
    answer::wso2_error(status, error.code, message, &error.description)
}

/// One of which WSO2 says no more than its status does.
fn error(status: u16, code: &'static str, description: &str) -> Response {
    error_of(&Error::of(status, code, description))
}

/// Reads a JSON body.
async fn json_body(body: Body) -> Result<Json, Response> {
    let bytes = body::to_bytes(body, MAX_BODY).await;
    let bytes = bytes.map_err(|_| error(413, "", "The body is larger than a megabyte."))?;
    serde_json::from_slice(&bytes).map_err(|why| error(400, "UE-10000", &format!("The body is not valid JSON: {why}.")))
}

/// 200 with a JSON document.
fn json(document: &Json) -> Response {
    let mut response = answer::with_body(StatusCode::OK, "application/json", document.to_string());
    super::set(response.headers_mut(), "cache-control", "no-store");
    response
}
