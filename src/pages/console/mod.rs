//! The console's pages, in English: a file for each, and what they share.
//!
//! | module | what it shows |
//! |---|---|
//! | `sign_in` | signing in |
//! | `form` | fields, and the summary of what is wrong with them |
//! | `home` | what needs attention, and what whoever has signed in may do |
//! | `import` | importing a file |
//! | `kept` | a form that came when the session was over |
//! | `add_user` | adding a user |
//! | `user` | one user; `user_attributes` and `user_forms` are parts of it, and the pages that lead from it |
//! | `tokens` | API tokens |
//! | `jobs` | actions on many users |
//! | `listing` | what lists share |
//! | `mail` | the outbox |
//! | `audit` | the audit |
//! | `settings`, `branding` | the tenant's settings |
//! | `deployment_toml` | WSO2's settings, pasted |
//! | `tenants` | the tenants |
//! | `groups` | groups and their members |
//! | `templates` | mail templates |
//! | `users` | users |

pub mod add_user;
pub mod audit;
pub mod branding;
pub mod charts;
pub mod deployment_toml;
pub mod form;
pub mod groups;
pub mod home;
pub mod import;
pub mod jobs;
pub mod kept;
pub mod listing;
pub mod mail;
pub mod settings;
pub mod sign_in;
pub mod templates;
pub mod tenants;
pub mod tokens;
pub mod user;
pub mod user_attributes;
pub mod user_forms;
pub mod users;

use maud::{Markup, html};

use crate::base::scope::{Scope, Scopes};
use crate::base::text::rfc3339;
use crate::base::web_address::form_target;
use crate::pages::console::form::Problem;
use crate::pages::layout::{Look, Shell, document};
use crate::pages::{assets, brand};

/// A part of the console, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What needs attention.
    Dashboard,
    /// Users, and adding one.
    Users,
    /// Groups and their members.
    Groups,
    /// Importing a file.
    Import,
    /// Mail templates.
    Templates,
    /// The tenant's settings.
    Settings,
    /// API tokens.
    Tokens,
    /// The outbox.
    Mail,
    /// The audit.
    Audit,
    /// The tenants.
    Tenants,
}

/// Each section's name, its path, and the scopes of which it takes one; none for whoever has signed in.
const SECTIONS: &[(Section, &str, &str, &[Scope])] = &[
    (Section::Dashboard, "Dashboard", "/console", &[]),
    (Section::Users, "Users", "/console/users", &[Scope::ScimRead]),
    (Section::Groups, "Groups", "/console/groups", &[Scope::ScimRead]),
    (Section::Import, "Import", "/console/import", &[Scope::Invitations]),
    (Section::Templates, "Templates", "/console/templates", &[Scope::Templates]),
    (Section::Settings, "Settings", "/console/settings", &[Scope::Settings]),
    (Section::Tokens, "Tokens", "/console/tokens", &[Scope::Tokens]),
    (Section::Mail, "Mail", "/console/mail", &[Scope::Mail]),
    (Section::Audit, "Audit", "/console/audit", &[Scope::Audit]),
    (Section::Tenants, "Tenants", "/console/tenants", &[Scope::Tenants]),
];

/// What stands around the contents of each page.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Where the page stands.
    pub shell: Shell<'a>,
    /// The section that it is of.
    pub section: Section,
    /// Who has signed in.
    pub name: &'a str,
    /// The domain of the tenant.
    pub tenant: &'a str,
    /// What they may do.
    pub scopes: Scopes,
    /// What the request before has done.
    pub message: Option<&'a str>,
    /// What the window is called, where that says more than the page's name.
    pub title: Option<&'a str>,
    /// Where that can be undone.
    pub undo: Option<&'a str>,
    /// Whether it shows something that goes on, and comes again in a while.
    pub is_live: bool,
    /// The pages before this one of a list, as its address has them.
    pub back: &'a [String],
}

impl Frame<'_> {
    /// A path of the console below the tenant's prefix.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.shell.prefix)
    }
}

/// A whole page. `name` is its heading; what is wrong with a form stands above it.
#[must_use]
pub fn page(frame: &Frame, name: &str, problems: &[Problem], body: &Markup) -> String {
    let prefix = frame.shell.prefix;
    let main = html! {
        a.skip href="#main" { "Skip to the page" }
        header.bar {
            a.brand href=(frame.at("/console")) {
                (brand::mark(prefix, frame.shell.brand))
                bdi { (frame.shell.wordmark()) }
            }
            p.who { bdi { (frame.name) } " · " bdi { (frame.tenant) } }
            form method="post" action=[form_target(&frame.at("/console/logout"))] {
                button.plain type="submit" { "Sign out" }
            }
        }
        nav.sections aria-label="Console" {
            ul {
                @for (section, name, path, scopes) in SECTIONS {
                    @if (scopes.is_empty() || frame.scopes.has_any(scopes)) && is_here(*section, prefix) {
                        li {
                            a href={ (prefix) (path) } aria-current=[(*section == frame.section).then_some("page")] { (name) }
                        }
                    }
                }
            }
        }
        main #main {
            @if let Some(message) = frame.message { p.done role="status" { (message) } }
            @if let Some(path) = frame.undo { (undo(frame, path)) }
            (form::summary(problems))
            h1 { (name) }
            (body)
        }
    };
    let title = frame.title.unwrap_or(name);
    let title = if problems.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    let look = Look {
        class: "console",
        styles: &[&assets::STYLE, &assets::CONSOLE_STYLE],
        script: Some(&assets::CONSOLE_SCRIPT),
        is_live: frame.is_live,
    };
    document(&frame.shell, &title, &look, main)
}

/// The button that gives a user back who is about to be deleted; `path` is the user's page.
#[must_use]
pub fn undo(frame: &Frame, path: &str) -> Markup {
    html! {
        form.undo method="post" action=[form_target(&frame.at(&format!("{path}/undo")))] {
            button type="submit" { "Undo" }
        }
    }
}

/// Whether a tenant of this prefix has the section: tenants are the super tenant's.
fn is_here(section: Section, prefix: &str) -> bool {
    section != Section::Tenants || prefix.is_empty()
}

/// Subject and text of a mail as it will be sent.
#[must_use]
pub fn preview_text(subject: &str, text: &str) -> Markup {
    html! {
        section aria-labelledby="preview" {
            h2 #preview { "Preview" }
            p { "Subject: " strong { bdi { (subject) } } }
            pre dir="auto" { (text) }
        }
    }
}

/// A time in words with its instant, as the reader's browser and programs can take it.
#[must_use]
pub fn time(millis: i64) -> Markup {
    let instant = rfc3339(millis);
    html! { time datetime=(instant) { (words(&instant)) } }
}

/// `2026-11-30 19:04 UTC` of `2026-11-30T19:04:11Z`.
#[must_use]
pub fn words(instant: &str) -> String {
    let minutes = instant.get(..16).unwrap_or(instant).replace('T', " ");
    format!("{minutes} UTC")
}
