//! The world that the walk goes through: chance that a seed repeats, a clock that stands still by itself, a database whose
//! answers get lost and whose callers die, a KV and a mail provider that fail.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::native::MemoryCache;
use latchkey::ports::{
    Cache, CacheError, Clock, Database, DatabaseError, Entropy, HttpClient, HttpError, Outcome, Statement,
};

use crate::coroutine::pause;
use crate::support::ORIGIN;

/// Chance that a seed repeats (splitmix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// Whether things go wrong at the moment, and by what chance.
#[derive(Debug)]
pub struct Fate {
    chance: Mutex<Chance>,
    armed: AtomicBool,
    /// What has gone wrong, by kind.
    pub mishaps: Mutex<std::collections::BTreeMap<&'static str, u32>>,
}

impl Fate {
    pub fn new(seed: u64) -> Arc<Self> {
        let chance = Mutex::new(Chance::new(seed));
        Arc::new(Self { chance, armed: AtomicBool::new(false), mishaps: Mutex::default() })
    }

    /// Lets things go wrong, or no more.
    pub fn arm(&self, armed: bool) {
        self.armed.store(armed, Ordering::SeqCst);
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst)
    }

    fn below(&self, end: u64) -> u64 {
        self.chance.lock().unwrap().below(end)
    }

    fn strikes(&self, times: u64, what: &'static str) -> bool {
        let strikes = self.is_armed() && self.below(times) == 0;
        if strikes {
            *self.mishaps.lock().unwrap().entry(what).or_default() += 1;
        }
        strikes
    }
}

impl Entropy for Fate {
    fn fill(&self, bytes: &mut [u8]) {
        let mut chance = self.chance.lock().unwrap();
        for chunk in bytes.chunks_mut(8) {
            let random = chance.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

/// A clock that moves when it is told to, and a millisecond each time it is read.
#[derive(Debug)]
pub struct Hand(AtomicI64);

impl Hand {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000_000)))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}
impl Clock for Hand {
    fn now(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
        pause();
    }
}

/// Set while a request has died: nobody will ever answer it.
#[derive(Debug, Default)]
pub struct Death(AtomicBool);

impl Death {
    /// Whether somebody has died since the last call.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }

    fn die(&self) {
        self.0.store(true, Ordering::SeqCst);
        loop {
            pause();
        }
    }
}

/// A database between whose batches others get their turn, that fails before or after a commit, and whose callers die
/// before or after one.
pub struct Fickle {
    pub inner: Arc<dyn Database>,
    pub fate: Arc<Fate>,
    pub death: Arc<Death>,
}
impl Database for Fickle {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        if self.fate.is_armed() {
            pause();
        }
        if self.fate.strikes(150, "failed before the commit") {
            return Err(DatabaseError::Unavailable("lost before the commit".to_owned()));
        }
        if self.fate.strikes(300, "died before the commit") {
            self.death.die();
        }
        let outcomes = self.inner.batch(statements)?;
        if self.fate.strikes(150, "failed after the commit") {
            return Err(DatabaseError::Unavailable("lost after the commit".to_owned()));
        }
        if self.fate.strikes(300, "died after the commit") {
            self.death.die();
        }
        Ok(outcomes)
    }
}

/// A KV that forgets to write, and cannot be read, now and then.
pub struct Forgetful {
    pub inner: MemoryCache,
    pub fate: Arc<Fate>,
}
impl Cache for Forgetful {
    fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        if self.fate.strikes(100, "KV was not read") {
            return Err(CacheError("unreadable".to_owned()));
        }
        self.inner.get(key)
    }

    fn put(&self, key: &str, value: &str, seconds: u32) {
        if !self.fate.strikes(100, "KV was not written") {
            self.inner.put(key, value, seconds);
        }
    }

    fn keep(&self, key: &str, value: &str) -> Result<(), CacheError> {
        if self.fate.strikes(100, "KV was not written") {
            return Err(CacheError("unwritable".to_owned()));
        }
        self.inner.keep(key, value)
    }

    fn put_later(&self, key: &str, value: &str, seconds: u32) {
        if !self.fate.strikes(100, "KV was not written") {
            self.inner.put_later(key, value, seconds);
        }
    }
}

/// A mail provider that fails in every way, and the links in the mails that reached it.
pub struct Provider {
    pub fate: Arc<Fate>,
    pub links: Mutex<Vec<String>>,
}

impl Provider {
    fn keep_links(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let mut links = self.links.lock().unwrap();
        for (at, _) in text.match_indices(ORIGIN) {
            let rest = &text[at + ORIGIN.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/-_.".contains(c)).unwrap_or(rest.len());
            let link = &rest[..end];
            if (link.contains("/invite/") || link.contains("/verify/"))
                && links.last().map(String::as_str) != Some(link)
            {
                links.push(link.to_owned());
            }
        }
        let surplus = links.len().saturating_sub(60);
        links.drain(..surplus);
    }
}
impl HttpClient for Provider {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let answer = |status: u16, body: &str| {
            Ok(http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
        };
        if self.fate.strikes(12, "the provider could not be reached") {
            return Err(HttpError::Failed("no route".to_owned()));
        }
        if self.fate.strikes(12, "the provider was down") {
            return answer(503, "{}");
        }
        if self.fate.strikes(20, "the provider refused a mail") {
            return answer(422, r#"{"name":"validation_error","message":"no"}"#);
        }
        self.keep_links(request.body());
        if self.fate.strikes(12, "the provider's answer was lost") {
            return Err(HttpError::Timeout);
        }
        let count = if request.uri().path().ends_with("batch") {
            serde_json::from_slice::<serde_json::Value>(request.body()).unwrap().as_array().map_or(1, Vec::len)
        } else {
            return answer(200, &format!(r#"{{"id":"{}"}}"#, self.fate.below(1 << 40)));
        };
        let ids: Vec<String> = (0..count).map(|_| format!(r#"{{"id":"{}"}}"#, self.fate.below(1 << 40))).collect();
        answer(200, &format!(r#"{{"data":[{}]}}"#, ids.join(",")))
    }
}
