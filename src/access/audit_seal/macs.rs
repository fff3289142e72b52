//! The keyed hashes of the audit: of a row in its chain, of the mark where retention has cut, of the head.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::model::deployment::Deployment;
use crate::store::audit::rows::{Entry, Mark};

const LABEL: &[u8] = b"latchkey/audit/v1";
const ANCHOR_LABEL: &[u8] = b"latchkey/audit-anchor/v1";
const HEAD_LABEL: &[u8] = b"latchkey/audit-head/v1";

fn mac(deployment: &Deployment, label: &[u8], kid: &str, tenant: u64, message: &[&[u8]]) -> Option<String> {
    let key = deployment.keys.derive_from(kid, label, &tenant.to_be_bytes())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in message {
        mac.update(part);
    }
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The seal of a row after `previous`; `None` when there is no such key.
#[must_use]
pub fn seal_of(deployment: &Deployment, kid: &str, tenant: u64, previous: &str, entry: &Entry) -> Option<String> {
    let row = json!([
        entry.number,
        entry.time,
        entry.operation,
        entry.actor,
        entry.action,
        entry.target,
        entry.outcome,
        entry.request_id,
        entry.address,
    ]);
    mac(deployment, LABEL, kid, tenant, &[previous.as_bytes(), b"\0", row.to_string().as_bytes()])
}

/// What a MAC says about a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// We made it.
    Ours,
    /// Its key has been retired: nobody can tell.
    UnknownKey,
    /// Somebody else made it.
    Forged,
}

fn proof(made: Option<&String>, mark: &Mark) -> Proof {
    match made {
        None => Proof::UnknownKey,
        Some(mac) if *mac == mark.mac => Proof::Ours,
        Some(_) => Proof::Forged,
    }
}

/// The mark of the newest row that retention has removed; `None` when there is no such key.
#[must_use]
pub fn anchor(deployment: &Deployment, kid: &str, tenant: u64, number: i64, seal: String) -> Option<Mark> {
    let mac = mac(deployment, ANCHOR_LABEL, kid, tenant, &[&number.to_be_bytes(), seal.as_bytes()])?;
    Some(Mark { number, seal, kid: kid.to_owned(), mac })
}

/// Whether a mark is one of [`anchor`]'s.
#[must_use]
pub fn prove_anchor(deployment: &Deployment, tenant: u64, mark: &Mark) -> Proof {
    let made = anchor(deployment, &mark.kid, tenant, mark.number, mark.seal.clone()).map(|mark| mark.mac);
    proof(made.as_ref(), mark)
}

/// The head of a tenant's audit in a user store; `None` when there is no such key. It names the store, because a tenant's
/// audits in all its stores are sealed with one key.
#[must_use]
pub fn head(
    deployment: &Deployment,
    kid: &str,
    store: Option<u16>,
    tenant: u64,
    number: i64,
    seal: String,
) -> Option<Mark> {
    // No store's number is as large.
    let place = store.unwrap_or(u16::MAX).to_be_bytes();
    let mac = mac(deployment, HEAD_LABEL, kid, tenant, &[&place, &number.to_be_bytes(), seal.as_bytes()])?;
    Some(Mark { number, seal, kid: kid.to_owned(), mac })
}

/// Whether a mark is one of [`head`]'s.
#[must_use]
pub fn prove_head(deployment: &Deployment, store: Option<u16>, tenant: u64, mark: &Mark) -> Proof {
    let made = head(deployment, &mark.kid, store, tenant, mark.number, mark.seal.clone()).map(|mark| mark.mac);
    proof(made.as_ref(), mark)
}
