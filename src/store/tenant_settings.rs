//! Which tenants there are and what each overrides: rows in `tenants` and `settings`.
//!
//! An isolate keeps what it has read for 30 seconds, so that a change holds elsewhere within a minute. KV is left out: it
//! may be a minute behind by itself, and would be asked as often as the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::model::context::Context;
use crate::model::deployment::Deployment;
use crate::model::settings::{self, SETTINGS, Settings, Values};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Outcome, Row, Statement};
use crate::store::audit::{self, Action};

/// How long an isolate uses what it has read, in milliseconds.
const FRESH: Millis = 30_000;

/// What an isolate knows of its tenants.
#[derive(Default)]
pub struct Tenants(Mutex<HashMap<u64, (Millis, Arc<Settings>)>>);

impl Tenants {
    fn get(&self, tenant: &Tenant) -> Option<(Millis, Arc<Settings>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant.number()).cloned()
    }

    /// What was last read of the tenant's settings, however long ago; the deployment's for one never read.
    #[must_use]
    pub fn settings(&self, deployment: &Deployment, tenant: &Tenant) -> Arc<Settings> {
        match self.get(tenant) {
            Some((_, settings)) => settings,
            None => Arc::new(effective(deployment, tenant, &Values::new())),
        }
    }
}

impl Tenants {
    /// Asks the database again before the tenant is next met.
    pub fn forget(&self, tenant: &Tenant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant.number());
    }

    /// What is known of a tenant that is about to be created.
    #[must_use]
    pub fn of(tenant: &Tenant, settings: Settings, now: Millis) -> Self {
        Self(Mutex::new(HashMap::from([(tenant.number(), (now, Arc::new(settings)))])))
    }
}

/// What holds for a tenant that overrides these values. One that this version does not take any more counts as not set.
#[must_use]
pub fn effective(deployment: &Deployment, tenant: &Tenant, overrides: &Values) -> Settings {
    Settings::of(&merged(deployment, tenant, overrides), &mut Vec::new())
}

fn merged(deployment: &Deployment, tenant: &Tenant, overrides: &Values) -> Values {
    let mut values = deployment.variables.clone();
    if !tenant.is_super() {
        // The deployment's name is its operator's.
        values.insert("ORGANIZATION_NAME", tenant.domain().to_owned());
    }
    values.extend(overrides.iter().map(|(name, value)| (*name, value.clone())));
    values
}

/// The statement that reads the tenant: no row for an unknown one.
#[must_use]
pub fn statement(ctx: &Context) -> Statement {
    Statement::new(
        "SELECT s.name, s.value FROM tenants t LEFT JOIN settings s ON s.tenant = t.number \
         WHERE t.number = ?1 AND t.active = 1",
        vec![ctx.tenant.key()],
    )
}

/// Whether what is known of the tenant may be used without asking.
#[must_use]
pub fn is_fresh(ctx: &Context) -> bool {
    let known = ctx.memory.tenants.get(&ctx.tenant);
    known.is_some_and(|(read_at, _)| ctx.platform.clock.now() - read_at < FRESH)
}

/// Keeps the answer of [`statement`]; answers whether there is such a tenant.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn keep(ctx: &Context, outcome: Option<&Outcome>) -> Result<bool, DatabaseError> {
    let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let mut known = ctx.memory.tenants.0.lock().unwrap_or_else(PoisonError::into_inner);
    if rows.is_empty() {
        known.remove(&ctx.tenant.number());
        return Ok(false);
    }
    let settings = Arc::new(effective(&ctx.deployment, &ctx.tenant, &overrides(rows)?));
    known.insert(ctx.tenant.number(), (ctx.platform.clock.now(), settings));
    Ok(true)
}

fn overrides(rows: &[Row]) -> Result<Values, DatabaseError> {
    let mut values = Values::new();
    for row in rows {
        if let Some(name) = row.optional_text("name")?.and_then(settings::known) {
            values.insert(name, row.text("value")?.to_owned());
        }
    }
    Ok(values)
}

/// Makes sure that what `ctx.settings()` answers is fresh; answers whether there is such a tenant.
///
/// # Errors
/// The database's.
pub async fn refresh(ctx: &Context) -> Result<bool, DatabaseError> {
    if is_fresh(ctx) {
        return Ok(true);
    }
    let outcomes = ctx.primary().platform.db.batch(vec![statement(ctx)]).await?;
    keep(ctx, outcomes.first())
}

/// Runs a batch that needs the tenant's settings with it: they are read in the same round trip if they are not fresh,
/// or in one before it where another user store than PRIMARY is at hand. Answers the outcomes of `statements` alone. An unknown tenant is not fresh afterwards.
///
/// # Errors
/// The database's.
pub async fn batch(ctx: &Context, mut statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
    if ctx.platform.store.is_some() {
        refresh(ctx).await?;
        return ctx.platform.db.batch(statements).await;
    }
    if is_fresh(ctx) {
        return ctx.platform.db.batch(statements).await;
    }
    statements.push(statement(ctx));
    let mut outcomes = ctx.platform.db.batch(statements).await?;
    keep(ctx, outcomes.pop().as_ref())?;
    Ok(outcomes)
}

/// The same, without outcomes for an unknown tenant.
///
/// # Errors
/// The database's.
pub async fn queries(ctx: &Context, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
    let outcomes = batch(ctx, statements).await?;
    Ok(if is_fresh(ctx) { outcomes } else { Vec::new() })
}

/// What the tenant overrides, from the database.
///
/// # Errors
/// The database's.
pub async fn own(ctx: &Context) -> Result<Values, DatabaseError> {
    overrides(&ctx.platform.query(statement(ctx)).await?)
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Values or names that are not taken, a sentence each.
    #[error("{}", .0.join(" "))]
    Invalid(Vec<String>),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A setting and its new value; `None` goes back to the deployment's.
pub type Change = (String, Option<String>);

/// The tenant's values after `changes`, if they are taken.
///
/// # Errors
/// A sentence for each name and value that is not.
pub fn checked(
    deployment: &Deployment,
    tenant: &Tenant,
    before: &Values,
    changes: &[Change],
) -> Result<Values, Vec<String>> {
    let mut problems = Vec::new();
    let mut after = before.clone();
    for (name, value) in changes {
        match (settings::known(name), value) {
            (Some(name), Some(value)) => {
                after.insert(name, value.trim().to_owned());
            }
            (Some(name), None) => {
                after.remove(name);
            }
            (None, _) => {
                let names: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
                let shown = crate::base::text::cut(name, 64);
                problems.push(format!("{shown:?} is not a setting of a tenant: known are {}.", names.join(", ")));
            }
        }
    }
    // What was stored before and is not taken any more is not this change's fault.
    let mut known_problems = Vec::new();
    let _ = Settings::of(&merged(deployment, tenant, before), &mut known_problems);
    let _ = Settings::of(&merged(deployment, tenant, &after), &mut problems);
    problems.retain(|problem| !known_problems.contains(problem));
    if problems.is_empty() { Ok(after) } else { Err(problems) }
}

/// The statement that stores overrides, whichever of them are new. The tenant is `?1`.
#[must_use]
pub fn set(tenant: &Tenant, values: &Values) -> Statement {
    Statement::new(
        "INSERT INTO settings (tenant, name, value) SELECT ?1, j.key, j.value FROM json_each(?2) j WHERE TRUE \
         ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
        vec![tenant.key(), json!(values).to_string().into()],
    )
}

/// Changes the tenant's settings: all of `changes`, or none. They hold at once here, and elsewhere within a minute.
///
/// # Errors
/// [`ChangeError`]: nothing was changed.
pub async fn change(ctx: &Context, changes: &[Change]) -> Result<(), ChangeError> {
    let before = own(ctx).await?;
    let after = checked(&ctx.deployment, &ctx.tenant, &before, changes).map_err(ChangeError::Invalid)?;
    let named = |wanted: bool| changes.iter().filter(move |(_, value)| value.is_some() == wanted);
    let new: Values = named(true)
        .filter_map(|(name, _)| settings::known(name))
        .filter_map(|name| Some((name, after.get(name)?.clone())))
        .collect();
    let gone: Vec<&str> =
        named(false).filter_map(|(name, _)| settings::known(name)).filter(|name| !after.contains_key(name)).collect();
    let names: Vec<&str> = new.keys().copied().chain(gone.iter().copied()).collect();
    let operation = ctx.platform.new_id().to_string();
    let outcomes = ctx
        .platform
        .db
        .batch(vec![
            set(&ctx.tenant, &new),
            Statement::new(
                "DELETE FROM settings WHERE tenant = ?1 AND name IN (SELECT value FROM json_each(?2))",
                vec![ctx.tenant.key(), json!(gone).to_string().into()],
            ),
            audit::record_plain(ctx, &operation, Action::SettingsUpdate, &names.join(" ")),
            // What others have changed meanwhile is in force too.
            statement(ctx),
        ])
        .await?;
    keep(ctx, outcomes.last())?;
    Ok(())
}
