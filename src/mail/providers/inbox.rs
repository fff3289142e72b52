//! `inbox`: takes every mail and keeps none, for development. `/dev/inbox` renders the outbox's rows again instead, so
//! that not even here a link is at rest anywhere.

use crate::mail::providers::{Handover, Message, Provider};
use crate::ports::Platform;

/// The development inbox.
pub struct Inbox;
impl Provider for Inbox {
    fn remembers_keys_for(&self) -> Option<u64> {
        Some(u64::MAX)
    }

    fn send(&self, _platform: &Platform, _message: &Message) -> Handover {
        Handover::Accepted(None)
    }
}
