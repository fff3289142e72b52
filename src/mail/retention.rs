//! Removing mails from the outbox that have been kept long enough (`MAIL_RETENTION_DAYS`): a part of the sweep.

use crate::model::deployment::Deployment;
use crate::model::settings;
use crate::model::tenant::random_number;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::outbox::removal::remove_old;
use crate::store::tenant_settings::of_some_tenants;

/// Tenants that one run looks at: their numbers are hashes, so that each run meets others.
const TENANTS: u32 = 10;
/// Mails that one step removes at most.
const STEP: u32 = 500;
/// Steps that one run makes for a tenant in one user store at most.
const STEPS: u32 = 4;
const DAY: Millis = 86_400_000;

/// Removes ended mails older than their tenant keeps them, for some tenants picked at random, in every user store. A store that
/// fails keeps no other from its turn.
///
/// # Errors
/// The database's: the next run goes on from there.
pub fn run(platform: &Platform, deployment: &Deployment) -> Result<(), DatabaseError> {
    let from = random_number(platform);
    let mut done = Ok(());
    for (tenant, days) in of_some_tenants(platform, &settings::MAIL_RETENTION_DAYS, from, TENANTS)? {
        let own = days.map(|days| (settings::MAIL_RETENTION_DAYS.name, days));
        let days = deployment.settings_of(&tenant, &own.into_iter().collect()).mail_retention_days;
        let before = platform.clock.now() - i64::from(days) * DAY;
        for store in platform.all_stores() {
            for _ in 0..STEPS {
                match remove_old(&store, &tenant, before, STEP) {
                    Ok(removed) if removed == STEP as usize => {}
                    Ok(_) => break,
                    Err(error) => {
                        done = Err(error);
                        break;
                    }
                }
            }
        }
    }
    done
}
