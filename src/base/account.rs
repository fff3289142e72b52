//! The account: what is stored about a user's onboarding, lock and disabling, what follows from it, and which links are
//! still good. Pure; the table of states is in `docs/account.md`.

use crate::base::text_enum::text_enum;
use crate::base::token::Purpose;

/// The step a user has yet to take before the account is live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Onboarding {
    /// Nothing.
    #[default]
    None,
    /// Set a password (askPassword; WSO2's PENDING_AP).
    AskPassword,
    /// Confirm the e-mail address (verifyEmail; WSO2's PENDING_EV).
    EmailVerification,
}

/// Why an account is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// It is not.
    #[default]
    None,
    /// Until the invitation is redeemed (`LOCK_ON_CREATION`).
    Onboarding,
    /// By an administrator.
    Admin,
}

/// `accountState` as WSO2 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Switched off by an administrator.
    Disabled,
    /// Locked by an administrator.
    Locked,
    /// Invited, no password set yet.
    PendingAskPassword,
    /// Invited, address not confirmed yet.
    PendingEmailVerification,
    /// Live.
    Unlocked,
}

/// Why a user's `seq` was bumped, and so why older links are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    // In rising order of what a dead link's page says first (DESIGN 3).
    /// An administrator locked or disabled the account.
    Locked,
    /// The address the invitation went to was changed.
    AddressChanged,
    /// A newer mail was sent.
    Replaced,
    /// A new address was given up before it was confirmed.
    GivenUp,
    /// A user who had nothing left to do was given another password.
    PasswordChanged,
    /// The invitation was withdrawn.
    Revoked,
    /// A password was set, by the link or by an administrator.
    Accepted,
}

// The names are the schema's CHECK lists.
text_enum!(Onboarding { None = "none", AskPassword = "AP", EmailVerification = "EV" });
text_enum!(Lock { None = "none", Onboarding = "onboarding", Admin = "admin" });
text_enum!(AccountState {
    Disabled = "DISABLED",
    Locked = "LOCKED",
    PendingAskPassword = "PENDING_AP",
    PendingEmailVerification = "PENDING_EV",
    Unlocked = "UNLOCKED",
});
text_enum!(Cause {
    Locked = "L",
    AddressChanged = "M",
    Replaced = "N",
    GivenUp = "G",
    PasswordChanged = "P",
    Revoked = "R",
    Accepted = "A",
});

/// The deletion that a user awaits, disabled until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When they go, in milliseconds.
    pub at: i64,
    /// Whether they were disabled before.
    pub was_disabled: bool,
}

/// The stored facts of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The step that is yet to be taken.
    pub onboarding: Onboarding,
    /// Why it is locked.
    pub lock: Lock,
    /// Whether an administrator switched it off (SCIM's `active`, inverted).
    pub disabled: bool,
    /// The address that invitations go to.
    pub email: Option<String>,
    /// Whether that address is known to be the user's.
    pub email_verified: bool,
    /// The address that takes the place of `email` once it is confirmed; only where nothing else is to be done.
    pub pending_email: Option<String>,
    /// The causes of all bumps so far, a letter each: link `n` was killed by those from `n` on.
    pub seq_log: String,
    /// The deletion that somebody has asked for.
    pub deletion: Option<Deletion>,
}

impl Account {
    /// The account of a user invited to set a password.
    #[must_use]
    pub fn asked_for_password(email: String, lock_on_creation: bool) -> Self {
        Self {
            onboarding: Onboarding::AskPassword,
            lock: if lock_on_creation { Lock::Onboarding } else { Lock::None },
            email: Some(email),
            ..Self::default()
        }
    }

    /// The number a link must carry to be good.
    #[must_use]
    pub fn seq(&self) -> u32 {
        u32::try_from(self.seq_log.len()).unwrap_or(u32::MAX)
    }

    /// `accountState`, derived: disabled, then locked by an administrator, then pending, then unlocked.
    #[must_use]
    pub fn state(&self) -> AccountState {
        match (self.disabled, self.lock, self.onboarding) {
            (true, _, _) => AccountState::Disabled,
            (false, Lock::Admin, _) => AccountState::Locked,
            (false, _, Onboarding::AskPassword) => AccountState::PendingAskPassword,
            (false, _, Onboarding::EmailVerification) => AccountState::PendingEmailVerification,
            (false, _, Onboarding::None) => AccountState::Unlocked,
        }
    }

    /// Whether an administrator keeps the account from being used.
    #[must_use]
    pub fn is_barred(&self) -> bool {
        self.disabled || self.lock == Lock::Admin
    }

    /// Whether the invitation was withdrawn, and not sent again since.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.onboarding != Onboarding::None && self.seq_log.ends_with(Cause::Revoked.as_str())
    }

    /// `accountLocked`, as WSO2 shows it: for whatever reason.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock != Lock::None
    }

    /// `lockedReason`, in WSO2's words.
    #[must_use]
    pub fn locked_reason(&self) -> Option<&'static str> {
        match (self.lock, self.onboarding) {
            (Lock::None, _) => None,
            (Lock::Onboarding, Onboarding::EmailVerification) => Some("PENDING_EMAIL_VERIFICATION"),
            (Lock::Onboarding, _) => Some("PENDING_ASK_PASSWORD"),
            (Lock::Admin, _) => Some("ADMIN_INITIATED"),
        }
    }

    /// Whether a right password lets the user in: not while disabled or locked. A pending account that is not locked
    /// (`LOCK_ON_CREATION=false`) may sign in with a password it has.
    #[must_use]
    pub fn may_sign_in(&self) -> bool {
        !self.disabled && self.lock == Lock::None
    }

    /// Whether the user is live, so that whoever counts on them can: not disabled, not locked, with nothing left to do.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.may_sign_in() && self.onboarding == Onboarding::None
    }

    /// Why a link that carries `seq` no longer works, or `None` while it does.
    #[must_use]
    pub fn dead_link(&self, seq: u32, purpose: Purpose) -> Option<Cause> {
        let since = usize::try_from(seq).ok().and_then(|seq| self.seq_log.get(seq..)).unwrap_or("");
        let causes = since.char_indices().filter_map(|(i, c)| Cause::parse(&since[i..i + c.len_utf8()]));
        let bumped = causes.map(|cause| match cause {
            // Who could reset a password had accepted before: what is accepted later is a new address.
            Cause::Accepted if purpose.resets_password() => Cause::AddressChanged,
            cause => cause,
        });
        let bumped = bumped.max();
        if bumped.is_some() {
            return bumped;
        }
        // A seq that was never reached cannot come from us; what is left is the state the account is in now.
        if seq != self.seq() {
            return Some(Cause::Replaced);
        }
        match self.state() {
            AccountState::Disabled | AccountState::Locked => Some(Cause::Locked),
            AccountState::Unlocked if purpose == Purpose::VerifyEmail && self.pending_email.is_some() => None,
            AccountState::Unlocked if purpose.resets_password() => None,
            AccountState::Unlocked => Some(Cause::Accepted),
            // A link that was never mailed, made after the withdrawal.
            _ if self.is_revoked() => Some(Cause::Revoked),
            _ if purpose.resets_password() => Some(Cause::Replaced),
            AccountState::PendingAskPassword | AccountState::PendingEmailVerification => None,
        }
    }

    /// Whether there is something left that a link would do, and nothing in its way: an open invitation, or a new address
    /// to confirm. The same as what can be sent again (`resend.rs`).
    #[must_use]
    pub fn waits_for_a_link(&self) -> bool {
        let invited = self.onboarding != Onboarding::None && self.email.is_some() && !self.is_revoked();
        let changing = self.onboarding == Onboarding::None && self.pending_email.is_some();
        self.lock != Lock::Admin && !self.disabled && (invited || changing)
    }

    /// `status` of Latchkey's invitation extension; `None` for a user who was never invited. `now` and `expires_at` in
    /// seconds, an expiry of 0 meaning never.
    #[must_use]
    pub fn invitation_status(&self, invited: bool, expires_at: Option<u64>, now: u64) -> Option<&'static str> {
        if !invited {
            return None;
        }
        if self.onboarding == Onboarding::None {
            return Some("accepted");
        }
        if self.is_revoked() {
            return Some("revoked");
        }
        match expires_at {
            Some(at) if at != 0 && now >= at => Some("expired"),
            _ => Some("pending"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Purpose = Purpose::AskPassword;

    fn pending() -> Account {
        Account::asked_for_password("paul@example.com".to_owned(), true)
    }

    #[test]
    fn an_invited_account_is_pending_and_locked_until_redeemed() {
        let account = pending();
        assert_eq!(account.state(), AccountState::PendingAskPassword);
        assert_eq!(account.locked_reason(), Some("PENDING_ASK_PASSWORD"));
        assert!(!account.may_sign_in());
    }

    #[test]
    fn without_lock_on_creation_a_pending_account_may_sign_in() {
        let account = Account::asked_for_password("paul@example.com".to_owned(), false);
        assert_eq!(account.state(), AccountState::PendingAskPassword);
        assert!(account.may_sign_in());
        assert_eq!(account.locked_reason(), None);
    }

    #[test]
    fn disabled_beats_locked_beats_pending() {
        let mut account = pending();
        account.lock = Lock::Admin;
        assert_eq!(account.state(), AccountState::Locked);
        account.disabled = true;
        assert_eq!(account.state(), AccountState::Disabled);
    }

    #[test]
    fn a_dead_link_gives_the_weightiest_reason_since_it_was_sent() {
        let mut account = pending();
        assert_eq!(account.dead_link(0, ASK), None);
        account.seq_log = "N".to_owned();
        assert_eq!(account.dead_link(0, ASK), Some(Cause::Replaced));
        assert_eq!(account.dead_link(1, ASK), None);
        account.seq_log = "NRN".to_owned();
        assert_eq!(account.dead_link(0, ASK), Some(Cause::Revoked));
        assert_eq!(account.dead_link(2, ASK), Some(Cause::Replaced));
        account.seq_log = "NRNA".to_owned();
        account.onboarding = Onboarding::None;
        assert_eq!(account.dead_link(0, ASK), Some(Cause::Accepted));
        assert_eq!(account.dead_link(4, ASK), Some(Cause::Accepted));
        assert_eq!(account.dead_link(9, ASK), Some(Cause::Replaced));
    }

    #[test]
    fn a_live_link_of_a_locked_account_is_dead_as_locked() {
        let account = Account { lock: Lock::Admin, ..pending() };
        assert_eq!(account.dead_link(0, ASK), Some(Cause::Locked));
    }

    #[test]
    fn of_a_live_account_only_the_link_that_confirms_a_new_address_works() {
        let live = Account { seq_log: "AM".to_owned(), ..Account::default() };
        assert_eq!(live.dead_link(2, Purpose::VerifyEmail), Some(Cause::Accepted));
        let changing = Account { pending_email: Some("new@example.com".to_owned()), ..live };
        assert_eq!(changing.dead_link(2, Purpose::VerifyEmail), None);
        assert_eq!(changing.dead_link(2, ASK), Some(Cause::Accepted));
        assert_eq!(changing.dead_link(1, Purpose::VerifyEmail), Some(Cause::AddressChanged));
        let locked = Account { lock: Lock::Admin, ..changing };
        assert_eq!(locked.dead_link(2, Purpose::VerifyEmail), Some(Cause::Locked));
    }

    #[test]
    fn a_link_to_reset_a_password_is_for_accounts_that_are_live() {
        let live = Account { seq_log: "A".to_owned(), ..Account::default() };
        for purpose in [Purpose::Reset, Purpose::OfflineReset] {
            let dead = |log: &str| Account { seq_log: log.to_owned(), ..live.clone() }.dead_link(1, purpose);
            assert_eq!(live.dead_link(1, purpose), None);
            assert_eq!(dead("AP"), Some(Cause::PasswordChanged));
            assert_eq!(dead("AN"), Some(Cause::Replaced));
            assert_eq!(dead("AMA"), Some(Cause::AddressChanged), "a new address was asked for, and confirmed");
            assert_eq!(pending().dead_link(0, purpose), Some(Cause::Replaced));
            assert_eq!(Account { disabled: true, ..live.clone() }.dead_link(1, purpose), Some(Cause::Locked));
        }
        assert_eq!(live.dead_link(1, ASK), Some(Cause::Accepted));
    }

    #[test]
    fn the_invitation_status_follows_the_account_and_the_clock() {
        let mut account = pending();
        assert_eq!(account.invitation_status(false, None, 5), None);
        assert_eq!(account.invitation_status(true, Some(10), 5), Some("pending"));
        assert_eq!(account.invitation_status(true, Some(10), 10), Some("expired"));
        assert_eq!(account.invitation_status(true, Some(0), 10), Some("pending"));
        account.seq_log = "R".to_owned();
        assert_eq!(account.invitation_status(true, Some(10), 5), Some("revoked"));
        account.onboarding = Onboarding::None;
        assert_eq!(account.invitation_status(true, Some(10), 50), Some("accepted"));
    }
}
