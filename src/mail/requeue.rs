//! Trying mails again that have ended unsent, and waking the sender for them.

use std::time::Duration;

use crate::model::context::StoreContext;
use crate::model::mail::MailState;
use crate::ports::DatabaseError;
use crate::store::outbox::requeue as store;

/// Queues one mail again; returns whether it could be.
///
/// # Errors
/// The database's.
pub async fn requeue_one(ctx: &StoreContext, id: &str) -> Result<bool, DatabaseError> {
    let queued = store::requeue_one(ctx, id).await?;
    wake_if(ctx, queued);
    Ok(queued)
}

/// Queues all mails in a state again, up to 1,000, the oldest first; returns how many.
///
/// # Errors
/// The database's.
pub async fn requeue_all(ctx: &StoreContext, state: MailState) -> Result<usize, DatabaseError> {
    let queued = store::requeue_all(ctx, state).await?;
    wake_if(ctx, queued > 0);
    Ok(queued)
}

fn wake_if(ctx: &StoreContext, queued: bool) {
    if queued {
        ctx.platform.mail_queue.wake(Duration::ZERO);
    }
}
