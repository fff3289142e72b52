//! Deleting one resource, with what hangs on it.

use crate::model::context::Context;
use crate::model::resource::GROUP;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit::{self, Action, OPERATION_HOLDS};
use crate::store::{credentials, group};
use scim::schema::ResourceType;

/// How a deletion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// There was none.
    NotFound,
    /// It has another version than the client expects; it is still there.
    OtherVersion,
}

/// Deletes a resource in one batch, with what hangs on it. What records the deletion comes first, while the row is there
/// to depend on.
///
/// # Errors
/// The database's.
pub async fn delete(
    ctx: &Context,
    resource_type: &ResourceType,
    id: &str,
    version: Option<i64>,
) -> Result<Deleted, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let name = resource_type.name.as_str();
    let hang = |sql: &str| {
        Statement::new(
            format!("{sql} AND {}", OPERATION_HOLDS),
            vec![ctx.tenant.key(), id.into(), operation.as_str().into()],
        )
    };
    let mut batch = vec![
        Statement::new(
            "SELECT version FROM resources WHERE tenant = ?1 AND id = ?2 AND type = ?3",
            vec![ctx.tenant.key(), id.into(), name.into()],
        ),
        // Marks the row as this operation's, so that everything else hangs on one condition.
        Statement::new(
            "UPDATE resources SET operation = ?5 WHERE tenant = ?1 AND id = ?2 AND type = ?3 \
             AND (?4 IS NULL OR version = ?4)",
            vec![ctx.tenant.key(), id.into(), name.into(), version.into(), operation.as_str().into()],
        ),
        audit::record(ctx, &operation, Action::delete(name), id),
        Statement::new(
            "UPDATE counters SET total = total - 1 WHERE tenant = ?1 AND type = (SELECT type FROM resources \
             WHERE tenant = ?1 AND id = ?2 AND operation = ?3)",
            vec![ctx.tenant.key(), id.into(), operation.as_str().into()],
        ),
        hang("DELETE FROM credentials WHERE tenant = ?1 AND user_id = ?2"),
        credentials::delete_history(ctx, id, &operation),
        hang("DELETE FROM renewals WHERE tenant = ?1 AND user_id = ?2"),
        hang("DELETE FROM value_index WHERE tenant = ?1 AND id = ?2"),
        hang("DELETE FROM unique_values WHERE tenant = ?1 AND id = ?2"),
    ];
    batch.extend(group::deletion(ctx, id, &operation, name == GROUP));
    batch.push(Statement::new(
        "DELETE FROM resources WHERE tenant = ?1 AND id = ?2 AND operation = ?3 RETURNING id",
        vec![ctx.tenant.key(), id.into(), operation.as_str().into()],
    ));
    match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => {
            let there = outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty());
            let gone = outcomes.last().is_some_and(|outcome| !outcome.rows.is_empty());
            Ok(match (there, gone) {
                (_, true) => Deleted::Done,
                (true, false) => Deleted::OtherVersion,
                (false, false) => Deleted::NotFound,
            })
        }
        // The error may hide a commit: the operation's own row tells.
        Err(error) => match audit::was_committed(ctx, &operation).await {
            Ok(true) => Ok(Deleted::Done),
            _ => Err(error),
        },
    }
}
