//! Withdrawing an invitation: one conditional write (`store::invitations::revoke`), in one round trip.

use crate::base::account::Onboarding;
use crate::base::scope::Scope;
use crate::invite::code::check_may_keep_out;
use crate::invite::resend::{ResendError, check};
use crate::model::context::Context;
use crate::model::job::{JobAction, Obstacle};
use crate::model::resource::{Resource, USER};
use crate::store::cross_store::is_remote;
use crate::store::invitations::resend::Changed;
use crate::store::invitations::revoke as store;
use crate::store::resources::find;

/// Withdraws a pending user's invitation: its links die, the account stays as it is. Answers the user as they are now. It
/// keeps the user out, and so takes the scope `roles` for one who holds a role: without it, two round trips where it is
/// refused, and one more for a user of another store than PRIMARY.
///
/// # Errors
/// [`ResendError`]
pub fn revoke(ctx: &Context, user_id: &str) -> Result<Resource, ResendError> {
    let there = &ctx.in_store_of(user_id);
    let without_role = !ctx.scopes.has(Scope::Roles);
    // What groups in PRIMARY's database give, another has to be told beforehand.
    let checked_before = without_role && is_remote(user_id);
    if checked_before {
        let user = find::by_id(there, USER, user_id, true)?.ok_or(ResendError::NotFound)?;
        check_may_keep_out(ctx, &user).map_err(ResendError::Forbidden)?;
    }
    let changed = store::revoke(there, user_id, without_role)?;
    if let (Changed::Refused(_), true) = (&changed, without_role) {
        let user = find::by_id(there, USER, user_id, true)?.ok_or(ResendError::NotFound)?;
        check_may_keep_out(ctx, &user).map_err(ResendError::Forbidden)?;
    }
    check(changed, why_not_withdrawn)
}

/// What stands against withdrawing a user's invitation, by what they are.
#[must_use]
pub fn obstacle(user: &Resource) -> Option<Obstacle> {
    match (user.account.onboarding, &user.invitation) {
        _ if user.account.deletion.is_some() => Some(Obstacle::Deletion),
        (Onboarding::None, Some(_)) => Some(Obstacle::Accepted),
        (Onboarding::None, None) => Some(Obstacle::NeverInvited),
        _ => user.account.is_revoked().then_some(Obstacle::Revoked),
    }
}

fn why_not_withdrawn(user: &Resource) -> &'static str {
    obstacle(user).unwrap_or(Obstacle::Revoked).reason(JobAction::Revoke)
}
