//! The audit's seal (DESIGN 7): an HMAC chain, so that a row which was changed, removed or slipped in shows.
//!
//! ```text
//! seal(n) = base64url(HMAC-SHA256(key, seal(n - 1) | 0 | row n as a JSON array)); the seal before the first is empty
//! key     = derived from a root key, bound to the tenant
//! ```
//!
//! The sweep seals in order. Rows at the end could be removed together with their seals, which nothing in the database can
//! tell: so each run writes the newest seals into the log, a witness that is kept elsewhere.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::json;
use sha2::Sha256;

use crate::model::context::StoreContext;
use crate::model::deployment::Deployment;
use crate::model::settings;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::audit::rows::{self, Anchor, Entry, Stretch};
use crate::store::audit::seal::{self, Unsealed};
use crate::store::tenant_settings;

const LABEL: &[u8] = b"latchkey/audit/v1";
const ANCHOR_LABEL: &[u8] = b"latchkey/audit-anchor/v1";
/// Rows that one step seals, or removes, at most.
const STEP: u32 = 500;
/// Steps that one run makes at most.
const STEPS: u32 = 10;
/// Tenants whose old rows one run looks for.
const TENANTS: u32 = 10;
const DAY: Millis = 86_400_000;

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

/// The MAC of an anchor; `None` when there is no such key.
#[must_use]
pub fn anchor_mac(deployment: &Deployment, kid: &str, tenant: u64, number: i64, seal: &str) -> Option<String> {
    mac(deployment, ANCHOR_LABEL, kid, tenant, &[&number.to_be_bytes(), seal.as_bytes()])
}

/// Seals what has no seal yet, and removes what the tenants' `AUDIT_RETENTION_DAYS` says is too old: in every user store,
/// each of which numbers its own rows. A store that fails keeps no other from its turn.
///
/// # Errors
/// The database's: the next run goes on from there.
pub async fn run(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let mut done = Ok(());
    for store in platform.all_stores() {
        done = seal(&store, deployment).await.and(done);
    }
    done.and(retain(platform, deployment).await)
}

/// Seals what has no seal yet in one user store.
async fn seal(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let mut newest = HashMap::new();
    for _ in 0..STEPS {
        if seal_step(platform, deployment, &mut newest).await? < STEP as usize {
            break;
        }
    }
    for (tenant, (number, seal)) in newest {
        let mut line = json!({ "event": "audit.seal", "tenant": tenant, "number": number, "seal": seal });
        if let Some(store) = platform.store {
            line["store"] = json!(store);
        }
        platform.log.line(&line.to_string());
    }
    Ok(())
}

/// Seals the next rows of all tenants; answers how many there were.
async fn seal_step(
    platform: &Platform,
    deployment: &Deployment,
    newest: &mut HashMap<u64, (i64, String)>,
) -> Result<usize, DatabaseError> {
    let Some(kid) = deployment.keys.current_kid() else { return Ok(0) };
    let rows = seal::unsealed(platform, STEP).await?;
    let count = rows.len();
    let mut sealed = Vec::with_capacity(count);
    let mut last: Option<(u64, i64, i64, String)> = None;
    for Unsealed { entry, previous } in rows {
        let (first, previous) = match &last {
            Some((tenant, number, first, seal)) if *tenant == entry.tenant && *number == entry.number - 1 => {
                (*first, seal.clone())
            }
            _ => (entry.number, previous.unwrap_or_default()),
        };
        let Some(seal) = seal_of(deployment, kid, entry.tenant, &previous, &entry) else { continue };
        sealed.push(json!([entry.tenant, entry.number, seal, first]));
        newest.insert(entry.tenant, (entry.number, seal.clone()));
        last = Some((entry.tenant, entry.number, first, seal));
    }
    if !sealed.is_empty() {
        seal::write_seals(platform, &sealed, kid).await?;
    }
    Ok(count)
}

/// Removes rows older than their tenant keeps them, for some tenants picked at random: their numbers are hashes, so that
/// each run meets others.
async fn retain(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let mut random = [0; 8];
    platform.entropy.fill(&mut random);
    let from = i64::from_be_bytes(random) & ((1 << 53) - 1);
    for (tenant, days) in
        tenant_settings::of_some_tenants(platform, &settings::AUDIT_RETENTION_DAYS, from, TENANTS).await?
    {
        let own = days.map(|days| (settings::AUDIT_RETENTION_DAYS.name, days));
        let days = deployment.settings_of(&tenant, &own.into_iter().collect()).audit_retention_days;
        if days > 0 {
            let before = platform.clock.now() - i64::from(days) * DAY;
            for store in platform.all_stores() {
                for _ in 0..STEPS {
                    if !remove_step(&store, deployment, &tenant, before).await? {
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Removes the oldest sealed rows from before `before`; answers whether there were any.
async fn remove_step(
    platform: &Platform,
    deployment: &Deployment,
    tenant: &Tenant,
    before: Millis,
) -> Result<bool, DatabaseError> {
    let newest = seal::newest_before(platform, tenant, before, STEP).await?;
    let (Some((number, seal)), Some(kid)) = (newest, deployment.keys.current_kid()) else { return Ok(false) };
    let Some(mac) = anchor_mac(deployment, kid, tenant.number(), number, &seal) else { return Ok(false) };
    seal::remove(platform, tenant, Anchor { number, seal, kid: kid.to_owned(), mac }).await?;
    Ok(true)
}

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The row's number.
    pub number: i64,
    /// `changed`: it or the row before is not what was sealed; `missing`: there is no row of this number; `unknown key`: its
    /// key has been retired, so that nobody can tell.
    pub problem: &'static str,
}

/// The result of checking a stretch of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing was wrong.
    pub intact: bool,
    /// The first number checked.
    pub from: i64,
    /// The last one; one less than `from` when there was nothing to check.
    pub to: i64,
    /// The first things that are wrong, at most 100.
    pub breaks: Vec<Break>,
    /// Whether there are sealed rows after `to`.
    pub more: bool,
}

/// Rows that one verification looks at.
const MAX_VERIFIED: u32 = 2_000;
/// Breaks that one verification names.
const MAX_BREAKS: usize = 100;

/// Checks the chain from a row on, or from its beginning.
///
/// # Errors
/// The database's.
pub async fn verify(ctx: &StoreContext, from: Option<i64>) -> Result<Verification, DatabaseError> {
    let tenant = ctx.tenant.number();
    // The row before the first gives the seal to begin with.
    let least = from.map_or(0, |from| from.max(1) - 1);
    let Stretch { entries, anchor: stored } = rows::stretch(ctx, least, MAX_VERIFIED + 1).await?;
    let mut anchor = (0, String::new());
    let mut breaks = Vec::new();
    if let Some(Anchor { number, seal, kid, mac: stored }) = stored {
        let mac = anchor_mac(&ctx.deployment, &kid, tenant, number, &seal);
        if mac.as_ref() == Some(&stored) {
            anchor = (number, seal);
        } else {
            breaks.push(Break { number, problem: if mac.is_some() { "changed" } else { "unknown key" } });
        }
    }
    let start = least.max(anchor.0) + 1;
    let (mut expected, mut previous) = match entries.first() {
        Some(before) if before.number == start - 1 => (start, before.seal.clone().unwrap_or_default()),
        _ if start == anchor.0 + 1 => (start, anchor.1),
        _ => (start, String::new()),
    };
    let more = entries.len() > MAX_VERIFIED as usize;
    for entry in entries.iter().take(MAX_VERIFIED as usize).filter(|entry| entry.number >= start) {
        // The newest rows have no seal yet; the sweep puts it on within a minute.
        let (Some(stored), Some(kid)) = (&entry.seal, &entry.kid) else { break };
        breaks.extend((expected..entry.number).take(MAX_BREAKS).map(|number| Break { number, problem: "missing" }));
        match seal_of(&ctx.deployment, kid, tenant, &previous, entry) {
            Some(seal) if seal == *stored => {}
            Some(_) => breaks.push(Break { number: entry.number, problem: "changed" }),
            None => breaks.push(Break { number: entry.number, problem: "unknown key" }),
        }
        previous.clone_from(stored);
        expected = entry.number + 1;
    }
    breaks.truncate(MAX_BREAKS);
    Ok(Verification { intact: breaks.is_empty(), from: start, to: expected - 1, breaks, more })
}
