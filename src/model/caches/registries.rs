//! What an isolate knows of its tenants' schemas and resource types.

use std::sync::Arc;

use scim::schema::Registry;

use crate::base::bounded_cache::BoundedCache;
use crate::ports::Millis;

/// The time an isolate uses what it has read, in milliseconds.
const FRESH: Millis = 30_000;
/// The most tenants' registries it keeps: one with schemas of its own has its own copy of the built-in ones.
const CAPACITY: usize = 256;

/// The tenants' registries, by the number of the tenant.
pub struct Registries(BoundedCache<u64, (Millis, Arc<Registry>)>);

impl Default for Registries {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl Registries {
    /// Returns the tenant's registry, if it was read so lately that nobody need ask.
    #[must_use]
    pub fn fresh(&self, tenant: u64, now: Millis) -> Option<Arc<Registry>> {
        self.0.get(&tenant).filter(|(read_at, _)| now - read_at < FRESH).map(|(_, registry)| registry)
    }

    /// Keeps what was read at `now`.
    pub fn keep(&self, tenant: u64, registry: Arc<Registry>, now: Millis) {
        self.0.insert(tenant, (now, registry));
    }
}
