//! API tokens: the list, the form for a new one, and the new one, which is shown once.

use maud::{Markup, html};

use crate::base::scope::Scopes;
use crate::base::web_address::form_target;
use crate::pages::console::form::{Field, Problem, checkbox, operation};
use crate::pages::console::home::in_words;
use crate::pages::console::{Frame, time};

/// A token as the list shows it. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who has created it.
    pub created_by: String,
    /// When it ends.
    pub expires_at: i64,
    /// When it was last used, ten minutes behind at most.
    pub last_used: Option<i64>,
}

/// What was typed into the form for a new token.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it may do.
    pub scopes: Scopes,
    /// Its life in days, as typed.
    pub days: &'a str,
}

/// The list, and the form for a new one. `grantable` are the scopes that whoever has signed in can give it.
#[must_use]
pub fn tokens(
    frame: &Frame,
    tokens: &[TokenRow],
    now: i64,
    grantable: Scopes,
    new: &NewToken,
    problems: &[Problem],
) -> Markup {
    html! {
        @if tokens.is_empty() {
            p { "There are no tokens yet. A program that provisions users, such as Entra ID or Okta, calls with one." }
        } @else {
            div.scroll role="region" aria-label="Tokens" tabindex="0" {
                table {
                    caption { "The tenant's tokens" }
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "Scopes" } th scope="col" { "Created by" }
                        th scope="col" { "Last used" } th scope="col" { "Expires" } th scope="col" { "Action" }
                    } }
                    tbody {
                        @for token in tokens {
                            tr {
                                th scope="row" { bdi { (token.name) } }
                                td { (token.scopes) }
                                td { bdi { (token.created_by) } }
                                td { @if let Some(used) = token.last_used { (time(used)) } @else { "never" } }
                                td { @if token.expires_at <= now { "expired " } (time(token.expires_at)) }
                                td {
                                    form.row method="post" action=[form_target(&frame.at(&format!("/console/tokens/{}/revoke", token.id)))] {
                                        button.plain type="submit" aria-label={ "Revoke " (token.name) } { "Revoke" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        h2 { "New token" }
        form method="post" action=[form_target(&frame.at("/console/tokens"))] novalidate {
            (operation(new.operation))
            (Field { name: "name", label: "Name", value: new.name, hint: "What it is for, such as “Entra ID”.", problems }.input("text"))
            fieldset #scopes aria-describedby=[problems.iter().any(|problem| problem.field == "scopes").then_some("problems")] {
                legend { "Scopes" }
                @for scope in grantable.scopes() {
                    (checkbox(scope.as_str(), &format!("{} ({scope})", in_words(scope)), new.scopes.has(scope)))
                }
            }
            (Field { name: "days", label: "Expires after days", value: new.days, hint: "1 to 3650.", problems }.input("text"))
            button type="submit" { "Create token" }
        }
    }
}

/// A new token with its text, which nobody sees again.
#[must_use]
pub fn created(frame: &Frame, name: &str, text: &str) -> Markup {
    html! {
        p.done role="status" { "The token “" bdi { (name) } "” is made. Copy it now: it is not shown again." }
        div.field {
            label for="token" { "Token" }
            input #token type="text" readonly value=(text) dir="ltr" autocomplete="off" spellcheck="false";
        }
        button.copy type="button" data-copy="token" hidden { "Copy" }
        p { a href=(frame.at("/console/tokens")) { "I have stored it" } }
    }
}
