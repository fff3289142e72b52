//! The one error of the HTTP room. Handlers return it; it becomes a response once, where the dialect of the path is known.

mod rooms;

use std::borrow::Cow;

use ::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use ::http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use crate::base::text::without_values;
use crate::http::area::Dialect;
use crate::http::response;
use crate::http::response::Response;
use crate::pages::layout::Shell;
use crate::pages::problem;
use crate::ports::DatabaseError;
use crate::wso2::error::Error as Wso2Error;
use scim::error::Error as ScimError;

/// Seconds after which a request that met a busy or failing part may be tried again.
pub const RETRY_SECONDS: u32 = 2;

/// Why a request was not carried out.
#[derive(Debug)]
pub struct ApiError(Box<Details>);

#[derive(Debug)]
struct Details {
    cause: Cause,
    /// Headers that go with the error, in place of any of the same name.
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
enum Cause {
    /// A status, and what was wrong in a sentence or two.
    Status(StatusCode, Cow<'static, str>),
    /// What must be configured before anything is answered, a sentence each.
    NotConfigured(Vec<String>),
    /// A part that is busy or failing: nothing was done, or what was done can be asked for again. A page says so in words
    /// of its own.
    Unavailable(Cow<'static, str>),
    /// Too many requests: how many seconds to wait. A page says so in words of its own.
    TooManyRequests(u32, Cow<'static, str>),
    /// An error of the SCIM protocol.
    Scim(ScimError),
    /// An error with one of WSO2's codes.
    Wso2(Wso2Error),
    /// An error of RFC 6749 section 5.2, which has a form of its own in every dialect.
    OAuth(StatusCode, &'static str, Cow<'static, str>),
    /// The database's failure.
    Database(DatabaseError),
}

impl From<Cause> for ApiError {
    fn from(cause: Cause) -> Self {
        Self(Box::new(Details { cause, headers: Vec::new() }))
    }
}

impl ApiError {
    /// Returns an error of this status. `detail` says what was wrong and what to do.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Cause::Status(status, detail.into()).into()
    }

    /// 400.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401 with the challenges.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404 for an address that there is not.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is nothing at this address.")
    }

    /// 404 for a thing that there is not.
    pub fn missing(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 409.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 413.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 500.
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// 503 that names what must be configured before anything else is answered.
    pub fn not_configured(problems: &[String]) -> Self {
        Cause::NotConfigured(problems.to_vec()).into()
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Cause::Unavailable(detail.into()).into()
    }

    /// 503 for a password that was not hashed or checked, because too many are.
    pub fn too_many_passwords() -> Self {
        Self::unavailable("Too many passwords are being hashed: try again shortly.")
    }

    /// 429 with `Retry-After`, in seconds.
    pub fn too_many_requests(seconds: u32, detail: impl Into<Cow<'static, str>>) -> Self {
        Cause::TooManyRequests(seconds, detail.into()).into()
    }

    /// Returns an error of the token endpoint (RFC 6749 section 5.2).
    pub fn oauth(status: StatusCode, code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Cause::OAuth(status, code, description.into()).into()
    }

    /// Returns the error with a header, in place of any of the same name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Returns the status it is answered with.
    pub fn status(&self) -> StatusCode {
        match &self.0.cause {
            Cause::Status(status, _) | Cause::OAuth(status, ..) => *status,
            Cause::NotConfigured(_) | Cause::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Cause::TooManyRequests(..) => StatusCode::TOO_MANY_REQUESTS,
            Cause::Scim(error) => status_of(error.status),
            Cause::Wso2(error) => status_of(error.status),
            Cause::Database(DatabaseError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Cause::Database(DatabaseError::Unique(_)) => StatusCode::CONFLICT,
            Cause::Database(DatabaseError::Shape(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns what was wrong, if it is said in words of the request's own.
    pub fn detail(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Status(_, detail) | Cause::Unavailable(detail) | Cause::TooManyRequests(_, detail) => Some(detail),
            Cause::Scim(error) => Some(&error.detail),
            Cause::Wso2(error) => Some(&error.description),
            Cause::NotConfigured(_) | Cause::OAuth(..) | Cause::Database(_) => None,
        }
    }

    /// Returns the response in a dialect. `trace_id` is the request's id, which WSO2's dialect shows.
    pub fn into_response(self, dialect: Dialect, trace_id: Option<&str>) -> Response {
        let status = self.status();
        let Details { cause, headers } = *self.0;
        let mut response = cause.into_response(dialect, status, trace_id);
        if status == StatusCode::UNAUTHORIZED {
            challenge(response.headers_mut());
        }
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Cause {
    fn into_response(self, dialect: Dialect, status: StatusCode, trace_id: Option<&str>) -> Response {
        match self {
            Self::Status(_, detail) => describe(dialect, status, &detail, trace_id),
            Self::NotConfigured(problems) => not_configured(dialect, &problems, trace_id),
            Self::Unavailable(detail) => unavailable(dialect, &detail, trace_id),
            Self::TooManyRequests(seconds, detail) => {
                let response = match dialect {
                    Dialect::Page => {
                        response::page(status, problem::too_many_requests(&Shell::default(), seconds, None))
                    }
                    other => describe(other, status, &detail, trace_id),
                };
                retry_after(response, seconds)
            }
            Self::Scim(error) if dialect == Dialect::Scim => response::scim(status, error.to_json().to_string()),
            Self::Scim(error) => describe(dialect, status, &error.detail, trace_id),
            Self::Wso2(error) => wso2(&error, status, trace_id),
            Self::OAuth(_, code, description) => {
                let body = json!({ "error": code, "error_description": description });
                response::kept_out_of_old_caches(response::json(status, &body))
            }
            Self::Database(failure) => {
                let mut response = match failure {
                    DatabaseError::Unavailable(_) => {
                        unavailable(dialect, "The database did not answer: try again shortly.", trace_id)
                    }
                    DatabaseError::Unique(_) => {
                        describe(dialect, status, "Another request was faster: read and try again.", trace_id)
                    }
                    DatabaseError::Shape(_) => {
                        describe(dialect, status, "A stored value is not what it should be.", trace_id)
                    }
                };
                response.extensions_mut().insert(Failure::from(&failure));
                response
            }
        }
    }
}

fn status_of(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Returns the response for a status and a reason.
fn describe(dialect: Dialect, status: StatusCode, detail: &str, trace_id: Option<&str>) -> Response {
    let title = status.canonical_reason();
    match dialect {
        Dialect::Scim => {
            let error = ScimError::new(status.as_u16(), detail);
            response::scim(status, error.to_json().to_string())
        }
        Dialect::Problem => {
            let body = json!({ "title": title.unwrap_or_default(), "status": status.as_u16(), "detail": detail });
            response::with_body(status, "application/problem+json", body.to_string())
        }
        Dialect::Wso2 => wso2(&Wso2Error::without_message(status.as_u16(), "", detail), status, trace_id),
        Dialect::Page => {
            let shell = Shell::default();
            let html = match status.as_u16() {
                // The catalogue says these, and in the reader's language; of the others it knows only "our fault".
                403 | 404 | 405 | 413 | 500.. => problem::status(&shell, status.as_u16()),
                other => problem::problem(&shell, other, title.unwrap_or("Error"), detail),
            };
            response::page(status, html)
        }
    }
}

fn wso2(error: &Wso2Error, status: StatusCode, trace_id: Option<&str>) -> Response {
    let code = if error.code.is_empty() { Json::Null } else { json!(error.code) };
    let message = if error.message.is_empty() { status.canonical_reason().unwrap_or_default() } else { error.message };
    let mut body = json!({ "code": code, "message": message, "description": error.description });
    if let Some(key) = &error.key {
        body["key"] = json!(key);
    }
    if let Some(trace_id) = trace_id {
        body["traceId"] = json!(trace_id);
    }
    response::json(status, &body)
}

fn not_configured(dialect: Dialect, problems: &[String], trace_id: Option<&str>) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let title = "This deployment is not configured yet";
    let problems = problems.join(" ");
    match dialect {
        Dialect::Page => response::page(status, problem::problem(&Shell::default(), 503, title, &problems)),
        other => describe(other, status, &format!("{title}. {problems}"), trace_id),
    }
}

fn unavailable(dialect: Dialect, detail: &str, trace_id: Option<&str>) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let response = match dialect {
        Dialect::Page => response::page(status, problem::busy(&Shell::default(), RETRY_SECONDS, None)),
        other => describe(other, status, detail, trace_id),
    };
    retry_after(response, RETRY_SECONDS)
}

/// Returns the response with `Retry-After`.
pub fn retry_after(mut response: Response, seconds: u32) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn challenge(headers: &mut HeaderMap) {
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Latchkey\", charset=\"UTF-8\""));
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Latchkey\""));
}

/// What went wrong behind a response, for the log alone: the database's failure without the values that its words may
/// quote, since a parameter may be anybody's data.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

impl From<&DatabaseError> for Failure {
    fn from(failure: &DatabaseError) -> Self {
        Self(without_values(&failure.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_the_reason_where_the_catalogue_has_none() {
        let text = |status: StatusCode| {
            let response = ApiError::new(status, "The form has no field.").into_response(Dialect::Page, None);
            String::from_utf8_lossy(response.body()).into_owned()
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
        assert_eq!(Failure::from(&failure).0, "database: D1_TYPE_ERROR: not supported for value '…'");
    }
}
