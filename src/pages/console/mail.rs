//! The outbox: what became of each mail, and trying again what has ended unsent.

use maud::{Markup, html};

use crate::base::scope::Scope;
use crate::base::web_address::form_target;
use crate::model::mail::MailState;
use crate::pages::console::form::Field;
use crate::pages::console::listing::{self, address};
use crate::pages::console::{Frame, time};

/// A mail as the list shows it. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct MailRow {
    /// Its id.
    pub id: String,
    /// The id of whom it is for.
    pub user_id: String,
    /// Its recipient; `None` once they have been deleted.
    pub to: Option<String>,
    /// Its template's type.
    pub template: String,
    /// Its state.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: i64,
    /// The provider that was tried last.
    pub provider: Option<String>,
    /// What that said.
    pub answer: Option<String>,
    /// When it was queued.
    pub queued: i64,
    /// When it is tried next.
    pub next: Option<i64>,
}

/// A page of the list, and what it was asked for.
#[derive(Clone, Debug)]
pub struct MailPage<'a> {
    /// The rows.
    pub rows: &'a [MailRow],
    /// The state asked for.
    pub state: Option<MailState>,
    /// The domains to choose from; none where there is one.
    pub domains: &'a [String],
    /// The one that was chosen.
    pub domain: &'a str,
    /// The cursor of this page; empty for the first.
    pub cursor: &'a str,
    /// The cursor of the next one.
    pub next: Option<&'a str>,
}

/// The list, with a button for each mail that can be tried again.
#[must_use]
pub fn mail(frame: &Frame, page: &MailPage) -> Markup {
    let chosen = page.state.map_or("", MailState::as_str);
    let here = |path: &str, cursor: &str| {
        address(&frame.at(path), &[("state", chosen), ("domain", page.domain), ("cursor", cursor)])
    };
    let all: Vec<(&str, &str)> =
        [("", "All")].into_iter().chain(MailState::ALL.iter().map(|state| (state.as_str(), name(*state)))).collect();
    let retried = page.state.unwrap_or(MailState::Failed);
    html! {
        search {
            form.filters method="get" action=[form_target(&frame.at("/console/mail"))] novalidate {
                (Field { name: "state", label: "State", value: chosen, hint: "", problems: &[] }.select(&all))
                (listing::domain(page.domains, page.domain))
                button type="submit" { "Show" }
            }
        }
        @if let Some(state) = page.state { p.hint { (meaning(state)) } }
        @if retried.is_retryable() {
            form.actions method="post" action=[form_target(&here("/console/mail/retry", ""))] {
                button type="submit" { "Retry all " (retried.as_str()) }
                span.hint { "Up to 1,000 at once, the oldest first." }
            }
        }
        @if page.rows.is_empty() {
            @if !page.cursor.is_empty() { p { "There are no more mails." } }
            @else if page.state.is_some() {
                p { "No mail is in this state. " a href=(frame.at("/console/mail")) { "Show all mails" } "." }
            } @else { p { "No mail has been sent yet." } }
        } @else {
            div.scroll role="region" aria-label="Mails" tabindex="0" {
                table {
                    caption { "Mails, the newest first" }
                    thead { tr {
                        th scope="col" { "Recipient" } th scope="col" { "Type" } th scope="col" { "State" }
                        th scope="col" { "Provider" } th scope="col" { "What it said" } th scope="col" { "Attempts" }
                        th scope="col" { "Queued" } th scope="col" { "Next attempt" } th scope="col" { "Action" }
                    } }
                    tbody { @for row in page.rows { (line(frame, row, &here)) } }
                }
            }
        }
        (listing::pages(frame, &here("/console/mail", ""), page.cursor, page.next))
    }
}

fn line(frame: &Frame, row: &MailRow, here: &dyn Fn(&str, &str) -> String) -> Markup {
    let to = row.to.as_deref();
    html! {
        tr {
            th scope="row" {
                @match to {
                    Some(to) if frame.scopes.has(Scope::ScimRead) => {
                        a href=(frame.at(&format!("/console/users/{}", row.user_id))) { bdi { (to) } }
                    }
                    Some(to) => bdi { (to) },
                    None => "a user who was deleted",
                }
            }
            td { (row.template) }
            td { span.state.bad[is_bad(row.state)].good[row.state == MailState::Sent] { (name(row.state)) } }
            td { (row.provider.as_deref().unwrap_or("none yet")) }
            td { bdi { (row.answer.as_deref().unwrap_or_default()) } }
            td { (row.attempts) }
            td { (time(row.queued)) }
            td { @if let Some(next) = row.next { (time(next)) } }
            td {
                @if let (true, Some(to)) = (row.state.is_retryable(), to) {
                    form.row method="post" action=[form_target(&here(&format!("/console/mail/{}/retry", row.id), ""))] {
                        button.plain type="submit" aria-label={ "Retry " (to) } { "Retry" }
                    }
                }
            }
        }
    }
}

fn is_bad(state: MailState) -> bool {
    state.is_irregular() && state != MailState::Deferred
}

/// The state's name.
#[must_use]
pub fn name(state: MailState) -> &'static str {
    match state {
        MailState::Queued => "Queued",
        MailState::Sending => "Sending",
        MailState::Sent => "Sent",
        MailState::Deferred => "Deferred",
        MailState::Unknown => "Unknown",
        MailState::Failed => "Failed",
        MailState::Dropped => "Dropped",
        MailState::Bounced => "Bounced",
        MailState::Complained => "Complained",
    }
}

/// What it means that a mail is in this state.
fn meaning(state: MailState) -> &'static str {
    match state {
        MailState::Queued => "They wait for their first attempt. Those among the newest 10,000 mails are listed.",
        MailState::Sending => "They are being handed over. Those among the newest 10,000 mails are listed.",
        MailState::Sent => "Their provider has taken them. Those among the newest 10,000 mails are listed.",
        MailState::Deferred => "Put off: they are tried again by themselves.",
        MailState::Unknown => {
            "Given up in doubt: their provider may have them or not. Tried again, one may arrive twice."
        }
        MailState::Failed => "Given up: no provider takes them. They can be tried again once the cause is mended.",
        MailState::Dropped => {
            "Not sent, since nobody wants them any more. An invitation is sent anew from its user’s page."
        }
        MailState::Bounced => "Returned by the recipient’s server: correct the address before trying again.",
        MailState::Complained => "Reported as spam by the recipient.",
    }
}
