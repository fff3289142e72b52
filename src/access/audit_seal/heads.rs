//! The head of a tenant's audit: the number and the seal of the newest row that was sealed, in the database and, as a copy,
//! in KV, which whoever writes the database cannot reach.
//!
//! The database is written first. So a copy that is older than the head is what a lost or slow write to KV looks like, and
//! a copy that is newer means that the database was put back.

use serde_json::{Value as Json, json};

use crate::access::audit_seal::macs::{self, Proof};
use crate::model::deployment::Deployment;
use crate::ports::{CacheError, Platform};
use crate::store::audit::rows::Mark;

/// Why a head does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The number that the head should have, as far as that is known.
    pub number: i64,
    /// `head missing`, `head changed` or `head put back`.
    pub problem: &'static str,
}

/// What a head and its copy come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There never was a head.
    Unbegun,
    /// The head counts.
    Good(Mark),
    /// It does not.
    Doubtful(Doubt),
}

/// The copy of a head, as far as KV tells.
pub type Copied = Result<Option<Mark>, CacheError>;

fn key(store: Option<u16>, tenant: u64) -> String {
    let store = store.map(|store| store.to_string()).unwrap_or_default();
    format!("audit-head:{store}:{tenant}")
}

/// Returns the copy of a head. Whoever compares it with the head reads it before the head, which may move on meanwhile.
pub fn copy(platform: &Platform, tenant: u64) -> Copied {
    let text = platform.cache.get(&key(platform.store, tenant))?;
    Ok(text.map(|text| {
        let value: Json = serde_json::from_str(&text).unwrap_or_default();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Mark {
            number: value["number"].as_i64().unwrap_or_default(),
            seal: text("seal"),
            kid: text("kid"),
            mac: text("mac"),
        }
    }))
}

/// Keeps a copy of a head.
///
/// # Errors
/// KV's: the head stands, and its copy is as it was.
pub fn keep_copy(platform: &Platform, tenant: u64, head: &Mark) -> Result<(), CacheError> {
    let Mark { number, seal, kid, mac } = head;
    let value = json!({ "number": number, "seal": seal, "kid": kid, "mac": mac });
    platform.cache.keep(&key(platform.store, tenant), &value.to_string())
}

/// Compares a head with its copy.
#[must_use]
pub fn judge(
    deployment: &Deployment,
    store: Option<u16>,
    tenant: u64,
    head: Option<&Mark>,
    copy: Option<&Mark>,
) -> Standing {
    let doubtful = |number, problem| Standing::Doubtful(Doubt { number, problem });
    let Some(head) = head else {
        return copy.map_or(Standing::Unbegun, |copy| doubtful(copy.number, "head missing"));
    };
    let proven = match macs::prove_head(deployment, store, tenant, head) {
        Proof::Ours => true,
        // Its key is gone: the copy vouches for it.
        Proof::UnknownKey => copy == Some(head),
        Proof::Forged => false,
    };
    if !proven {
        return doubtful(copy.map_or(head.number, |copy| copy.number), "head changed");
    }
    match copy {
        Some(copy) if macs::prove_head(deployment, store, tenant, copy) == Proof::Forged => {
            doubtful(head.number, "head changed")
        }
        Some(copy) if copy.number > head.number => doubtful(copy.number, "head put back"),
        Some(copy) if copy.number == head.number && copy.seal != head.seal => doubtful(head.number, "head changed"),
        _ => Standing::Good(head.clone()),
    }
}
