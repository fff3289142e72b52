//! Codes that go to the caller instead of into a mail (`model::code`): minting them, and who may have them.
//!
//! A code is the token that a mailed link would have. It is minted once what it is for has been written, and is nowhere
//! at rest.

use serde_json::Value as Json;

use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::base::token::Claims;
use crate::mail::template_choice::{languages, select_template};
use crate::model::code::Code;
use crate::model::context::Work;
use crate::model::resource::Resource;
use crate::model::role::Roles;
use crate::store::outbox::due::Person;
use scim::error::Error as ScimError;

/// The token of a code for this user as they are now; `None` when the deployment has no key to sign with.
#[must_use]
pub fn mint(ctx: &Work, code: &Code, user: &Resource) -> Option<Secret> {
    let claims = Claims {
        kid: ctx.deployment.keys.current_kid()?.to_owned(),
        purpose: code.purpose,
        tenant: ctx.tenant.number(),
        user: user.id.parse().ok()?,
        seq: user.account.seq(),
        issued_at: code.issued_at,
        expires_at: code.expires_at,
        locale: choose_locale(ctx, user),
    };
    ctx.deployment.keys.mint(&claims).map(Secret::new)
}

/// The language of the page that the code leads to: the user's, as a mail would have it.
fn choose_locale(ctx: &Work, user: &Resource) -> String {
    let document = user.attributes();
    let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
    let person = Person { preferred_language: text("preferredLanguage"), locale: text("locale"), ..Person::default() };
    select_template(&languages(&person), &ctx.settings().default_locale, &[]).locale
}

/// 403 unless the caller may be handed this user's code. The user has been read with their groups.
///
/// # Errors
/// 403
pub fn check_may_have_code_of(ctx: &Work, user: &Resource) -> Result<(), ScimError> {
    if ctx.scopes.has(Scope::Roles) || !Roles::of_user(user).is_any() {
        return Ok(());
    }
    Err(ScimError::forbidden(
        "Who has the link could sign in as a user who has a role: this takes the scope roles, which these credentials do \
         not have.",
    ))
}

/// 403 unless the caller may keep this user from getting in. The user has been read with their groups.
///
/// # Errors
/// 403
pub fn check_may_keep_out(ctx: &Work, user: &Resource) -> Result<(), ScimError> {
    if ctx.scopes.has(Scope::Roles) || !Roles::of_user(user).is_any() {
        return Ok(());
    }
    Err(ScimError::forbidden(
        "The user has a role, and could no longer get in: this takes the scope roles, which these credentials do not have.",
    ))
}

/// 403 unless the caller may be handed codes.
///
/// # Errors
/// 403
pub fn check_may_have_codes(ctx: &Work) -> Result<(), ScimError> {
    if ctx.scopes.has(Scope::Links) {
        return Ok(());
    }
    Err(ScimError::forbidden(
        "Invitations of this tenant are answered with their code (EMAIL_SENDER is external); this takes the scope links.",
    ))
}
