//! What an isolate knows of API tokens.

use std::sync::Arc;

use crate::base::bounded_cache::BoundedCache;
use crate::model::api_token::ApiToken;
use crate::ports::Millis;

/// The most tokens an isolate remembers.
const CAPACITY: usize = 1_024;

/// An API token as it was last looked for.
#[derive(Clone)]
pub struct KnownToken {
    /// The time D1 last confirmed it.
    pub confirmed: Millis,
    /// The token; `None` for one that there is not, or no more.
    pub token: Option<Arc<ApiToken>>,
    /// The time this isolate last wrote it to KV.
    pub published: Millis,
}

/// API tokens, by their digest.
pub struct Tokens(BoundedCache<String, KnownToken>);

impl Default for Tokens {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl Tokens {
    /// Returns what is known of the token with this digest.
    #[must_use]
    pub fn get(&self, digest: &str) -> Option<KnownToken> {
        self.0.get(digest)
    }

    /// Whether one with this digest was there when it was last looked for.
    #[must_use]
    pub fn has_good(&self, digest: &str) -> bool {
        self.get(digest).is_some_and(|known| known.token.is_some())
    }

    /// Keeps what is known. A token that is gone never comes back: a look-up that began before it was revoked changes
    /// nothing.
    pub fn keep(&self, digest: &str, known: KnownToken) {
        self.0.update(digest.to_owned(), |before| {
            let may_be_there = before.is_none_or(|before| before.token.is_some());
            (known.token.is_none() || may_be_there).then_some(known)
        });
    }
}
