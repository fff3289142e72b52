//! The traits through which the rooms reach the outside world, and the values that cross them.
//!
//! `edge/` satisfies them with Cloudflare's bindings, `native/` with SQLite and the operating system, so the same
//! router and the same SQL run on workerd and under `cargo test`. Everything is dynamic dispatch: one copy of the
//! code in the wasm, and a call into D1 costs a million times more than a virtual call.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

pub use crate::base::calendar::Millis;

/// A value bound to, or read from, a SQL statement. D1 speaks JavaScript numbers: integers must stay within ±2^53.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer (53 bits on D1).
    Integer(i64),
    /// A double.
    Real(f64),
    /// UTF-8 text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One SQL statement with its parameters (`?1` …), which is the only way a value ever reaches SQL.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text, with numbered parameters.
    pub sql: Cow<'static, str>,
    /// The values of `?1`, `?2`, … At most 100 (D1's limit).
    pub params: Vec<Value>,
}

impl Statement {
    /// A statement with its parameters in order.
    pub fn new(sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        Self { sql: sql.into(), params }
    }
}

/// A row, its columns by name.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of `values`, named in order by `columns`.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    fn find(&self, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|name| name == column)?;
        self.values.get(index)
    }

    /// Whatever is in `column`; a whole number as an integer, though D1 answers every number as a double.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing.
    pub fn value(&self, column: &str) -> Result<Value, DatabaseError> {
        match self.find(column) {
            Some(Value::Real(_)) => match self.optional_integer(column) {
                Ok(Some(whole)) => Ok(Value::Integer(whole)),
                _ => Ok(self.find(column).cloned().unwrap_or(Value::Null)),
            },
            Some(value) => Ok(value.clone()),
            None => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The text in `column`, or `None` when it is NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing or not text.
    pub fn optional_text(&self, column: &str) -> Result<Option<&str>, DatabaseError> {
        match self.find(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The text in `column`.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing, NULL or not text.
    pub fn text(&self, column: &str) -> Result<&str, DatabaseError> {
        self.optional_text(column)?.ok_or_else(|| DatabaseError::Shape(column.to_owned()))
    }

    /// The integer in `column`, or `None` when it is NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing or not an integer.
    pub fn optional_integer(&self, column: &str) -> Result<Option<i64>, DatabaseError> {
        match self.find(column) {
            Some(Value::Integer(number)) => Ok(Some(*number)),
            // D1 answers every number as a double.
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53 by the guard")]
            Some(Value::Real(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(Some(*number as i64)),
            Some(Value::Null) => Ok(None),
            _ => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The integer in `column`.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing, NULL or not an integer.
    pub fn integer(&self, column: &str) -> Result<i64, DatabaseError> {
        self.optional_integer(column)?.ok_or_else(|| DatabaseError::Shape(column.to_owned()))
    }
}

/// What one statement of a batch answered.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The rows of a SELECT or a RETURNING.
    pub rows: Vec<Row>,
    /// Rows that D1 read for it (its `meta.rows_read`; 0 on SQLite, which does not count).
    pub rows_read: u64,
    /// Rows that D1 wrote for it, index entries included (its `meta.rows_written`).
    pub rows_written: u64,
}

/// Why a batch failed. A batch is atomic: after an error nothing of it holds, unless the error may hide a commit.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A UNIQUE or PRIMARY KEY constraint refused a row: the constraint's columns as SQLite names them.
    #[error("unique constraint: {0}")]
    Unique(String),
    /// The database did not answer, or answered with an error: the batch may have been committed all the same.
    #[error("database: {0}")]
    Unavailable(String),
    /// A row did not have the column, or the type, that the code expected.
    #[error("unexpected column {0}")]
    Shape(String),
}

/// A SQL database: D1, or SQLite with D1's limits.
#[async_trait]
pub trait Database: Send + Sync {
    /// Runs the statements in one transaction and one round trip.
    ///
    /// # Errors
    /// [`DatabaseError`]; only `Unavailable` leaves open whether the batch was committed.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError>;
}

/// The cache could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cache: {0}")]
pub struct CacheError(pub String);

/// A cache that may forget and may lag: KV. The database is the truth.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value under `key`, if the cache has it.
    ///
    /// # Errors
    /// The cache could not be asked.
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError>;
    /// Keeps `value` under `key` for `seconds` (at least 60, KV's least).
    async fn put(&self, key: &str, value: &str, seconds: u32);
    /// The same, without holding up the answer.
    fn put_later(&self, key: &str, value: &str, seconds: u32);
}

/// What a request counts as where requests are limited; each is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// What anybody may send who has no credentials: forms of pages, codes, signing in. Counted for an address.
    Public,
    /// What mail providers report. Counted for an address.
    Hook,
    /// All else, for the credentials it comes with, or for an address without them.
    Api,
}

impl RequestKind {
    /// The name in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Hook => "hook",
            Self::Api => "api",
        }
    }
}

/// Counts requests, roughly and at no cost; how many may come is the platform's to know.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one request of this kind for `key`; answers whether it may go on. One that cannot count lets all go on.
    async fn allow(&self, kind: RequestKind, key: &str) -> bool;
}

/// Wakes the mail sender. Losing a wake-up is harmless: the sweep finds what waits.
pub trait MailQueue: Send + Sync {
    /// Asks for a run of the sender after `pause`. Never blocks the answer.
    fn wake(&self, pause: Duration);
}

/// Why an HTTP call to somebody else's server has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer within the time allowed; the request may have arrived.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed; the request may have arrived.
    #[error("{0}")]
    Failed(String),
}

/// Calls other people's HTTP servers (mail providers).
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `request` and reads the whole answer, or gives up after `timeout`.
    ///
    /// # Errors
    /// [`HttpError`]; in every case the request may have arrived.
    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
    ) -> Result<http::Response<Vec<u8>>, HttpError>;
}

/// Why the platform's own mail service has not taken a mail: its word for it, such as `E_RATE_LIMIT_EXCEEDED`. Empty if it
/// has none, as when the call itself failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("mail service: {0}")]
pub struct EmailError(pub String);

/// A mail service that is a binding of the platform instead of somebody else's HTTP server.
#[async_trait]
pub trait EmailBinding: Send + Sync {
    /// Hands over one mail, a JSON object of the service's own form, or gives up after `timeout` with `None`. Answers
    /// the service's id of it, empty if it has none.
    ///
    /// # Errors
    /// The service's, without a code when the mail may have been taken all the same.
    async fn send(&self, mail: &serde_json::Value, timeout: Duration) -> Option<Result<String, EmailError>>;
}

/// A public-key signature scheme that somebody else's events are signed with, and the form of its key and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256: the key a `SubjectPublicKeyInfo`, the signature `r` and `s` of 32 bytes each.
    EcdsaP256Sha256,
    /// Ed25519 (RFC 8032): the key's 32 bytes, the signature's 64.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2): the key a `SubjectPublicKeyInfo`.
    RsaSha256,
}

/// Checks public-key signatures. The platform's own code does it: the Worker need not carry any.
#[async_trait]
pub trait SignatureVerifier: Send + Sync {
    /// Whether `signature` is one of `message` by the owner of `key`; false too when either is not well-formed.
    async fn verify(&self, scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the epoch.
    fn now(&self) -> Millis;
}

/// Cryptographic randomness.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` from the platform's secure generator.
    fn fill(&self, bytes: &mut [u8]);
}

/// One line of the log: JSON without secrets, paths or queries.
pub trait Log: Send + Sync {
    /// Writes one line.
    fn line(&self, line: &str);
}

/// D1's cost of one unit of work, summed over its batches (DESIGN 8; shown as `Server-Timing` in development).
#[derive(Debug, Default)]
pub struct Meter {
    trips: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

impl Meter {
    fn add(&self, outcomes: &[Outcome]) {
        self.read.fetch_add(outcomes.iter().map(|o| o.rows_read).sum(), Ordering::Relaxed);
        self.written.fetch_add(outcomes.iter().map(|o| o.rows_written).sum(), Ordering::Relaxed);
    }

    /// Round trips so far.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "trips={} read={} written={}",
            self.trips(),
            self.read.load(Ordering::Relaxed),
            self.written.load(Ordering::Relaxed)
        )
    }
}

/// A database that counts what passes through it.
struct Metered {
    inner: Arc<dyn Database>,
    meter: Arc<Meter>,
}

#[async_trait]
impl Database for Metered {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        self.meter.trips.fetch_add(1, Ordering::Relaxed);
        let outcomes = self.inner.batch(statements).await?;
        self.meter.add(&outcomes);
        Ok(outcomes)
    }
}

/// The database of a user store other than PRIMARY.
#[derive(Clone)]
pub struct StoreDatabase {
    /// The store's number, which its ids carry.
    pub number: u16,
    /// The database.
    pub db: Arc<dyn Database>,
}

/// The outside world as one unit of work sees it: a request, a queue batch, a run of the sweep.
#[derive(Clone)]
pub struct Platform {
    /// The database of the user store at hand: PRIMARY's, unless [`Platform::at`] says otherwise.
    pub db: Arc<dyn Database>,
    /// The number of the user store at hand; `None` for PRIMARY.
    pub store: Option<u16>,
    /// PRIMARY's database, while another one is at hand.
    pub home: Option<Arc<dyn Database>>,
    /// The databases of the other user stores, in the order in which lists visit them.
    pub stores: Arc<[StoreDatabase]>,
    /// KV.
    pub cache: Arc<dyn Cache>,
    /// The queue that wakes the sender.
    pub mail_queue: Arc<dyn MailQueue>,
    /// The way out, for mail providers.
    pub http: Arc<dyn HttpClient>,
    /// The platform's own mail service, where the deployment has one.
    pub email: Option<Arc<dyn EmailBinding>>,
    /// Public-key signatures.
    pub signatures: Arc<dyn SignatureVerifier>,
    /// What counts requests.
    pub limiter: Arc<dyn RateLimiter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The log.
    pub log: Arc<dyn Log>,
}

impl Platform {
    /// The same platform with its database metered, and the meter.
    #[must_use]
    pub fn metered(&self) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let metered = |db: &Arc<dyn Database>| -> Arc<dyn Database> {
            Arc::new(Metered { inner: db.clone(), meter: meter.clone() })
        };
        let stores = self.stores.iter().map(|store| StoreDatabase { number: store.number, db: metered(&store.db) });
        let stores = stores.collect();
        (Self { db: metered(&self.db), home: self.home.as_ref().map(metered), stores, ..self.clone() }, meter)
    }

    /// The same platform with the database of this user store at hand; PRIMARY's for `None`, and for a number that is no
    /// store's.
    #[must_use]
    pub fn in_store(&self, store: Option<u16>) -> Self {
        let home = self.home.clone().unwrap_or_else(|| self.db.clone());
        match self.stores.iter().find(|known| Some(known.number) == store) {
            Some(known) => Self { db: known.db.clone(), store, home: Some(home), ..self.clone() },
            None => Self { db: home, store: None, home: None, ..self.clone() },
        }
    }

    /// The platform at each user store in turn, PRIMARY first.
    pub fn all_stores(&self) -> impl Iterator<Item = Self> + '_ {
        std::iter::once(None)
            .chain(self.stores.iter().map(|store| Some(store.number)))
            .map(|store| self.in_store(store))
    }

    /// Runs one statement in a round trip of its own.
    ///
    /// # Errors
    /// As [`Database::batch`].
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>, DatabaseError> {
        let outcomes = self.db.batch(vec![statement]).await?;
        Ok(outcomes.into_iter().next().map(|outcome| outcome.rows).unwrap_or_default())
    }

    /// A time-ordered UUID (RFC 9562) that tells its user store. In PRIMARY it is of version 7, with 74 random bits. In
    /// any other it is of version 8, whose layout is ours: 48 bits of time, 12 bits that are the store's number, 62 random
    /// bits.
    #[must_use]
    pub fn new_id(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let now = u64::try_from(self.clock.now()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(now, &random).into_uuid();
        let Some(number) = self.store else { return id };
        let mut bytes = id.into_bytes();
        bytes[6..8].copy_from_slice(&(0x8000 | (number & 0x0fff)).to_be_bytes());
        uuid::Uuid::from_bytes(bytes)
    }
}

/// The number of the user store in an id that [`Platform::new_id`] made; `None` for PRIMARY's, and for any other text.
#[must_use]
pub fn store_of(id: &str) -> Option<u16> {
    let digits = id.get(14..18).filter(|_| id.len() == 36)?.strip_prefix('8')?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::store_of;
    use crate::native::Native;

    #[test]
    fn an_id_tells_its_user_store_and_primarys_none() {
        let mut platform = Native::in_memory().expect("SQLite").platform;
        assert_eq!(platform.new_id().get_version_num(), 7);
        assert_eq!(store_of(&platform.new_id().to_string()), None);
        for number in [0, 1, 0xabc, 0xfff] {
            platform.store = Some(number);
            let id = platform.new_id();
            assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
            assert_eq!(store_of(&id.to_string()), Some(number));
        }
    }

    #[test]
    fn what_is_no_id_is_in_no_store() {
        for text in ["", "nobody", "01234567-89ab-8+12-8000-000000000000", "01234567-89ab-8123", &"é".repeat(18)] {
            assert_eq!(store_of(text), None, "{text}");
        }
    }
}
