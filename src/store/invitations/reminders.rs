//! Reminders: who is due for one, and the write that sends it. The sender has set the time with the mail before.

use std::collections::HashMap;

use serde_json::json;

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};
use crate::store::audit;
use crate::store::invitations::{NOT_REVOKED, RENEWABLE, queue_columns, renewed_columns};
use crate::store::operation::Operation;

/// Somebody whose reminder is due.
#[derive(Clone, Debug)]
pub struct DueReminder {
    /// The tenant's number.
    pub tenant: i64,
    /// The user's id.
    pub user_id: String,
    /// When the last mail went out that a caller asked for.
    pub asked_at: Millis,
    /// When the reminder was due.
    pub due: Millis,
}

/// Those in one user store who are due, the longest first.
///
/// # Errors
/// The database's.
pub fn find_due(store: &Platform, limit: u32) -> Result<Vec<DueReminder>, DatabaseError> {
    let statement = Statement::new(
        "SELECT r.tenant, r.id, COALESCE(r.asked_at, r.remind_at) AS asked_at, r.remind_at \
         FROM resources r INDEXED BY resources_remind WHERE r.remind_at <= ?1 ORDER BY r.remind_at LIMIT ?2",
        vec![store.clock.now().into(), limit.into()],
    );
    let rows = store.query(statement)?;
    rows.iter()
        .map(|row| {
            Ok(DueReminder {
                tenant: row.read_integer("tenant")?,
                user_id: row.read_text("id")?.to_owned(),
                asked_at: row.read_integer("asked_at")?,
                due: row.read_integer("remind_at")?,
            })
        })
        .collect()
}

/// The tenants of these numbers, from PRIMARY's database.
///
/// # Errors
/// The database's.
pub fn tenants(primary: &Platform, due: &[DueReminder]) -> Result<HashMap<i64, Tenant>, DatabaseError> {
    let numbers: Vec<i64> = due.iter().map(|due| due.tenant).collect();
    let statement = Statement::new(
        "SELECT t.number, t.domain FROM tenants t WHERE t.number IN (SELECT value FROM json_each(?1))",
        vec![json!(numbers).to_string().into()],
    );
    let rows = primary.query(statement)?;
    rows.iter().map(|row| Ok((row.read_integer("number")?, Tenant::from_domain(row.read_text("domain")?)))).collect()
}

/// The reminder to send: which it is, how many days are over with it, and when the next one is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Its number, from 1.
    pub number: usize,
    /// When the next one is due.
    pub next: Option<Millis>,
}

/// Sends a reminder to whoever still has to accept an invitation whose last mail was sent; takes anybody else, and everybody
/// where there is none to send, off the list. Once, however often it is tried.
///
/// # Errors
/// The database's.
pub fn settle(ctx: &StoreContext, due: &DueReminder, reminder: Option<Reminder>) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let now = ctx.platform.clock.now();
    let key = || vec![ctx.tenant.key(), due.user_id.as_str().into(), operation.id().into(), now.into()];
    let with = |more: Vec<_>| [key(), more].concat();
    let mut batch = Vec::new();
    if let Some(Reminder { number, next }) = reminder {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        batch.push(Statement::new(
            format!(
                "UPDATE resources SET {}, reminded = ?5, remind_at = ?6 WHERE tenant = ?1 AND id = ?2 AND type = 'User' \
                 AND onboarding <> 'none' AND delivery = 'sent' AND remind_at = ?7 AND {RENEWABLE} AND {NOT_REVOKED}",
                renewed_columns()
            ),
            with(vec![number.into(), next.into(), due.due.into()]),
        ));
        batch.push(audit::record(ctx, operation.id(), Action::InvitationRemind, &due.user_id));
        // Whoever asked for the mail before invites still.
        let inviter = "(SELECT o.invited_by FROM outbox o WHERE o.tenant = r.tenant AND o.user_id = r.id \
                       AND o.seq < r.seq ORDER BY o.seq DESC LIMIT 1)";
        batch.push(Statement::new(
            format!(
                "{} ?5, ?6 FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.operation = ?3 AND ?4 > 0",
                queue_columns(inviter)
            ),
            with(vec![ctx.platform.new_id().to_string().into(), number.into()]),
        ));
    }
    batch.push(Statement::new(
        "UPDATE resources SET remind_at = NULL WHERE tenant = ?1 AND id = ?2 AND operation <> ?3 AND remind_at = ?5 \
         AND ?4 > 0",
        with(vec![due.due.into()]),
    ));
    // A commit behind an error has moved the time on: the next run finds nothing to do twice.
    ctx.platform.db.batch(batch).map(drop)
}
