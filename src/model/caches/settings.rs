//! What an isolate knows of its tenants' settings.

use std::sync::Arc;

use crate::base::bounded_cache::BoundedCache;
use crate::model::deployment::Deployment;
use crate::model::settings::{Settings, Values};
use crate::model::tenant::Tenant;
use crate::ports::Millis;

/// The time an isolate uses what it has read, in milliseconds.
const FRESH: Millis = 30_000;
/// The most tenants' settings it keeps.
const CAPACITY: usize = 1_024;

/// The tenants' settings, by the number of the tenant.
pub struct TenantSettings(BoundedCache<u64, (Millis, Arc<Settings>)>);

impl Default for TenantSettings {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl TenantSettings {
    /// Returns the tenant's settings, if they were read so lately that nobody need ask.
    #[must_use]
    pub fn fresh(&self, tenant: &Tenant, now: Millis) -> Option<Arc<Settings>> {
        self.0.get(&tenant.number()).filter(|(read_at, _)| now - read_at < FRESH).map(|(_, settings)| settings)
    }

    /// Returns what was last read of the tenant's settings, however long ago; the deployment's for one never read.
    #[must_use]
    pub fn last_read(&self, deployment: &Deployment, tenant: &Tenant) -> Arc<Settings> {
        match self.0.get(&tenant.number()) {
            Some((_, settings)) => settings,
            None => Arc::new(deployment.settings_of(tenant, &Values::new())),
        }
    }

    /// Keeps what was read at `now`.
    pub fn keep(&self, tenant: &Tenant, settings: Arc<Settings>, now: Millis) {
        self.0.insert(tenant.number(), (now, settings));
    }

    /// Asks the database again before the tenant is next met.
    pub fn forget(&self, tenant: &Tenant) {
        self.0.remove(&tenant.number());
    }
}
