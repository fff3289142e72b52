//! A tenant's schemas and resource types: the built-in ones and its own, which are rows in `registrations`.
//!
//! They are needed by every request and change rarely: an isolate keeps them for 30 seconds, then asks the cache, and only
//! what the cache does not have sends it to the database. A registration writes the database first and the cache after it,
//! and the sweep writes the cache again where it differs, so that a value lost there is back within a minute.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::schemas;
use crate::ports::{DatabaseError, Platform, Statement, Value};
use crate::store::audit;
use scim::error::Error as ScimError;
use scim::schema::{Registry, Schema};

/// The time the cache keeps it, in seconds: until the sweep has long written it again.
const KEPT: u32 = 7 * 86_400;

/// What a tenant has registered, in the order in which it builds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// `schema`, `resource_type` or `extension`.
    pub kind: Kind,
    /// The URN, the resource type's name, or the extended type's name.
    pub name: String,
    /// The document.
    pub document: Json,
}

/// The kind of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A schema (RFC 7643 section 7).
    Schema,
    /// A resource type (RFC 7643 section 6).
    ResourceType,
    /// The extension of a resource type by a schema: `{"resourceType","schema","required"}`.
    Extension,
}

impl Kind {
    /// As the database stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::ResourceType => "resource_type",
            Self::Extension => "extension",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Schema, Self::ResourceType, Self::Extension].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The registry that the built-in one and these registrations make.
///
/// # Errors
/// The first registration that does not fit, in words for whoever made it.
pub fn build(registrations: &[Registration]) -> Result<Registry, ScimError> {
    let mut registry = Registry::clone(&schemas::builtin());
    let of = |kind: Kind| registrations.iter().filter(move |registration| registration.kind == kind);
    for registration in of(Kind::Schema) {
        registry.add_schema(Schema::parse(&registration.document)?)?;
    }
    for registration in of(Kind::ResourceType) {
        registry.add_resource_type(&registration.document)?;
    }
    for registration in of(Kind::Extension) {
        let text = |name: &str| registration.document[name].as_str().unwrap_or_default();
        let required = registration.document["required"] == Json::Bool(true);
        registry.extend_resource_type(text("resourceType"), text("schema"), required)?;
    }
    Ok(registry)
}

/// The registry that those registrations make which fit. All of them have been checked when they were made; should one
/// not fit any more, the others still count.
fn build_what_fits(registrations: &[Registration]) -> Registry {
    let mut fitting: Vec<Registration> = Vec::new();
    for kind in [Kind::Schema, Kind::ResourceType, Kind::Extension] {
        for registration in registrations.iter().filter(|registration| registration.kind == kind) {
            fitting.push(registration.clone());
            if build(&fitting).is_err() {
                fitting.pop();
            }
        }
    }
    build(&fitting).unwrap_or_else(|_| Registry::clone(&schemas::builtin()))
}

/// The registry in force for the tenant.
///
/// # Errors
/// The database's, where the cache could not be asked.
pub async fn load_registry(ctx: &Context) -> Result<Arc<Registry>, DatabaseError> {
    let tenant = ctx.tenant.number();
    let now = ctx.platform.clock.now();
    if let Some(registry) = ctx.caches.registries.fresh(tenant, now) {
        return Ok(registry);
    }
    let cached = ctx.platform.cache.get(&key(tenant)).await.ok().flatten();
    let registrations = match cached.and_then(|text| parse(&text)) {
        Some(registrations) => registrations,
        // Forgotten, not there yet, or out of reach: to take it for nothing would lose what a client then writes.
        None => {
            let registrations = load(&ctx.platform, tenant).await?;
            ctx.platform.cache.put(&key(tenant), &to_text(&registrations), KEPT).await;
            registrations
        }
    };
    Ok(keep(ctx, &registrations))
}

/// Puts a registry in force in this isolate.
fn keep(ctx: &Context, registrations: &[Registration]) -> Arc<Registry> {
    let registry = match registrations {
        [] => schemas::builtin(),
        some => Arc::new(build(some).unwrap_or_else(|_| build_what_fits(some))),
    };
    ctx.caches.registries.keep(ctx.tenant.number(), registry.clone(), ctx.platform.clock.now());
    registry
}

fn key(tenant: u64) -> String {
    format!("registry/{tenant}")
}

fn parse(text: &str) -> Option<Vec<Registration>> {
    let rows: Vec<(String, String, Json)> = serde_json::from_str(text).ok()?;
    rows.into_iter()
        .map(|(kind, name, document)| Some(Registration { kind: Kind::parse(&kind)?, name, document }))
        .collect()
}

fn to_text(registrations: &[Registration]) -> String {
    rows(registrations).to_string()
}

fn rows(registrations: &[Registration]) -> Json {
    registrations
        .iter()
        .map(|registration| json!([registration.kind.as_str(), registration.name, registration.document]))
        .collect()
}

/// What a tenant has registered, from the database.
///
/// # Errors
/// The database's.
pub async fn load(platform: &Platform, tenant: u64) -> Result<Vec<Registration>, DatabaseError> {
    let statement = Statement::new(
        "SELECT kind, name, document FROM registrations WHERE tenant = ?1 ORDER BY created, name",
        vec![Value::Integer(tenant.cast_signed())],
    );
    let shape = |column: &str| DatabaseError::Shape(column.to_owned());
    platform
        .query(statement)
        .await?
        .iter()
        .map(|row| {
            Ok(Registration {
                kind: Kind::parse(row.read_text("kind")?).ok_or_else(|| shape("kind"))?,
                name: row.read_text("name")?.to_owned(),
                document: serde_json::from_str(row.read_text("document")?).map_err(|_| shape("document"))?,
            })
        })
        .collect()
}

/// Registers something for the tenant and puts it in force, provided that everything together still makes a registry.
///
/// # Errors
/// [`RegisterError`]: nothing was registered.
pub async fn register(ctx: &Context, new: Vec<Registration>) -> Result<(), RegisterError> {
    for _ in 0..ATTEMPTS {
        let before = load(&ctx.platform, ctx.tenant.number()).await?;
        let is_new = |registration: &Registration| {
            before.iter().any(|other| other.kind == registration.kind && other.name == registration.name)
        };
        if new.iter().any(is_new) {
            return Err(RegisterError::Refused(ScimError::uniqueness("It is registered already: remove it first.")));
        }
        if before.len() + new.len() > MAX_REGISTRATIONS {
            let detail = "The tenant has too many schemas and resource types.";
            return Err(RegisterError::Refused(ScimError::too_many(detail)));
        }
        let after: Vec<Registration> = before.iter().chain(&new).cloned().collect();
        build(&after).map_err(RegisterError::Refused)?;
        let insert = Statement::new(
            format!(
                "INSERT INTO registrations (tenant, kind, name, document, created) \
                 SELECT ?1, j.value ->> 0, j.value ->> 1, j.value ->> 2, ?4 FROM json_each(?2) j WHERE {STILL} RETURNING name"
            ),
            vec![ctx.tenant.key(), rows(&new).to_string().into(), names(&before), ctx.platform.clock.now().into()],
        );
        let [first, ..] = new.as_slice() else { return Ok(()) };
        let created = if first.kind == Kind::ResourceType { Action::ResourceTypeCreate } else { Action::SchemaCreate };
        if with_record(ctx, insert, created, &first.name).await? {
            publish(ctx).await?;
            return Ok(());
        }
    }
    Err(RegisterError::Database(DatabaseError::Unavailable("others register at the same time".to_owned())))
}

/// Runs a change of the registrations with the row that records it; whether it changed anything.
async fn with_record(ctx: &Context, change: Statement, action: Action, name: &str) -> Result<bool, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    // The change is the statement right before.
    let record = audit::record_if(ctx, &operation, action, name, "changes() > 0");
    let outcomes = ctx.platform.db.batch(vec![change, record]).await?;
    Ok(outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty()))
}

/// The most attempts at a registration when others are made at the same time.
const ATTEMPTS: usize = 12;

/// Whether the tenant's registrations are still those that a new one was checked against: `?3` lists them.
const STILL: &str = "(SELECT json_group_array(kind || ' ' || name) FROM \
    (SELECT kind, name FROM registrations WHERE tenant = ?1 ORDER BY kind, name)) = ?3";

/// The parameter of [`STILL`].
fn names(registrations: &[Registration]) -> Value {
    let mut names: Vec<(&str, &str)> =
        registrations.iter().map(|registration| (registration.kind.as_str(), registration.name.as_str())).collect();
    names.sort_unstable();
    let names: Vec<String> = names.into_iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    json!(names).to_string().into()
}

/// Takes a registration of the tenant back, with the extensions made by it, provided that the rest still makes a
/// registry. Resources keep what they hold of it, unseen, until they are next written. Answers whether there was one.
///
/// # Errors
/// [`RegisterError`]: nothing was removed.
pub async fn remove(ctx: &Context, kind: Kind, name: &str) -> Result<bool, RegisterError> {
    for _ in 0..ATTEMPTS {
        let before = load(&ctx.platform, ctx.tenant.number()).await?;
        let is_it = |registration: &Registration| registration.kind == kind && registration.name == name;
        if !before.iter().any(is_it) {
            return Ok(false);
        }
        let goes = |registration: &Registration| {
            is_it(registration) || (registration.kind == Kind::Extension && registration.document["schema"] == name)
        };
        let (gone, kept): (Vec<_>, Vec<_>) = before.iter().cloned().partition(goes);
        build(&kept).map_err(|_| {
            let detail = "Another resource type or extension needs it: remove that first.";
            RegisterError::Refused(ScimError::conflict(detail))
        })?;
        let delete = Statement::new(
            format!(
                "DELETE FROM registrations WHERE tenant = ?1 AND {STILL} \
                 AND kind || ' ' || name IN (SELECT value FROM json_each(?2)) RETURNING name"
            ),
            vec![ctx.tenant.key(), names(&gone), names(&before)],
        );
        let deleted = if kind == Kind::ResourceType { Action::ResourceTypeDelete } else { Action::SchemaDelete };
        if with_record(ctx, delete, deleted, name).await? {
            publish(ctx).await?;
            return Ok(true);
        }
    }
    Err(RegisterError::Database(DatabaseError::Unavailable("others register at the same time".to_owned())))
}

/// The most schemas, resource types and extensions a tenant may have.
const MAX_REGISTRATIONS: usize = 100;

/// Why something was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It does not fit.
    #[error("{0:?}")]
    Refused(ScimError),
    /// The database did not take it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Puts what a tenant has registered by now in force: here at once, elsewhere within a minute.
async fn publish(ctx: &Context) -> Result<(), DatabaseError> {
    let tenant = ctx.tenant.number();
    let mut registrations = load(&ctx.platform, tenant).await?;
    loop {
        keep(ctx, &registrations);
        ctx.platform.cache.put(&key(tenant), &to_text(&registrations), KEPT).await;
        // Somebody may have registered more meanwhile and published it before: whoever is last looks again.
        let now = load(&ctx.platform, tenant).await?;
        if now == registrations {
            return Ok(());
        }
        registrations = now;
    }
}

/// Writes the cache again where it differs, for the super tenant and every tenant that has registered anything: what the
/// sweep does.
///
/// # Errors
/// The database's.
pub async fn refresh_cache(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = "SELECT DISTINCT tenant FROM registrations UNION SELECT 0 AS tenant";
    for row in &platform.query(Statement::new(statement, Vec::new())).await? {
        let tenant = row.read_integer("tenant")?.cast_unsigned();
        let text = to_text(&load(platform, tenant).await?);
        if platform.cache.get(&key(tenant)).await.ok().flatten().as_ref() != Some(&text) {
            platform.cache.put(&key(tenant), &text, KEPT).await;
        }
    }
    Ok(())
}
