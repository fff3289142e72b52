//! The audit: append-only, numbered per tenant without gaps, each row written in the batch that it records.

pub mod counted;
pub mod heads;
pub mod retention;
pub mod rows;

use std::collections::HashSet;

pub use crate::model::audit::Action;
use crate::model::context::UnitOfWork;
use crate::ports::{DatabaseError, Statement, Value};
pub use crate::store::audit::counted::Counted;

/// What every rider of a batch depends on: that its conditional write took place, so that the target's row carries this
/// operation's id. `?1` is the tenant, `?2` the target and `?3` the operation by convention.
pub const OPERATION_HOLDS: &str = "EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = ?2 AND operation = ?3)";

/// The same of a list: the query for those of `[{"id"}]`, `?2`, that carry the operation's id.
pub const OF_OPERATION: &str = "SELECT r.id FROM json_each(?2) j CROSS JOIN resources r \
    ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3";

/// The row that records `action` on the resource `target`, to ride in the batch of `operation`.
#[must_use]
pub fn record(ctx: &impl UnitOfWork, operation: &str, action: Action, target: &str) -> Statement {
    record_if(ctx, operation, action, target, OPERATION_HOLDS)
}

/// The row that records `action` on something that is no resource, in a batch that has no condition.
#[must_use]
pub fn record_plain(ctx: &impl UnitOfWork, operation: &str, action: Action, target: &str) -> Statement {
    record_if(ctx, operation, action, target, "TRUE")
}

/// The row that records `action` where `condition` holds, which may name the tenant as `?1`, the target as `?2` and the
/// operation as `?3`.
#[must_use]
pub fn record_if(ctx: &impl UnitOfWork, operation: &str, action: Action, target: &str, condition: &str) -> Statement {
    row(ctx, operation, action, target.into(), "success", condition)
}

/// The row that records that `action` failed on `target`; none without one, at the same cost.
#[must_use]
pub fn record_failure(ctx: &impl UnitOfWork, operation: &str, action: Action, target: Option<&str>) -> Statement {
    row(ctx, operation, action, target.into(), "failure", "?2 IS NOT NULL")
}

fn row(
    ctx: &impl UnitOfWork,
    operation: &str,
    action: Action,
    target: Value,
    outcome: &str,
    condition: &str,
) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
             SELECT ?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM audit WHERE tenant = ?1), \
             ?4, ?3, ?5, ?6, ?2, '{outcome}', ?7, ?8 WHERE {condition}"
        ),
        vec![
            ctx.tenant.key(),
            target,
            operation.into(),
            ctx.platform().clock.now().into(),
            ctx.actor.to_string().into(),
            action.as_str().into(),
            ctx.request_id.as_str().into(),
            ctx.address.as_deref().into(),
        ],
    )
}

/// The rows that record `action` on each resource of a list, `[{"id"}]`, that carries the operation's id: on those whose
/// conditional write took place.
#[must_use]
pub fn record_each(ctx: &impl UnitOfWork, operation: &str, action: Action, list: &str) -> Statement {
    Statement::new(
        "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
         SELECT ?1, (SELECT COALESCE(MAX(number), 0) FROM audit WHERE tenant = ?1) + ROW_NUMBER() OVER (ORDER BY j.key), \
         ?4, ?3, ?5, ?6, r.id, 'success', ?7, ?8 FROM json_each(?2) j \
         CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
        vec![
            ctx.tenant.key(),
            list.into(),
            operation.into(),
            ctx.platform().clock.now().into(),
            ctx.actor.to_string().into(),
            action.as_str().into(),
            ctx.request_id.as_str().into(),
            ctx.address.as_deref().into(),
        ],
    )
}

/// Whether `operation` was committed: asked after an error that may have hidden it.
///
/// # Errors
/// The database's.
pub async fn was_committed(ctx: &impl UnitOfWork, operation: &str) -> Result<bool, DatabaseError> {
    let statement = Statement::new(
        "SELECT 1 AS found FROM audit WHERE tenant = ?1 AND operation = ?2 LIMIT 1",
        vec![ctx.tenant.key(), Value::from(operation)],
    );
    Ok(!ctx.platform().query(statement).await?.is_empty())
}

/// The targets of `operation` that were committed: what a batch on many resources came to, after such an error.
///
/// # Errors
/// The database's.
pub async fn targets(ctx: &impl UnitOfWork, operation: &str) -> Result<HashSet<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT target FROM audit WHERE tenant = ?1 AND operation = ?2",
        vec![ctx.tenant.key(), Value::from(operation)],
    );
    ctx.platform().query(statement).await?.iter().map(|row| row.read_text("target").map(str::to_owned)).collect()
}
