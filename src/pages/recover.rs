//! The page for whoever has forgotten their password.

use maud::html;

use crate::base::web_address::form_target;
use crate::pages::layout::{Page, Shell, card};

/// Name of its one field.
pub const FIELD: &str = "username";

/// The form: an address or a user name. `is_refused`: what was sent was none.
pub fn recover(shell: &Shell, action: &str, is_refused: bool) -> String {
    let texts = shell.texts();
    let title = format!("{}{}", if is_refused { texts.error_prefix } else { "" }, texts.recover_title);
    let body = html! {
        @if is_refused { div #problems .problems role="alert" tabindex="-1" { p { (texts.recover_empty) } } }
        h1 { (texts.recover_title) }
        p.lead { (texts.recover_intro) }
        form method="post" action=[form_target(action)] {
            div.field {
                label for=(FIELD) { (texts.recover_label) }
                input id=(FIELD) type="text" name=(FIELD) autocomplete="username" required autocapitalize="none"
                    autocorrect="off" spellcheck="false" dir="auto" autofocus
                    aria-describedby=[is_refused.then_some("problems")] aria-invalid=[is_refused.then_some("true")];
            }
            button type="submit" { (texts.recover_button) }
        }
    };
    card(shell, Page { title: &title, script: false, help: !shell.support.is_empty(), body })
}

/// The page after it: the same whatever became of the request.
pub fn requested(shell: &Shell) -> String {
    let texts = shell.texts();
    let body = html! {
        h1 { (texts.requested_title) }
        p.lead { (texts.recovered_text) }
        p { (texts.requested_hint) }
    };
    card(shell, Page { title: texts.requested_title, script: false, help: !shell.support.is_empty(), body })
}
