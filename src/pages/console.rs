//! The console's pages, in English.

use maud::{Markup, html};

use crate::base::scope::{Scope, Scopes};
use crate::base::web_address::form_target;
use crate::i18n::Language;
use crate::i18n::time::pause;
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
    };
    let title = if refused { "Error: Sign in" } else { "Sign in" };
    card(&page.shell, Page { title, script: false, help: false, body })
}

/// The contents of the home page.
#[derive(Clone, Copy, Debug)]
pub struct HomePage<'a> {
    /// where the page stands
    pub shell: Shell<'a>,
    /// who has signed in
    pub name: &'a str,
    /// domain of the tenant
    pub tenant: &'a str,
    /// what they may do
    pub scopes: Scopes,
    /// how long a session lasts without being used, in seconds
    pub idle_seconds: u32,
    /// path of the form that signs out
    pub sign_out: &'a str,
    /// path of the form that signs out everywhere
    pub sign_out_everywhere: &'a str,
    /// whether there is an inbox to look into
    pub development: bool,
}

/// Who has signed in, and what they may do.
pub fn home(page: &HomePage) -> String {
    // Nobody but the super tenant's people could be given `tenants`.
    let not_covered = Scopes::all().difference(page.scopes).difference(Scopes::TENANTS);
    let prefix = page.shell.prefix;
    let body = html! {
        h1 { "Console" }
        dl {
            dt { "Signed in as" }
            dd { bdi { (page.name) } }
            dt { "Tenant" }
            dd { bdi { (page.tenant) } }
        }
        h2.after { "What you may do" }
        (list(page.scopes))
        @if !not_covered.is_empty() {
            h2 { "What your role does not cover" }
            (list(not_covered))
        }
        p.hint {
            "All of it is done by API: " a href={ (prefix) "/openapi.json" } { "its description" } "."
            @if page.development { " The mails of this machine are in the " a href={ (prefix) "/dev/inbox" } { "inbox" } "." }
        }
        form method="post" action=[form_target(page.sign_out)] { button type="submit" { "Sign out" } }
        form.quiet method="post" action=[form_target(page.sign_out_everywhere)] {
            button type="submit" { "Sign out everywhere" }
        }
        p.hint {
            "You are signed out after " (pause(page.idle_seconds, Language::En)) " without a request. “Everywhere” "
            "ends the sessions in other browsers too."
        }
    };
    card(&page.shell, Page { title: "Console", script: false, help: false, body })
}

fn list(scopes: Scopes) -> Markup {
    html! {
        ul.scopes { @for scope in scopes.scopes() { li { (in_words(scope)) " " code { (scope) } } } }
    }
}

fn in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::ScimRead => "See users and groups",
        Scope::ScimWrite => "Create, change and delete users and groups",
        Scope::Invitations => "Invite people; list, resend, revoke and import invitations",
        Scope::Links => "See invitation links and codes",
        Scope::Settings => "Change settings, schemas and resource types",
        Scope::Templates => "Edit mail templates",
        Scope::Tokens => "Make and revoke API tokens",
        Scope::Roles => "Give and take roles",
        Scope::Mail => "Follow mails, and send failed ones again",
        Scope::Audit => "Read the audit",
        Scope::Tenants => "Create tenants, and act inside any",
    }
}
