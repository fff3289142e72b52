//! Which requests are counted, as what, and for whom: a rule of paths, asked once, before anything else is done.

use ::http::header::AUTHORIZATION;
use ::http::{HeaderMap, Method};
use axum::response::Response;

use crate::access::limits;
use crate::base::limits::REQUEST_PERIOD;
use crate::http::answer::{self, Dialect};
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

/// A request that was refused because there were too many, for the log.
#[derive(Clone, Copy, Debug)]
pub struct Limited(pub RequestKind);

/// Counts the request; the answer to it if there were too many.
pub async fn refused(
    ctx: &Context,
    dialect: Dialect,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    let kind = kind(dialect, method, path)?;
    let credentials = || headers.get(AUTHORIZATION)?.to_str().ok();
    let credentials = if kind == RequestKind::Api { credentials() } else { None };
    if limits::admits(ctx, kind, credentials).await {
        return None;
    }
    let seconds = REQUEST_PERIOD;
    let detail = format!("Too many requests: try again in {seconds} seconds.");
    let mut response = answer::too_many_requests(dialect, seconds, &detail);
    response.extensions_mut().insert(Limited(kind));
    Some(response)
}

/// What a request counts as; `None` for one that is not counted.
fn kind(dialect: Dialect, method: &Method, path: &str) -> Option<RequestKind> {
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if below("/hooks") {
        Some(RequestKind::Hook)
    } else if CODE_PATHS.contains(&path) || below("/oauth2") {
        Some(RequestKind::Public)
    } else if below("/api") || dialect == Dialect::Scim {
        Some(RequestKind::Api)
    } else if method.is_safe() {
        // Opening a page changes nothing, and a forged link costs nothing: mailboxes' scanners open them by the hundred.
        None
    } else {
        Some(RequestKind::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Method, RequestKind, kind};

    #[test]
    fn every_path_that_changes_something_is_counted() {
        let kind = |method: Method, path: &str| kind(Dialect::of(path), &method, path);
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
