//! HTTP: which path, which tenant, who is calling, and in which dialect the answer is given. No decisions.
//!
//! * `routes`: the table of all addresses, their rules and handlers
//! * `area`: what a path's first segments decide: the dialect of errors, the size of bodies
//! * `request`, `body`, `form`, `multipart`: the readers of paths, query strings and bodies
//! * `response`, `error`: the kinds of responses, and the one error with what each room's error comes to
//! * `caller`, `origin`, `limits`: who calls, from which page, how often
//! * `scim2`, `oauth`, `api`, `wso2`, `hooks`, `pages`, `operations`: the handlers, by area
//!
//! [`Service::handle`] is the life of a request, top to bottom.

mod api;
mod area;
mod body;
mod caller;
mod console;
mod error;
mod form;
mod hooks;
mod limits;
mod multipart;
mod oauth;
mod operations;
mod origin;
mod pages;
mod reasons;
mod request;
mod response;
mod routes;
mod scim2;
mod wso2;

use std::sync::Arc;
use std::time::Duration;

use ::http::request::Parts;
use ::http::{Request, Uri};
use bytes::Bytes;
use serde_json::json;

use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scopes;
use crate::http::area::Area;
use crate::http::error::{ApiError, Failure};
use crate::http::request::RequestState;
use crate::http::response::{Response, keep_out_of_caches, set};
use crate::invite::{recovery, reminders, renewal, role_grants};
use crate::model::caches::{Caches, Health};
use crate::model::context::{Actor, Context, Work};
use crate::model::deployment::Deployment;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, IncomingBody, MailQueue, Platform};
use crate::provision::jobs;
use crate::store::registrations;
use crate::store::tenant_settings;

pub use routes::{ROUTES, Route, Rule};

/// A queue that wakes nobody.
struct Quiet;

impl MailQueue for Quiet {
    fn wake(&self, _: Duration) {}
}

/// The whole of Latchkey behind one function: an isolate builds it once.
pub struct Service {
    deployment: Result<Arc<Deployment>, Vec<String>>,
    router: routes::Router,
    gate: HashLimiter,
    caches: Arc<Caches>,
}

impl Service {
    /// Builds the routes for a deployment, or for the list of what must be mended before there is one.
    #[must_use]
    pub fn new(deployment: Result<Arc<Deployment>, Vec<String>>) -> Self {
        Self { deployment, router: routes::Router::new(), gate: HashLimiter::default(), caches: Arc::default() }
    }

    /// The deployment, where it is complete.
    #[must_use]
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.deployment.as_ref().ok()
    }

    /// Returns this isolate's record of its mail providers' failures.
    #[must_use]
    pub fn mail_health(&self) -> &Health {
        &self.caches.mail
    }

    /// Reads what every request needs, so that none has to wait for it: the first thing an isolate does, and what the
    /// cron trigger does for the cache.
    ///
    /// # Errors
    /// The database's.
    pub fn warm(&self, platform: &Platform) -> Result<(), DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(()) };
        registrations::refresh_cache(platform)?;
        let tenant = Tenant::super_tenant();
        let ctx = self.context(platform.clone(), deployment.clone(), tenant, String::new(), None);
        tenant_settings::refresh(&ctx).map(|_| ())
    }

    /// Takes up the new mails that were asked for on expired links' pages, and returns how many requests it took.
    ///
    /// # Errors
    /// The database's.
    pub fn renew(&self, platform: &Platform) -> Result<usize, DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(0) };
        let run = platform.new_id().to_string();
        let context = |tenant| self.context(platform.clone(), deployment.clone(), tenant, run.clone(), None);
        let renewed = renewal::run(platform, &context);
        let recovered = recovery::run(platform, &context)?;
        Ok(renewed? + recovered)
    }

    /// Reminds those who have not accepted their invitations.
    ///
    /// # Errors
    /// The database's.
    pub fn remind(&self, platform: &Platform) -> Result<usize, DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(0) };
        let run = platform.new_id().to_string();
        let context = |tenant| self.context(platform.clone(), deployment.clone(), tenant, run.clone(), None);
        reminders::run(platform, &context)
    }

    /// Sends links to those whom a group has given a role while one was out.
    ///
    /// # Errors
    /// The database's.
    pub fn settle_role_grants(&self, platform: &Platform) -> Result<(), DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(()) };
        let run = platform.new_id().to_string();
        let context = |tenant| self.context(platform.clone(), deployment.clone(), tenant, run.clone(), None);
        role_grants::run(platform, &context)
    }

    /// Works jobs off, in steps, until so many round trips are made; then whoever does the next is woken. Sends no mail itself.
    ///
    /// # Errors
    /// The database's.
    pub fn work_off_jobs(&self, platform: &Platform, most_trips: u64) -> Result<(), DatabaseError> {
        let Some(deployment) = self.deployment() else { return Ok(()) };
        // One wake-up for all that is mailed, instead of one for each mail.
        let (quiet, meter) = Platform { mail_queue: Arc::new(Quiet), ..platform.clone() }.metered();
        let run = platform.new_id().to_string();
        let context = |tenant| self.context(quiet.clone(), deployment.clone(), tenant, run.clone(), None);
        let worked = jobs::run(&quiet, &meter, &self.gate, &context, most_trips);
        if !matches!(worked, Ok(false)) {
            platform.mail_queue.wake(Duration::ZERO);
        }
        worked.map(drop)
    }

    fn context(
        &self,
        platform: Platform,
        deployment: Arc<Deployment>,
        tenant: Tenant,
        request_id: String,
        address: Option<String>,
    ) -> Context {
        let work = Work {
            request_id,
            address,
            actor: Actor::Anyone,
            scopes: Scopes::empty(),
            settings: None,
            caches: self.caches.clone(),
            deployment,
            tenant,
        };
        Context { platform, work }
    }

    /// Answers one request.
    pub fn handle(&self, platform: &Platform, request: Request<impl IncomingBody>) -> Response {
        let (parts, body) = request.into_parts();
        let (tenant, path) = Tenant::split_path(parts.uri.path());
        let path = scim2::canonical_path(&path).or_else(|| pages::links::cleaned(&path)).unwrap_or(path);
        // The body is read whole before anything is answered: an answer while the client still sends is lost on the way.
        let body = body.read(Area::find(&path).body_limit(&path));
        let mut response = self.answer(platform, parts, body, tenant, &path);
        keep_out_of_caches(response.headers_mut());
        response
    }

    fn answer(
        &self,
        platform: &Platform,
        mut parts: Parts,
        body: Option<Bytes>,
        tenant: Tenant,
        path: &str,
    ) -> Response {
        let area = Area::find(path);
        let deployment = match &self.deployment {
            Ok(deployment) => deployment.clone(),
            Err(_) if path == "/healthz" => return operations::health(),
            Err(problems) => return ApiError::not_configured(problems).into_response(area.dialect(), None),
        };
        let rewritten = match parts.uri.query() {
            Some(query) => format!("{path}?{query}").parse::<Uri>(),
            None => path.parse::<Uri>(),
        };
        let Ok(uri) = rewritten else { return ApiError::not_found().into_response(area.dialect(), None) };
        parts.uri = uri;

        let (platform, meter) = platform.metered();
        let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let request_id = text("cf-ray").unwrap_or_else(|| platform.new_id().to_string());
        let ctx = self.context(platform, deployment, tenant, request_id, text("cf-connecting-ip"));
        let state = RequestState { ctx: ctx.clone(), gate: self.gate.clone(), area };
        let method = parts.method.clone();
        let started = ctx.platform.clock.now();

        let mut limited = None;
        let refused = if origin::is_foreign(&parts, &ctx.deployment) {
            let detail = "A page of another site sent this: administer from a page of this site, or by a program.";
            Some(ApiError::forbidden(detail))
        } else {
            limited = limits::exceeded(&ctx, area, &method, path, &parts.headers);
            limited.map(|_| limits::error())
        };
        let (mut response, route) = match refused {
            Some(error) => (error.into_response(area.dialect(), Some(&ctx.request_id)), ""),
            None => self.router.answer(state, parts, body),
        };

        let headers = response.headers_mut();
        set(headers, "x-content-type-options", "nosniff");
        set(headers, "x-request-id", &ctx.request_id);
        if ctx.deployment.is_development() {
            set(headers, "server-timing", &format!("d1;desc=\"{meter}\""));
        } else {
            set(headers, "strict-transport-security", "max-age=31536000; includeSubDomains");
        }
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
        if let Some(failure) = response.extensions().get::<Failure>() {
            line["error"] = json!(failure.0);
        }
        if let Some(kind) = limited {
            line["limited"] = json!(kind.as_str());
        }
        ctx.platform.log.line(&line.to_string());
        response
    }
}
