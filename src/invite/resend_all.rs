//! Sending again, in one call, what one root key has signed: its links die with it when it is retired (docs/token.md).
//!
//! Two round trips for up to [`MANY`] invitations: find them, and write. The write asks again for all that made them
//! be found, so that it cannot fall between another resend, a redeeming or a lock and its effect.

use crate::invite::create::inviter;
use crate::model::context::{Context, StoreContext};
use crate::model::settings::EmailSender;
use crate::ports::DatabaseError;
use crate::store::invitations::resend_all as store;

/// The most invitations of a user store that one call sends again.
pub const MANY: usize = 500;

/// The result of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent {
    /// The invitations sent again.
    pub resent: usize,
    /// Whether there are more, for the next call.
    pub more: bool,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendAllError {
    /// The key signs new links: it would sign these again.
    #[error(
        "This key signs new links, and would sign these again: put another key before it in TOKEN_KEYS first, or leave it out."
    )]
    Signing,
    /// The tenant mails nothing.
    #[error("No mail is sent where EMAIL_SENDER is external: ask for a new code for each user.")]
    External,
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Sends again what is pending (neither accepted nor withdrawn) and was last mailed with a link that the key `kid` has
/// signed, oldest users first; a change of address that waits to be confirmed counts too. Each is a resend like any other.
///
/// # Errors
/// [`ResendAllError`]
pub fn resend_signed_by(ctx: &Context, kid: &str) -> Result<Resent, ResendAllError> {
    if ctx.deployment.keys.current_kid() == Some(kid) {
        return Err(ResendAllError::Signing);
    }
    if ctx.settings().email_sender == EmailSender::External {
        return Err(ResendAllError::External);
    }
    let mut done = Resent { resent: 0, more: false };
    for platform in ctx.platform.all_stores() {
        let of_store = resend_in_store(&ctx.in_store(platform.store), kid)?;
        done = Resent { resent: done.resent + of_store.resent, more: done.more || of_store.more };
    }
    Ok(done)
}

/// The same in one user store.
fn resend_in_store(ctx: &StoreContext, kid: &str) -> Result<Resent, ResendAllError> {
    let mut users = store::find_signed_by(ctx, kid, MANY + 1)?;
    let more = users.len() > MANY;
    users.truncate(MANY);
    if users.is_empty() {
        return Ok(Resent { resent: 0, more });
    }
    let resent = store::resend_each(ctx, kid, &users, inviter(ctx).as_deref())?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(Resent { resent, more })
}
