//! HTTP: which path, which tenant, who is calling, and in which dialect the answer is given. No decisions.
//!
//! [`Service::handle`] is the life of a request, top to bottom.

mod answer;
mod api;
mod audit;
mod caller;
mod console;
mod dev;
mod form;
mod hooks;
mod invitations;
mod limits;
mod links;
mod mail;
mod oauth;
mod operations;
mod origin;
mod routes;
mod scim2;
mod settings;
mod templates;
mod tokens;
mod wso2;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use ::http::header::{HeaderName, HeaderValue};
use ::http::{HeaderMap, Request, StatusCode, Uri};
use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::extract::MatchedPath;
use axum::response::Response;
use bytes::BytesMut;
use futures_util::{future, stream};
use http_body_util::BodyExt;
use serde_json::json;
use tower_service::Service as _;

use crate::access::password::HashLimiter;
use crate::base::scope::Scopes;
use crate::invite::renewal;
use crate::model::caches::{Caches, Health};
use crate::model::context::{Actor, Context};
use crate::model::deployment::Deployment;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Platform};
use crate::provision::import;
use crate::store::registrations;
use crate::store::tenant_settings;

pub use answer::Dialect;
pub use routes::{ROUTES, Route, Rule};

/// The whole of Latchkey behind one function: an isolate builds it once.
pub struct Service {
    deployment: Result<Arc<Deployment>, Vec<String>>,
    router: Router,
    gate: HashLimiter,
    caches: Arc<Caches>,
}

/// What a handler finds in the request's extensions.
#[derive(Clone)]
struct Work {
    /// With whoever the route's rule has let in.
    ctx: Context,
    gate: HashLimiter,
    dialect: Dialect,
}

impl Service {
    /// Builds the routes for a deployment, or for the list of what must be mended before there is one.
    #[must_use]
    pub fn new(deployment: Result<Arc<Deployment>, Vec<String>>) -> Self {
        Self { deployment, router: routes::router(), gate: HashLimiter::default(), caches: Arc::default() }
    }

    /// The deployment, where it is complete.
    #[must_use]
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.deployment.as_ref().ok()
    }

    /// What this isolate knows of its mail providers.
    #[must_use]
    pub fn mail_health(&self) -> &Health {
        &self.caches.mail
    }

    /// Reads what every request needs, so that none has to wait for it: the first thing an isolate does, and what the
    /// cron trigger does for the cache.
    ///
    /// # Errors
    /// The database's.
    pub async fn warm(&self, platform: &Platform) -> Result<(), DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(()) };
        registrations::refresh_cache(platform).await?;
        let tenant = Tenant::super_tenant();
        let ctx = self.context(platform.clone(), deployment.clone(), tenant, String::new(), None);
        tenant_settings::refresh(&ctx).await.map(|_| ())
    }

    /// Works off the new mails that were asked for on expired links' pages; answers how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn renew(&self, platform: &Platform) -> Result<usize, DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(0) };
        let run = platform.new_id().to_string();
        let context = |tenant| self.context(platform.clone(), deployment.clone(), tenant, run.clone(), None);
        renewal::run(platform, &context).await
    }

    fn context(
        &self,
        platform: Platform,
        deployment: Arc<Deployment>,
        tenant: Tenant,
        request_id: String,
        address: Option<String>,
    ) -> Context {
        Context {
            request_id,
            address,
            actor: Actor::Anyone,
            scopes: Scopes::NONE,
            settings: None,
            caches: self.caches.clone(),
            platform,
            deployment,
            tenant,
        }
    }

    /// Answers one request.
    pub async fn handle(&self, platform: &Platform, request: Request<Body>) -> Response {
        let (mut parts, body) = request.into_parts();
        let (tenant, path) = split_tenant(parts.uri.path());
        let dialect = Dialect::of(&path);
        // The body is read whole before anything is answered: an answer while the client still sends is lost on the way.
        let body = read_body(body, body_limit(&path)).await;
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
        let request_id = text("cf-ray").unwrap_or_else(|| platform.new_id().to_string());
        let ctx = self.context(platform, deployment, tenant, request_id, text("cf-connecting-ip"));
        parts.extensions.insert(Work { ctx: ctx.clone(), gate: self.gate.clone(), dialect });
        let method = parts.method.clone();
        let started = ctx.platform.clock.now();

        // Of a body that is too large, what is left is the error that reading it brings: who may not send it, or not there,
        // is told that first.
        let body = body.map_or_else(too_large, Body::from);
        let refused = if origin::is_foreign(&parts, &ctx.deployment) {
            let detail = "A page of another site sent this: administer from a page of this site, or by a program.";
            Some(answer::error(dialect, StatusCode::FORBIDDEN, detail))
        } else {
            limits::refused(&ctx, dialect, &method, &path, &parts.headers).await
        };
        let mut response = match refused {
            Some(refused) => refused,
            None => {
                // The router's error type has no values.
                let Ok(response) = self.router.clone().call(Request::from_parts(parts, body)).await;
                response
            }
        };

        if let Some(answer::Untraced(mut body)) = response.extensions_mut().remove() {
            body["traceId"] = json!(ctx.request_id);
            *response.body_mut() = Body::from(body.to_string());
        }
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
        if let Some(limits::Limited(kind)) = response.extensions().get() {
            line["limited"] = json!(kind.as_str());
        }
        ctx.platform.log.line(&line.to_string());
        response
    }
}

/// The most that is read of a body to throw it away.
const MAX_DISCARDED: usize = 64 * 1024 * 1024;

/// The largest body that an address takes, in bytes; what is behind it may take less.
fn body_limit(path: &str) -> usize {
    const MIB: usize = 1024 * 1024;
    if path.starts_with("/scim2/Groups") {
        8 * MIB
    } else if path == "/api/invitations/import" {
        import::MAX_BYTES
    } else if ["/scim2/", "/api/", "/hooks/"].iter().any(|prefix| path.starts_with(prefix)) {
        MIB
    } else {
        MIB / 16
    }
}

/// Reads a body; of one that is larger than `limit`, all the rest is thrown away.
async fn read_body(mut body: Body, limit: usize) -> Option<Bytes> {
    let mut read = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        // A client that goes away in the middle has sent nothing.
        let data = frame.ok()?.into_data().unwrap_or_default();
        length = length.saturating_add(data.len());
        if length > MAX_DISCARDED {
            return None;
        }
        if length <= limit {
            read.extend_from_slice(&data);
        }
    }
    (length <= limit).then(|| read.freeze())
}

/// The body that stands for one that was too large.
fn too_large() -> Body {
    Body::from_stream(stream::once(future::ready(Err::<Bytes, _>(io::Error::other("the body is too large")))))
}

/// Splits `/t/{tenant}` off a path.
fn split_tenant(path: &str) -> (Tenant, String) {
    let Some(rest) = path.strip_prefix("/t/") else { return (Tenant::super_tenant(), path.to_owned()) };
    let (domain, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (Tenant::of(domain), format!("/{rest}"))
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The values of a parameter of the query string, decoded, in their order.
fn parameters<'u>(uri: &'u Uri, name: &'u str) -> impl Iterator<Item = Cow<'u, str>> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name).map(|(_, value)| value)
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
