//! Trying mails again that have ended unsent, and waking the sender for them.

use std::time::Duration;

use crate::model::context::{Context, StoreContext};
use crate::model::mail::MailState;
use crate::ports::DatabaseError;
use crate::store::outbox::listing::{self, ListedMail};
use crate::store::outbox::requeue as store;

/// What became of trying a mail again.
#[derive(Clone, Debug)]
pub enum Retried {
    /// It is queued.
    Queued(Box<ListedMail>),
    /// There is none of this id.
    Missing,
    /// Its user has been deleted: there is nobody to send it to.
    Nobody,
    /// In this state it cannot be tried again.
    NotNow(MailState),
}

/// Queues the mail of this id again, in the user store that it is of.
///
/// # Errors
/// The database's.
pub fn retry(ctx: &Context, id: &str) -> Result<Retried, DatabaseError> {
    let store = ctx.in_store_of(id);
    let queued = requeue_one(&store, id)?;
    Ok(match listing::find(&store, id)? {
        None => Retried::Missing,
        Some(mail) if queued => Retried::Queued(Box::new(mail)),
        Some(mail) if mail.is_emptied() => Retried::Nobody,
        Some(mail) => Retried::NotNow(mail.state),
    })
}

/// Queues one mail again; returns whether it could be.
fn requeue_one(ctx: &StoreContext, id: &str) -> Result<bool, DatabaseError> {
    let queued = store::requeue_one(ctx, id)?;
    wake_if(ctx, queued);
    Ok(queued)
}

/// Queues all mails in a state again, up to 1,000, the oldest first; returns how many.
///
/// # Errors
/// The database's.
pub fn requeue_all(ctx: &StoreContext, state: MailState) -> Result<usize, DatabaseError> {
    let queued = store::requeue_all(ctx, state)?;
    wake_if(ctx, queued > 0);
    Ok(queued)
}

fn wake_if(ctx: &StoreContext, queued: bool) {
    if queued {
        ctx.platform.mail_queue.wake(Duration::ZERO);
    }
}
