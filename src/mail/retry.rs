//! Trying mails again that have ended unsent, and waking the sender for them.

use std::time::Duration;

use crate::model::context::StoreContext;
use crate::model::mail::MailState;
use crate::ports::DatabaseError;
use crate::store::outbox::retry::{requeue_all, requeue_one};

/// Queues one mail again; returns whether it could be.
///
/// # Errors
/// The database's.
pub async fn retry_one(store: &StoreContext, id: &str) -> Result<bool, DatabaseError> {
    let queued = requeue_one(store, id).await?;
    wake_if(store, queued);
    Ok(queued)
}

/// Queues all mails in a state again, up to 1,000, the oldest first; returns how many.
///
/// # Errors
/// The database's.
pub async fn retry_all(store: &StoreContext, state: MailState) -> Result<usize, DatabaseError> {
    let queued = requeue_all(store, state).await?;
    wake_if(store, queued > 0);
    Ok(queued)
}

fn wake_if(store: &StoreContext, queued: bool) {
    if queued {
        store.platform.mail_queue.wake(Duration::ZERO);
    }
}
