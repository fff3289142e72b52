//! How much mail one address gets (`RATE_LIMITS`, `mail-per-address`). A tenant's users may share an address, and whoever can
//! invite could bury somebody in mail: what is above the limit waits until there is room again, and is never lost.
//!
//! A mail counts for its mailbox (`Address::mailbox`), from its first lease on, whatever becomes of it or its user, and once however
//! often it is tried. What the outbox keeps to count by is a keyed digest: it stays when the address is removed.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::address::Address;
use crate::base::keys::KeyRing;
use crate::base::limits::Limit;
use crate::ports::Millis;
use crate::store::outbox::lease::RateCondition;
use crate::store::outbox::row::QueuedMail;

/// The label that the key of the digests is derived with.
const LABEL: &[u8] = b"latchkey/mailbox/v1";

/// The mails that one batch sends to each mailbox.
pub struct RecipientThrottle {
    key: [u8; 32],
    /// The mails of this batch that are to go to a mailbox.
    taken: HashMap<String, u32>,
}

impl RecipientThrottle {
    /// A throttle for one batch.
    #[must_use]
    pub fn new(keys: &KeyRing) -> Self {
        let key = keys.derive(LABEL, b"").into_iter().next().unwrap_or_default();
        Self { key, taken: HashMap::new() }
    }

    /// What stands for the mailbox that `mail` goes to, within its tenant.
    #[must_use]
    pub fn mailbox(&self, mail: &QueuedMail) -> String {
        let mailbox =
            Address::parse(&mail.recipient).map_or_else(|| mail.recipient.clone(), |address| address.mailbox());
        Hmac::<Sha256>::new_from_slice(&self.key)
            .map(|mac| mac.chain_update(mail.tenant.to_be_bytes()).chain_update(mailbox).finalize().into_bytes())
            .map(|digest| URL_SAFE_NO_PAD.encode(&digest[..16]))
            .unwrap_or_default()
    }

    /// Counts a mail to `mailbox` that has not been leased before; returns what its lease asks for.
    pub fn condition(&mut self, mailbox: &str, limit: Limit, now: Millis) -> RateCondition {
        let now = u64::try_from(now).unwrap_or_default() / 1000;
        let taken = self.taken.entry(mailbox.to_owned()).or_default();
        let fewer_than = limit.count.saturating_sub(*taken);
        *taken += 1;
        RateCondition { limit, since: now.saturating_sub(limit.seconds.into()), fewer_than }
    }
}
