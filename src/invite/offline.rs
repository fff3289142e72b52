//! Links that an administrator asks for, to hand them over by other means than a mail: the current `seq`, so that the mailed
//! link lives on (DESIGN 3).

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::base::token::Purpose;
use crate::invite::code::{check_may_have_code_of, mint};
use crate::model::code::Code;
use crate::model::context::Context;
use crate::model::job::AWAITS_DELETION;
use crate::model::resource::{Resource, USER};
use crate::ports::DatabaseError;
use crate::store::invitations::resend::record_link;
use crate::store::resets;
use crate::store::resources::find;
use scim::error::Error as ScimError;

/// Why there is no offline link.
#[derive(Debug, thiserror::Error)]
pub enum OfflineLinkError {
    /// There is no such user.
    #[error("There is no such user.")]
    Unknown,
    /// The caller may not have this user's link.
    #[error("{}", .0.detail)]
    Forbidden(ScimError),
    /// The user is about to be deleted.
    #[error("{AWAITS_DELETION}")]
    Deletion,
    /// An administrator has switched the account off.
    #[error("The account is disabled: enable it first.")]
    Disabled,
    /// An administrator has locked the account.
    #[error("The account is locked: unlock it first.")]
    Locked,
    /// There is no password to be set, so that the link would be dead. In words that say what to do instead.
    #[error("{0}")]
    Nothing(&'static str),
}

/// Returns a token with which the user of this name sets the first password, or who has accepted before, a new one. Audited
/// before it is answered.
///
/// # Errors
/// The database's.
pub async fn create_token(ctx: &Context, user_name: &str) -> Result<Result<Secret, OfflineLinkError>, DatabaseError> {
    let Some(user) = find::user_by_name(ctx, user_name).await? else { return Ok(Err(OfflineLinkError::Unknown)) };
    create_token_for(ctx, &user).await
}

/// The same for the user of this id, who comes with it.
///
/// # Errors
/// The database's.
pub async fn create_token_by_id(
    ctx: &Context,
    id: &str,
) -> Result<Result<(Secret, Resource), OfflineLinkError>, DatabaseError> {
    let user = find::by_id(&ctx.in_store_of(id), USER, id, true).await?;
    let Some(user) = user else { return Ok(Err(OfflineLinkError::Unknown)) };
    Ok(create_token_for(ctx, &user).await?.map(|token| (token, user)))
}

/// `user` has been read with their groups.
async fn create_token_for(ctx: &Context, user: &Resource) -> Result<Result<Secret, OfflineLinkError>, DatabaseError> {
    if let Some(refused) = check(&user.account) {
        return Ok(Err(refused));
    }
    if let Err(forbidden) = check_may_have_code_of(ctx, user) {
        return Ok(Err(OfflineLinkError::Forbidden(forbidden)));
    }
    let there = &ctx.in_store_of(&user.id);
    let code = match user.account.onboarding {
        Onboarding::None => {
            let code = Code::new(ctx, Purpose::OfflineReset);
            let ends = resets::end_of_link(code.expires_at);
            let may_have_role = ctx.scopes.has(Scope::Roles);
            if !resets::record_link(there, &user.id, user.account.seq(), ends, may_have_role).await? {
                return Ok(Err(OfflineLinkError::Nothing("Another request was faster: try again.")));
            }
            code
        }
        _ => {
            record_link(there, &user.id).await?;
            Code::new(ctx, Purpose::Offline)
        }
    };
    let token = mint(ctx, &code, user);
    Ok(token.ok_or(OfflineLinkError::Nothing("The deployment has no key to sign links with.")))
}

fn check(account: &Account) -> Option<OfflineLinkError> {
    match (account.onboarding, account.lock) {
        _ if account.deletion.is_some() => Some(OfflineLinkError::Deletion),
        _ if account.disabled => Some(OfflineLinkError::Disabled),
        (_, Lock::Admin) => Some(OfflineLinkError::Locked),
        (Onboarding::EmailVerification, _) => Some(OfflineLinkError::Nothing(
            "The user has to confirm the e-mail address, which a link that was handed over cannot do: send it again.",
        )),
        (Onboarding::AskPassword, _) if account.is_revoked() => {
            Some(OfflineLinkError::Nothing("The invitation has been withdrawn: send it again first."))
        }
        (Onboarding::AskPassword | Onboarding::None, _) => None,
    }
}
