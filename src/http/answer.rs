//! Answers: the one place where what the rooms say becomes a status, headers and a body in the caller's dialect.

use ::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::body::Body;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::base::secret::Secret;
use crate::base::text::without_values;
use crate::http::{empty, set};
use crate::pages::layout::{CONTENT_SECURITY_POLICY, Shell};
use crate::pages::problem;
use crate::ports::DatabaseError;
use crate::provision::{CODE_HEADER, ProvisionError};
use scim::error::Error as ScimError;

/// Below these, clients of WSO2 call.
const WSO2_PATHS: &[&str] = &["/api/identity", "/api/server", "/api/users"];

/// How errors are told: by where the request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A SCIM Error (RFC 7644 section 3.12).
    Scim,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// WSO2's `{"code","message","description","traceId"}`.
    Wso2,
    /// A page.
    Page,
}

impl Dialect {
    /// The dialect of a path without its tenant prefix.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let below =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if below("/scim2") {
            Self::Scim
        } else if WSO2_PATHS.iter().any(|prefix| below(prefix)) {
            Self::Wso2
        } else if below("/api") || below("/oauth2") || below("/hooks") || path.ends_with(".json") || path == "/healthz"
        {
            Self::Problem
        } else {
            Self::Page
        }
    }
}

/// Seconds after which a request that met a busy or failing part may be tried again.
pub const RETRY_AFTER: u32 = 2;

/// A body of the given type.
pub fn with_body(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// A SCIM document; `application/scim+json` without parameters.
pub fn scim(status: StatusCode, body: String) -> Response {
    let mut response = with_body(status, "application/scim+json", body);
    set(response.headers_mut(), "cache-control", "no-store");
    response
}

/// A SCIM error.
pub fn scim_error(error: &ScimError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = scim(status, error.to_json().to_string());
    if status == StatusCode::UNAUTHORIZED {
        challenge(response.headers_mut());
    }
    response
}

fn challenge(headers: &mut HeaderMap) {
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Latchkey\", charset=\"UTF-8\""));
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Latchkey\""));
}

/// A page, with the headers that every page has (DESIGN 7).
pub fn page(status: StatusCode, html: String) -> Response {
    let mut response = with_body(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    set(headers, "content-security-policy", CONTENT_SECURITY_POLICY);
    set(headers, "referrer-policy", "no-referrer");
    set(headers, "cache-control", "no-store");
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "x-robots-tag", "noindex, nofollow");
    set(headers, "x-frame-options", "DENY");
    set(headers, "cross-origin-opener-policy", "same-origin");
    response
}

/// 303 to a path of this site, which no other learns of.
pub fn see_other(path: &str) -> Response {
    let mut response = empty(StatusCode::SEE_OTHER);
    let headers = response.headers_mut();
    set(headers, "location", path);
    set(headers, "referrer-policy", "no-referrer");
    set(headers, "cache-control", "no-store");
    response
}

/// An error in the dialect of the path it happened on.
pub fn error(dialect: Dialect, status: StatusCode, detail: &str) -> Response {
    match dialect {
        Dialect::Scim => scim_error(&ScimError::new(status.as_u16(), detail)),
        Dialect::Problem => {
            let title = status.canonical_reason().unwrap_or_default();
            let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
            let mut response = with_body(status, "application/problem+json", body.to_string());
            set(response.headers_mut(), "cache-control", "no-store");
            response
        }
        Dialect::Wso2 => wso2_error(status, "", status.canonical_reason().unwrap_or_default(), detail),
        Dialect::Page => {
            let shell = Shell::default();
            page(
                status,
                match status.as_u16() {
                    // The catalogue says these, and in the reader's language; of the others it knows only "our fault".
                    403 | 404 | 405 | 413 | 500.. => problem::status(&shell, status.as_u16()),
                    other => problem::problem(&shell, other, status.canonical_reason().unwrap_or("Error"), detail),
                },
            )
        }
    }
}

/// WSO2's error: `code` is one of its own, or empty where it has none.
pub fn wso2_error(status: StatusCode, code: &str, message: &str, description: &str) -> Response {
    let code = if code.is_empty() { Json::Null } else { json!(code) };
    wso2_body(status, json!({ "code": code, "message": message, "description": description }))
}

/// WSO2's error with this body, and the request's id as `traceId`.
pub fn wso2_body(status: StatusCode, body: Json) -> Response {
    // `Service::handle` knows the request's id and puts it in.
    let mut response = with_body(status, "application/json", body.to_string());
    set(response.headers_mut(), "cache-control", "no-store");
    response.extensions_mut().insert(Untraced(body));
    response
}

/// A WSO2 error whose `traceId` is yet to be put in.
#[derive(Clone, Debug)]
pub struct Untraced(pub Json);

/// Puts the code of an invitation that the caller sends on into the header that WSO2 has for it.
pub fn carry(response: &mut Response, code: Option<&Secret>) {
    if let (Some(code), Ok(name)) = (code, HeaderName::try_from(CODE_HEADER)) {
        response.headers_mut().extend(HeaderValue::from_str(code.expose()).map(|value| (name, value)));
    }
}

/// 401 with the challenges, in the dialect of the path.
pub fn unauthorized(dialect: Dialect, detail: &str) -> Response {
    let mut response = error(dialect, StatusCode::UNAUTHORIZED, detail);
    if !response.headers().contains_key(WWW_AUTHENTICATE) {
        challenge(response.headers_mut());
    }
    response
}

/// 404.
pub fn not_found(dialect: Dialect) -> Response {
    error(dialect, StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// 503 that names what must be configured before anything else is answered.
pub fn not_configured(dialect: Dialect, problems: &[String]) -> Response {
    let detail = format!("This deployment is not configured yet. {}", problems.join(" "));
    match dialect {
        Dialect::Page => {
            let shell = Shell::default();
            let title = "This deployment is not configured yet";
            page(StatusCode::SERVICE_UNAVAILABLE, problem::problem(&shell, 503, title, &problems.join(" ")))
        }
        other => error(other, StatusCode::SERVICE_UNAVAILABLE, &detail),
    }
}

/// 503 with `Retry-After`: nothing was done, or what was done can be asked for again. A page says so in words of its own.
pub fn unavailable(dialect: Dialect, detail: &str) -> Response {
    let mut response = match dialect {
        Dialect::Page => page(StatusCode::SERVICE_UNAVAILABLE, problem::busy(&Shell::default(), RETRY_AFTER, None)),
        other => error(other, StatusCode::SERVICE_UNAVAILABLE, detail),
    };
    set(response.headers_mut(), "retry-after", &RETRY_AFTER.to_string());
    response
}

/// 429 with `Retry-After`, in seconds. A page says so in words of its own.
pub fn too_many_requests(dialect: Dialect, seconds: u32, detail: &str) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = match dialect {
        Dialect::Page => page(status, problem::too_many_requests(&Shell::default(), seconds, None)),
        other => error(other, status, detail),
    };
    set(response.headers_mut(), "retry-after", &seconds.to_string());
    response
}

/// What went wrong behind a response, for the log alone.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

impl Failure {
    /// The database's failure, without the values that its words may quote: a parameter may be anybody's data.
    pub fn of(failure: &DatabaseError) -> Self {
        Self(without_values(&failure.to_string()))
    }
}

/// The database's failure.
pub fn database(dialect: Dialect, failure: &DatabaseError) -> Response {
    let mut response = match failure {
        DatabaseError::Unavailable(_) => unavailable(dialect, "The database did not answer: try again shortly."),
        DatabaseError::Unique(_) => {
            error(dialect, StatusCode::CONFLICT, "Another request was faster: read and try again.")
        }
        DatabaseError::Shape(_) => {
            error(dialect, StatusCode::INTERNAL_SERVER_ERROR, "A stored value is not what it should be.")
        }
    };
    response.extensions_mut().insert(Failure::of(failure));
    response
}

/// What kept a request from being carried out, in SCIM.
impl From<ProvisionError> for Response {
    fn from(refusal: ProvisionError) -> Self {
        match refusal {
            ProvisionError::Scim(error) => scim_error(&error),
            ProvisionError::Busy => {
                unavailable(Dialect::Scim, "Too many passwords are being hashed: try again shortly.")
            }
            ProvisionError::Database(failure) => database(Dialect::Scim, &failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_the_reason_where_the_catalogue_has_none() {
        let text = |status: StatusCode| {
            let response = error(Dialect::Page, status, "The form has no field.");
            pollster::block_on(axum::body::to_bytes(response.into_body(), usize::MAX))
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default()
        };
        let page = text(StatusCode::BAD_REQUEST);
        assert!(page.contains("The form has no field.") && page.contains("HTTP 400"), "{page}");
        assert!(!page.contains("The fault is on our side"), "{page}");
        assert!(text(StatusCode::NOT_FOUND).contains("Page not found"));
    }

    #[test]
    fn the_log_learns_what_failed_but_no_value() {
        let failure =
            DatabaseError::Unavailable("D1_TYPE_ERROR: not supported for value 'paul@example.com'".to_owned());
        assert_eq!(Failure::of(&failure).0, "database: D1_TYPE_ERROR: not supported for value '…'");
    }
}
