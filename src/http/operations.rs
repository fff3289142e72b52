//! Operations: health, the OpenAPI document, the pages' assets, and what is at no other address.

use ::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{Response, set, with_body};
use crate::model::context::Context;
use crate::pages::assets::{self, Asset};

/// The answer of `GET /healthz`: the Worker runs. It says nothing about the database.
pub fn health() -> Response {
    with_body(StatusCode::OK, "application/json", "{\"status\":\"ok\"}")
}

/// `GET /healthz`.
pub fn healthz(_: Input) -> Result<Response, ApiError> {
    Ok(health())
}

/// `GET /openapi.json`.
pub fn openapi(input: Input) -> Result<Response, ApiError> {
    file(&input.state.ctx, assets::OPENAPI)
}

/// The answer with a file that is deployed beside the Worker.
fn file(ctx: &Context, asset: Asset) -> Result<Response, ApiError> {
    let text = ctx.platform.files.read(asset.name).ok_or_else(ApiError::not_found)?;
    Ok(with_body(StatusCode::OK, asset.content_type, text))
}

/// `GET /assets/{name}`: immutable, the name carries a hash of the content. No other answer says how to cache it
/// (`response::keep_out_of_caches`). Cloudflare serves these without asking the Worker; it is asked below a tenant's path, where
/// earlier releases had them.
pub fn asset(input: Input) -> Result<Response, ApiError> {
    let asset = assets::find(input.params.raw("name")).ok_or_else(ApiError::not_found)?;
    let mut response = file(&input.state.ctx, asset)?;
    set(response.headers_mut(), "cache-control", assets::CACHE_CONTROL);
    Ok(response)
}

/// Any other address: 404.
pub fn not_found(_: Input) -> Result<Response, ApiError> {
    Err(ApiError::not_found())
}

/// A method that the address does not have: 405; the router adds `Allow`.
pub fn method_not_allowed(_: Input) -> Result<Response, ApiError> {
    let detail = "This address does not have that method: see the Allow header for those it has.";
    Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, detail))
}
