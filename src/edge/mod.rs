//! Cloudflare: the Worker's entry points, and the ports over its bindings. The only room that knows it.

mod bindings;
mod d1;
mod fetch;
mod memory;
mod panic;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use host::{Message, Operation, Reply};
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::access::audit_seal;
use crate::base::text::without_values;
use crate::http::Service;
use crate::mail::webhooks::problem_with;
use crate::mail::{retention, sender, webhooks};
use crate::model::deployment::Deployment;
use crate::ports::{DatabaseError, IncomingBody, Platform};
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

/// What an isolate makes once: neither variables nor bindings change within a deployment.
struct Isolate {
    service: Service,
    platform: Platform,
}

thread_local! {
    static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
}

impl Isolate {
    /// Returns this isolate's, made with its first event.
    fn get() -> Rc<Self> {
        ISOLATE.with_borrow_mut(|isolate| isolate.get_or_insert_with(|| Rc::new(Self::new())).clone())
    }

    fn new() -> Self {
        panic::set_hook();
        let _ = scim::unicode::COMPOSE.set(|text| {
            let mut message = Message::default();
            message.write_text(text);
            host::ask_for(Operation::Compose, &message).text().to_owned()
        });
        let deployment = Deployment::load(bindings::variable, problem_with).and_then(|deployment| {
            let missing = deployment.user_stores.missing(bindings::has);
            if missing.is_empty() { Ok(Arc::new(deployment)) } else { Err(missing) }
        });
        // Without user stores where the deployment is not complete.
        let stores = deployment.as_ref().map(|deployment| deployment.user_stores.clone()).unwrap_or_default();
        Self { platform: bindings::platform(&stores), service: Service::new(deployment) }
    }
}

/// The kinds of events, here and in `host.js`.
const FETCH: usize = 0;
const QUEUE: usize = 1;
const SCHEDULED: usize = 2;

/// Deals with the event at hand: a request, messages of a queue, a run of the cron trigger.
pub fn event() {
    let mut event = host::ask_for(Operation::Event, &Message::default());
    let isolate = Isolate::get();
    let (id, kind) = (event.number(), event.count());
    let mut answer = Message::default();
    answer.number(id);
    match kind {
        FETCH => fetch(&isolate, id, &mut event, answer),
        QUEUE => {
            let is_done = queue(&isolate, &mut event);
            answer.number(is_done.into());
            host::tell(Operation::Answer, &answer);
        }
        SCHEDULED => sweep(&isolate.platform, &isolate.service),
        _ => {}
    }
    memory::log_growth();
}

/// The body of a request, which the host has.
struct Arriving {
    event: f64,
    has_body: bool,
}

impl IncomingBody for Arriving {
    fn read(self, limit: usize) -> Option<Bytes> {
        if !self.has_body {
            return Some(Bytes::new());
        }
        let mut message = Message::default();
        message.number(self.event);
        message.address(limit);
        let mut reply = host::call(Operation::Body, &message);
        (reply.number() != 0.0).then(|| reply.into_bytes().into())
    }
}

/// Answers a request.
fn fetch(isolate: &Isolate, id: f64, event: &mut Reply, mut answer: Message) {
    let body = Arriving { event: id, has_body: event.number() != 0.0 };
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(event.text().as_bytes()).unwrap_or_default();
    // `host.js` spells it as a URI.
    *request.uri_mut() = event.text().parse::<Uri>().unwrap_or_default();
    for _ in 0..event.count() {
        let name = HeaderName::from_bytes(event.text().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(event.text())) {
            request.headers_mut().append(name, value);
        }
    }
    let response = isolate.service.handle(&isolate.platform, request);
    answer.number(response.status().as_u16().into());
    answer.number(isolate.service.deployment().is_some().into());
    fetch::write_headers(&mut answer, response.headers());
    answer.bytes(response.body());
    host::tell(Operation::Answer, &answer);
}

/// How the name of the queue ends that brings Cloudflare's events on mails it has sent (`MAIL_EVENTS`). Any other wakes
/// the sender.
const EVENTS: &str = "-events";

/// Takes messages, and says whether they are done with.
fn queue(isolate: &Isolate, event: &mut Reply) -> bool {
    let Isolate { platform, service } = isolate;
    if event.text().ends_with(EVENTS) {
        // A message that cannot be read is one that nobody here has use for.
        let bodies = (0..event.count()).filter_map(|_| serde_json::from_str(event.text()).ok());
        let told: Vec<_> = bodies.filter_map(|body| webhooks::cloudflare::read(&body)).collect();
        let recorded = crate::store::bounces::record(platform, "cloudflare", &told);
        if let Err(error) = &recorded {
            failed(platform, "mail.events", error);
        }
        return recorded.is_ok();
    }
    // All that is done is one invocation.
    let platform = platform.metered().0;
    send_mail(&platform, service);
    if let Err(error) = service.work_off_jobs(&platform, JOB_TRIPS) {
        failed(&platform, "jobs", &error);
    }
    // What was not sent waits in the outbox, not in the queue.
    true
}

/// Catches up on what a lost message or a forgetful cache left undone.
fn sweep(platform: &Platform, service: &Service) {
    let Some(deployment) = service.deployment() else { return };
    let platform = &platform.metered().0;
    let done = [
        ("sweep", service.warm(platform)),
        ("pending", pending::settle(platform)),
        // Before those who have expired are mailed again.
        ("expired", daily_figures::count_expired(platform)),
        ("reminders", service.remind(platform).map(drop)),
        ("role grants", service.settle_role_grants(platform)),
        ("signin", sign_in_failures::sweep(platform)),
        ("sessions", sessions::sweep(platform)),
        ("submissions", submissions::sweep(platform)),
        ("recoveries", recoveries::sweep(platform)),
        ("kept forms", kept_forms::sweep(platform)),
        ("files to import", import_files::sweep(platform)),
        ("mail.events", crate::store::bounces::sweep(platform)),
        ("mail.retention", retention::run(platform, deployment)),
        ("audit.seal", audit_seal::run(platform, deployment)),
        ("jobs.retention", jobs_retention::sweep(platform)),
    ];
    for (event, done) in done {
        if let Err(error) = done {
            failed(platform, event, &error);
        }
    }
    send_mail(platform, service);
    // What tenants have set going keeps nobody's mail waiting.
    if let Err(error) = service.work_off_jobs(platform, JOB_TRIPS_OF_A_SWEEP) {
        failed(platform, "jobs", &error);
    }
    if let Err(error) = reindex::sweep(platform) {
        failed(platform, "reindex", &error);
    }
}

fn failed(platform: &Platform, event: &str, error: &DatabaseError) {
    let line = serde_json::json!({ "event": event, "error": without_values(&error.to_string()) });
    platform.log.line(&line.to_string());
}

fn send_mail(platform: &Platform, service: &Service) {
    let Some(deployment) = service.deployment() else { return };
    if let Err(error) = service.renew(platform) {
        failed(platform, "renewals", &error);
    }
    let (platform, meter) = platform.metered();
    let line = match sender::run(&platform, deployment, service.mail_health(), BATCHES) {
        Ok(report) if report == sender::Report::default() => return,
        Ok(report) => serde_json::json!({
            "event": "mail", "sent": report.sent, "deferred": report.deferred, "ended": report.ended,
            "d1": meter.to_string(),
        }),
        Err(error) => serde_json::json!({ "event": "mail", "error": without_values(&error.to_string()) }),
    };
    platform.log.line(&line.to_string());
}
