//! Operations: health, the OpenAPI document, the pages' assets, and what is at no other address.

use ::http::{StatusCode, Uri};
use axum::response::Response;

use crate::http::answer::{self, Dialect};
use crate::http::set;
use crate::pages::assets;

/// `GET /healthz`: the Worker runs. Says nothing about the database.
pub async fn healthz() -> Response {
    let mut response = answer::with_body(StatusCode::OK, "application/json", "{\"status\":\"ok\"}");
    set(response.headers_mut(), "cache-control", "no-store");
    response
}

/// `GET /openapi.json`.
pub async fn openapi() -> Response {
    answer::with_body(StatusCode::OK, "application/json", include_str!("../../docs/openapi.json"))
}

/// `GET /assets/{name}`: immutable, the name carries a hash of the content.
pub async fn asset(uri: Uri) -> Response {
    let name = uri.path().strip_prefix(assets::FOLDER).unwrap_or_default();
    let Some(asset) = assets::find(name) else { return answer::not_found(Dialect::Page) };
    let mut response = answer::with_body(StatusCode::OK, asset.content_type, asset.body);
    set(response.headers_mut(), "cache-control", assets::CACHE_CONTROL);
    response
}

/// Any other address: 404 in the path's dialect.
pub async fn not_found(uri: Uri) -> Response {
    answer::not_found(Dialect::of(uri.path()))
}

/// A method that the address does not have: 405; the router adds `Allow`.
pub async fn method_not_allowed(uri: Uri) -> Response {
    let detail = "This address does not have that method: see the Allow header for those it has.";
    answer::error(Dialect::of(uri.path()), StatusCode::METHOD_NOT_ALLOWED, detail)
}
