//! The pages an invited person meets: set a password, confirm an address, and what is wrong with a link.
//!
//! Nothing here happens by looking at a page: every change is a form sent with `POST`. A password is never put
//! back into a page.

use maud::{Markup, html};

use crate::base::web_address::{form_target, link_target};
use crate::i18n::fill::fill;
use crate::i18n::pages::PageTexts;
use crate::i18n::time::date_time;
use crate::pages::layout::{Page, Shell, card};

/// Name of the form field that holds the password.
pub const PASSWORD_FIELD: &str = "password";
/// Name of the form field that holds the password a second time.
pub const CONFIRM_FIELD: &str = "confirm";
/// Name of the hidden form field by which a form says what it wants; see [`REQUEST_NEW_MAIL`], [`CONFIRM_EMAIL`].
pub const INTENT_FIELD: &str = "intent";
/// Value of [`INTENT_FIELD`] on the button of an expired link.
pub const REQUEST_NEW_MAIL: &str = "new-mail";
/// Value of [`INTENT_FIELD`] on the button of the confirm-address page.
pub const CONFIRM_EMAIL: &str = "confirm-email";

/// The contents of the set-password page.
#[derive(Clone, Copy, Debug)]
pub struct SetPasswordPage<'a> {
    /// where the page stands
    pub shell: Shell<'a>,
    /// path the form is sent to; anything but a path of this site makes it go to the page's own address
    pub action: &'a str,
    /// the name the person will sign in with
    pub user_name: &'a str,
    /// fewest characters a password may have
    pub min_length: usize,
    /// whether the account has had a password before
    pub is_reset: bool,
    /// why the last password was refused, in words; empty on the first visit
    pub problems: &'a [String],
}

/// The form for a new password, with the reasons when the last one was refused.
///
/// It sends [`PASSWORD_FIELD`], [`CONFIRM_FIELD`] and `username` (the shown name, there for password managers;
/// the caller ignores it).
pub fn set_password(page: &SetPasswordPage) -> String {
    let texts = page.shell.texts();
    let refused = !page.problems.is_empty();
    let hint = fill(texts.password_hint, &[("n", &page.min_length.to_string())]);
    let described = if refused { "password-hint problems" } else { "password-hint" };
    let prefix = if refused { texts.error_prefix } else { "" };
    let (heading, intro) = match page.is_reset {
        true => (texts.reset_title, texts.reset_intro),
        false => (texts.set_title, texts.set_intro),
    };
    let title = format!("{prefix}{heading}");
    let body = html! {
        @if refused {
            div #problems .problems role="alert" tabindex="-1" {
                h2 { (texts.refused) }
                // the reasons may be in another language than the page
                ul dir="auto" { @for problem in page.problems { li { (problem) } } }
                p { (texts.refused_retry) }
            }
        }
        h1 { (heading) }
        p.lead { (intro) }
        form method="post" action=[form_target(page.action)] data-passwords data-reset[page.is_reset] data-mismatch=(texts.mismatch) {
            div.field {
                label for="username" { (texts.user_name) }
                input #username type="text" name="username" value=(page.user_name) autocomplete="username"
                    dir="auto" readonly;
            }
            (password_field(texts, PASSWORD_FIELD, texts.password, page.min_length, described, refused))
            p #password-hint .hint { (hint) }
            (rules(page, texts))
            (password_field(texts, CONFIRM_FIELD, texts.confirm, page.min_length, "mismatch", refused))
            p #mismatch .hint.live aria-live="polite" {}
            button type="submit" { (texts.set_button) }
        }
    };
    // Whoever has an account was not invited just now.
    let help = !page.is_reset || !page.shell.support.is_empty();
    card(&page.shell, Page { title: &title, script: true, help, body })
}

/// The rules of the server's policy that can be looked at while somebody types. The script says of each whether it is met;
/// without it they are a list. The server decides, by all of its rules.
fn rules(page: &SetPasswordPage, texts: &PageTexts) -> Markup {
    let length = fill(texts.rule_length, &[("n", &page.min_length.to_string())]);
    html! {
        ul #rules .hint aria-live="polite" data-least=(page.min_length) data-met=(texts.rule_met) data-unmet=(texts.rule_unmet)
            data-organization=(page.shell.organization) {
            li { (length) }
            li { (texts.rule_varied) }
            li { (texts.rule_own) }
        }
    }
}

fn password_field(
    texts: &PageTexts,
    name: &str,
    label: &str,
    min_length: usize,
    described: &str,
    refused: bool,
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            // the script puts a "show" switch into the box; without it this is a plain password field
            div.box data-show=(texts.show) data-hide=(texts.hide) {
                input id=(name) type="password" name=(name) autocomplete="new-password" required
                    minlength=(min_length) passwordrules={ "minlength: " (min_length) ";" }
                    aria-describedby=(described) aria-invalid=[refused.then_some("true")]
                    autocapitalize="none" autocorrect="off" spellcheck="false" dir="ltr";
            }
        }
    }
}

/// The page after a password was set: the account is live. `sign_in` is where to go from there, if known; `is_reset`:
/// there was a password before.
pub fn password_set(shell: &Shell, user_name: &str, sign_in: Option<&str>, is_reset: bool) -> String {
    let texts = shell.texts();
    let text = if is_reset { texts.reset_done_text } else { texts.done_text };
    let (before, after) = text.split_once("{user}").unwrap_or((text, ""));
    let body = html! {
        (check_icon())
        h1 { (texts.done_title) }
        p.lead { (before) strong { bdi { (user_name) } } (after) }
        (sign_in_link(texts, sign_in))
    };
    card(shell, Page { title: texts.done_title, script: false, help: false, body })
}

/// What can be wrong with a link, each with its own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem<'a> {
    /// Its time is over.
    Expired {
        /// until when it worked, in unix seconds
        until: Option<i64>,
        /// path to send the "send me a new link" form to; `None` when that is not on offer
        request_new: Option<&'a str>,
    },
    /// It would have reset a password, and its time is over.
    ResetExpired {
        /// as of [`Self::Expired`]
        until: Option<i64>,
    },
    /// It would have reset a password of an account whose address was changed since.
    ResetAddressChanged,
    /// It has been used to set the password.
    Accepted {
        /// where to sign in, if known
        sign_in: Option<&'a str>,
    },
    /// It has been used to confirm the address.
    Confirmed {
        /// where to sign in, if known
        sign_in: Option<&'a str>,
    },
    /// The invitation was withdrawn.
    Revoked,
    /// A newer mail has taken its place.
    Replaced {
        /// as of [`Self::Expired`]
        request_new: Option<&'a str>,
    },
    /// The account's address was changed since.
    AddressChanged {
        /// as of [`Self::Expired`]
        request_new: Option<&'a str>,
    },
    /// An administrator locked or disabled the account.
    Locked,
    /// Forged, mangled, or made with an unknown or retired key: one page for all, which tells nothing.
    Invalid,
    /// The account does not wait for this link.
    NotPending {
        /// where to sign in, if known
        sign_in: Option<&'a str>,
    },
}

/// The page for a link that cannot be used: why, and what to do now.
pub fn link_problem(shell: &Shell, problem: LinkProblem) -> String {
    link_problem_with(shell, problem, None)
}

/// The same with a way on: a path, and the words for it.
pub fn link_problem_with(shell: &Shell, problem: LinkProblem, way_on: Option<(&str, &str)>) -> String {
    let texts = shell.texts();
    let (title, body) = match problem {
        LinkProblem::Expired { until, request_new } => (texts.expired_title, expired(shell, until, request_new)),
        LinkProblem::ResetExpired { until } => {
            let when = until.map(|until| date_time(until, shell.language()));
            let text = match when {
                Some(when) => fill(texts.reset_expired_when, &[("when", &when)]),
                None => texts.reset_expired_text.to_owned(),
            };
            (texts.expired_title, lead(&text))
        }
        LinkProblem::ResetAddressChanged => (texts.moved_title, lead(texts.reset_moved_text)),
        LinkProblem::Accepted { sign_in } => (
            texts.accepted_title,
            html! {
                p.lead { (texts.accepted_text) }
                (sign_in_link(texts, sign_in))
                p.hint { (texts.accepted_other) }
            },
        ),
        LinkProblem::Confirmed { sign_in } => {
            (texts.accepted_title, html! { (lead(texts.confirmed_text)) (sign_in_link(texts, sign_in)) })
        }
        LinkProblem::Revoked => (texts.revoked_title, lead(texts.revoked_text)),
        LinkProblem::Replaced { request_new } => {
            (texts.replaced_title, html! { (lead(texts.replaced_text)) (another_mail(texts, request_new)) })
        }
        LinkProblem::AddressChanged { request_new } => {
            (texts.moved_title, html! { (lead(texts.moved_text)) (another_mail(texts, request_new)) })
        }
        LinkProblem::Locked => (texts.locked_title, lead(texts.locked_text)),
        LinkProblem::Invalid => (texts.invalid_title, html! { (lead(texts.invalid_text)) p { (texts.invalid_next) } }),
        LinkProblem::NotPending { sign_in } => {
            (texts.not_pending_title, html! { (lead(texts.not_pending_text)) (sign_in_link(texts, sign_in)) })
        }
    };
    let body = html! {
        h1 { (title) }
        (body)
        @if let Some((path, words)) = way_on { p { a href=(path) { (words) } } }
    };
    // these pages say themselves whom to ask, but an address to write to is worth showing
    card(shell, Page { title, script: false, help: !shell.support.is_empty(), body })
}

/// The button for a new mail, where another mail has the link that works.
fn another_mail(texts: &PageTexts, request_new: Option<&str>) -> Markup {
    html! {
        @if let Some(action) = request_new {
            p { (texts.resend_request) }
            (intent_form(action, REQUEST_NEW_MAIL, texts.request_button))
        }
    }
}

fn expired(shell: &Shell, until: Option<i64>, request_new: Option<&str>) -> Markup {
    let texts = shell.texts();
    let when = until.map(|until| date_time(until, shell.language()));
    html! {
        p.lead {
            @match when {
                Some(when) => (fill(texts.expired_when, &[("when", &when)])),
                None => (texts.expired_text),
            }
        }
        @match request_new {
            Some(action) => {
                p { (texts.expired_request) }
                (intent_form(action, REQUEST_NEW_MAIL, texts.request_button))
            }
            None => p { (texts.ask_for_new) },
        }
    }
}

/// The page after "send me a new link": the same whatever became of the request.
pub fn new_mail_requested(shell: &Shell) -> String {
    let texts = shell.texts();
    let body = html! {
        h1 { (texts.requested_title) }
        (lead(texts.requested_text))
        p { (texts.requested_hint) }
    };
    card(shell, Page { title: texts.requested_title, script: false, help: true, body })
}

/// The effect of confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirms {
    /// It finishes the account.
    Account,
    /// It puts the address into the place of the one that the account has.
    Change,
}

/// The page that asks for one press of a button to confirm an address. Opening it changes nothing.
pub fn verify_email(shell: &Shell, action: &str, email: &str, confirms: Confirms) -> String {
    let texts = shell.texts();
    let text = match confirms {
        Confirms::Account => texts.verify_text,
        Confirms::Change => texts.verify_change_text,
    };
    let body = html! {
        h1 { (texts.verify_title) }
        (lead(text))
        dl { dt { (texts.email) } dd { bdi { (email) } } }
        (intent_form(action, CONFIRM_EMAIL, texts.verify_button))
        p.hint { (texts.verify_not_you) }
    };
    // Whoever has an account was not invited just now.
    let help = confirms == Confirms::Account || !shell.support.is_empty();
    card(shell, Page { title: texts.verify_title, script: false, help, body })
}

/// The page after an address was confirmed. `sign_in` is where to go from there, if known.
pub fn email_verified(shell: &Shell, sign_in: Option<&str>, confirms: Confirms) -> String {
    let texts = shell.texts();
    let text = match confirms {
        Confirms::Account => texts.verified_text,
        Confirms::Change => texts.verified_change_text,
    };
    let body = html! {
        (check_icon())
        h1 { (texts.verified_title) }
        (lead(text))
        (sign_in_link(texts, sign_in))
    };
    card(shell, Page { title: texts.verified_title, script: false, help: false, body })
}

fn intent_form(action: &str, intent: &str, button: &str) -> Markup {
    html! {
        form method="post" action=[form_target(action)] {
            input type="hidden" name=(INTENT_FIELD) value=(intent);
            button type="submit" { (button) }
        }
    }
}

fn lead(text: &str) -> Markup {
    html! { p.lead { (text) } }
}

fn check_icon() -> Markup {
    html! { div.tick aria-hidden="true" {} }
}

fn sign_in_link(texts: &PageTexts, sign_in: Option<&str>) -> Markup {
    html! {
        @match sign_in.and_then(link_target) {
            Some(href) => p { a.button href=(href) { (texts.sign_in) } },
            None => p { (texts.close_page) },
        }
    }
}
