//! An API token, as far as whoever presents it is concerned.

use crate::base::scope::Scopes;
use crate::ports::Millis;

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: String,
    /// The number of the tenant it belongs to.
    pub tenant: u64,
    /// The name its creator gave it.
    pub name: String,
    /// The scopes it grants.
    pub scopes: Scopes,
    /// The time it expires.
    pub expires_at: Millis,
}

impl ApiToken {
    /// Whether it has not expired.
    #[must_use]
    pub fn is_good(&self, now: Millis) -> bool {
        now < self.expires_at
    }
}
