//! The audit's seal (DESIGN 7): an HMAC chain, so that a row which was changed, removed or slipped in shows.
//!
//! ```text
//! seal(n) = base64url(HMAC-SHA256(key, seal(n - 1) | 0 | row n as a JSON array)); the seal before the first is empty
//! key     = derived from a root key, bound to the tenant
//! ```
//!
//! The sweep seals in order, and keeps for each tenant a head: the number and the seal of the newest row that was sealed,
//! under a MAC of its own, in the database and in KV. So rows at the end cannot be removed, nor sealed a second time after a
//! change, by whoever can write the database alone.

mod acceptance;
mod heads;
mod macs;
mod retention;
mod sealing;
mod verification;

use crate::model::deployment::Deployment;
use crate::ports::{DatabaseError, Platform};

pub use self::acceptance::{AcceptError, accept};
pub use self::verification::{Anchor, Break, Verification, verify};

/// Seals what has no seal yet, and removes what the tenants' `AUDIT_RETENTION_DAYS` says is too old: in every user store,
/// each of which numbers its own rows. A store that fails keeps no other from its turn.
///
/// # Errors
/// The database's: the next run goes on from there.
pub fn run(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let mut done = Ok(());
    let mut budget = sealing::TENANTS;
    for store in platform.all_stores() {
        done = sealing::seal(&store, deployment, &mut budget).and(done);
    }
    done.and(retention::retain(platform, deployment))
}
