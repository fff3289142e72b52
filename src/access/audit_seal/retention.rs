//! Retention: rows older than the tenant keeps them are removed, and a mark of the newest of them stays.
//!
//! What a row says about its age is believed only where its seal holds. Rows are removed up to one of those: whatever
//! stands before it is as old.

use crate::access::audit_seal::macs;
use crate::model::deployment::Deployment;
use crate::model::settings;
use crate::model::tenant::{Tenant, random_number};
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::audit::retention;
use crate::store::tenant_settings::of_some_tenants;

/// Rows that one step removes at most, and how far it looks where none of so many has a seal that holds.
const REACH: [u32; 2] = [500, 10_000];
/// Steps that one run makes at most, for each tenant and store.
const STEPS: u32 = 10;
/// Tenants whose old rows one run looks for.
const TENANTS: u32 = 10;
const DAY: Millis = 86_400_000;

/// Removes old rows, for some tenants picked at random: their numbers are hashes, so that each run meets others.
///
/// # Errors
/// The database's: the next run goes on from there.
pub fn retain(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let from = random_number(platform);
    for (tenant, days) in of_some_tenants(platform, &settings::AUDIT_RETENTION_DAYS, from, TENANTS)? {
        let own = days.map(|days| (settings::AUDIT_RETENTION_DAYS.name, days));
        let days = deployment.settings_of(&tenant, &own.into_iter().collect()).audit_retention_days;
        if days > 0 {
            let before = platform.clock.now() - i64::from(days) * DAY;
            for store in platform.all_stores() {
                for _ in 0..STEPS {
                    if !remove_step(&store, deployment, &tenant, before)? {
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Removes the oldest rows from before `before`; answers whether there were any.
fn remove_step(
    platform: &Platform,
    deployment: &Deployment,
    tenant: &Tenant,
    before: Millis,
) -> Result<bool, DatabaseError> {
    let Some(kid) = deployment.keys.current_kid() else { return Ok(false) };
    for reach in REACH {
        for (entry, previous) in retention::newest_before(platform, tenant, before, reach)? {
            let (Some(seal), Some(sealed_with)) = (entry.seal.clone(), &entry.kid) else { continue };
            let made = macs::seal_of(deployment, sealed_with, tenant.number(), &previous, &entry);
            if made.as_ref() != Some(&seal) {
                continue;
            }
            let Some(anchor) = macs::anchor(deployment, kid, tenant.number(), entry.number, seal) else { continue };
            retention::remove(platform, tenant, anchor)?;
            return Ok(true);
        }
    }
    Ok(false)
}
