//! What the pages say: one catalogue of sentences per language.
//!
//! A language is one file beside this one that fills in every field of [`Texts`]; the compiler refuses a
//! catalogue with a gap. Sentences hold `{named}` slots, filled by [`fill`]; escaping happens later, when the
//! page is put together.

use crate::i18n::locale::Language;

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod ja;
mod pt_br;
mod zh_cn;

/// Every sentence of the pages. Slots: `{n}` a number, `{user}` a user name, `{when}` a moment in words.
///
/// Public, so that whoever judges a password can say the reasons in the language of the page: the `weak_*` sentences
/// and `mismatch`, filled by [`fill`], are what `SetPasswordPage::problems` takes.
pub struct Texts {
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

/// The catalogue of a language.
pub fn of(language: Language) -> &'static Texts {
    match language {
        Language::En => &en::TEXTS,
        Language::De => &de::TEXTS,
        Language::Es => &es::TEXTS,
        Language::Fr => &fr::TEXTS,
        Language::PtBr => &pt_br::TEXTS,
        Language::Ja => &ja::TEXTS,
        Language::ZhCn => &zh_cn::TEXTS,
        Language::Ar => &ar::TEXTS,
    }
}

/// The catalogue for a locale, English when the language is not known.
pub fn for_locale(locale: &str) -> &'static Texts {
    of(Language::of(locale))
}

/// Puts values into the `{named}` slots of a sentence, in one pass: a value that looks like a slot stays as it
/// is. A slot without a value stays too, so that it is seen.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some(open) = rest.find('{') {
        let (before, from_open) = rest.split_at(open);
        out.push_str(before);
        let value = from_open.find('}').and_then(|close| {
            let name = &from_open[1..close];
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((close, value))
        });
        match value {
            Some((close, value)) => {
                out.push_str(value);
                rest = &from_open[close + 1..];
            }
            None => {
                out.push('{');
                rest = &from_open[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn slots_are_filled_once() {
        let values = [("a", "{b}"), ("b", "x")];
        assert_eq!(fill("{a}-{b}-{c}-{", &values), "{b}-x-{c}-{");
        assert_eq!(fill("{{b}}", &values), "{x}");
        assert_eq!(fill("", &values), "");
    }
}
