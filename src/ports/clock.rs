//! The ports of time and randomness.

use crate::base::calendar::Millis;

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
