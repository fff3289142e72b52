//! Who may hash a password now: Argon2id takes 45 to 50 ms, and an isolate runs one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most requests that may wait for their turn to hash.
const MAX_WAITING: usize = 64;

/// Counts the requests that are about to hash; more than 64 are turned away before they cost anything.
#[derive(Clone, Debug, Default)]
pub struct HashLimiter {
    waiting: Arc<AtomicUsize>,
    /// The hashes that a request may still make, where it may ask for many.
    left: Option<Arc<AtomicUsize>>,
}

/// The permit of a request to hash; given back when dropped.
#[derive(Debug)]
pub struct HashPermit(Arc<AtomicUsize>);

impl HashLimiter {
    /// Returns a permit, unless too many wait already.
    #[must_use]
    pub fn enter(&self) -> Option<HashPermit> {
        let permit = HashPermit(self.waiting.clone());
        (self.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(permit)
    }

    /// The limiter for one request that may make so many hashes.
    #[must_use]
    pub fn for_request(&self, hashes: usize) -> Self {
        Self { waiting: self.waiting.clone(), left: Some(Arc::new(AtomicUsize::new(hashes))) }
    }

    /// Counts a hash that is about to be made. `false` where the request has made all it may.
    #[must_use]
    pub fn may_hash(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.left.as_ref().is_none_or(|left| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok())
    }

    /// Whether the request has made all the hashes it may.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left.as_ref().is_some_and(|left| left.load(Ordering::Relaxed) == 0)
    }
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_lets_64_wait_and_no_more() {
        let gate = HashLimiter::default();
        let places: Vec<_> = (0..64).map(|_| gate.enter().expect("a place")).collect();
        assert!(gate.enter().is_none());
        drop(places);
        assert!(gate.enter().is_some());
    }
}
