//! Cloudflare: the Worker's entry points, and the ports over its bindings. The only room that knows it.

mod bindings;
mod d1;
mod email;
mod fetch;
mod files;
mod limiter;
mod memory;
mod panic;
mod signatures;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use worker::send::SendFuture;
use worker::wasm_bindgen::JsValue;
use worker::{Context as WorkerContext, Env, HttpRequest, MessageBatch, ScheduleContext, ScheduledEvent, event};

use crate::access::audit_seal;
use crate::base::text::without_values;
use crate::http::Service;
use crate::mail::webhooks::problem_with;
use crate::mail::{retention, sender, webhooks};
use crate::model::deployment::Deployment;
use crate::ports::{DatabaseError, Platform};
use crate::provision::reindex;
use crate::store::jobs::retention as jobs_retention;
use crate::store::{
    daily_figures, import_files, kept_forms, pending, recoveries, sessions, sign_in_failures, submissions,
};

/// Round trips of jobs that one invocation may make, besides the step that passes them; and those of a sweep, which does much else.
const JOB_TRIPS: u64 = 200;
const JOB_TRIPS_OF_A_SWEEP: u64 = 50;

/// Batches of mail that one invocation may send: a hundred mails are a hundred subrequests of its thousand.
const BATCHES: u32 = 5;

thread_local! {
    /// Built with the isolate's first event: variables do not change within a deployment.
    static SERVICE: RefCell<Option<Rc<Service>>> = const { RefCell::new(None) };
}

/// Whether this isolate has swept the outbox once, as each does with its first request.
static SWEPT: AtomicBool = AtomicBool::new(false);

fn service(env: &Env) -> Rc<Service> {
    panic::set_hook();
    SERVICE.with_borrow_mut(|service| {
        service
            .get_or_insert_with(|| {
                let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
                let deployment = Deployment::load(variable, problem_with).and_then(|deployment| {
                    let missing = deployment.user_stores.missing(|binding| env.d1(binding).is_ok());
                    if missing.is_empty() { Ok(Arc::new(deployment)) } else { Err(missing) }
                });
                Rc::new(Service::new(deployment))
            })
            .clone()
    })
}

/// The platform of one event; without user stores where the deployment is not complete.
fn platform(env: &Env, ctx: Option<Rc<WorkerContext>>, service: &Service) -> worker::Result<Platform> {
    let stores = service.deployment().map(|deployment| deployment.user_stores.clone()).unwrap_or_default();
    bindings::platform(env, ctx, &stores)
}

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, ctx: WorkerContext) -> worker::Result<http::Response<axum::body::Body>> {
    let service = service(&env);
    let ctx = Rc::new(ctx);
    let platform = platform(&env, Some(ctx.clone()), &service)?;
    if service.deployment().is_some() && !SWEPT.swap(true, Ordering::Relaxed) {
        let (platform, service) = (platform.clone(), service.clone());
        ctx.wait_until(async move { sweep(&platform, &service).await });
    }
    let request = request.map(axum::body::Body::new);
    // Workers are single-threaded: nothing here moves to another thread.
    let response = SendFuture::new(service.handle(&platform, request)).await;
    memory::log_growth();
    Ok(response)
}

/// How the name of the queue ends that brings Cloudflare's events on mails it has sent (`MAIL_EVENTS`). Any other wakes
/// the sender.
const EVENTS: &str = "-events";

#[event(queue)]
async fn queue(batch: MessageBatch<serde_json::Value>, env: Env, ctx: WorkerContext) -> worker::Result<()> {
    let service = service(&env);
    let platform = platform(&env, Some(Rc::new(ctx)), &service)?;
    if batch.queue().ends_with(EVENTS) {
        // By way of text: serde's own way from JavaScript's values is code that nothing else here needs. A message that
        // cannot be read is one that nobody here has use for.
        let text = |body: &JsValue| worker::js_sys::JSON::stringify(body).ok()?.as_string();
        let bodies = batch.raw_iter().filter_map(|message| serde_json::from_str(&text(&message.body())?).ok());
        let told: Vec<_> = bodies.filter_map(|body| webhooks::cloudflare::read(&body)).collect();
        match crate::store::bounces::record(&platform, "cloudflare", &told).await {
            Ok(_) => batch.ack_all(),
            Err(error) => {
                failed(&platform, "mail.events", &error);
                batch.retry_all();
            }
        }
        return Ok(());
    }
    // All that is done is one invocation.
    let platform = platform.metered().0;
    send_mail(&platform, &service).await;
    if let Err(error) = service.work_off_jobs(&platform, JOB_TRIPS).await {
        failed(&platform, "jobs", &error);
    }
    memory::log_growth();
    // What was not sent waits in the outbox, not in the queue.
    batch.ack_all();
    Ok(())
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _ctx: ScheduleContext) {
    let service = service(&env);
    match platform(&env, None, &service) {
        Ok(platform) => sweep(&platform, &service).await,
        Err(error) => worker::console_error!("{{\"event\":\"scheduled\",\"error\":{:?}}}", error.to_string()),
    }
}

/// Catches up on what a lost message or a forgetful cache left undone.
async fn sweep(platform: &Platform, service: &Service) {
    let Some(deployment) = service.deployment() else { return };
    let platform = &platform.metered().0;
    let done = [
        ("sweep", service.warm(platform).await),
        ("pending", pending::settle(platform).await),
        // Before those who have expired are mailed again.
        ("expired", daily_figures::count_expired(platform).await),
        ("reminders", service.remind(platform).await.map(drop)),
        ("role grants", service.settle_role_grants(platform).await),
        ("signin", sign_in_failures::sweep(platform).await),
        ("sessions", sessions::sweep(platform).await),
        ("submissions", submissions::sweep(platform).await),
        ("recoveries", recoveries::sweep(platform).await),
        ("kept forms", kept_forms::sweep(platform).await),
        ("files to import", import_files::sweep(platform).await),
        ("mail.events", crate::store::bounces::sweep(platform).await),
        ("mail.retention", retention::run(platform, deployment).await),
        ("audit.seal", audit_seal::run(platform, deployment).await),
        ("jobs.retention", jobs_retention::sweep(platform).await),
    ];
    for (event, done) in done {
        if let Err(error) = done {
            failed(platform, event, &error);
        }
    }
    send_mail(platform, service).await;
    // What tenants have set going keeps nobody's mail waiting.
    if let Err(error) = service.work_off_jobs(platform, JOB_TRIPS_OF_A_SWEEP).await {
        failed(platform, "jobs", &error);
    }
    if let Err(error) = reindex::sweep(platform).await {
        failed(platform, "reindex", &error);
    }
    memory::log_growth();
}

fn failed(platform: &Platform, event: &str, error: &DatabaseError) {
    let line = serde_json::json!({ "event": event, "error": without_values(&error.to_string()) });
    platform.log.line(&line.to_string());
}

async fn send_mail(platform: &Platform, service: &Service) {
    let Some(deployment) = service.deployment() else { return };
    if let Err(error) = service.renew(platform).await {
        failed(platform, "renewals", &error);
    }
    let (platform, meter) = platform.metered();
    let line = match sender::run(&platform, deployment, service.mail_health(), BATCHES).await {
        Ok(report) if report == sender::Report::default() => return,
        Ok(report) => serde_json::json!({
            "event": "mail", "sent": report.sent, "deferred": report.deferred, "ended": report.ended,
            "d1": meter.to_string(),
        }),
        Err(error) => serde_json::json!({ "event": "mail", "error": without_values(&error.to_string()) }),
    };
    platform.log.line(&line.to_string());
}
