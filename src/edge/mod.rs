//! Cloudflare: the Worker's entry points, and the ports over its bindings. The only room that knows it.

mod bindings;
mod d1;
mod email;
mod fetch;
mod panic;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use worker::send::SendFuture;
use worker::{Context as WorkerContext, Env, HttpRequest, MessageBatch, ScheduleContext, ScheduledEvent, event};

use crate::access::audit::seal;
use crate::http::Service;
use crate::mail::sender;
use crate::ports::Platform;
use crate::tenant::Deployment;

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
                Rc::new(Service::new(Deployment::load(variable).map(Arc::new)))
            })
            .clone()
    })
}

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, ctx: WorkerContext) -> worker::Result<http::Response<axum::body::Body>> {
    let service = service(&env);
    let ctx = Rc::new(ctx);
    let platform = bindings::platform(&env, Some(ctx.clone()))?;
    if service.deployment().is_some() && !SWEPT.swap(true, Ordering::Relaxed) {
        let (platform, service) = (platform.clone(), service.clone());
        ctx.wait_until(async move { sweep(&platform, &service).await });
    }
    let request = request.map(axum::body::Body::new);
    // Workers are single-threaded: nothing here moves to another thread.
    Ok(SendFuture::new(service.handle(&platform, request)).await)
}

#[event(queue)]
async fn queue(batch: MessageBatch<serde_json::Value>, env: Env, ctx: WorkerContext) -> worker::Result<()> {
    let platform = bindings::platform(&env, Some(Rc::new(ctx)))?;
    send_mail(&platform, &service(&env)).await;
    // What was not sent waits in the outbox, not in the queue.
    batch.ack_all();
    Ok(())
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _ctx: ScheduleContext) {
    match bindings::platform(&env, None) {
        Ok(platform) => sweep(&platform, &service(&env)).await,
        Err(error) => worker::console_error!("{{\"event\":\"scheduled\",\"error\":{:?}}}", error.to_string()),
    }
}

/// What a lost message or a forgetful cache left undone.
async fn sweep(platform: &Platform, service: &Service) {
    if service.deployment().is_none() {
        return;
    }
    if let Err(error) = service.warm(platform).await {
        let line = serde_json::json!({ "event": "sweep", "error": error.to_string() });
        platform.log.line(&line.to_string());
    }
    if let Some(deployment) = service.deployment()
        && let Err(error) = seal::run(platform, deployment).await
    {
        let line =
            serde_json::json!({ "event": "audit.seal", "error": crate::text::without_values(&error.to_string()) });
        platform.log.line(&line.to_string());
    }
    send_mail(platform, service).await;
}

async fn send_mail(platform: &Platform, service: &Service) {
    let Some(deployment) = service.deployment() else { return };
    let (platform, meter) = platform.metered();
    if let Err(error) = service.renew(&platform).await {
        let line = serde_json::json!({ "event": "renewals", "error": crate::text::without_values(&error.to_string()) });
        platform.log.line(&line.to_string());
    }
    let line = match sender::run(&platform, deployment, BATCHES).await {
        Ok(report) if report == sender::Report::default() => return,
        Ok(report) => serde_json::json!({
            "event": "mail", "sent": report.sent, "deferred": report.deferred, "ended": report.ended,
            "d1": meter.to_string(),
        }),
        Err(error) => serde_json::json!({ "event": "mail", "error": crate::text::without_values(&error.to_string()) }),
    };
    platform.log.line(&line.to_string());
}
