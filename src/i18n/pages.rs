//! What the pages say: the sentences that a language fills in.
//!
//! The compiler refuses a catalogue with a gap. Escaping happens later, when the page is put together.

/// Every sentence of the pages. Slots: `{n}` a number, `{user}` a user name, `{when}` a moment in words.
///
/// The `weak_*` sentences and `mismatch`, filled by [`fill`](crate::i18n::fill::fill), are what `SetPasswordPage::problems` takes.
pub struct PageTexts {
    /// put before the page title when a form was refused, so that a screen reader says it first
    pub error_prefix: &'static str,
    /// shown at the foot of a page; `{contact}` is an address to write to
    pub help_contact: &'static str,
    /// the same when no address is known
    pub help: &'static str,

    /// set-password page: title and heading
    pub set_title: &'static str,
    /// set-password page: the sentence under the heading
    pub set_intro: &'static str,
    /// label of the user name
    pub user_name: &'static str,
    /// label of the first password field
    pub password: &'static str,
    /// label of the second password field
    pub confirm: &'static str,
    /// what a password must be
    pub password_hint: &'static str,
    /// the first of the rules that are looked at while somebody types: its length
    pub rule_length: &'static str,
    /// the second: no single character
    pub rule_varied: &'static str,
    /// the third: nothing that anyone would try first
    pub rule_own: &'static str,
    /// what stands behind a rule that the password meets
    pub rule_met: &'static str,
    /// what stands behind one that it does not meet
    pub rule_unmet: &'static str,
    /// the button
    pub set_button: &'static str,
    /// heading of the list of reasons
    pub refused: &'static str,
    /// after the list of reasons: the link still works
    pub refused_retry: &'static str,
    /// the reason when the two fields differ
    pub mismatch: &'static str,
    /// the reason when nothing was typed
    pub weak_empty: &'static str,
    /// too short: `{n}` characters are needed
    pub weak_short: &'static str,
    /// too long: `{n}` bytes at most
    pub weak_long: &'static str,
    /// on the list of common passwords
    pub weak_common: &'static str,
    /// little more than one word that an attacker knows: `{word}`
    pub weak_obvious: &'static str,
    /// holds a control character or the like
    pub weak_untypable: &'static str,
    /// one character, again and again
    pub weak_repeated: &'static str,
    /// nothing but spaces and characters that do not show
    pub weak_blank: &'static str,
    /// among the last passwords of the account
    pub weak_used: &'static str,
    /// not readable as text: some program mangled it on its way
    pub weak_garbled: &'static str,
    /// label of the switch that shows the password
    pub show: &'static str,
    /// label of the switch that hides it again
    pub hide: &'static str,

    /// success page
    pub done_title: &'static str,
    /// success page: `{user}`
    pub done_text: &'static str,
    /// link to the sign-in page
    pub sign_in: &'static str,
    /// when there is no sign-in page to offer
    pub close_page: &'static str,

    /// expired link
    pub expired_title: &'static str,
    /// expired link: `{when}`
    pub expired_when: &'static str,
    /// expired link, when the moment is not known
    pub expired_text: &'static str,
    /// expired link: what the button does
    pub expired_request: &'static str,
    /// replaced link, or one whose address was changed: what the button does
    pub resend_request: &'static str,
    /// the button that asks for a new mail
    pub request_button: &'static str,
    /// expired link without a button
    pub ask_for_new: &'static str,
    /// after the button
    pub requested_title: &'static str,
    /// after the button; says the same whatever became of it
    pub requested_text: &'static str,
    /// after the button: where else to look
    pub requested_hint: &'static str,

    /// link used before
    pub accepted_title: &'static str,
    /// link used before
    pub accepted_text: &'static str,
    /// link used before, by someone else perhaps
    pub accepted_other: &'static str,
    /// link to confirm an address used before
    pub confirmed_text: &'static str,
    /// invitation withdrawn
    pub revoked_title: &'static str,
    /// invitation withdrawn
    pub revoked_text: &'static str,
    /// a newer mail exists
    pub replaced_title: &'static str,
    /// a newer mail exists
    pub replaced_text: &'static str,
    /// the address was changed
    pub moved_title: &'static str,
    /// the address was changed
    pub moved_text: &'static str,
    /// the account is locked
    pub locked_title: &'static str,
    /// the account is locked
    pub locked_text: &'static str,
    /// forged, mangled, unknown or retired key
    pub invalid_title: &'static str,
    /// forged, mangled, unknown or retired key
    pub invalid_text: &'static str,
    /// what to do about it
    pub invalid_next: &'static str,
    /// the account does not wait for this link
    pub not_pending_title: &'static str,
    /// the account does not wait for this link
    pub not_pending_text: &'static str,

    /// set-password page behind a link to reset it: title and heading
    pub reset_title: &'static str,
    /// the same: the sentence under the heading
    pub reset_intro: &'static str,
    /// success page after that: `{user}`
    pub reset_done_text: &'static str,
    /// expired link to reset a password: `{when}`
    pub reset_expired_when: &'static str,
    /// the same, when the moment is not known
    pub reset_expired_text: &'static str,
    /// link to reset a password, when the address was changed since
    pub reset_moved_text: &'static str,
    /// link to the page that asks for a new link
    pub recover_again: &'static str,
    /// the same, where somebody signs in
    pub forgotten: &'static str,
    /// page that asks for a link to reset a password
    pub recover_title: &'static str,
    /// the same: what to type, and what comes of it
    pub recover_intro: &'static str,
    /// label of its one field
    pub recover_label: &'static str,
    /// its button
    pub recover_button: &'static str,
    /// when nothing was typed
    pub recover_empty: &'static str,
    /// after the button; says the same whatever became of it
    pub recovered_text: &'static str,

    /// confirm-address page
    pub verify_title: &'static str,
    /// confirm-address page
    pub verify_text: &'static str,
    /// confirm-address page, when the account has an address already
    pub verify_change_text: &'static str,
    /// label of the address
    pub email: &'static str,
    /// confirm-address page
    pub verify_button: &'static str,
    /// confirm-address page: what if it was not you
    pub verify_not_you: &'static str,
    /// address confirmed
    pub verified_title: &'static str,
    /// address confirmed
    pub verified_text: &'static str,
    /// address confirmed that takes the place of another
    pub verified_change_text: &'static str,

    /// too busy
    pub busy_title: &'static str,
    /// too busy: nothing is lost
    pub busy_text: &'static str,
    /// too many requests from one place
    pub limited_title: &'static str,
    /// too many requests from one place
    pub limited_text: &'static str,
    /// when to try again: `{duration}`
    pub try_again_in: &'static str,
    /// link that loads the page again
    pub try_again: &'static str,
    /// 404
    pub not_found_title: &'static str,
    /// 404
    pub not_found_text: &'static str,
    /// 405
    pub method_title: &'static str,
    /// 405
    pub method_text: &'static str,
    /// 413
    pub too_large_title: &'static str,
    /// 413
    pub too_large_text: &'static str,
    /// 403
    pub foreign_title: &'static str,
    /// 403: the form was sent from another site
    pub foreign_text: &'static str,
    /// 500 and anything else
    pub failed_title: &'static str,
    /// 500 and anything else
    pub failed_text: &'static str,
    /// 503: the deployment lacks a setting
    pub setup_title: &'static str,
    /// 503: the deployment lacks a setting
    pub setup_text: &'static str,
}
