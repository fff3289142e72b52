//! A tenant's schemas and resource types: the built-in ones and its own, which are rows in `registrations`.
//!
//! They are needed by every request and change rarely: an isolate keeps them for 30 seconds, then asks the cache, and only
//! what the cache does not have sends it to the database. A registration writes the database first and the cache after it,
//! and the sweep writes the cache of that tenant once more, so that a value lost there is back within two minutes.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::base::ordered;
use crate::base::text::without_values;
use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::registration::{Kind, Registration, build, build_what_fits};
use crate::model::schemas;
use crate::ports::{DatabaseError, Millis, Platform, Statement, Value};
use crate::store::audit;
use crate::store::reindexes::{self, Reindex};
use scim::schema::Registry;

/// The time the cache keeps it, in seconds: until the sweep has long written it again.
const KEPT: u32 = 7 * 86_400;
/// The time after a registration before the sweep writes the cache again, in milliseconds: longer than a request takes.
const REST: Millis = 20_000;
/// How many tenants' caches one sweep writes.
const REFRESHED: i64 = 10;

/// What a tenant has registered, and what its schemas still have to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// In the order of registration.
    pub registrations: Vec<Registration>,
    /// The resource types whose values are being indexed.
    pub reindexes: Vec<Reindex>,
}

impl Registered {
    /// The registry that it makes.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.published().registry()
    }

    fn published(&self) -> Published {
        let registrations =
            self.registrations.iter().map(|registration| Registration { sent: 0, ..registration.clone() });
        let reindexing = self.reindexes.iter().filter(|reindex| reindex.hides_indexes());
        Published {
            registrations: registrations.collect(),
            reindexing: reindexing.map(|reindex| (reindex.type_name.clone(), reindex.schemas.clone())).collect(),
        }
    }
}

/// What the cache knows: the registrations, and by resource type the schemas whose values are being indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Published {
    registrations: Vec<Registration>,
    reindexing: Vec<(String, Vec<String>)>,
}

impl Published {
    fn registry(&self) -> Registry {
        let mut registry = build(&self.registrations).unwrap_or_else(|_| build_what_fits(&self.registrations));
        for (name, urns) in &self.reindexing {
            registry.mark_reindexing(name, urns);
        }
        registry
    }

    fn parse(text: &str) -> Option<Self> {
        let (rows, reindexing): (Vec<(String, String, Json)>, _) = serde_json::from_str(text).ok()?;
        let registration = |(kind, name, document): (String, String, Json)| {
            Some(Registration { kind: Kind::parse(&kind)?, name, document, sent: 0 })
        };
        Some(Self { registrations: rows.into_iter().map(registration).collect::<Option<_>>()?, reindexing })
    }

    fn to_text(&self) -> String {
        let row =
            |registration: &Registration| json!([registration.kind.as_str(), registration.name, registration.document]);
        json!([self.registrations.iter().map(row).collect::<Json>(), self.reindexing]).to_string()
    }
}

/// The registry in force for the tenant.
///
/// # Errors
/// The database's, where the cache could not be asked.
pub fn load_registry(ctx: &Context) -> Result<Arc<Registry>, DatabaseError> {
    let tenant = ctx.tenant.number();
    let now = ctx.platform.clock.now();
    if let Some(registry) = ctx.caches.registries.fresh(tenant, now) {
        return Ok(registry);
    }
    let cached = ctx.platform.cache.get(&key(tenant)).ok().flatten();
    let published = match cached.and_then(|text| Published::parse(&text)) {
        Some(published) => published,
        // Forgotten, not there yet, or out of reach: to take it for nothing would lose what a client then writes.
        None => {
            let published = load(&ctx.platform, tenant)?.published();
            ctx.platform.cache.put(&key(tenant), &published.to_text(), KEPT);
            published
        }
    };
    Ok(keep(ctx, &published))
}

/// Puts a registry in force in this isolate.
fn keep(ctx: &Context, published: &Published) -> Arc<Registry> {
    let registry = match published.registrations.as_slice() {
        [] => schemas::builtin(),
        _ => Arc::new(published.registry()),
    };
    ctx.caches.registries.keep(ctx.tenant.number(), registry.clone(), ctx.platform.clock.now());
    registry
}

fn key(tenant: u64) -> String {
    format!("registry/{tenant}")
}

/// What a tenant has registered, from the database.
///
/// # Errors
/// The database's.
pub fn load(platform: &Platform, tenant: u64) -> Result<Registered, DatabaseError> {
    let platform = platform.in_store(None);
    let statement = Statement::new(
        "SELECT kind, name, document, sent FROM registrations WHERE tenant = ?1 ORDER BY created, name",
        vec![Value::Integer(tenant.cast_signed())],
    );
    let outcomes = platform.db.batch(vec![statement, reindexes::of_tenant(tenant)])?;
    let mut registered = Registered::default();
    let shape = |column: &str| DatabaseError::Shape(column.to_owned());
    if let [registrations, reindexes] = outcomes.as_slice() {
        for row in &registrations.rows {
            registered.registrations.push(Registration {
                kind: Kind::parse(row.read_text("kind")?).ok_or_else(|| shape("kind"))?,
                name: row.read_text("name")?.to_owned(),
                document: serde_json::from_str(row.read_text("document")?).map_err(|_| shape("document"))?,
                sent: usize::try_from(row.read_integer("sent")?).unwrap_or_default(),
            });
        }
        registered.reindexes = reindexes.rows.iter().map(Reindex::from_row).collect::<Result<_, _>>()?;
    }
    Ok(registered)
}

/// A change of a tenant's registrations, made on the ground of those that were read before.
#[derive(Debug)]
pub struct Change<'a> {
    /// Those that were read before: if others have come or gone, nothing is changed.
    pub before: &'a [Registration],
    /// What becomes of the reindexing of resource types.
    pub reindexes: &'a [Reindex],
    /// The operation of the reindexing that must still be the last one, where the change has prepared something under it.
    pub prepared: Option<&'a str>,
    /// What the audit records.
    pub action: Action,
    /// Of what.
    pub target: &'a str,
}

/// Adds registrations. Answers whether that took place.
///
/// # Errors
/// The database's.
pub fn insert(ctx: &Context, change: &Change<'_>, new: &[Registration]) -> Result<bool, DatabaseError> {
    let row = |registration: &Registration| {
        json!([registration.kind.as_str(), registration.name, registration.document, registration.sent])
    };
    let statement = Statement::new(
        format!(
            "INSERT INTO registrations (tenant, kind, name, document, sent, created) \
             SELECT ?1, j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, ?5 FROM json_each(?2) j \
             WHERE {STILL} RETURNING name"
        ),
        vec![
            ctx.tenant.key(),
            new.iter().map(row).collect::<Json>().to_string().into(),
            names(change.before),
            change.prepared.into(),
            ctx.platform.clock.now().into(),
        ],
    );
    commit(ctx, statement, change)
}

/// Takes registrations back. Answers whether that took place.
///
/// # Errors
/// The database's.
pub fn delete(ctx: &Context, change: &Change<'_>, gone: &[Registration]) -> Result<bool, DatabaseError> {
    let statement = Statement::new(
        format!(
            "DELETE FROM registrations WHERE tenant = ?1 AND {STILL} \
             AND kind || ' ' || name IN (SELECT value FROM json_each(?2)) RETURNING name"
        ),
        vec![ctx.tenant.key(), names(gone), names(change.before), change.prepared.into()],
    );
    commit(ctx, statement, change)
}

/// Runs the statement with what depends on it: the audit's row, the reindexing, and the note for the sweep.
fn commit(ctx: &Context, statement: Statement, change: &Change<'_>) -> Result<bool, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let mut batch = vec![
        statement,
        // The change is the statement right before.
        audit::record_if(ctx, &operation, change.action, change.target, "changes() > 0"),
        Statement::new(
            "INSERT INTO registry_changes (tenant, changed) SELECT ?1, ?3 \
             WHERE EXISTS (SELECT 1 FROM audit WHERE tenant = ?1 AND operation = ?2) \
             ON CONFLICT (tenant) DO UPDATE SET changed = excluded.changed",
            vec![ctx.tenant.key(), operation.as_str().into(), ctx.platform.clock.now().into()],
        ),
    ];
    batch.extend(change.reindexes.iter().map(|reindex| reindexes::start(reindex, &operation)));
    let outcomes = ctx.platform.db.batch(batch)?;
    Ok(outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty()))
}

/// Whether the tenant's registrations are still those that a change was checked against, which `?3` lists, and its
/// preparations are still in force, whose operation is `?4`.
const STILL: &str = "(SELECT json_group_array(kind || ' ' || name) FROM \
    (SELECT kind, name FROM registrations WHERE tenant = ?1 ORDER BY kind, name)) = ?3 \
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM reindexes WHERE tenant = ?1 AND operation = ?4))";

/// The parameter of [`STILL`].
fn names(registrations: &[Registration]) -> Value {
    let mut names: Vec<(&str, &str)> =
        registrations.iter().map(|registration| (registration.kind.as_str(), registration.name.as_str())).collect();
    ordered::sort(&mut names);
    let names: Vec<String> = names.into_iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    json!(names).to_string().into()
}

/// Puts what a tenant has registered by now in force: here at once, elsewhere within a minute.
///
/// # Errors
/// The database's.
pub fn publish(ctx: &Context) -> Result<(), DatabaseError> {
    let tenant = ctx.tenant.number();
    let mut published = load(&ctx.platform, tenant)?.published();
    loop {
        keep(ctx, &published);
        ctx.platform.cache.put(&key(tenant), &published.to_text(), KEPT);
        // Somebody may have registered more meanwhile and published it before: whoever is last looks again.
        let now = load(&ctx.platform, tenant)?.published();
        if now == published {
            return Ok(());
        }
        published = now;
    }
}

/// Writes what a tenant has registered to the cache, if it differs from what is there.
///
/// # Errors
/// The database's.
pub fn refresh(platform: &Platform, tenant: u64) -> Result<(), DatabaseError> {
    let text = load(platform, tenant)?.published().to_text();
    if platform.cache.get(&key(tenant)).ok().flatten().as_ref() != Some(&text) {
        platform.cache.put(&key(tenant), &text, KEPT);
    }
    Ok(())
}

/// Writes the cache again for tenants whose registrations have changed, a few at a time, and for the super tenant where the
/// cache has nothing: what the sweep does. One that fails keeps no other from its turn.
///
/// # Errors
/// The database's: no tenant could be found.
pub fn refresh_cache(platform: &Platform) -> Result<(), DatabaseError> {
    if platform.cache.get(&key(0)).ok().flatten().is_none() {
        refresh(platform, 0)?;
    }
    let due = Statement::new(
        "SELECT tenant, changed FROM registry_changes INDEXED BY registry_changes_changed WHERE changed <= ?1 \
         ORDER BY changed LIMIT ?2",
        vec![(platform.clock.now() - REST).into(), REFRESHED.into()],
    );
    for row in &platform.query(due)? {
        let tenant = row.read_integer("tenant")?;
        let done = match refresh(platform, tenant.cast_unsigned()) {
            Ok(()) => "DELETE FROM registry_changes WHERE tenant = ?1 AND changed = ?2",
            Err(error) => {
                let why = without_values(&error.to_string());
                platform.log.line(&json!({ "event": "registry", "tenant": tenant, "error": why }).to_string());
                // Behind the others.
                "UPDATE registry_changes SET changed = changed + 60000 WHERE tenant = ?1 AND changed = ?2"
            }
        };
        platform.query(Statement::new(done, vec![tenant.into(), row.value("changed")?]))?;
    }
    Ok(())
}
