//! What a write to an existing user means for its account and its invitation (DESIGN 3): locking, disabling, setting a
//! password, changing the address, and flags on a pending user. Pure; the caller makes it one conditional write.

use super::account::{Account, Cause, Lock, Onboarding};
use super::wishes::Wishes;
use crate::access::audit::Action;
use crate::mail::template::TemplateType;
use crate::tenant::Settings;

/// What is to be written besides the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account from now on.
    pub account: Account,
    /// The mail that is due: a new invitation.
    pub mail: Option<TemplateType>,
    /// What the audit calls it, besides the update.
    pub action: Option<Action>,
}

/// Decides what `wishes`, and the address that the document now has, make of an account.
#[must_use]
pub fn decide(settings: &Settings, before: &Account, wishes: &Wishes, email: Option<String>) -> Change {
    let mut account = before.clone();
    let pending = before.onboarding != Onboarding::None;
    let was_barred = before.disabled || before.lock == Lock::Admin;

    account.disabled = wishes.disabled;
    match wishes.locked {
        Some(true) if !before.is_locked() => account.lock = Lock::Admin,
        Some(false) if before.lock == Lock::Admin && pending && settings.lock_on_creation => {
            account.lock = Lock::Onboarding;
        }
        Some(false) => account.lock = Lock::None,
        _ => {}
    }
    let is_barred = account.disabled || account.lock == Lock::Admin;
    if pending && is_barred && !was_barred {
        bump(&mut account, Cause::Locked);
    }
    if let Some(verified) = wishes.email_verified {
        account.email_verified = verified;
    }
    if wishes.password.is_some() && account.onboarding == Onboarding::AskPassword {
        // An administrator's password ends the invitation: the account is live.
        account.onboarding = Onboarding::None;
        if account.lock == Lock::Onboarding {
            account.lock = Lock::None;
        }
        bump(&mut account, Cause::Accepted);
    }

    let address_changed = account.email != email;
    account.email = email;
    let mut action = None;
    let mut mail = None;
    if account.onboarding == Onboarding::None {
        if address_changed && wishes.email_verified.is_none() {
            account.email_verified = false;
        }
    } else {
        let asked_again = settings.enable_email_verification && (wishes.ask_password || wishes.verify_email);
        if address_changed {
            bump(&mut account, Cause::AddressChanged);
        } else if asked_again && !is_barred {
            bump(&mut account, Cause::Replaced);
        }
        // Barred, the new invitation waits until the bar is lifted.
        if !is_barred && (address_changed || asked_again || was_barred) {
            mail = Some(match account.onboarding {
                Onboarding::EmailVerification => TemplateType::ResendEmailConfirm,
                _ => TemplateType::ResendAskPassword,
            });
            action = Some(Action::InvitationResend);
        }
    }
    Change { account, mail, action }
}

fn bump(account: &mut Account, cause: Cause) {
    account.seq_log.push_str(cause.as_str());
}
