//! KV, Queues, rate limits, assets, signatures, the clock, randomness and the log, behind the ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use host::{Message, Operation};

use crate::edge::d1::D1;
use crate::edge::fetch::{Email, Fetch};
use crate::model::user_stores::UserStores;
use crate::ports::{
    Cache, CacheError, Clock, Entropy, Files, Log, MailQueue, Millis, Platform, RateLimiter, RequestKind,
    SignatureScheme, SignatureVerifier, StoreDatabase, Tasks,
};

/// The longest pause that Queues take, in seconds.
const MAX_DELAY: u64 = 12 * 3600;

/// Whether the deployment has a binding.
pub fn has(binding: &str) -> bool {
    let mut message = Message::default();
    message.write_text(binding);
    host::ask_for(Operation::Binding, &message).number() != 0.0
}

/// A variable, or a secret.
pub fn variable(name: &str) -> Option<String> {
    let mut message = Message::default();
    message.write_text(name);
    host::ask_for(Operation::Variable, &message).optional_text()
}

/// The platform of an isolate: bindings stay as they are from event to event.
pub fn platform(stores: &UserStores) -> Platform {
    let stores =
        stores.iter().map(|store| StoreDatabase { number: store.number, db: Arc::new(D1(store.binding.clone())) });
    Platform {
        meter: Arc::default(),
        db: Arc::new(D1("DB".to_owned())),
        store: None,
        home: None,
        stores: stores.collect(),
        cache: Arc::new(Kv),
        mail_queue: Arc::new(Wakes),
        http: Arc::new(Fetch),
        files: Arc::new(Assets),
        // Who sends by another provider may do without it.
        email: has("EMAIL").then(|| Arc::new(Email) as _),
        signatures: Arc::new(Subtle),
        limiter: Arc::new(Limiter),
        clock: Arc::new(HostClock),
        entropy: Arc::new(HostEntropy),
        log: Arc::new(Console),
        tasks: Arc::new(Stacks),
    }
}

struct Kv;

fn put(key: &str, value: &str, seconds: u32) -> Message {
    let mut message = Message::default();
    message.write_text(key);
    message.write_text(value);
    // KV's least is a minute; without an end it is 0.
    message.number(if seconds == 0 { 0.0 } else { seconds.max(60).into() });
    message
}

impl Cache for Kv {
    fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        let mut message = Message::default();
        message.write_text(key);
        let mut reply = host::call(Operation::CacheGet, &message);
        if reply.number() == 0.0 { Ok(reply.optional_text()) } else { Err(CacheError(reply.text().to_owned())) }
    }

    fn put(&self, key: &str, value: &str, seconds: u32) {
        // A cache that did not take a value is a cache that has forgotten it: nothing is made of a failure.
        let _ = host::call(Operation::CachePut, &put(key, value, seconds.max(1)));
    }

    fn keep(&self, key: &str, value: &str) -> Result<(), CacheError> {
        let mut reply = host::call(Operation::CachePut, &put(key, value, 0));
        if reply.number() == 0.0 { Ok(()) } else { Err(CacheError(reply.text().to_owned())) }
    }

    fn put_later(&self, key: &str, value: &str, seconds: u32) {
        host::tell(Operation::CachePutLater, &put(key, value, seconds.max(1)));
    }
}

struct Wakes;

impl MailQueue for Wakes {
    fn wake(&self, pause: Duration) {
        let seconds = u32::try_from(pause.as_millis().div_ceil(1000).min(MAX_DELAY.into())).unwrap_or_default();
        let mut message = Message::default();
        message.number(seconds.into());
        // A message lost there is found by the sweep.
        host::tell(Operation::Wake, &message);
    }
}

/// The binding of Workers Static Assets.
struct Assets;

impl Files for Assets {
    fn read(&self, name: &str) -> Option<String> {
        let mut message = Message::default();
        message.write_text(name);
        host::call(Operation::Asset, &message).optional_text()
    }
}

/// Cloudflare's rate-limit bindings, which count for each location and cost nothing.
struct Limiter;

/// Whether this isolate has told that something could not be counted: once is enough.
static TOLD: AtomicBool = AtomicBool::new(false);

impl RateLimiter for Limiter {
    fn allow(&self, kind: RequestKind, key: &str) -> bool {
        let binding = match kind {
            RequestKind::Public => "PUBLIC_LIMIT",
            RequestKind::Hook => "HOOK_LIMIT",
            RequestKind::Api => "API_LIMIT",
        };
        let mut message = Message::default();
        message.write_text(binding);
        message.write_text(key);
        let mut reply = host::call(Operation::Limit, &message);
        let (is_counted, is_allowed) = (reply.number() != 0.0, reply.number() != 0.0);
        if !is_counted && !TOLD.swap(true, Ordering::Relaxed) {
            let line = serde_json::json!({
                "event": "limits", "error": format!("{binding} counts nothing: {}", reply.text()),
                "help": "bind it in wrangler.toml, or set RATE_LIMITS to requests=off",
            });
            host::write_log(&line.to_string());
        }
        is_allowed || !is_counted
    }
}

/// `crypto.subtle`.
struct Subtle;

impl SignatureVerifier for Subtle {
    fn verify(&self, scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let (form, name) = match scheme {
            SignatureScheme::EcdsaP256Sha256 => ("spki", "ECDSA"),
            SignatureScheme::Ed25519 => ("raw", "Ed25519"),
            SignatureScheme::RsaSha256 => ("spki", "RSASSA-PKCS1-v1_5"),
        };
        let mut question = Message::default();
        question.write_text(form);
        question.write_text(name);
        for bytes in [key, message, signature] {
            question.bytes(bytes);
        }
        host::call(Operation::Verify, &question).number() != 0.0
    }
}

struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Millis {
        host::time() as Millis
    }

    fn local(&self, zone: &str, at: Millis) -> Option<String> {
        let mut message = Message::default();
        message.write_text(zone);
        message.number(at as f64);
        let text = host::ask_for(Operation::LocalTime, &message).optional_text()?;
        // 11/30/2026, 19:04:11
        let (day, time) = text.split_once(", ")?;
        let mut day = day.split('/');
        let (month, day, year) = (day.next()?, day.next()?, day.next()?);
        Some(format!("{year}-{month}-{day}T{time}"))
    }

    fn sleep(&self, pause: Duration) {
        let mut message = Message::default();
        message.number(pause.as_millis() as f64);
        let _ = host::call(Operation::Sleep, &message);
    }
}

struct HostEntropy;

impl Entropy for HostEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Where the runtime has none it throws, and the instance ends: nobody gets a token.
        host::fill_random(bytes);
    }
}

struct Console;

impl Log for Console {
    fn line(&self, line: &str) {
        host::write_log(line);
    }
}

struct Stacks;

impl Tasks for Stacks {
    fn run(&self, count: u32, work: &dyn Fn()) {
        host::concurrently(count, work);
    }
}
