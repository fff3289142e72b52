//! What a mail is and how it stands: the types of mails that Latchkey sends, the states of a mail, and the delivery of an
//! invitation.

use std::fmt;

use crate::base::text_enum::text_enum;
use crate::base::token::Purpose;

/// The state of a mail in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailState {
    /// Waits for its first attempt.
    Queued,
    /// Leased by a run of the sender.
    Sending,
    /// Accepted by its provider.
    Sent,
    /// Put off: the last attempt failed for a reason that may pass, or the address has had its share.
    Deferred,
    /// Given up in doubt: its provider may or may not have it.
    Unknown,
    /// Given up: no provider will take it, or it cannot be written.
    Failed,
    /// Not sent, because nobody wants it any more.
    Dropped,
    /// Sent, and returned by the recipient's server.
    Bounced,
    /// Sent, and reported as spam.
    Complained,
}

// The names are the schema's CHECK list.
text_enum!(MailState {
    Queued = "queued",
    Sending = "sending",
    Sent = "sent",
    Deferred = "deferred",
    Unknown = "unknown",
    Failed = "failed",
    Dropped = "dropped",
    Bounced = "bounced",
    Complained = "complained",
});

impl MailState {
    /// The states from which a mail can be tried again. A mail that was dropped is wanted no more: resend the invitation.
    pub const RETRYABLE: &'static [Self] = &[Self::Unknown, Self::Failed, Self::Bounced];

    /// Whether a mail in this state can be tried again.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        Self::RETRYABLE.contains(&self)
    }

    /// Whether the sender has yet to look at a mail in this state when it is due, and nobody holds it.
    #[must_use]
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred)
    }

    /// Whether sending is over, so that no run of the sender looks at the mail any more.
    #[must_use]
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending | Self::Deferred)
    }

    /// Whether it is one of the states that need an administrator's eye, which the index `outbox_ended` holds: whatever
    /// went other than well.
    #[must_use]
    pub fn is_irregular(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending | Self::Sent)
    }
}

/// The state of the delivery of a user's invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// By mail, which is in this state.
    Mail(MailState),
    /// By whoever asked for its code: what became of it is not Latchkey's to know.
    External,
}

impl Delivery {
    /// The delivery of an invitation whose mail has just been queued.
    pub const QUEUED: Self = Self::Mail(MailState::Queued);

    /// The name, as the database stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail(state) => state.as_str(),
            Self::External => "external",
        }
    }

    /// The delivery of this name, as the database stores it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "external" => Some(Self::External),
            name => MailState::parse(name).map(Self::Mail),
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self::QUEUED
    }
}

impl From<MailState> for Delivery {
    fn from(state: MailState) -> Self {
        Self::Mail(state)
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The mails Latchkey sends, under WSO2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateType {
    /// Invitation to set a password.
    AskPassword,
    /// The same, sent again.
    ResendAskPassword,
    /// The password is set, the account is live.
    AccountActivationSuccess,
    /// Request to confirm an address.
    EmailConfirm,
    /// The same, sent again.
    ResendEmailConfirm,
    /// To the new address of a live account: request to confirm it.
    VerifyEmailOnUpdate,
    /// The same, sent again.
    ResendVerifyEmailOnUpdate,
    /// To the old address of a live account: another one is about to take its place.
    NotifyExistingEmailOnUpdate,
    /// Link to set a new password, which somebody has asked for.
    PasswordReset,
    /// A new password has been set by such a link.
    PasswordResetSuccess,
    /// A new password was asked for, of an account that is locked.
    PasswordRecoveryFailure,
    /// Link to set a new password, which an administrator asks for.
    AdminForcedPasswordReset,
}

impl TemplateType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::AskPassword,
        Self::ResendAskPassword,
        Self::AccountActivationSuccess,
        Self::EmailConfirm,
        Self::ResendEmailConfirm,
        Self::VerifyEmailOnUpdate,
        Self::ResendVerifyEmailOnUpdate,
        Self::NotifyExistingEmailOnUpdate,
        Self::PasswordReset,
        Self::PasswordResetSuccess,
        Self::PasswordRecoveryFailure,
        Self::AdminForcedPasswordReset,
    ];

    /// WSO2's display name, which is also the name of the folder with the shipped templates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AskPassword => "AskPassword",
            Self::ResendAskPassword => "resendAskPassword",
            Self::AccountActivationSuccess => "AccountActivationSuccess",
            Self::EmailConfirm => "EmailConfirm",
            Self::ResendEmailConfirm => "resendEmailConfirm",
            Self::VerifyEmailOnUpdate => "VerifyEmailOnUpdate",
            Self::ResendVerifyEmailOnUpdate => "resendVerifyEmailOnUpdate",
            Self::NotifyExistingEmailOnUpdate => "NotifyExistingEmailOnUpdate",
            Self::PasswordReset => "passwordReset",
            // WSO2 spells it so.
            Self::PasswordResetSuccess => "passwordResetSucess",
            Self::PasswordRecoveryFailure => "passwordRecoveryFailureNotify",
            Self::AdminForcedPasswordReset => "adminforcedpasswordreset",
        }
    }

    /// Finds a type by name, whatever the case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        // WSO2 spells this one in two ways.
        if name.eq_ignore_ascii_case("notifyOnExistingEmailUpdate") {
            return Some(Self::NotifyExistingEmailOnUpdate);
        }
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// What the link in a mail of this type is good for; `None` for a mail without one.
    #[must_use]
    pub fn link_purpose(self) -> Option<Purpose> {
        match self {
            Self::AskPassword | Self::ResendAskPassword => Some(Purpose::AskPassword),
            Self::EmailConfirm
            | Self::ResendEmailConfirm
            | Self::VerifyEmailOnUpdate
            | Self::ResendVerifyEmailOnUpdate => Some(Purpose::VerifyEmail),
            Self::PasswordReset | Self::AdminForcedPasswordReset => Some(Purpose::Reset),
            Self::AccountActivationSuccess
            | Self::NotifyExistingEmailOnUpdate
            | Self::PasswordResetSuccess
            | Self::PasswordRecoveryFailure => None,
        }
    }

    /// Whether it is an invitation, whose delivery the user shows; the others are about accounts that are live.
    #[must_use]
    pub fn is_invitation(self) -> bool {
        matches!(self, Self::AskPassword | Self::ResendAskPassword | Self::EmailConfirm | Self::ResendEmailConfirm)
    }

    /// The placeholders of which a template of this type must hold at least one: without it the mail would have
    /// no link. `confirmation-code` counts because WSO2's templates put the address together themselves.
    #[must_use]
    pub fn required_placeholders(self) -> &'static [&'static str] {
        match self {
            Self::AskPassword | Self::ResendAskPassword => &["invitation-link", "confirmation-code"],
            Self::EmailConfirm
            | Self::ResendEmailConfirm
            | Self::VerifyEmailOnUpdate
            | Self::ResendVerifyEmailOnUpdate => &["confirmation-link", "confirmation-code"],
            Self::PasswordReset | Self::AdminForcedPasswordReset => &["reset-link", "confirmation-code"],
            Self::AccountActivationSuccess
            | Self::NotifyExistingEmailOnUpdate
            | Self::PasswordResetSuccess
            | Self::PasswordRecoveryFailure => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_one_name_each() {
        for state in MailState::ALL {
            assert_eq!(MailState::parse(state.as_str()), Some(*state));
            assert_eq!(Delivery::parse(state.as_str()), Some(Delivery::Mail(*state)));
        }
        assert_eq!(Delivery::parse("external"), Some(Delivery::External));
        assert_eq!((MailState::parse("external"), Delivery::parse("SENT")), (None, None));
    }

    #[test]
    fn only_ended_states_are_retryable() {
        assert!(MailState::RETRYABLE.iter().all(|state| state.is_ended()));
        assert!(!MailState::Dropped.is_retryable());
    }

    #[test]
    fn types_are_found_whatever_the_case() {
        assert_eq!(TemplateType::parse("askpassword"), Some(TemplateType::AskPassword));
        assert_eq!(TemplateType::parse("ResendAskPassword"), Some(TemplateType::ResendAskPassword));
        assert_eq!(TemplateType::parse("emailConfirm"), Some(TemplateType::EmailConfirm));
        assert_eq!(TemplateType::parse("notifyOnExistingEmailUpdate"), Some(TemplateType::NotifyExistingEmailOnUpdate));
        assert_eq!(TemplateType::parse("other"), None);
    }
}
