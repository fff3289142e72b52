//! Who may hash a password now: Argon2id takes 45 to 50 ms, and an isolate runs one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most requests that may wait for their turn to hash.
const MAX_WAITING: usize = 64;

/// Counts the requests that are about to hash; more than 64 are turned away before they cost anything.
#[derive(Clone, Debug, Default)]
pub struct HashLimiter(Arc<AtomicUsize>);

/// The permit of a request to hash; given back when dropped.
#[derive(Debug)]
pub struct HashPermit(Arc<AtomicUsize>);

impl HashLimiter {
    /// Returns a permit, unless too many wait already.
    #[must_use]
    pub fn enter(&self) -> Option<HashPermit> {
        let permit = HashPermit(self.0.clone());
        (self.0.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(permit)
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
