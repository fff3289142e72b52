//! KV, Queues, the mail service, the clock, randomness and the log, behind the ports.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use worker::js_sys::{Date, Function, Object, Reflect};
use worker::kv::KvStore;
use worker::send::{SendFuture, SendWrapper};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Context as WorkerContext, Delay, Env, MessageBuilder, Queue};

use crate::edge::d1::D1;
use crate::edge::email::Email;
use crate::edge::fetch::Fetch;
use crate::edge::files::Assets;
use crate::edge::limiter::Limiter;
use crate::edge::signatures::Subtle;
use crate::model::user_stores::UserStores;
use crate::ports::{Cache, CacheError, Clock, Entropy, Log, MailQueue, Millis, Platform, StoreDatabase};

/// The longest pause that Queues take, in seconds.
const MAX_DELAY: u64 = 12 * 3600;

/// The platform of one event. `ctx` outlives the answer, for what happens in the background.
pub fn platform(env: &Env, ctx: Option<Rc<WorkerContext>>, stores: &UserStores) -> worker::Result<Platform> {
    let stores = stores
        .iter()
        .map(|store| Ok(StoreDatabase { number: store.number, db: Arc::new(D1::new(env.d1(&store.binding)?)) }));
    Ok(Platform {
        meter: Arc::default(),
        db: Arc::new(D1::new(env.d1("DB")?)),
        store: None,
        home: None,
        stores: stores.collect::<worker::Result<_>>()?,
        cache: Arc::new(Kv(SendWrapper::new(KvInner { store: env.kv("KV")?, ctx: ctx.clone() }))),
        mail_queue: Arc::new(Wakes(SendWrapper::new(WakesInner { queue: env.queue("MAIL_QUEUE")?, ctx }))),
        http: Arc::new(Fetch),
        files: Arc::new(Assets::new(env)),
        // Who sends by another provider may do without it.
        email: env.send_email("EMAIL").ok().map(|binding| Arc::new(Email(binding)) as _),
        signatures: Arc::new(Subtle),
        limiter: Arc::new(Limiter::new(env)),
        clock: Arc::new(JsClock),
        entropy: Arc::new(JsEntropy),
        log: Arc::new(Console),
    })
}

struct KvInner {
    store: KvStore,
    ctx: Option<Rc<WorkerContext>>,
}

struct Kv(SendWrapper<KvInner>);

/// A cache that did not take a value is a cache that has forgotten it: nothing is made of a failure.
async fn put(store: KvStore, key: String, value: String, seconds: u32) {
    let Ok(put) = store.put(&key, value) else { return };
    let _ = put.expiration_ttl(seconds.max(60).into()).execute().await;
}

async fn keep(store: KvStore, key: String, value: String) -> Result<(), CacheError> {
    let put = store.put(&key, value).map_err(|error| CacheError(error.to_string()))?;
    put.execute().await.map_err(|error| CacheError(error.to_string()))
}

#[async_trait]
impl Cache for Kv {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        SendFuture::new(self.0.store.get(key).text()).await.map_err(|error| CacheError(error.to_string()))
    }

    async fn put(&self, key: &str, value: &str, seconds: u32) {
        SendFuture::new(put(self.0.store.clone(), key.to_owned(), value.to_owned(), seconds)).await;
    }

    async fn keep(&self, key: &str, value: &str) -> Result<(), CacheError> {
        SendFuture::new(keep(self.0.store.clone(), key.to_owned(), value.to_owned())).await
    }

    fn put_later(&self, key: &str, value: &str, seconds: u32) {
        // Without a context to hold on to, as in a scheduled event, the cache goes without.
        if let Some(ctx) = &self.0.ctx {
            ctx.wait_until(put(self.0.store.clone(), key.to_owned(), value.to_owned(), seconds));
        }
    }
}

struct WakesInner {
    queue: Queue,
    ctx: Option<Rc<WorkerContext>>,
}

struct Wakes(SendWrapper<WakesInner>);

impl MailQueue for Wakes {
    fn wake(&self, pause: Duration) {
        let seconds = u32::try_from(pause.as_millis().div_ceil(1000).min(MAX_DELAY.into())).unwrap_or_default();
        let queue = self.0.queue.clone();
        let send = async move {
            // A message lost here is found by the sweep.
            let _ = queue.send(MessageBuilder::new("wake").delay_seconds(seconds).build()).await;
        };
        // A scheduled event has no context to hold on to: its next run comes within a minute anyway.
        if let Some(ctx) = &self.0.ctx {
            ctx.wait_until(send);
        }
    }
}

struct JsClock;

#[async_trait]
impl Clock for JsClock {
    fn now(&self) -> Millis {
        i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX)
    }

    fn local(&self, zone: &str, at: Millis) -> Option<String> {
        #[expect(clippy::cast_precision_loss, reason = "a time of JavaScript's is such a number")]
        let date = Date::new(&JsValue::from_f64(at as f64));
        let options = Object::new();
        let parts = ["year", "month", "day", "hour", "minute", "second"].map(|part| (part, "2-digit"));
        for (name, value) in parts.into_iter().chain([("year", "numeric"), ("hourCycle", "h23"), ("timeZone", zone)]) {
            Reflect::set(&options, &name.into(), &value.into()).ok()?;
        }
        // By its name, so that what it throws for an unknown zone is caught.
        let format: Function = Reflect::get(&date, &"toLocaleString".into()).ok()?.dyn_into().ok()?;
        let text = format.call2(&date, &"en-US".into(), &options).ok()?.as_string()?;
        // 11/30/2026, 19:04:11
        let (day, time) = text.split_once(", ")?;
        let mut day = day.split('/');
        let (month, day, year) = (day.next()?, day.next()?, day.next()?);
        Some(format!("{year}-{month}-{day}T{time}"))
    }

    async fn sleep(&self, pause: Duration) {
        SendFuture::new(Delay::from(pause)).await;
    }
}

struct JsEntropy;

impl Entropy for JsEntropy {
    #[expect(clippy::expect_used, reason = "an isolate without randomness must not hand out tokens")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the runtime has randomness");
    }
}

struct Console;

impl Log for Console {
    fn line(&self, line: &str) {
        worker::console_log!("{line}");
    }
}
