//! What pages and mails load of a tenant's branding: the logo, and a style sheet with the colours.

use ::http::StatusCode;
use ::http::header::IF_NONE_MATCH;

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{Response, empty, set, with_body};
use crate::pages::{assets, brand};
use crate::store::logos;

/// `GET /branding/logo?v=`: the logo. It may be kept for ever under the address that names its version, and is asked for
/// again under any other: a mail may name one that is not shown any more.
pub fn logo(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, .. } = input;
    let asked = query.first("v").unwrap_or_default();
    let found = logos::find(&state.ctx, &asked)?;
    let (logo, bytes) = found.ok_or_else(|| ApiError::missing("There is no logo."))?;
    let tag = format!("\"{}\"", logo.version);
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        with_body(StatusCode::OK, logo.picture.kind.media_type(), bytes)
    };
    let headers = response.headers_mut();
    let kept = if asked == logo.version { assets::CACHE_CONTROL } else { "public, max-age=300" };
    set(headers, "cache-control", kept);
    set(headers, "etag", &tag);
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "content-security-policy", "default-src 'none'; sandbox");
    // Mails show it on pages of other origins.
    set(headers, "cross-origin-resource-policy", "cross-origin");
    Ok(response)
}

/// `GET /branding/colors/{name}`: the style sheet of the colours that the address names.
pub fn colors(input: Input) -> Result<Response, ApiError> {
    let style = brand::style(input.params.raw("name")).ok_or_else(ApiError::not_found)?;
    let mut response = with_body(StatusCode::OK, "text/css; charset=utf-8", style);
    set(response.headers_mut(), "cache-control", assets::CACHE_CONTROL);
    set(response.headers_mut(), "x-content-type-options", "nosniff");
    Ok(response)
}
