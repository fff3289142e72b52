//! Responses of the kinds that there are. What went wrong becomes one in `error.rs`.

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use serde::Serialize;

use crate::base::secret::Secret;
use crate::model::deployment::Deployment;
use crate::pages::layout::CONTENT_SECURITY_POLICY;
use crate::provision::CODE_HEADER;

/// An answer with the whole of its body.
pub type Response = ::http::Response<Bytes>;

/// Sets a header, unless the value cannot stand in one.
pub fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Returns a response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Returns a response with a body of the given type.
pub fn with_body(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Returns a JSON document.
pub fn json(status: StatusCode, document: &impl Serialize) -> Response {
    with_body(status, "application/json", serde_json::to_string(document).unwrap_or_default())
}

/// Returns a SCIM document; `application/scim+json` without parameters.
pub fn scim(status: StatusCode, body: String) -> Response {
    with_body(status, "application/scim+json", body)
}

/// Says that no cache may keep the answer, unless it is an asset or of a branding, which have said how they may be kept. `Service::handle` does
/// so to every answer: nothing else sets this header.
pub fn keep_out_of_caches(headers: &mut HeaderMap) {
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Returns the response as one that no cache of HTTP/1.0 may keep either (RFC 6749 section 5.1).
pub fn kept_out_of_old_caches(mut response: Response) -> Response {
    set(response.headers_mut(), "pragma", "no-cache");
    response
}

/// Returns a page, with the headers that every page has (DESIGN 7).
pub fn page(status: StatusCode, html: String) -> Response {
    let mut response = with_body(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    set(headers, "content-security-policy", CONTENT_SECURITY_POLICY);
    set(headers, "referrer-policy", "no-referrer");
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "x-robots-tag", "noindex, nofollow");
    set(headers, "x-frame-options", "DENY");
    set(headers, "cross-origin-opener-policy", "same-origin");
    response
}

/// Sets a cookie that is this host's alone, beside others of the same answer. `more` are further attributes, each behind a
/// semicolon.
pub fn append_cookie(headers: &mut HeaderMap, deployment: &Deployment, name: &str, value: &str, more: &str) {
    let secure = if deployment.is_development() { "" } else { "; Secure" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}

/// Returns a 303 to a path of this site, which no other learns of.
pub fn see_other(path: &str) -> Response {
    let mut response = empty(StatusCode::SEE_OTHER);
    let headers = response.headers_mut();
    set(headers, "location", path);
    set(headers, "referrer-policy", "no-referrer");
    response
}

/// Puts the code of an invitation that the caller sends on into the header that WSO2 has for it.
pub fn set_code_header(response: &mut Response, code: Option<&Secret>) {
    if let (Some(code), Ok(name)) = (code, HeaderName::try_from(CODE_HEADER)) {
        response.headers_mut().extend(HeaderValue::from_str(code.expose()).map(|value| (name, value)));
    }
}
