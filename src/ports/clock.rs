//! The ports of time and randomness.

use std::time::Duration;

use crate::base::calendar::Millis;
use crate::base::text::rfc3339;

/// The time.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the epoch.
    fn now(&self) -> Millis;

    /// What the clocks of a time zone, by its IANA name, show at this time: `2026-11-30T19:04:11`; `None` for a zone that is
    /// not known here.
    fn local(&self, zone: &str, at: Millis) -> Option<String> {
        (zone == "UTC").then(|| rfc3339(at).chars().take(19).collect())
    }

    /// Lets so much time pass, in which others go on.
    fn sleep(&self, pause: Duration);
}

/// Cryptographic randomness.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` from the platform's secure generator.
    fn fill(&self, bytes: &mut [u8]);
}
