//! Passwords that have been verified lately, so that a client which signs in with each request is hashed once a minute.
//!
//! Only the hashing is skipped: the user, the stored hash and the roles are read for every request. An entry says which
//! stored hash a password was right for, so that it is dead the moment another is stored.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::context::Context;
use crate::ports::Millis;

/// How long a password needs no hashing, in milliseconds.
const LASTS: Millis = 60_000;
/// How many an isolate remembers.
const REMEMBERED: usize = 1_024;

/// What an isolate remembers of passwords: keyed digests, by a key of its own that nothing else knows.
#[derive(Default)]
pub struct Verified {
    key: OnceLock<[u8; 32]>,
    known: Mutex<HashMap<Digest, (Millis, String)>>,
}

/// Stands for a tenant, a name and a password.
pub type Digest = [u8; 32];

impl Verified {
    /// The digest of what somebody signs in with.
    #[must_use]
    pub fn digest(&self, ctx: &Context, user_name: &str, password: &str) -> Option<Digest> {
        let key = self.key.get_or_init(|| {
            let mut key = [0; 32];
            ctx.platform.entropy.fill(&mut key);
            key
        });
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        for part in [&ctx.tenant.number().to_be_bytes()[..], user_name.as_bytes(), password.as_bytes()] {
            // Lengths keep the parts apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// The stored hash that this was right for within the last minute.
    #[must_use]
    pub fn hash(&self, digest: &Digest, now: Millis) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(digest).filter(|(at, _)| now - at < LASTS).map(|(_, hash)| hash.clone())
    }

    /// Remembers that it is right for this stored hash.
    pub fn keep(&self, digest: Digest, hash: &str, now: Millis) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, (at, _)| now - *at < LASTS);
            if known.len() >= REMEMBERED {
                known.clear();
            }
        }
        known.insert(digest, (now, hash.to_owned()));
    }
}
