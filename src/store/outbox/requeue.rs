//! Trying a mail again that has ended unsent: a new generation, so that providers take it for a new mail.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::mail::MailState;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit;
use crate::store::outbox::listing::ENDED;
use crate::store::outbox::{invitations, quoted};

/// The most mails one call queues again.
const MANY: u32 = 1_000;

/// What makes a mail new: nothing of its former attempts is left but its idempotency key's generation. The row keeps
/// whose call it was, for the audit row that hangs on it.
const ANEW: &str = "state = 'queued', generation = outbox.generation + 1, attempts = 0, doubtful = NULL, \
    created = excluded.created, due = excluded.due, lease = excluded.lease, provider = NULL, kid = NULL, \
    issued_at = NULL, expires_at = NULL, locale = NULL, facts = NULL, template_version = NULL, provider_id = NULL, \
    last_error = NULL, refused = NULL, delivered_at = NULL, reported_at = NULL";

/// Rows to be queued again, as an insert that always is the update which follows it.
const AGAIN: &str = "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, lease) \
    SELECT o.tenant, o.id, o.user_id, o.template, o.seq, o.recipient, o.state, ?4, ?4, ?3 FROM outbox o";

/// Their users show the mail as queued, where it is still their invitation.
const SHOW: &str = "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) \
    SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, 'queued' FROM outbox o \
    CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id AND r.seq = o.seq";

/// Queues one mail again; returns whether it could be.
///
/// # Errors
/// The database's.
pub fn requeue_one(ctx: &StoreContext, id: &str) -> Result<bool, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let params = || vec![ctx.tenant.key(), id.into(), operation.as_str().into(), ctx.platform.clock.now().into()];
    let batch = vec![
        Statement::new(
            format!(
                "{AGAIN} WHERE o.tenant = ?1 AND o.id = ?2 AND o.recipient <> '' AND o.state IN ({}) \
                 ON CONFLICT (tenant, id) DO UPDATE SET {ANEW} RETURNING id",
                quoted(MailState::RETRYABLE.iter().map(|state| state.as_str()))
            ),
            params(),
        ),
        Statement::new(
            format!(
                "{SHOW} WHERE o.tenant = ?1 AND o.id = ?2 AND o.lease = ?3 AND o.template IN ({}) \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery",
                invitations()
            ),
            vec![ctx.tenant.key(), id.into(), operation.as_str().into()],
        ),
        audit::record_if(
            ctx,
            &operation,
            Action::MailRetry,
            id,
            "EXISTS (SELECT 1 FROM outbox WHERE tenant = ?1 AND id = ?2 AND lease = ?3)",
        ),
    ];
    Ok(count(ctx, batch)? > 0)
}

/// Queues all mails in a state again, the oldest first; returns how many, which may be fewer than there are.
///
/// # Errors
/// The database's.
pub fn requeue_all(ctx: &StoreContext, state: MailState) -> Result<usize, DatabaseError> {
    if !state.is_retryable() {
        return Ok(0);
    }
    let operation = ctx.platform.new_id().to_string();
    let now = ctx.platform.clock.now();
    let batch = vec![
        Statement::new(
            format!(
                "{AGAIN} INDEXED BY outbox_ended WHERE o.tenant = ?1 AND o.state = ?5 AND {ENDED} AND o.recipient <> '' ORDER BY o.id LIMIT ?2 \
                 ON CONFLICT (tenant, id) DO UPDATE SET {ANEW} RETURNING id"
            ),
            vec![ctx.tenant.key(), MANY.into(), operation.as_str().into(), now.into(), state.as_str().into()],
        ),
        Statement::new(
            format!(
                "{SHOW} WHERE o.state IN ('queued', 'sending', 'deferred') AND o.due = ?3 AND o.tenant = ?1 AND o.lease = ?2 AND o.template IN ({}) \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery",
                invitations()
            ),
            vec![ctx.tenant.key(), operation.as_str().into(), now.into()],
        ),
        audit::record_plain(ctx, &operation, Action::MailRetry, state.as_str()),
    ];
    count(ctx, batch)
}

/// Runs the batch; returns how many mails its first statement queued.
fn count(store: &StoreContext, batch: Vec<Statement>) -> Result<usize, DatabaseError> {
    let outcomes = store.platform.db.batch(batch)?;
    Ok(outcomes.first().map_or(0, |outcome| outcome.rows.len()))
}
