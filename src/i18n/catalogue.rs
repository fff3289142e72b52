//! What a language consists of. Each folder beside this file fills in one [`Catalogue`].

use crate::i18n::pages::PageTexts;
use crate::i18n::phrases::Phrases;
use crate::i18n::words::Words;

/// Everything that is written in one language.
pub struct Catalogue {
    /// the locale that names the language, as WSO2 spells locales: `pt_BR`
    pub locale: &'static str,
    /// the BCP 47 tag: `pt-BR`; its first part is what finds the language
    pub tag: &'static str,
    /// which way the language is written
    pub direction: Direction,
    /// what joins two lines of a mail's copy: a space, or nothing where words are not separated by spaces
    pub line_joint: &'static str,
    /// what stands between a label and its value
    pub colon: &'static str,
    /// sentences of the pages
    pub pages: &'static PageTexts,
    /// sentences of the mails
    pub phrases: &'static Phrases,
    /// dates and durations
    pub words: &'static Words,
    /// the mails
    pub mails: MailCopies,
}

/// The writing direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As English.
    LeftToRight,
    /// As Arabic.
    RightToLeft,
}

/// The copy files of the shipped mails, one for each template; `src/i18n/README.md` has their form.
pub struct MailCopies {
    /// invitation to set a password
    pub ask_password: &'static str,
    /// the same, sent again
    pub resend_ask_password: &'static str,
    /// the password is set
    pub account_activation_success: &'static str,
    /// request to confirm an address
    pub email_confirm: &'static str,
    /// the same, sent again
    pub resend_email_confirm: &'static str,
    /// to a new address: request to confirm it
    pub verify_email_on_update: &'static str,
    /// the same, sent again
    pub resend_verify_email_on_update: &'static str,
    /// to the old address: another one is about to take its place
    pub notify_existing_email_on_update: &'static str,
    /// link to set a new password
    pub password_reset: &'static str,
    /// a new password is set
    pub password_reset_success: &'static str,
    /// no new password: the account is locked
    pub password_recovery_failure: &'static str,
    /// link to set a new password, which an administrator asks for
    pub admin_forced_password_reset: &'static str,
}

/// The [`MailCopies`] in the folder `mails` beside the file that says so.
macro_rules! mail_copies {
    () => {
        crate::i18n::catalogue::MailCopies {
            ask_password: include_str!("mails/AskPassword.txt"),
            resend_ask_password: include_str!("mails/resendAskPassword.txt"),
            account_activation_success: include_str!("mails/AccountActivationSuccess.txt"),
            email_confirm: include_str!("mails/EmailConfirm.txt"),
            resend_email_confirm: include_str!("mails/resendEmailConfirm.txt"),
            verify_email_on_update: include_str!("mails/VerifyEmailOnUpdate.txt"),
            resend_verify_email_on_update: include_str!("mails/resendVerifyEmailOnUpdate.txt"),
            notify_existing_email_on_update: include_str!("mails/NotifyExistingEmailOnUpdate.txt"),
            password_reset: include_str!("mails/passwordReset.txt"),
            password_reset_success: include_str!("mails/passwordResetSucess.txt"),
            password_recovery_failure: include_str!("mails/passwordRecoveryFailureNotify.txt"),
            admin_forced_password_reset: include_str!("mails/adminforcedpasswordreset.txt"),
        }
    };
}
pub(super) use mail_copies;
