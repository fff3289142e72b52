//! Deleting one resource, with what depends on it.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::resource::{GROUP, USER};
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::audit::{self, OPERATION_HOLDS};
use crate::store::operation::{Committed, Operation};
use crate::store::role_holders::NO_ROLE;
use crate::store::{api_tokens, credentials, groups, outbox, role_holders, sessions, tenants};
use scim::schema::ResourceType;

/// The result of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// There was none.
    NotFound,
    /// It has another version than the client expects, or does not await this deletion; it is still there.
    OtherVersion,
    /// A role depends on it, which the caller may not take; it is still there.
    RoleHolder,
    /// It is, or makes, the last administrator who can sign in; it is still there.
    LastAdministrator,
}

/// The conditions of a deletion.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// The version that it must have.
    pub version: Option<i64>,
    /// The deletion that it must be awaiting.
    pub deletion_at: Option<Millis>,
    /// Whether it must neither be a user who holds a role nor a group that gives one.
    pub without_role: bool,
    /// That an administrator who can sign in is left. With it come the ids of those whom a group in another database makes
    /// administrators.
    pub keeps_administrator: Option<Vec<String>>,
}

/// Deletes a resource in one batch, with what depends on it. What records the deletion comes first, while the row is there
/// to depend on.
///
/// # Errors
/// The database's.
pub async fn delete(
    ctx: &StoreContext,
    resource_type: &ResourceType,
    id: &str,
    conditions: &Conditions,
) -> Result<Deleted, DatabaseError> {
    let operation = Operation::new(ctx);
    let name = resource_type.name.as_str();
    let dependent_write = |sql: &str| {
        Statement::new(
            format!("{sql} AND {}", OPERATION_HOLDS),
            vec![ctx.tenant.key(), id.into(), operation.id().into()],
        )
    };
    let condition = if conditions.without_role { NO_ROLE } else { "TRUE" };
    let mut batch = vec![
        Statement::new(
            format!("SELECT {condition} AS allowed FROM resources WHERE tenant = ?1 AND id = ?2 AND type = ?3"),
            vec![ctx.tenant.key(), id.into(), name.into()],
        ),
        // Marks the row as this operation's, so that everything else depends on one condition.
        Statement::new(
            format!(
                "UPDATE resources SET operation = ?5 WHERE tenant = ?1 AND id = ?2 AND type = ?3 \
                 AND (?4 IS NULL OR version = ?4) AND (?6 IS NULL OR deletion_at = ?6) AND {condition}"
            ),
            vec![
                ctx.tenant.key(),
                id.into(),
                name.into(),
                conditions.version.into(),
                operation.id().into(),
                conditions.deletion_at.into(),
            ],
        ),
    ];
    let keeps = conditions.keeps_administrator.as_deref();
    batch.extend(keeps.map(|ids| role_holders::keep_one_of_deletion(ctx, id, operation.id(), ids)));
    batch.extend([
        audit::record(ctx, operation.id(), Action::delete(name), id),
        Statement::new(
            "UPDATE counters SET total = total - 1 WHERE tenant = ?1 AND type = (SELECT type FROM resources \
             WHERE tenant = ?1 AND id = ?2 AND operation = ?3)",
            vec![ctx.tenant.key(), id.into(), operation.id().into()],
        ),
        dependent_write("DELETE FROM credentials WHERE tenant = ?1 AND user_id = ?2"),
        credentials::delete_history(ctx, id, operation.id()),
        dependent_write("DELETE FROM renewals WHERE tenant = ?1 AND user_id = ?2"),
        dependent_write("DELETE FROM resets WHERE tenant = ?1 AND user_id = ?2"),
        dependent_write("DELETE FROM value_index WHERE tenant = ?1 AND id = ?2"),
        dependent_write("DELETE FROM unique_values WHERE tenant = ?1 AND id = ?2"),
    ]);
    if name == USER {
        batch.push(sessions::delete_of_user(ctx, id, operation.id()));
        batch.extend(outbox::removal::forget_user(ctx, id, operation.id()));
        if ctx.platform.store.is_none() {
            batch.push(tenants::forget_owner(ctx, id, operation.id()));
            batch.push(api_tokens::forget_creator(&ctx.tenant.key(), id, OPERATION_HOLDS, Some(operation.id())));
        } else {
            batch.push(dependent_write(
                "DELETE FROM pending_work WHERE tenant = ?1 AND kind = 'join_groups' AND target = ?2",
            ));
        }
    }
    batch.extend(groups::deletion(ctx, id, operation.id(), name == GROUP));
    batch.push(Statement::new(
        "DELETE FROM resources WHERE tenant = ?1 AND id = ?2 AND operation = ?3 RETURNING id",
        vec![ctx.tenant.key(), id.into(), operation.id().into()],
    ));
    Ok(match operation.commit(ctx, batch).await {
        Err(error) if role_holders::is_last_administrator(&error) => Deleted::LastAdministrator,
        Err(error) => return Err(error),
        Ok(Committed::Unanswered) => Deleted::Done,
        Ok(Committed::Answered(outcomes)) => {
            let row = outcomes.first().and_then(|outcome| outcome.rows.first());
            let is_allowed = row.map(|row| row.read_integer("allowed")).transpose()? != Some(0);
            let there = row.is_some();
            let gone = outcomes.last().is_some_and(|outcome| !outcome.rows.is_empty());
            match (there, gone) {
                (_, true) => Deleted::Done,
                (true, false) if !is_allowed => Deleted::RoleHolder,
                (true, false) => Deleted::OtherVersion,
                (false, false) => Deleted::NotFound,
            }
        }
    })
}
