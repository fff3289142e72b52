//! Passwords that have been verified lately, so that a client which signs in with each request is hashed once a minute.
//!
//! Only the hashing is skipped: the user, the stored hash and the roles are read for every request. An entry says which
//! stored hash a password was right for, so that it is dead the moment another is stored.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::bounded_cache::BoundedCache;
use crate::ports::{Entropy, Millis};

/// The time a password needs no hashing, in milliseconds.
const LASTS: Millis = 60_000;
/// The most digests an isolate remembers.
const CAPACITY: usize = 1_024;

/// Stands for a tenant, a name and a password.
pub type PasswordDigest = [u8; 32];

/// What an isolate remembers of passwords: keyed digests, by a key of its own that nothing else knows.
pub struct VerifiedPasswords {
    key: OnceLock<[u8; 32]>,
    known: BoundedCache<PasswordDigest, (Millis, String)>,
}

impl Default for VerifiedPasswords {
    fn default() -> Self {
        Self { key: OnceLock::new(), known: BoundedCache::new(CAPACITY) }
    }
}

impl VerifiedPasswords {
    /// Returns the digest of what somebody signs in with to the tenant of this number.
    #[must_use]
    pub fn digest(
        &self,
        entropy: &dyn Entropy,
        tenant: u64,
        user_name: &str,
        password: &str,
    ) -> Option<PasswordDigest> {
        let key = self.key.get_or_init(|| {
            let mut key = [0; 32];
            entropy.fill(&mut key);
            key
        });
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        for part in [&tenant.to_be_bytes()[..], user_name.as_bytes(), password.as_bytes()] {
            // Lengths keep the parts apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// Returns the stored hash that this was right for within the last minute.
    #[must_use]
    pub fn hash(&self, digest: &PasswordDigest, now: Millis) -> Option<String> {
        self.known.get(digest).filter(|(at, _)| now - at < LASTS).map(|(_, hash)| hash)
    }

    /// Remembers that it is right for this stored hash.
    pub fn keep(&self, digest: PasswordDigest, hash: &str, now: Millis) {
        self.known.insert(digest, (now, hash.to_owned()));
    }
}
