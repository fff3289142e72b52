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
use serde_json::json;
use sha2::Sha256;

use crate::model::deployment::Deployment;
use crate::model::settings;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};
use crate::store::audit::rows::{COLUMNS, Entry};
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
    let sql = format!(
        "SELECT {COLUMNS}, \
         (SELECT p.seal FROM audit p WHERE p.tenant = row.tenant AND p.number = row.number - 1) AS previous, \
         (SELECT n.seal FROM audit_anchors n WHERE n.tenant = row.tenant AND n.number = row.number - 1) AS anchor \
         FROM audit row INDEXED BY audit_unsealed WHERE row.seal IS NULL ORDER BY row.tenant, row.number LIMIT ?1"
    );
    let rows = platform.query(Statement::new(sql, vec![STEP.into()])).await?;
    let mut sealed = Vec::with_capacity(rows.len());
    let mut last: Option<(u64, i64, i64, String)> = None;
    for row in &rows {
        let entry = Entry::from_row(row)?;
        let (first, previous) = match &last {
            Some((tenant, number, first, seal)) if *tenant == entry.tenant && *number == entry.number - 1 => {
                (*first, seal.clone())
            }
            _ => {
                let before = row.optional_text("previous")?.or(row.optional_text("anchor")?);
                (entry.number, before.unwrap_or_default().to_owned())
            }
        };
        let Some(seal) = seal_of(deployment, kid, entry.tenant, &previous, &entry) else { continue };
        sealed.push(json!([entry.tenant, entry.number, seal, first]));
        newest.insert(entry.tenant, (entry.number, seal.clone()));
        last = Some((entry.tenant, entry.number, first, seal));
    }
    if !sealed.is_empty() {
        // Another sealer that was faster may have signed with another key: then none of what follows its rows fits.
        let statement = Statement::new(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, outcome, request_id, kid, seal) \
             SELECT row.tenant, row.number, row.time, row.operation, row.actor, row.action, row.outcome, row.request_id, ?2, \
             j.value ->> 2 FROM json_each(?1) j \
             CROSS JOIN audit f ON f.tenant = j.value ->> 0 AND f.number = j.value ->> 3 AND f.seal IS NULL \
             CROSS JOIN audit row ON row.tenant = j.value ->> 0 AND row.number = j.value ->> 1 AND row.seal IS NULL \
             WHERE TRUE ON CONFLICT (tenant, number) DO UPDATE SET kid = excluded.kid, seal = excluded.seal",
            vec![json!(sealed).to_string().into(), kid.into()],
        );
        platform.db.batch(vec![statement]).await?;
    }
    Ok(rows.len())
}

/// Removes rows older than their tenant keeps them, for some tenants picked at random: their numbers are hashes, so that
/// each run meets others.
async fn retain(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let mut random = [0; 8];
    platform.entropy.fill(&mut random);
    let from = i64::from_be_bytes(random) & ((1 << 53) - 1);
    let statement = Statement::new(
        "SELECT t.domain, (SELECT s.value FROM settings s WHERE s.tenant = t.number AND s.name = ?3) AS days \
         FROM tenants t WHERE t.number = 0 OR t.number >= ?1 ORDER BY t.number LIMIT ?2",
        vec![from.into(), TENANTS.into(), settings::AUDIT_RETENTION_DAYS.into()],
    );
    for row in &platform.query(statement).await? {
        let tenant = Tenant::of(row.text("domain")?);
        let own = row.optional_text("days")?.map(|days| (settings::AUDIT_RETENTION_DAYS, days.to_owned()));
        let days = tenant_settings::effective(deployment, &tenant, &own.into_iter().collect()).audit_retention_days;
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
    let statement = Statement::new(
        "SELECT row.number, row.seal FROM audit row WHERE row.tenant = ?1 AND row.seal IS NOT NULL AND row.time < ?2 \
         AND row.number < (SELECT MIN(number) FROM audit WHERE tenant = ?1) + ?3 \
         ORDER BY row.number DESC LIMIT 1",
        vec![tenant.key(), before.into(), STEP.into()],
    );
    let rows = platform.query(statement).await?;
    let (Some(row), Some(kid)) = (rows.first(), deployment.keys.current_kid()) else { return Ok(false) };
    let (number, seal) = (row.integer("number")?, row.text("seal")?);
    let Some(mac) = anchor_mac(deployment, kid, tenant.number(), number, seal) else { return Ok(false) };
    let batch = vec![
        Statement::new(
            "INSERT INTO audit_anchors (tenant, number, seal, kid, mac) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, seal = excluded.seal, kid = excluded.kid, \
             mac = excluded.mac WHERE excluded.number > number",
            vec![tenant.key(), number.into(), seal.into(), kid.into(), mac.into()],
        ),
        Statement::new(
            "DELETE FROM audit WHERE tenant = ?1 AND number <= ?2 AND seal IS NOT NULL",
            vec![tenant.key(), number.into()],
        ),
    ];
    platform.db.batch(batch).await?;
    Ok(true)
}
