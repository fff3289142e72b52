//! Removing what the outbox knows of people: at once when a user is deleted, and of mails that have been kept long enough.
//!
//! A row without personal data has an empty recipient. State, ids and key stay, and the digest by which mails to one mailbox
//! are counted.

use crate::base::limits::LONGEST_PERIOD;
use crate::model::context::StoreContext;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};
use crate::store::audit::OF_OPERATION;

/// What a row says of a person, as columns that are emptied.
const EMPTIED: &str =
    "recipient = '', invited_by = NULL, new_email = NULL, facts = NULL, last_error = NULL, accounts = NULL";

/// The rows that may go: ended, and queued before `?2`. A mail that was first leased after `?3`, in seconds, still counts for
/// its mailbox.
const OLD: &str = "SELECT o.rowid FROM outbox o INDEXED BY outbox_old WHERE o.tenant = ?1 \
    AND o.state IN ('sent', 'unknown', 'failed', 'dropped', 'bounced', 'complained') AND o.created < ?2 \
    AND (o.issued_at IS NULL OR o.issued_at < ?3) ORDER BY o.created LIMIT ?4";

/// The statements that take users out of the outbox, to ride in the batch that deletes those of a list.
#[must_use]
pub fn forget_users(ctx: &StoreContext, users: &str, operation: &str) -> [Statement; 2] {
    let run = |sql: &str| {
        Statement::new(
            format!("{sql} WHERE tenant = ?1 AND user_id IN ({OF_OPERATION})"),
            vec![ctx.tenant.key(), users.into(), operation.into()],
        )
    };
    [run(&format!("UPDATE outbox INDEXED BY outbox_user SET {EMPTIED}")), run("DELETE FROM mail_history")]
}

/// Takes up to `count` ended mails of a tenant that were queued before `before` out of one store's outbox. States and times stay
/// with the users who are still there. Returns how many mails that were.
///
/// # Errors
/// The database's.
pub fn remove_old(platform: &Platform, tenant: &Tenant, before: Millis, count: u32) -> Result<usize, DatabaseError> {
    let counted_from = platform.clock.now() / 1000 - i64::from(LONGEST_PERIOD);
    let run = |sql: String| Statement::new(sql, vec![tenant.key(), before.into(), counted_from.into(), count.into()]);
    let outcomes = platform.db.batch(vec![
        run(format!(
            "INSERT OR REPLACE INTO mail_history (tenant, user_id, seq, id, template, state, created, ended, kid) \
                 SELECT o.tenant, o.user_id, o.seq, o.id, o.template, o.state, o.created, o.due, o.kid FROM outbox o \
                 CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE o.rowid IN ({OLD})"
        )),
        run(format!("DELETE FROM outbox WHERE rowid IN ({OLD}) RETURNING id")),
    ])?;
    Ok(outcomes.last().map_or(0, |outcome| outcome.rows.len()))
}
