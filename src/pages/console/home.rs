//! The dashboard: figures, what needs attention, and what whoever has signed in may do.

use maud::{Markup, html};

use crate::base::scope::{Scope, Scopes};
use crate::base::web_address::form_target;
use crate::i18n::Language;
use crate::i18n::time::pause;
use crate::pages::console::charts::{self, Charts};
use crate::pages::console::{Frame, page};

/// A number of invitations, with the list that it counts.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What they are.
    pub label: &'static str,
    /// How many.
    pub number: String,
    /// The status that the list is filtered by.
    pub status: &'static str,
}

/// Something that needs attention.
#[derive(Clone, Debug)]
pub struct Attention {
    /// What it is, with how many.
    pub text: String,
    /// Where it can be helped.
    pub path: String,
    /// What the link there says, or the button.
    pub link: &'static str,
    /// Whether it is a button, which helps at once.
    pub is_button: bool,
}

/// What the dashboard says of users; `None` for whoever may not see them.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The figures.
    pub figures: Vec<Figure>,
    /// What needs attention.
    pub attention: Vec<Attention>,
    /// The charts.
    pub charts: Charts,
}

fn overview(frame: &Frame, overview: &Overview) -> Markup {
    html! {
        @if frame.scopes.has(Scope::Invitations) {
            div.actions {
                a.button href=(frame.at("/console/users/new")) { "Add user" }
                a href=(frame.at("/console/import")) { "Import" }
            }
        }
        ul.figures {
            @for figure in &overview.figures {
                li {
                    a href=(frame.at(&format!("/console/users?status={}", figure.status))) {
                        strong { (figure.number) } " " (figure.label)
                    }
                }
            }
        }
        section aria-labelledby="attention" {
            h2 #attention { "Needs attention" }
            @if overview.attention.is_empty() { p { "Nothing at the moment." } }
            @else {
                ul {
                    @for item in &overview.attention {
                        li {
                            bdi { (item.text) } " "
                            @if item.is_button {
                                form method="post" action=[form_target(&frame.at(&item.path))] {
                                    button.plain type="submit" { (item.link) }
                                }
                            } @else { a href=(frame.at(&item.path)) { (item.link) } }
                        }
                    }
                }
            }
        }
        (charts::charts(frame, &overview.charts))
    }
}

/// The home page. A session lasts `idle_seconds` without being used; in development there is an inbox to look into.
#[must_use]
pub fn home(frame: &Frame, of_users: Option<&Overview>, idle_seconds: u32, development: bool) -> String {
    // Nobody but the super tenant's people could be given `tenants`.
    let not_covered = Scopes::all().difference(frame.scopes).difference(Scopes::TENANTS);
    let body = html! {
        @if let Some(of_users) = of_users { (overview(frame, of_users)) }
        h2 { "What you may do" }
        (list(frame.scopes))
        @if !not_covered.is_empty() {
            h2 { "What your role does not cover" }
            (list(not_covered))
        }
        p.hint {
            "All of it can be done by API too: " a href=(frame.at("/openapi.json")) { "its description" } "."
            @if development { " The mails of this machine are in the " a href=(frame.at("/dev/inbox")) { "inbox" } "." }
        }
        form.quiet method="post" action=[form_target(&frame.at("/console/logout/everywhere"))] {
            button type="submit" { "Sign out everywhere" }
        }
        p.hint {
            "You are signed out after " (pause(idle_seconds, Language::En)) " without a request. “Everywhere” "
            "ends the sessions in other browsers too."
        }
    };
    page(frame, "Dashboard", &[], &body)
}

fn list(scopes: Scopes) -> Markup {
    html! {
        ul.scopes { @for scope in scopes.scopes() { li { (in_words(scope)) " " code { (scope) } } } }
    }
}

/// What a scope allows, in words.
#[must_use]
pub fn in_words(scope: Scope) -> &'static str {
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
