//! The audit: append-only, numbered per tenant without gaps, each row written in the batch that it records.

use crate::context::Context;
use crate::ports::{DatabaseError, Statement, Value};

/// An action, as the audit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A user was created.
    UserCreate,
    /// A user was deleted.
    UserDelete,
    /// An invitation was made.
    InvitationCreate,
    /// A link was used.
    InvitationRedeem,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::UserCreate => "user.create",
            Self::UserDelete => "user.delete",
            Self::InvitationCreate => "invitation.create",
            Self::InvitationRedeem => "invitation.redeem",
        }
    }
}

/// What an audit row, or any other rider of a batch, depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the batch fails as a whole or holds as a whole.
    Always,
    /// The batch's conditional write took place: the target's row carries this operation's id.
    OperationHolds,
    /// The target is there, which a later statement of the batch is about to end.
    TargetExists,
}

impl Condition {
    /// The SQL of it; `?1` is the tenant, `?2` the target and `?3` the operation by convention.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Always => "TRUE",
            Self::OperationHolds => "EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = ?2 AND operation = ?3)",
            Self::TargetExists => "EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = ?2)",
        }
    }
}

/// The row that records `action` on `target`, to ride in the batch of `operation`.
#[must_use]
pub fn record(ctx: &Context, operation: &str, action: Action, target: &str, condition: Condition) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
             SELECT ?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM audit WHERE tenant = ?1), \
             ?4, ?3, ?5, ?6, ?2, 'success', ?7, ?8 WHERE {}",
            condition.sql()
        ),
        vec![
            ctx.tenant.key(),
            target.into(),
            operation.into(),
            ctx.platform.clock.now().into(),
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
pub async fn was_committed(ctx: &Context, operation: &str) -> Result<bool, DatabaseError> {
    let statement = Statement::new(
        "SELECT 1 AS found FROM audit WHERE tenant = ?1 AND operation = ?2 LIMIT 1",
        vec![ctx.tenant.key(), Value::from(operation)],
    );
    Ok(!ctx.platform.query(statement).await?.is_empty())
}
