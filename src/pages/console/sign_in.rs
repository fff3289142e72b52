//! Signing in to the console.

use maud::html;

use crate::base::web_address::form_target;
use crate::pages::layout::{Page, Shell, card};

/// The contents of the sign-in page.
#[derive(Clone, Copy, Debug)]
pub struct SignInPage<'a> {
    /// where the page stands
    pub shell: Shell<'a>,
    /// path the form is sent to
    pub action: &'a str,
    /// domain of the tenant; empty for the super tenant
    pub tenant: &'a str,
    /// the name typed the last time
    pub username: &'a str,
    /// where to go afterwards
    pub next: &'a str,
    /// path of the page for whoever has forgotten their password
    pub recover: Option<&'a str>,
    /// what the last attempt came to
    pub notice: Option<Notice>,
}

/// The sign-in page's notice about the request before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// name or password were left out
    Missing,
    /// they are wrong, or may not come in
    Refused,
    /// the session is over
    SignedOut,
    /// all of the user's sessions are over
    SignedOutEverywhere,
}

/// The form to sign in with: `username`, `password` and `next`.
pub fn sign_in(page: &SignInPage) -> String {
    let problem = match page.notice {
        Some(Notice::Missing) => Some("Type your user name and your password."),
        Some(Notice::Refused) => {
            Some("The user name or the password is wrong, or this account has no role that opens the console.")
        }
        _ => None,
    };
    let done = match page.notice {
        Some(Notice::SignedOut) => Some("You have signed out."),
        Some(Notice::SignedOutEverywhere) => Some("You have signed out here and everywhere else."),
        _ => None,
    };
    let refused = problem.is_some();
    let described = refused.then_some("problems");
    let body = html! {
        @if let Some(problem) = problem {
            div #problems .problems role="alert" tabindex="-1" { p { (problem) } }
        }
        @if let Some(done) = done { p.banner role="status" { (done) } }
        h1 { "Sign in" }
        p.lead {
            "To the console"
            @if !page.tenant.is_empty() { " of " strong { bdi { (page.tenant) } } }
            "."
        }
        form method="post" action=[form_target(page.action)] {
            input type="hidden" name="next" value=(page.next);
            div.field {
                label for="username" { "User name" }
                input #username type="text" name="username" value=(page.username) autocomplete="username" required
                    autocapitalize="none" autocorrect="off" spellcheck="false" dir="auto" autofocus[page.username.is_empty()]
                    aria-describedby=[described] aria-invalid=[refused.then_some("true")];
            }
            div.field {
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required dir="ltr"
                    autofocus[!page.username.is_empty()]
                    aria-describedby=[described] aria-invalid=[refused.then_some("true")];
            }
            button type="submit" { "Sign in" }
        }
        @if let Some(path) = page.recover { p { a href=(path) { "Forgot your password?" } } }
    };
    let title = if refused { "Error: Sign in" } else { "Sign in" };
    card(&page.shell, Page { title, script: false, help: false, body })
}
