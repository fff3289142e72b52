//! Codes that go to the caller instead of into a mail: `EMAIL_SENDER=external`, and links that an administrator asks for.
//!
//! A code is the token that a mailed link would have. It is minted once what it is for has been written, and is nowhere
//! at rest.

use serde_json::Value as Json;

use crate::access::role;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::base::token::{Claims, Purpose};
use crate::mail::template_choice::{languages, select_template};
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::ports::Millis;
use crate::store::outbox::due::Person;
use scim::error::Error as ScimError;

/// A code to be: what it says, but not of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    purpose: Purpose,
    issued_at: u64,
    expires_at: u64,
}

impl Code {
    /// A code issued now.
    #[must_use]
    pub fn new(ctx: &Context, purpose: Purpose) -> Self {
        let settings = ctx.settings();
        let validity = match purpose {
            Purpose::VerifyEmail => settings.verification_email_validity,
            Purpose::AskPassword | Purpose::Offline => settings.ask_password_email_validity,
        };
        let issued_at = ctx.now_seconds();
        Self { purpose, issued_at, expires_at: validity.expires_at(issued_at) }
    }

    /// When it expires, in milliseconds; 0 for never.
    #[must_use]
    pub fn expires_at(&self) -> Millis {
        i64::try_from(self.expires_at.saturating_mul(1000)).unwrap_or_default()
    }

    /// The code for this user as it is now; `None` when the deployment has no key to sign with.
    #[must_use]
    pub fn mint(&self, ctx: &Context, user: &Resource) -> Option<Secret> {
        let claims = Claims {
            kid: ctx.deployment.keys.current_kid()?.to_owned(),
            purpose: self.purpose,
            tenant: ctx.tenant.number(),
            user: user.id.parse().ok()?,
            seq: user.account.seq(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            locale: locale(ctx, user),
        };
        ctx.deployment.keys.mint(&claims).map(Secret::new)
    }
}

/// The language of the page that the code leads to: the user's, as a mail would have it.
fn locale(ctx: &Context, user: &Resource) -> String {
    let document = user.attributes();
    let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
    let person = Person { preferred_language: text("preferredLanguage"), locale: text("locale"), ..Person::default() };
    select_template(&languages(&person), &ctx.settings().default_locale, &[]).locale
}

/// Whether the caller may be handed this user's code. The user has been read with his groups.
///
/// # Errors
/// 403
pub fn may_have_code_of(ctx: &Context, user: &Resource) -> Result<(), ScimError> {
    if ctx.scopes.has(Scope::Roles) || !role::has_any(user) {
        return Ok(());
    }
    Err(ScimError::forbidden(
        "Who has the link could sign in as a user who has a role: this takes the scope roles, which these credentials do \
         not have.",
    ))
}

/// Whether the caller may be handed codes.
///
/// # Errors
/// 403
pub fn may_have_codes(ctx: &Context) -> Result<(), ScimError> {
    if ctx.scopes.has(Scope::Links) {
        return Ok(());
    }
    Err(ScimError::forbidden(
        "Invitations of this tenant are answered with their code (EMAIL_SENDER is external); this takes the scope links.",
    ))
}
