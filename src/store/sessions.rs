//! Console sessions, as rows in their user's store; those of the first administrator, who has no id, are in PRIMARY.

use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement, Value};
use crate::store::audit::{OF_OPERATION, OPERATION_HOLDS};

/// The primary key of a session's row, besides the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// The id of the user; empty for the first administrator.
    pub user_id: String,
    /// The session's own id.
    pub id: String,
}

impl SessionKey {
    fn params(&self, store: &StoreContext) -> Vec<Value> {
        vec![store.tenant.key(), self.user_id.as_str().into(), self.id.as_str().into()]
    }
}

/// A session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The time the password was set that the session began with; 0 for the first administrator.
    pub password_changed: Millis,
    /// The time the session was last recorded as in use.
    pub seen: Millis,
}

impl SessionRow {
    /// Reads a row of [`find`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self { password_changed: row.read_integer("password_changed")?, seen: row.read_integer("seen")? })
    }
}

/// The statement that stores a session begun at `now`, for [`SessionRow::from_row`] to read.
#[must_use]
pub fn insert(
    store: &StoreContext,
    key: &SessionKey,
    password_changed: Millis,
    now: Millis,
    expires_at: Millis,
) -> Statement {
    let mut params = key.params(store);
    params.extend([password_changed.into(), now.into(), expires_at.into()]);
    Statement::new(
        "INSERT INTO sessions (tenant, user_id, id, password_changed, started, seen, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        params,
    )
}

/// The statement that reads a session.
#[must_use]
pub fn find(store: &StoreContext, key: &SessionKey) -> Statement {
    Statement::new(
        "SELECT password_changed, seen FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND id = ?3",
        key.params(store),
    )
}

/// The statement that says that a session is in use.
#[must_use]
pub fn touch(store: &StoreContext, key: &SessionKey, now: Millis) -> Statement {
    let mut params = key.params(store);
    params.push(now.into());
    Statement::new("UPDATE sessions SET seen = ?4 WHERE tenant = ?1 AND user_id = ?2 AND id = ?3", params)
}

/// The statement that deletes one session.
#[must_use]
pub fn delete(store: &StoreContext, key: &SessionKey) -> Statement {
    Statement::new("DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND id = ?3", key.params(store))
}

/// The statement that deletes all sessions of a user, or of the first administrator.
#[must_use]
pub fn delete_all(store: &StoreContext, user_id: &str) -> Statement {
    Statement::new("DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2", vec![store.tenant.key(), user_id.into()])
}

/// The statement that deletes all of a user's sessions, provided that the operation took place: what has ended by a lock
/// does not come back when the lock is lifted.
#[must_use]
pub fn delete_of_user(store: &StoreContext, user_id: &str, operation: &str) -> Statement {
    Statement::new(
        format!("DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND {OPERATION_HOLDS}"),
        vec![store.tenant.key(), user_id.into(), operation.into()],
    )
}

/// The statement that deletes all sessions of users who are deleted: of those of a list that the operation holds.
#[must_use]
pub fn delete_of_each(store: &StoreContext, users: &str, operation: &str) -> Statement {
    Statement::new(
        format!("DELETE FROM sessions WHERE tenant = ?1 AND user_id IN ({OF_OPERATION})"),
        vec![store.tenant.key(), users.into(), operation.into()],
    )
}

/// Deletes the sessions that are over, in every user store: a part of the sweep.
///
/// # Errors
/// The database's.
pub async fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    for store in platform.all_stores() {
        let statement = Statement::new(
            "DELETE FROM sessions INDEXED BY sessions_expires_at WHERE expires_at <= ?1",
            vec![store.clock.now().into()],
        );
        store.query(statement).await?;
    }
    Ok(())
}
