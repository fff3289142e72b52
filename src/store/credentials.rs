//! Password hashes: the one in force, and as many former ones as `PASSWORD_HISTORY` keeps from being chosen again.

use crate::access::sessions;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::store::audit::OPERATION_HOLDS;

/// The statements that store a password's hash, provided that the operation took place. What was in force becomes
/// history, and of that only what the setting asks for is kept.
#[must_use]
pub fn store(ctx: &Context, user_id: &str, operation: &str, hash: &str) -> Vec<Statement> {
    let params = |more: Vec<Value>| {
        let mut params = vec![ctx.tenant.key(), user_id.into(), operation.into()];
        params.extend(more);
        params
    };
    let mut statements = Vec::new();
    let history = ctx.settings().password_history;
    if history > 0 {
        statements.push(Statement::new(
            format!(
                "INSERT OR IGNORE INTO password_history (tenant, user_id, changed, password_hash) \
                 SELECT tenant, user_id, changed, password_hash FROM credentials \
                 WHERE tenant = ?1 AND user_id = ?2 AND {OPERATION_HOLDS}"
            ),
            params(Vec::new()),
        ));
    }
    statements.push(Statement::new(
        format!(
            "INSERT INTO credentials (tenant, user_id, password_hash, changed) SELECT ?1, ?2, ?4, ?5 \
             WHERE {OPERATION_HOLDS} ON CONFLICT (tenant, user_id) DO UPDATE SET \
             password_hash = excluded.password_hash, changed = excluded.changed"
        ),
        params(vec![hash.into(), ctx.platform.clock.now().into()]),
    ));
    statements.push(sessions::ending(ctx, user_id, operation));
    // With the setting back at 0, what it kept goes with the next password.
    statements.push(Statement::new(
        format!(
            "DELETE FROM password_history WHERE tenant = ?1 AND user_id = ?2 AND {OPERATION_HOLDS} AND changed <= \
             (SELECT changed FROM password_history WHERE tenant = ?1 AND user_id = ?2 \
             ORDER BY changed DESC LIMIT 1 OFFSET ?4)"
        ),
        // The newest of the last passwords is the one in force, which is no history.
        params(vec![history.saturating_sub(1).into()]),
    ));
    statements
}

/// The statement that reads what [`hashes`] answers.
#[must_use]
pub fn last(ctx: &Context, user_id: &str) -> Statement {
    Statement::new(
        "SELECT password_hash, changed, 1 AS in_force FROM credentials WHERE tenant = ?1 AND user_id = ?2 \
         UNION ALL SELECT password_hash, changed, 0 FROM password_history WHERE tenant = ?1 AND user_id = ?2 \
         ORDER BY 3 DESC, 2 DESC",
        vec![ctx.tenant.key(), user_id.into()],
    )
}

/// The hashes of a user's last passwords, the one in force first: as many as the tenant's setting speaks of.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn hashes(ctx: &Context, outcome: Option<&Outcome>) -> Result<Vec<String>, DatabaseError> {
    let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let last = rows.iter().take(ctx.settings().password_history as usize);
    last.map(|row| row.text("password_hash").map(str::to_owned)).collect()
}

/// The statement that deletes them with their user, provided that the operation took place.
#[must_use]
pub fn delete_history(ctx: &Context, user_id: &str, operation: &str) -> Statement {
    Statement::new(
        format!("DELETE FROM password_history WHERE tenant = ?1 AND user_id = ?2 AND {OPERATION_HOLDS}"),
        vec![ctx.tenant.key(), user_id.into(), operation.into()],
    )
}
