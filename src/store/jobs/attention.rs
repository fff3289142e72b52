//! The jobs that somebody should look at: those that halted, and deletions of single users that can be undone.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::context::Context;
use crate::model::job::Job;
use crate::ports::{DatabaseError, Millis, Outcome, Statement};
use crate::store::cross_store::is_remote;
use crate::store::jobs::{COLUMNS, NOT_BEGUN, from_row};

/// The most of each that are named.
const MOST: u32 = 10;

/// A user who is about to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedDeletion {
    /// The user's id.
    pub user_id: String,
    /// The user name.
    pub user_name: String,
    /// When.
    pub at: Millis,
}

/// The statements for [`halted`] and [`deletions`], in PRIMARY's database.
#[must_use]
pub fn statements(ctx: &Context) -> [Statement; 2] {
    [
        Statement::new(
            format!(
                "SELECT {COLUMNS} FROM jobs j INDEXED BY jobs_halted WHERE j.tenant = ?1 \
                 AND j.state IN ('stopped', 'failed') AND j.reason IS NOT ?2 ORDER BY j.id DESC LIMIT ?3"
            ),
            vec![ctx.tenant.key(), NOT_BEGUN.into(), MOST.into()],
        ),
        // Of users of another store it is not known here whether they still await it.
        Statement::new(
            "SELECT r.user_id, j.undo_until AS at, u.document ->> '$.userName' AS name \
             FROM jobs j INDEXED BY jobs_undoable \
             CROSS JOIN job_rows r ON r.tenant = j.tenant AND r.job = j.id AND r.number = 1 AND r.state = 'waiting' \
             LEFT JOIN resources u ON u.tenant = j.tenant AND u.id = r.user_id AND u.deletion_at = j.undo_until \
             WHERE j.tenant = ?1 AND j.undo_until IS NOT NULL AND j.state <> 'done' ORDER BY j.id DESC LIMIT ?2",
            vec![ctx.tenant.key(), MOST.into()],
        ),
    ]
}

/// The jobs that were stopped or have failed, newest first.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn halted(outcome: &Outcome) -> Result<Vec<Job>, DatabaseError> {
    outcome.rows.iter().map(from_row).collect()
}

/// The deletions that are awaited; the names of users of other stores than PRIMARY take a round trip for each store.
///
/// # Errors
/// The database's.
pub fn deletions(ctx: &Context, outcome: &Outcome) -> Result<Vec<AwaitedDeletion>, DatabaseError> {
    let mut found = Vec::new();
    let mut elsewhere: BTreeMap<Option<u16>, Vec<String>> = BTreeMap::new();
    for row in &outcome.rows {
        let user_id = row.read_text("user_id")?.to_owned();
        match row.read_optional_text("name")? {
            Some(name) => {
                found.push(AwaitedDeletion { user_id, user_name: name.to_owned(), at: row.read_integer("at")? });
            }
            None if is_remote(&user_id) => {
                elsewhere.entry(ctx.deployment.user_stores.of_id(&user_id)).or_default().push(user_id);
            }
            None => {}
        }
    }
    for (store, ids) in elsewhere {
        let statement = Statement::new(
            "SELECT r.id, r.deletion_at AS at, r.document ->> '$.userName' AS name FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.deletion_at IS NOT NULL",
            vec![ctx.tenant.key(), json!(ids).to_string().into()],
        );
        for row in ctx.in_store(store).platform.query(statement)? {
            found.push(AwaitedDeletion {
                user_id: row.read_text("id")?.to_owned(),
                user_name: row.read_optional_text("name")?.unwrap_or_default().to_owned(),
                at: row.read_integer("at")?,
            });
        }
    }
    Ok(found)
}
