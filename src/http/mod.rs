//! HTTP: which path, which tenant, who is calling, and in which dialect the answer is given. No decisions.
//!
//! [`Service::handle`] is the life of a request, top to bottom.

mod answer;
mod caller;
mod dev;
mod links;
mod operations;
mod scim;

use std::sync::Arc;

use ::http::header::{HeaderName, HeaderValue};
use ::http::{HeaderMap, Request, StatusCode, Uri};
use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use tower_service::Service as _;

use crate::access::password::Gate;
use crate::context::{Actor, Context};
use crate::ports::Platform;
use crate::tenant::{Deployment, Tenant};

pub use answer::Dialect;

/// The whole of Latchkey behind one function: an isolate builds it once.
pub struct Service {
    deployment: Result<Arc<Deployment>, Vec<String>>,
    router: Router,
    gate: Gate,
}

/// What a handler finds in the request's extensions.
#[derive(Clone)]
struct Work {
    ctx: Context,
    gate: Gate,
}

impl Service {
    /// Builds the routes for a deployment, or for the list of what must be mended before there is one.
    #[must_use]
    pub fn new(deployment: Result<Arc<Deployment>, Vec<String>>) -> Self {
        Self { deployment, router: routes(), gate: Gate::default() }
    }

    /// The deployment, where it is complete.
    #[must_use]
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.deployment.as_ref().ok()
    }

    /// Answers one request.
    pub async fn handle(&self, platform: &Platform, request: Request<Body>) -> Response {
        let (mut parts, body) = request.into_parts();
        let (tenant, path) = split_tenant(parts.uri.path());
        let dialect = Dialect::of(&path);
        let deployment = match &self.deployment {
            Ok(deployment) => deployment.clone(),
            Err(_) if path == "/healthz" => return operations::healthz().await,
            Err(problems) => return answer::not_configured(dialect, problems),
        };
        let rewritten = match parts.uri.query() {
            Some(query) => format!("{path}?{query}").parse::<Uri>(),
            None => path.parse::<Uri>(),
        };
        let Ok(uri) = rewritten else { return answer::not_found(dialect) };
        parts.uri = uri;

        let (platform, meter) = platform.metered();
        let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let ctx = Context {
            request_id: text("cf-ray").unwrap_or_else(|| platform.new_id().to_string()),
            address: text("cf-connecting-ip"),
            actor: Actor::Anyone,
            platform,
            deployment,
            tenant,
        };
        parts.extensions.insert(Work { ctx: ctx.clone(), gate: self.gate.clone() });
        let method = parts.method.clone();
        let started = ctx.platform.clock.now();

        let mut router = self.router.clone();
        // The router's error type has no values.
        let Ok(mut response) = router.call(Request::from_parts(parts, body)).await;

        let headers = response.headers_mut();
        set(headers, "x-content-type-options", "nosniff");
        set(headers, "x-request-id", &ctx.request_id);
        if ctx.deployment.is_development() {
            set(headers, "server-timing", &format!("d1;desc=\"{meter}\""));
        } else {
            set(headers, "strict-transport-security", "max-age=31536000; includeSubDomains");
        }
        let route = response.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        // The pattern, never the path: paths carry tokens.
        let mut line = json!({
            "requestId": ctx.request_id,
            "tenant": ctx.tenant.domain(),
            "method": method.as_str(),
            "route": route,
            "status": response.status().as_u16(),
            "d1": meter.to_string(),
            "milliseconds": ctx.platform.clock.now() - started,
        });
        if let Some(failure) = response.extensions().get::<answer::Failure>() {
            line["error"] = json!(failure.0);
        }
        ctx.platform.log.line(&line.to_string());
        response
    }
}

/// Splits `/t/{tenant}` off a path.
fn split_tenant(path: &str) -> (Tenant, String) {
    let Some(rest) = path.strip_prefix("/t/") else { return (Tenant::super_tenant(), path.to_owned()) };
    let (domain, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (Tenant::of(domain), format!("/{rest}"))
}

fn routes() -> Router {
    Router::new()
        .route("/scim2/Users", get(scim::list_users).post(scim::create_user))
        .route("/scim2/Users/{id}", get(scim::get_user).delete(scim::delete_user))
        .route("/scim2/Me", get(scim::me))
        .route("/scim2/ServiceProviderConfig", get(scim::service_provider_config))
        .route("/scim2/ResourceTypes", get(scim::resource_types))
        .route("/scim2/ResourceTypes/{id}", get(scim::resource_type))
        .route("/scim2/Schemas", get(scim::schemas))
        .route("/scim2/Schemas/{urn}", get(scim::schema))
        .route("/invite/{token}", get(links::invite_page).post(links::set_password))
        .route("/verify/{token}", get(links::verify_page).post(links::confirm_email))
        .route("/accountrecoveryendpoint/confirmrecovery.do", get(links::confirm_recovery))
        .route("/accountrecoveryendpoint/confirmregistration.do", get(links::confirm_registration))
        .route("/assets/{name}", get(operations::asset))
        .route("/healthz", get(operations::healthz))
        .route("/openapi.json", get(operations::openapi))
        .route("/console", get(operations::console))
        .route("/dev/inbox", get(dev::inbox_page))
        .route("/dev/inbox.json", get(dev::inbox_json))
        .route("/dev/inbox/{mail}", get(dev::mail_html))
        .route_layer(middleware::from_fn(keep_route))
        .fallback(operations::not_found)
        .method_not_allowed_fallback(operations::method_not_allowed)
}

/// Hands the route's pattern back with the response, for the log.
async fn keep_route(route: Option<MatchedPath>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// A response without a body.
fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::split_tenant;

    #[test]
    fn a_tenant_prefix_is_split_off_and_the_rest_is_a_path() {
        let (tenant, path) = split_tenant("/scim2/Users");
        assert!(tenant.is_super());
        assert_eq!(path, "/scim2/Users");
        let (tenant, path) = split_tenant("/t/Acme.com/scim2/Users");
        assert_eq!((tenant.domain(), path.as_str()), ("acme.com", "/scim2/Users"));
        let (tenant, path) = split_tenant("/t/carbon.super/invite/x");
        assert!(tenant.is_super());
        assert_eq!(path, "/invite/x");
        assert_eq!(split_tenant("/t/acme.com").1, "/");
    }
}
