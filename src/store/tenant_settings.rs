//! Which tenants there are and what each overrides: rows in `tenants` and `settings`.
//!
//! An isolate keeps what it has read for 30 seconds, so that a change holds elsewhere within a minute. KV is left out: it
//! may be a minute behind by itself, and would be asked as often as the database.

use std::sync::Arc;

use serde_json::json;

use crate::base::ordered;
use crate::base::scope::{Scope, Scopes};
use crate::model::audit::Action;
use crate::model::context::{Context, UnitOfWork, Work};
use crate::model::deployment::Deployment;
use crate::model::settings::{self, LOGO, SETTINGS, Setting, Settings, Values};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Outcome, Platform, Row, Statement, Value};
use crate::store::audit;

/// The statement that reads the tenant: no row for an unknown one.
#[must_use]
pub fn statement(ctx: &Work) -> Statement {
    Statement::new(
        "SELECT s.name, s.value FROM tenants t LEFT JOIN settings s ON s.tenant = t.number \
         WHERE t.number = ?1 AND t.active = 1",
        vec![ctx.tenant.key()],
    )
}

/// Returns what may be used of the tenant's settings without asking.
#[must_use]
pub fn fresh(ctx: &impl UnitOfWork) -> Option<Arc<Settings>> {
    ctx.caches.settings.fresh(&ctx.tenant, ctx.platform().clock.now())
}

/// Reads the answer of [`statement`] and keeps it for a while; `None` where there is no such tenant.
fn keep(ctx: &impl UnitOfWork, outcome: Option<&Outcome>) -> Result<Option<Arc<Settings>>, DatabaseError> {
    let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    if rows.is_empty() {
        ctx.caches.settings.forget(&ctx.tenant);
        return Ok(None);
    }
    let settings = Arc::new(ctx.deployment.settings_of(&ctx.tenant, &overrides(rows)?));
    ctx.caches.settings.keep(&ctx.tenant, settings.clone(), ctx.platform().clock.now());
    Ok(Some(settings))
}

fn overrides(rows: &[Row]) -> Result<Values, DatabaseError> {
    let mut values = Values::new();
    for row in rows {
        if let Some(name) = row.read_optional_text("name")?.and_then(settings::stored) {
            values.insert(name, row.read_text("value")?.to_owned());
        }
    }
    Ok(values)
}

/// Returns the tenant's settings, which are read if they are not fresh; `None` where there is no such tenant.
///
/// # Errors
/// The database's.
pub fn refresh(ctx: &impl UnitOfWork) -> Result<Option<Arc<Settings>>, DatabaseError> {
    if let Some(settings) = fresh(ctx) {
        return Ok(Some(settings));
    }
    let outcomes = ctx.platform().in_store(None).db.batch(vec![statement(ctx)])?;
    keep(ctx, outcomes.first())
}

/// Runs a batch of a request that needs the tenant's settings: they are read in the same round trip if they are not fresh,
/// or in one before it where another user store than PRIMARY is at hand. Answers the outcomes of `statements` alone, and
/// the settings, which are `None` where there is no such tenant.
///
/// # Errors
/// The database's.
pub fn batch(
    ctx: &impl UnitOfWork,
    mut statements: Vec<Statement>,
) -> Result<(Vec<Outcome>, Option<Arc<Settings>>), DatabaseError> {
    if ctx.platform().store.is_some() {
        let settings = refresh(ctx)?;
        return Ok((ctx.platform().db.batch(statements)?, settings));
    }
    if let Some(settings) = fresh(ctx) {
        return Ok((ctx.platform().db.batch(statements)?, Some(settings)));
    }
    statements.push(statement(ctx));
    let mut outcomes = ctx.platform().db.batch(statements)?;
    let settings = keep(ctx, outcomes.pop().as_ref())?;
    Ok((outcomes, settings))
}

/// What the tenant overrides, from the database.
///
/// # Errors
/// The database's.
pub fn own(ctx: &Context) -> Result<Values, DatabaseError> {
    let mut own = overrides(&ctx.platform.query(statement(ctx))?)?;
    own.remove(LOGO);
    Ok(own)
}

/// Some tenants, at most `count`, each with what it overrides `setting` with: the super tenant, those from the number `from` on,
/// and then the first ones.
///
/// # Errors
/// The database's.
pub fn of_some_tenants(
    platform: &Platform,
    setting: &Setting,
    from: i64,
    count: u32,
) -> Result<Vec<(Tenant, Option<String>)>, DatabaseError> {
    let some = |bounds: &str| format!("SELECT number, domain FROM tenants WHERE {bounds} ORDER BY number LIMIT ?2");
    let statement = Statement::new(
        format!(
            "SELECT t.domain, (SELECT s.value FROM settings s WHERE s.tenant = t.number AND s.name = ?3) AS value \
             FROM (SELECT number, domain FROM tenants WHERE number = 0 UNION ALL SELECT * FROM ({}) \
             UNION ALL SELECT * FROM ({})) t LIMIT ?2",
            some("number >= max(1, ?1)"),
            some("number > 0 AND number < ?1"),
        ),
        vec![from.into(), count.into(), setting.name.into()],
    );
    let read = |row: &Row| {
        Ok((Tenant::from_domain(row.read_text("domain")?), row.read_optional_text("value")?.map(str::to_owned)))
    };
    platform.query(statement)?.iter().map(read).collect()
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Values or names that are not taken, a sentence each.
    #[error("{}", .0.join(" "))]
    Invalid(Vec<String>),
    /// The caller lacks a scope that the change of this setting takes.
    #[error("{}", forbidden(.0))]
    Forbidden(&'static str),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Returns why a caller may not change this setting.
#[must_use]
pub fn forbidden(name: &str) -> String {
    format!("{name} says how long the audit is kept: changing it takes the scope audit as well. Nothing was changed.")
}

/// Returns the setting between `before` and `after` that these scopes are not enough to change: how long the audit is kept is
/// for those to say who may read it, because what is removed can be read no more.
#[must_use]
pub fn beyond(scopes: Scopes, before: &Values, after: &Values) -> Option<&'static str> {
    let name = settings::AUDIT_RETENTION_DAYS.name;
    (before.get(name) != after.get(name) && !scopes.has(Scope::Audit)).then_some(name)
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
                let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
                let shown = crate::base::text::cut(name, 64);
                problems.push(format!("{shown:?} is not a setting of a tenant: known are {}.", names.join(", ")));
            }
        }
    }
    // What was stored before and is not taken any more is not the fault of a change that says nothing about it.
    let is_named = |name: &str| changes.iter().any(|(named, _)| named.eq_ignore_ascii_case(name));
    let others = before.iter().filter(|(name, _)| !is_named(name)).map(|(name, value)| (*name, value.clone()));
    let others = ordered::map(others);
    let mut known_problems = Vec::new();
    let _ = deployment.check_settings(tenant, &others, &mut known_problems);
    let _ = deployment.check_settings(tenant, &after, &mut problems);
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
pub fn change(ctx: &Context, changes: &[Change]) -> Result<(), ChangeError> {
    let before = own(ctx)?;
    let after = checked(&ctx.deployment, &ctx.tenant, &before, changes).map_err(ChangeError::Invalid)?;
    let zone = changes.iter().find(|(name, _)| name.eq_ignore_ascii_case(settings::TIME_ZONE.name));
    if let Some((name, Some(value))) = zone
        && ctx.platform.clock.local(value.trim(), ctx.platform.clock.now()).is_none()
    {
        let problem = format!("{} is no time zone: it must be a name such as Europe/Berlin.", name.to_uppercase());
        return Err(ChangeError::Invalid(vec![problem]));
    }
    if let Some(name) = beyond(ctx.scopes, &before, &after) {
        return Err(ChangeError::Forbidden(name));
    }
    let named = |wanted: bool| changes.iter().filter(move |(_, value)| value.is_some() == wanted);
    let new = named(true)
        .filter_map(|(name, _)| settings::known(name))
        .filter_map(|name| Some((name, after.get(name)?.clone())));
    let new = ordered::map(new);
    let gone: Vec<&str> =
        named(false).filter_map(|(name, _)| settings::known(name)).filter(|name| !after.contains_key(name)).collect();
    let names: Vec<&str> = new.keys().copied().chain(gone.iter().copied()).collect();
    write(ctx, &new, &gone, &names.join(" "), None).map_err(ChangeError::from)
}

/// Shows this logo from now on, which is stored already; none in the place of the present one for `None`.
///
/// # Errors
/// The database's.
pub fn change_logo(ctx: &Context, version: Option<&str>) -> Result<(), DatabaseError> {
    let (new, gone) = match version {
        Some(version) => (Values::from([(LOGO, version.to_owned())]), vec![]),
        None => (Values::new(), vec![LOGO]),
    };
    let others = Statement::new(
        "DELETE FROM logos WHERE tenant = ?1 AND version IS NOT ?2",
        vec![ctx.tenant.key(), version.map_or(Value::Null, Value::from)],
    );
    write(ctx, &new, &gone, LOGO, Some(others))
}

/// Writes overrides, takes others away, and has what holds now hold here at once. One round trip.
fn write(
    ctx: &Context,
    new: &Values,
    gone: &[&str],
    names: &str,
    more: Option<Statement>,
) -> Result<(), DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let mut batch = vec![
        set(&ctx.tenant, new),
        Statement::new(
            "DELETE FROM settings WHERE tenant = ?1 AND name IN (SELECT value FROM json_each(?2))",
            vec![ctx.tenant.key(), json!(gone).to_string().into()],
        ),
        audit::record_plain(ctx, &operation, Action::SettingsUpdate, names),
    ];
    batch.extend(more);
    // What others have changed meanwhile is in force too.
    batch.push(statement(ctx));
    let outcomes = ctx.platform.db.batch(batch)?;
    keep(ctx, outcomes.last()).map(drop)
}
