//! What an isolate knows of its tenants' schemas and resource types.

use std::sync::Arc;

use scim::schema::Registry;

use crate::base::bounded_cache::BoundedCache;
use crate::model::schemas;
use crate::ports::Millis;

/// The time an isolate uses what it has read, in milliseconds.
const FRESH: Millis = 30_000;
/// The most tenants' registries it keeps.
const CAPACITY: usize = 1_024;
/// The most bytes that the registries it keeps take together, besides the built-in one's that all share.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The tenants' registries, by the number of the tenant.
pub struct Registries {
    kept: BoundedCache<u64, Kept>,
    builtin: usize,
}

#[derive(Clone)]
struct Kept {
    read_at: Millis,
    registry: Arc<Registry>,
    bytes: usize,
}

impl Default for Registries {
    fn default() -> Self {
        Self {
            kept: BoundedCache::weighing(CAPACITY, MAX_BYTES, |kept: &Kept| kept.bytes),
            builtin: schemas::builtin().memory(),
        }
    }
}

impl Registries {
    /// Returns the tenant's registry, if it was read so lately that nobody need ask.
    #[must_use]
    pub fn fresh(&self, tenant: u64, now: Millis) -> Option<Arc<Registry>> {
        self.kept.get(&tenant).filter(|kept| now - kept.read_at < FRESH).map(|kept| kept.registry)
    }

    /// Keeps what was read at `now`, unless it alone is larger than all may be: whoever needs it then reads it again.
    pub fn keep(&self, tenant: u64, registry: Arc<Registry>, now: Millis) {
        let bytes = registry.memory().saturating_sub(self.builtin);
        self.kept.insert(tenant, Kept { read_at: now, registry, bytes });
    }

    /// The bytes that the registries take together, besides the built-in one's.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.kept.weight()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::{MAX_BYTES, Registries};
    use crate::model::registration::{Kind, Registration, build};

    #[test]
    fn an_isolate_keeps_no_more_than_its_bytes_whatever_tenants_register() {
        let values: Vec<String> = (0..30_000).map(|value| format!("value{value:05}")).collect();
        let document = json!({ "id": "urn:x:y", "attributes": [{ "name": "a", "canonicalValues": values }] });
        let schema = Registration { kind: Kind::Schema, name: "urn:x:y".to_owned(), document, sent: 0 };
        let registry = Arc::new(build(&[schema]).expect("a registry"));
        let kept = Registries::default();
        for tenant in 0..100 {
            kept.keep(tenant, registry.clone(), 0);
            assert!(kept.bytes() <= MAX_BYTES);
            assert!(kept.fresh(tenant, 0).is_some());
        }
        assert!(kept.bytes() > MAX_BYTES / 2 && kept.fresh(0, 0).is_none());
    }
}
