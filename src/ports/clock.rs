//! The ports of time and randomness.

use std::time::Duration;

use async_trait::async_trait;

use crate::base::calendar::Millis;

/// The time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the epoch.
    fn now(&self) -> Millis;

    /// Lets so much time pass, in which others go on.
    async fn sleep(&self, pause: Duration);
}

/// Cryptographic randomness.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` from the platform's secure generator.
    fn fill(&self, bytes: &mut [u8]);
}
