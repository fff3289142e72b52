//! Which requests are counted, as what, and for whom: a rule of paths, asked once, before anything else is done.

use ::http::header::AUTHORIZATION;
use ::http::{HeaderMap, Method};

use crate::access::limits;
use crate::base::limits::REQUEST_PERIOD;
use crate::http::area::Area;
use crate::http::error::ApiError;
use crate::model::context::Context;
use crate::ports::RequestKind;

/// WSO2's endpoints that take a code and no credentials: an invented `Authorization` must not make another caller of
/// somebody who guesses codes.
const CODE_PATHS: &[&str] = &[
    "/api/identity/recovery/v0.9/validate-code",
    "/api/identity/recovery/v0.9/set-password",
    "/api/identity/user/v1.0/validate-code",
    "/api/identity/user/v1.0/introspect-code",
];

/// Counts the request, and returns as what if there were too many.
pub fn exceeded(ctx: &Context, area: Area, method: &Method, path: &str, headers: &HeaderMap) -> Option<RequestKind> {
    let kind = kind(area, method, path)?;
    let credentials = || headers.get(AUTHORIZATION)?.to_str().ok();
    let credentials = if kind == RequestKind::Api { credentials() } else { None };
    if limits::admits(ctx, kind, credentials) { None } else { Some(kind) }
}

/// The error of a request that is one too many.
pub fn error() -> ApiError {
    let seconds = REQUEST_PERIOD;
    ApiError::too_many_requests(seconds, format!("Too many requests: try again in {seconds} seconds."))
}

/// Returns what a request counts as; `None` for one that is not counted.
fn kind(area: Area, method: &Method, path: &str) -> Option<RequestKind> {
    match area {
        Area::Hooks => Some(RequestKind::Hook),
        Area::OAuth => Some(RequestKind::Public),
        Area::Wso2 if CODE_PATHS.contains(&path) => Some(RequestKind::Public),
        Area::Scim | Area::Api | Area::Wso2 => Some(RequestKind::Api),
        // Opening a page changes nothing, and a forged link costs nothing: mailboxes' scanners open them by the hundred.
        Area::Documents | Area::Pages if method.is_safe() => None,
        Area::Documents | Area::Pages => Some(RequestKind::Public),
    }
}

#[cfg(test)]
mod tests {
    use super::{Area, Method, RequestKind, kind};

    #[test]
    fn every_path_that_changes_something_is_counted() {
        let kind = |method: Method, path: &str| kind(Area::find(path), &method, path);
        for (method, path, expected) in [
            (Method::POST, "/invite/lk1.x.y", Some(RequestKind::Public)),
            (Method::POST, "/verify/lk1.x.y", Some(RequestKind::Public)),
            (Method::POST, "/console/sign-in", Some(RequestKind::Public)),
            (Method::POST, "/oauth2/token", Some(RequestKind::Public)),
            (Method::POST, "/api/identity/recovery/v0.9/set-password", Some(RequestKind::Public)),
            (Method::POST, "/api/identity/user/v1.0/validate-code", Some(RequestKind::Public)),
            (Method::POST, "/api/identity/user/v1.0/resend-code", Some(RequestKind::Api)),
            (Method::POST, "/hooks/mail/resend", Some(RequestKind::Hook)),
            (Method::GET, "/api/invitations", Some(RequestKind::Api)),
            (Method::DELETE, "/scim2/Users/1", Some(RequestKind::Api)),
            (Method::GET, "/scim2/Schemas", Some(RequestKind::Api)),
            (Method::GET, "/invite/lk1.x.y", None),
            (Method::HEAD, "/verify/lk1.x.y", None),
            (Method::GET, "/healthz", None),
            (Method::GET, "/openapi.json", None),
            (Method::POST, "/nowhere", Some(RequestKind::Public)),
        ] {
            assert_eq!(kind(method.clone(), path), expected, "{method} {path}");
        }
    }
}
