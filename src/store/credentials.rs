//! Password hashes: the one in force, and as many former ones as `PASSWORD_HISTORY` keeps from being chosen again.

use crate::model::context::StoreContext;
use crate::model::settings::Settings;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::store::audit::OPERATION_HOLDS;
use crate::store::sessions;

/// The statements that store a password's hash, provided that the operation took place. What was in force becomes
/// history, and of that only what the setting asks for is kept.
#[must_use]
pub fn store_hash(store: &StoreContext, user_id: &str, operation: &str, hash: &str) -> Vec<Statement> {
    let params = |more: Vec<Value>| {
        let mut params = vec![store.tenant.key(), user_id.into(), operation.into()];
        params.extend(more);
        params
    };
    let mut statements = Vec::new();
    let history = store.settings().password_history;
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
        params(vec![hash.into(), store.platform.clock.now().into()]),
    ));
    statements.push(sessions::delete_of_user(store, user_id, operation));
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
pub fn last(store: &StoreContext, user_id: &str) -> Statement {
    Statement::new(
        "SELECT password_hash, changed, 1 AS in_force FROM credentials WHERE tenant = ?1 AND user_id = ?2 \
         UNION ALL SELECT password_hash, changed, 0 FROM password_history WHERE tenant = ?1 AND user_id = ?2 \
         ORDER BY 3 DESC, 2 DESC",
        vec![store.tenant.key(), user_id.into()],
    )
}

/// The hashes of a user's last passwords, the one in force first: as many as the tenant's setting speaks of.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn hashes(settings: &Settings, outcome: Option<&Outcome>) -> Result<Vec<String>, DatabaseError> {
    let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let last = rows.iter().take(settings.password_history as usize);
    last.map(|row| row.read_text("password_hash").map(str::to_owned)).collect()
}

/// The statement that stores the same password's hash with the parameters of today, unless another password has been set
/// meanwhile.
#[must_use]
pub fn replace_hash(store: &StoreContext, user_id: &str, old: &str, new: String) -> Statement {
    Statement::new(
        "UPDATE credentials SET password_hash = ?4 WHERE tenant = ?1 AND user_id = ?2 AND password_hash = ?3",
        vec![store.tenant.key(), user_id.into(), old.into(), new.into()],
    )
}
