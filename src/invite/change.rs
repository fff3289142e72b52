//! What a write to an existing user means for its account and its invitation (DESIGN 3): locking, disabling, setting a
//! password, changing the address, and flags on a pending user. Pure; the caller makes it one conditional write.
//!
//! Every mail with a link comes with a `seq` of its own, so that whatever was sent before is dead by the same write.

use crate::base::account::{Account, Cause, Lock, Onboarding};
use crate::invite::account_request::AccountRequest;
use crate::model::audit::Action;
use crate::model::mail::TemplateType;
use crate::model::settings::{EmailSender, Settings};

/// A change of an account: what is to be written besides the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The account from now on.
    pub account: Account,
    /// The mails that are due.
    pub mails: Vec<MailToQueue>,
    /// What the audit calls it, besides the update.
    pub action: Option<Action>,
    /// Whether the link that was out is dead although no other is made: the caller, who sends links on, has to ask for one.
    pub ends_invitation: bool,
    /// Whether the document keeps the address that it had: the new one waits to be confirmed.
    pub holds_back: bool,
}

/// A mail that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailToQueue {
    /// The mail's type.
    pub template: TemplateType,
    /// The address it goes to.
    pub to: String,
}

/// Whether a write may not leave this account without an address: an invitation needs somewhere to go, and what a user has confirmed
/// is exchanged for what they confirm, not taken away to make room for what they do not. `is_own`: users act on themselves.
#[must_use]
pub fn keeps_address(settings: &Settings, before: &Account, is_own: bool) -> bool {
    before.onboarding != Onboarding::None || (is_own && before.email.is_some() && is_confirmed(settings, before))
}

/// Whether the address gives way only to one that is confirmed.
fn is_confirmed(settings: &Settings, account: &Account) -> bool {
    settings.email_update_verification && account.onboarding == Onboarding::None && account.email_verified
}

/// Decides what `request`, and the address that the document now has, make of an account. `is_given_role`: whoever has a
/// link that is out is not to get in with the role that the user is given.
#[must_use]
pub fn decide(
    settings: &Settings,
    before: &Account,
    request: &AccountRequest,
    email: Option<String>,
    is_given_role: bool,
) -> Change {
    let mut account = before.clone();
    let pending = before.onboarding != Onboarding::None;
    account.disabled = request.disabled;
    account.lock = match (request.locked, before.lock) {
        (Some(true), Lock::None) => Lock::Admin,
        // A pending user shows as locked already: only who names the lock means it.
        (Some(true), Lock::Onboarding) if request.explicit.locked => Lock::Admin,
        (Some(false), Lock::Admin) if pending && settings.lock_on_creation => Lock::Onboarding,
        (Some(false), _) => Lock::None,
        (_, lock) => lock,
    };
    // What was read comes back with the rest, and then says nothing about a new address.
    let verified =
        request.email_verified.filter(|verified| request.explicit.email_verified || *verified != before.email_verified);
    if let Some(verified) = verified {
        account.email_verified = verified;
    }
    if request.password.is_some() && account.onboarding == Onboarding::AskPassword {
        // An administrator's password ends the invitation: the account is live.
        account.onboarding = Onboarding::None;
        if account.lock == Lock::Onboarding {
            account.lock = Lock::None;
        }
        bump(&mut account, Cause::Accepted);
        return change_active(settings, before, request, verified, email, account, is_given_role);
    }
    if account.onboarding == Onboarding::None {
        let mut before = before.clone();
        if request.password.is_some() {
            // Whoever has another link must not take the account back with it: an address that they asked for does not
            // wait any longer, either.
            bump(&mut account, Cause::PasswordChanged);
            account.pending_email = None;
            before.pending_email = None;
        }
        change_active(settings, &before, request, verified, email, account, is_given_role)
    } else {
        change_pending(settings, before, request, email, account, is_given_role)
    }
}

/// A user whose invitation is open: whatever needs another link gets it at once, unless the account is barred, or the
/// invitation withdrawn; then it waits until the bar is lifted, or somebody sends it again.
fn change_pending(
    settings: &Settings,
    before: &Account,
    request: &AccountRequest,
    email: Option<String>,
    account: Account,
    is_given_role: bool,
) -> Change {
    let mut change = Change { account, ..Change::default() };
    let account = &mut change.account;
    let address_changed = before.email != email;
    account.email = email;
    let barred = account.is_barred();
    let asked = settings.enable_email_verification && (request.ask_password || request.verify_email) && !barred;
    let lifted = before.is_barred() && !barred;
    let revoked = before.is_revoked();
    // Of a withdrawn invitation nothing lives that could die, and the cause that is stored last tells that it is withdrawn.
    if asked || !revoked {
        if address_changed {
            bump(account, Cause::AddressChanged);
        } else if asked || lifted || (is_given_role && !barred) {
            bump(account, Cause::Replaced);
        } else if barred && !before.is_barred() {
            bump(account, Cause::Locked);
        }
    }
    let needs_link = asked || (!revoked && !barred && (address_changed || lifted));
    let given_role_alone = !needs_link && is_given_role && !revoked && !barred;
    // Who sends links on has asked for no code here, and may not be one who may have it.
    change.ends_invitation = given_role_alone && settings.email_sender == EmailSender::External;
    if needs_link || (given_role_alone && !change.ends_invitation) {
        let template = match account.onboarding {
            Onboarding::EmailVerification => TemplateType::ResendEmailConfirm,
            _ => TemplateType::ResendAskPassword,
        };
        change.mails = account.email.clone().map(|to| MailToQueue { template, to }).into_iter().collect();
        change.action = Some(Action::InvitationResend);
    }
    change
}

/// A user who has nothing left to do: a new address takes the place of a confirmed one when it is confirmed itself.
fn change_active(
    settings: &Settings,
    before: &Account,
    request: &AccountRequest,
    verified: Option<bool>,
    email: Option<String>,
    account: Account,
    is_given_role: bool,
) -> Change {
    let mut change = Change { account, ..Change::default() };
    let account = &mut change.account;
    let barred = account.is_barred();
    let was_waiting = before.pending_email.is_some();
    if before.email == email {
        let given_up = (request.explicit.pending_email && !request.pending_email) || request.explicit.emails;
        if was_waiting && given_up {
            account.pending_email = None;
            bump(account, Cause::GivenUp);
        } else if barred && !before.is_barred() {
            bump(account, Cause::Locked);
        } else if let Some(to) =
            before.pending_email.clone().filter(|_| !barred && (before.is_barred() || is_given_role))
        {
            bump(account, Cause::Replaced);
            change.mails = vec![MailToQueue { template: TemplateType::ResendVerifyEmailOnUpdate, to }];
        } else if is_given_role {
            bump(account, Cause::Replaced);
        }
        return change;
    }
    let to_be_confirmed = is_confirmed(settings, before) && verified.is_none() && !barred;
    match (email, before.email.clone()) {
        (Some(new), Some(old)) if to_be_confirmed => {
            change.holds_back = true;
            if before.pending_email.as_ref() == Some(&new) && !before.is_barred() && !is_given_role {
                return change;
            }
            bump(account, Cause::AddressChanged);
            account.pending_email = Some(new.clone());
            change.mails = vec![
                MailToQueue { template: TemplateType::VerifyEmailOnUpdate, to: new },
                MailToQueue { template: TemplateType::NotifyExistingEmailOnUpdate, to: old },
            ];
        }
        (new, _) => {
            bump(account, Cause::AddressChanged);
            account.pending_email = None;
            account.email_verified = new.is_some() && verified.unwrap_or(false);
            account.email = new;
        }
    }
    change
}

fn bump(account: &mut Account, cause: Cause) {
    account.seq_log.push_str(cause.as_str());
}
