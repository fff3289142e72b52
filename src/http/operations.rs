//! Operations: health, the OpenAPI document, the pages' assets, and what is at no other address.

use ::http::StatusCode;
use axum::response::Response;

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{set, with_body};
use crate::pages::assets;

/// The answer of `GET /healthz`: the Worker runs. It says nothing about the database.
pub fn health() -> Response {
    with_body(StatusCode::OK, "application/json", "{\"status\":\"ok\"}")
}

/// `GET /healthz`.
pub async fn healthz(_: Input) -> Result<Response, ApiError> {
    Ok(health())
}

/// `GET /openapi.json`.
pub async fn openapi(_: Input) -> Result<Response, ApiError> {
    Ok(with_body(StatusCode::OK, "application/json", include_str!("../../docs/openapi.json")))
}

/// `GET /assets/{name}`: immutable, the name carries a hash of the content. No other answer says how to cache it
/// (`response::keep_out_of_caches`).
pub async fn asset(input: Input) -> Result<Response, ApiError> {
    let asset = assets::find(input.params.raw("name")).ok_or_else(ApiError::not_found)?;
    let mut response = with_body(StatusCode::OK, asset.content_type, asset.body);
    set(response.headers_mut(), "cache-control", assets::CACHE_CONTROL);
    Ok(response)
}

/// Any other address: 404.
pub async fn not_found(_: Input) -> Result<Response, ApiError> {
    Err(ApiError::not_found())
}

/// A method that the address does not have: 405; the router adds `Allow`.
pub async fn method_not_allowed(_: Input) -> Result<Response, ApiError> {
    let detail = "This address does not have that method: see the Allow header for those it has.";
    Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, detail))
}
