//! The tenants there are, as rows to be shown and switched off.

use serde_json::Value as Json;

use crate::model::audit::Action;
use crate::model::context::{Context, StoreContext};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::audit::{self, OF_OPERATION};

/// A tenant's row.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// The tenant.
    pub tenant: Tenant,
    /// Whether anybody gets in.
    pub active: bool,
    /// Whom it was created for: a JSON array of `id` and `username`.
    pub owners: Json,
    /// The time it was created.
    pub created: Millis,
}

const COLUMNS: &str = "domain, active, owners, created";

fn read(row: &Row) -> Result<TenantRow, DatabaseError> {
    Ok(TenantRow {
        tenant: Tenant::from_domain(row.read_text("domain")?),
        active: row.read_integer("active")? != 0,
        owners: serde_json::from_str(row.read_text("owners")?).unwrap_or_default(),
        created: row.read_integer("created")?,
    })
}

/// A page of tenants in the order of their domains, and how many there are.
///
/// # Errors
/// The database's.
pub async fn page(ctx: &Context, offset: u32, limit: u32) -> Result<(Vec<TenantRow>, i64), DatabaseError> {
    let batch = vec![
        Statement::new(
            format!("SELECT {COLUMNS} FROM tenants ORDER BY domain LIMIT ?2 OFFSET ?1"),
            vec![offset.into(), limit.into()],
        ),
        Statement::new("SELECT COUNT(*) AS total FROM tenants", Vec::new()),
    ];
    let outcomes = ctx.platform.db.batch(batch).await?;
    let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let total =
        outcomes.get(1).and_then(|outcome| outcome.rows.first()).map_or(Ok(0), |row| row.read_integer("total"))?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// The tenants whose domains come after this one, at most `limit`, and the domain after which the next ones come, if there
/// are any.
///
/// # Errors
/// The database's.
pub async fn after(ctx: &Context, domain: &str, limit: u32) -> Result<(Vec<TenantRow>, Option<String>), DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM tenants WHERE domain > ?1 ORDER BY domain LIMIT ?2");
    let rows = ctx.platform.query(Statement::new(sql, vec![domain.into(), (limit + 1).into()])).await?;
    let mut tenants = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let more = tenants.len() > limit as usize;
    tenants.truncate(limit as usize);
    let next = tenants.last().filter(|_| more).map(|row| row.tenant.domain().to_owned());
    Ok((tenants, next))
}

/// The tenant of this number.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Context, number: i64) -> Result<Option<TenantRow>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM tenants WHERE number = ?1");
    ctx.platform.query(Statement::new(sql, vec![number.into()])).await?.first().map(read).transpose()
}

/// Lets people into a tenant, or keeps everybody out: here at once, elsewhere within a minute. Its data stay. Answers
/// whether there is such a tenant; the super tenant cannot be switched off.
///
/// # Errors
/// The database's.
pub async fn set_active(ctx: &Context, number: i64, active: bool) -> Result<bool, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let action = if active { Action::TenantActivate } else { Action::TenantDeactivate };
    let batch = vec![
        Statement::new(
            "UPDATE tenants SET active = ?2 WHERE number = ?1 AND number <> 0 RETURNING domain",
            vec![number.into(), active.into()],
        ),
        audit::record_if(
            ctx,
            &operation,
            action,
            &number.to_string(),
            "EXISTS (SELECT 1 FROM tenants WHERE number = ?2)",
        ),
    ];
    let outcomes = ctx.platform.db.batch(batch).await?;
    let Some(row) = outcomes.first().and_then(|outcome| outcome.rows.first()) else { return Ok(false) };
    ctx.caches.settings.forget(&Tenant::from_domain(row.read_text("domain")?));
    Ok(true)
}

/// The statement that takes users' names out of what their tenant says of its owners, to ride in the batch that deletes those of
/// a list; owners are users of PRIMARY.
#[must_use]
pub fn forget_owners(ctx: &StoreContext, users: &str, operation: &str) -> Statement {
    Statement::new(
        format!(
            "UPDATE tenants SET owners = (SELECT json_group_array(CASE WHEN owner.value ->> 'id' IN ({OF_OPERATION}) \
             THEN json_object('id', owner.value ->> 'id') ELSE json(owner.value) END) FROM json_each(owners) owner) \
             WHERE number = ?1 AND EXISTS (SELECT 1 FROM json_each(owners) owner WHERE owner.value ->> 'id' IN ({OF_OPERATION}))"
        ),
        vec![ctx.tenant.key(), users.into(), operation.into()],
    )
}

/// The statement that creates a tenant. `owners` is what [`TenantRow::owners`] is.
#[must_use]
pub fn creation(ctx: &Context, tenant: &Tenant, owners: &Json) -> Statement {
    Statement::new(
        "INSERT INTO tenants (number, domain, owners, created) VALUES (?1, ?2, ?3, ?4)",
        vec![tenant.key(), tenant.domain().into(), owners.to_string().into(), ctx.platform.clock.now().into()],
    )
}
