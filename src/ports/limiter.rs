//! The port that counts requests.

/// What a request counts as where requests are limited; each is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// What anybody may send who has no credentials: forms of pages, codes, signing in. Counted for an address.
    Public,
    /// What mail providers report. Counted for an address.
    Hook,
    /// All else, for the credentials it comes with, or for an address without them.
    Api,
}

impl RequestKind {
    /// The name in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Hook => "hook",
            Self::Api => "api",
        }
    }
}

/// Counts requests, roughly and at no cost; how many may come is the platform's to know.
pub trait RateLimiter: Send + Sync {
    /// Counts one request of this kind for `key`; answers whether it may go on. One that cannot count lets all go on.
    fn allow(&self, kind: RequestKind, key: &str) -> bool;
}
