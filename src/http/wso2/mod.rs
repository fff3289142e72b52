//! The paths that WSO2's clients call. Errors are `{"code","message","description","traceId"}`.

pub mod governance;

use ::http::StatusCode;
use axum::body::{self, Body};
use axum::response::Response;
use serde_json::Value as Json;

use super::answer;
use crate::wso2::Error;

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// An error of the translation.
fn error(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    answer::wso2_error(status, error.code, error.message, &error.description)
}

/// A JSON body.
async fn json(body: Body) -> Result<Json, Response> {
    let refused = |status: StatusCode, description: &str| {
        answer::wso2_error(status, "", status.canonical_reason().unwrap_or_default(), description)
    };
    let bytes = body::to_bytes(body, MAX_BODY).await;
    let bytes = bytes.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB."))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| refused(StatusCode::BAD_REQUEST, &format!("The body is not valid JSON: {error}.")))
}

fn document(body: &Json) -> Response {
    let mut response = answer::with_body(StatusCode::OK, "application/json", body.to_string());
    super::set(response.headers_mut(), "cache-control", "no-store");
    response
}
