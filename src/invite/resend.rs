//! Sending an invitation again: one conditional write (`store::invitations::resend`), in one round trip.

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::limits::Limit;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::base::token::Purpose;
use crate::invite::code::{check_may_have_code_of, check_may_have_codes, mint};
use crate::invite::create::inviter;
use crate::model::code::Code;
use crate::model::context::{Context, StoreContext};
use crate::model::job::{JobAction, Obstacle};
use crate::model::resource::{Resource, USER};
use crate::model::settings::EmailSender;
use crate::ports::DatabaseError;
use crate::store::audit::Counted;
use crate::store::invitations::resend::{self as store, Changed};
use crate::store::resources::find;
use scim::error::Error as ScimError;

/// Why an invitation was neither sent nor withdrawn. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// There is no such user.
    #[error("There is no user with this id.")]
    NotFound,
    /// There is nothing to do it to, in words that say what to do instead.
    #[error("{0}")]
    Nothing(&'static str),
    /// It was sent again as often as `RATE_LIMITS` allows for now.
    #[error(
        "This invitation was sent again {count} times lately, and no more are allowed: try again in {seconds} seconds."
    )]
    TooMany {
        /// The number of times it was sent lately.
        count: u32,
        /// Seconds until it may be sent again.
        seconds: u32,
    },
    /// The answer would carry a code, which the caller may not have.
    #[error("{}", .0.detail)]
    Forbidden(ScimError),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An invitation sent again.
#[derive(Debug)]
pub struct Resent {
    /// The user as they are now.
    pub user: Resource,
    /// The new code, where the caller sends it on.
    pub code: Option<Secret>,
}

/// Mails a pending user a new link; older ones die as replaced. Works after expiry and after a withdrawal, as often as
/// the limit allows. A live user whose new address waits to be confirmed gets that mail again. Answers the user as they are now.
///
/// # Errors
/// [`ResendError`]
pub fn resend(ctx: &Context, user_id: &str) -> Result<Resent, ResendError> {
    let ctx = &ctx.in_store_of(user_id);
    let external = ctx.settings().email_sender == EmailSender::External;
    if external {
        match hand_over(ctx, user_id) {
            // What is left is a new address to be confirmed, which is no invitation: that is mailed all the same.
            Err(ResendError::Nothing(_)) => {}
            handed => return handed,
        }
    }
    let limit = ctx.settings().rate_limits.resends;
    let changed = store::resend_by_mail(ctx, user_id, limit, external, inviter(ctx).as_deref())?;
    let user = match (check(changed, why_not_sent), limit) {
        (Err(ResendError::Nothing(FASTER)), Some(limit)) => return Err(explain_limit(ctx, user_id, limit)?),
        (done, _) => done?,
    };
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(Resent { user, code: None })
}

/// The same where the caller sends the code on (`EMAIL_SENDER=external`).
fn hand_over(ctx: &StoreContext, user_id: &str) -> Result<Resent, ResendError> {
    check_may_have_codes(ctx).map_err(ResendError::Forbidden)?;
    let mut seq = None;
    if !ctx.scopes.has(Scope::Roles) {
        let user = find::by_id(ctx, USER, user_id, true)?.ok_or(ResendError::NotFound)?;
        check_may_have_code_of(ctx, &user).map_err(ResendError::Forbidden)?;
        // Whoever is given a role meanwhile is given another link, too.
        seq = Some(user.account.seq());
    }
    // Which of them it is, the write decides.
    let confirm = Code::new(ctx, Purpose::VerifyEmail);
    let set = Code::new(ctx, Purpose::AskPassword);
    let changed = store::resend_by_code(ctx, user_id, confirm.expires_at_millis(), set.expires_at_millis(), seq)?;
    let user = check(changed, why_not_sent)?;
    let code = if user.account.onboarding == Onboarding::EmailVerification { confirm } else { set };
    Ok(Resent { code: mint(ctx, &code, &user), user })
}

/// What a resend was refused for: the limit, or else somebody who was faster.
fn explain_limit(ctx: &StoreContext, user_id: &str, limit: Limit) -> Result<ResendError, DatabaseError> {
    let seconds = Counted::RESENDS.seconds_left(ctx, user_id, &[limit])?;
    Ok(seconds.map_or(ResendError::Nothing(FASTER), |seconds| ResendError::TooMany { count: limit.count, seconds }))
}

/// The user as written; where nothing was, the reason that `why_not` finds in what they are.
///
/// # Errors
/// `NotFound`, or that there is nothing to do it to.
pub fn check(changed: Changed, why_not: fn(&Resource) -> &'static str) -> Result<Resource, ResendError> {
    match changed {
        Changed::Done(user) => Ok(user),
        Changed::Refused(user) => Err(ResendError::Nothing(why_not(&user))),
        Changed::NotFound => Err(ResendError::NotFound),
    }
}

/// Why a resend was refused that nothing about the user stands against.
const FASTER: &str = "Another request was faster: read the invitation and try again.";

/// What stands against sending a user's invitation again, by what they are.
#[must_use]
pub fn obstacle(user: &Resource) -> Option<Obstacle> {
    match &user.account {
        Account { deletion: Some(_), .. } => Some(Obstacle::Deletion),
        Account { onboarding: Onboarding::None, pending_email: None, .. } if user.invitation.is_some() => {
            Some(Obstacle::Accepted)
        }
        Account { onboarding: Onboarding::None, pending_email: None, .. } => Some(Obstacle::NeverInvited),
        Account { disabled: true, .. } => Some(Obstacle::Disabled),
        Account { lock: Lock::Admin, .. } => Some(Obstacle::Locked),
        Account { email: None, pending_email: None, .. } => Some(Obstacle::NoAddress),
        _ => None,
    }
}

fn why_not_sent(user: &Resource) -> &'static str {
    obstacle(user).map_or(FASTER, |obstacle| obstacle.reason(JobAction::Resend))
}
