//! The failed sign-ins that an isolate knows of: who has to wait for them is refused without asking D1.

use crate::base::bounded_cache::BoundedCache;
use crate::ports::Millis;

/// The most counts an isolate remembers.
const CAPACITY: usize = 1_024;

/// The time it uses them, in milliseconds: after the longest delay D1 is asked alone.
const TRUSTED: Millis = 60_000;

/// The number of failures of a sign-in, and the time of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureCount {
    /// The number of failures.
    pub failures: i64,
    /// The time of the last failure.
    pub last: Millis,
}

/// Counts of failures, by what they are counted for.
pub struct SignInFailures(BoundedCache<String, FailureCount>);

impl Default for SignInFailures {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl SignInFailures {
    /// Returns the count of this key, unless it is too old.
    #[must_use]
    pub fn get(&self, key: &str, now: Millis) -> Option<FailureCount> {
        self.0.get(key).filter(|count| now - count.last < TRUSTED)
    }

    /// Keeps a count.
    pub fn keep(&self, key: &str, count: FailureCount) {
        self.0.insert(key.to_owned(), count);
    }

    /// Forgets the count of this key.
    pub fn forget(&self, key: &str) {
        self.0.remove(key);
    }
}
