//! Withdrawing an invitation: one conditional write (`store::invitations::revoke`), in one round trip.

use crate::base::account::Onboarding;
use crate::invite::resend::{ResendError, check};
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::store::invitations::revoke as store;

/// Withdraws a pending user's invitation: its links die, the account stays as it is. Answers the user as they are now.
///
/// # Errors
/// [`ResendError`]
pub async fn revoke(ctx: &Context, user_id: &str) -> Result<Resource, ResendError> {
    check(store::revoke(&ctx.in_store_of(user_id), user_id).await?, why_not_withdrawn)
}

fn why_not_withdrawn(user: &Resource) -> &'static str {
    match (user.account.onboarding, &user.invitation) {
        (Onboarding::None, Some(_)) => "The invitation has been accepted: there is nothing to revoke.",
        (Onboarding::None, None) => "This user was never invited: there is nothing to revoke.",
        _ => "The invitation has been revoked already.",
    }
}
