//! Codes that go to the caller instead of into a mail: `EMAIL_SENDER=external`, and links that an administrator asks for.

use crate::base::token::Purpose;
use crate::model::context::UnitOfWork;
use crate::ports::Millis;

/// A code to be: what its token says, but not of whom. `invite::code` signs the token once what it is for has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The action the code authorizes.
    pub purpose: Purpose,
    /// The time it is issued, in seconds since the epoch.
    pub issued_at: u64,
    /// The time it expires, in seconds since the epoch; 0 for never.
    pub expires_at: u64,
}

impl Code {
    /// A code issued now.
    #[must_use]
    pub fn new(ctx: &impl UnitOfWork, purpose: Purpose) -> Self {
        let settings = ctx.settings();
        let validity = match purpose {
            Purpose::VerifyEmail => settings.verification_email_validity,
            Purpose::AskPassword | Purpose::Offline => settings.ask_password_email_validity,
            Purpose::Reset | Purpose::OfflineReset => settings.recovery_email_validity,
        };
        let issued_at = ctx.now_seconds();
        Self { purpose, issued_at, expires_at: validity.expires_at(issued_at) }
    }

    /// Returns the time it expires, in milliseconds since the epoch; 0 for never.
    #[must_use]
    pub fn expires_at_millis(&self) -> Millis {
        i64::try_from(self.expires_at.saturating_mul(1000)).unwrap_or_default()
    }
}
