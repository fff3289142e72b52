//! The ports over SQLite and the operating system: the same router and the same SQL as on Workers, natively.
//!
//! For tests and benches. SQLite runs with D1's limits, so that a statement which D1 would refuse fails here too.

mod files;
mod signatures;
mod sqlite;
mod zone;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::text::rfc3339;
use crate::ports::{
    Cache, CacheError, Clock, Entropy, HttpClient, HttpError, Log, MailQueue, Millis, Platform, RateLimiter,
    RequestKind, Tasks,
};

use files::Included;
pub use signatures::Signatures;
pub use sqlite::Sqlite;

/// The operating system's clock, which a test may move.
#[derive(Debug, Default)]
pub struct SystemClock {
    offset: AtomicI64,
}

impl SystemClock {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.offset.load(Ordering::Relaxed)
    }

    fn local(&self, zone: &str, at: Millis) -> Option<String> {
        let ahead = zone::offset(zone, at.div_euclid(1000))?;
        Some(rfc3339(at + ahead * 1000).chars().take(19).collect())
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// One after the other: SQLite waits for nobody.
#[derive(Debug)]
pub struct InTurn;

impl Tasks for InTurn {
    fn run(&self, _count: u32, work: &dyn Fn()) {
        work();
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "a machine without randomness must not hand out tokens")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}

/// A cache in memory.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<HashMap<String, String>>);

impl MemoryCache {
    /// All keys and values, a line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(key, value)| format!("{key} {value}\n")).collect()
    }
}
impl Cache for MemoryCache {
    fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn put(&self, key: &str, value: &str, seconds: u32) {
        self.put_later(key, value, seconds);
    }

    fn keep(&self, key: &str, value: &str) -> Result<(), CacheError> {
        self.put_later(key, value, 0);
        Ok(())
    }

    fn put_later(&self, key: &str, value: &str, _seconds: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value.to_owned());
    }
}

/// Keeps the wake-ups, for a test to act on.
#[derive(Debug, Default)]
pub struct Wakes(Mutex<Vec<Duration>>);

impl Wakes {
    /// Takes what has been asked for since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MailQueue for Wakes {
    fn wake(&self, pause: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pause);
    }
}

/// Counts requests in memory, by the minute. A kind that no limit is set for is not limited.
#[derive(Debug)]
pub struct MemoryLimiter {
    clock: Arc<SystemClock>,
    limits: Mutex<HashMap<RequestKind, u32>>,
    counts: Mutex<HashMap<(Millis, RequestKind, String), u32>>,
}

impl MemoryLimiter {
    /// A limiter that goes by this clock.
    #[must_use]
    pub fn new(clock: Arc<SystemClock>) -> Self {
        Self { clock, limits: Mutex::default(), counts: Mutex::default() }
    }

    /// Lets so many requests of this kind through in a minute, for each key.
    pub fn set(&self, kind: RequestKind, per_minute: u32) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, per_minute);
    }
}
impl RateLimiter for MemoryLimiter {
    fn allow(&self, kind: RequestKind, key: &str) -> bool {
        let limit = self.limits.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).copied();
        let Some(limit) = limit else { return true };
        let minute = self.clock.now() / 60_000;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|(counted, ..), _| *counted == minute);
        let count = counts.entry((minute, kind, key.to_owned())).or_default();
        *count += 1;
        *count <= limit
    }
}

/// Keeps log lines.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<String>>);

impl MemoryLog {
    /// All lines so far, each ended by a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Log for MemoryLog {
    fn line(&self, line: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }
}

/// No way out: native tests answer for themselves what a provider does.
#[derive(Debug, Default)]
pub struct NoNetwork;
impl HttpClient for NoNetwork {
    fn send(&self, _: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        Err(HttpError::Failed("there is no network here".to_owned()))
    }
}

/// A platform over one SQLite database, and the parts of it that a test looks into.
pub struct Native {
    /// The platform that the application runs on.
    pub platform: Platform,
    /// The database.
    pub sqlite: Arc<Sqlite>,
    /// The cache.
    pub cache: Arc<MemoryCache>,
    /// The clock.
    pub clock: Arc<SystemClock>,
    /// The wake-ups of the mail sender.
    pub wakes: Arc<Wakes>,
    /// The rate limiter.
    pub limiter: Arc<MemoryLimiter>,
    /// The log.
    pub log: Arc<MemoryLog>,
}

impl Native {
    /// A platform over a new database in memory.
    ///
    /// # Errors
    /// SQLite's.
    pub fn in_memory() -> rusqlite::Result<Self> {
        Ok(Self::over(Sqlite::in_memory()?))
    }

    /// A platform over this database.
    #[must_use]
    pub fn over(sqlite: Sqlite) -> Self {
        let sqlite = Arc::new(sqlite);
        let cache = Arc::new(MemoryCache::default());
        let clock = Arc::new(SystemClock::default());
        let wakes = Arc::new(Wakes::default());
        let log = Arc::new(MemoryLog::default());
        let limiter = Arc::new(MemoryLimiter::new(clock.clone()));
        let platform = Platform {
            meter: Arc::default(),
            db: sqlite.clone(),
            store: None,
            home: None,
            stores: Arc::default(),
            cache: cache.clone(),
            mail_queue: wakes.clone(),
            http: Arc::new(NoNetwork),
            files: Arc::new(Included),
            email: None,
            signatures: Arc::new(Signatures),
            limiter: limiter.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            tasks: Arc::new(InTurn),
            log: log.clone(),
        };
        Self { platform, sqlite, cache, clock, wakes, limiter, log }
    }
}
