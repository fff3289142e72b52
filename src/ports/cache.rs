//! The port of a cache that may forget.

/// The cache could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cache: {0}")]
pub struct CacheError(pub String);

/// A cache that may forget and may lag: KV. The database is the truth.
pub trait Cache: Send + Sync {
    /// The value under `key`, if the cache has it.
    ///
    /// # Errors
    /// The cache could not be asked.
    fn get(&self, key: &str) -> Result<Option<String>, CacheError>;
    /// Keeps `value` under `key` for `seconds` (at least 60, KV's least).
    fn put(&self, key: &str, value: &str, seconds: u32);
    /// Keeps `value` under `key` until another takes its place: what must not be forgotten.
    ///
    /// # Errors
    /// The cache has not taken it.
    fn keep(&self, key: &str, value: &str) -> Result<(), CacheError>;
    /// The same as [`Cache::put`], without holding up the answer.
    fn put_later(&self, key: &str, value: &str, seconds: u32);
}
