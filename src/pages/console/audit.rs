//! The audit: what happened, newest first, and whether it is still what was sealed.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::model::audit::Action;
use crate::pages::console::form::{Field, Problem};
use crate::pages::console::listing::{self, address};
use crate::pages::console::{Frame, time};

/// A row as the list shows it.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When it happened, in milliseconds.
    pub time: i64,
    /// The name of the action.
    pub action: String,
    /// Who acted.
    pub actor: String,
    /// What it was done to.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// The client's address.
    pub address: Option<String>,
    /// The request, as the log names it.
    pub request: String,
}

/// What the list was asked for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The action's name; empty for all.
    pub action: String,
    /// A user's name or id; empty for all.
    pub user: String,
    /// From this time on.
    pub from: String,
    /// Up to this time.
    pub to: String,
    /// The user store.
    pub domain: String,
}

impl AuditFilter {
    /// Returns the address of what shows the rows of this filter.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let state = [
            ("action", self.action.as_str()),
            ("user", &self.user),
            ("from", &self.from),
            ("to", &self.to),
            ("domain", &self.domain),
        ];
        address(path, &state)
    }

    /// Whether it leaves nothing out of its user store.
    #[must_use]
    pub fn is_unfiltered(&self) -> bool {
        [&self.action, &self.user, &self.from, &self.to].into_iter().all(String::is_empty)
    }
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct AuditPage<'a> {
    /// The rows.
    pub rows: &'a [AuditRow],
    /// What was asked for.
    pub filter: &'a AuditFilter,
    /// The domains to choose from; none where there is one.
    pub domains: &'a [String],
    /// The cursor of this page; empty for the first.
    pub cursor: &'a str,
    /// The cursor of the next one.
    pub next: Option<&'a str>,
    /// Whether it is short because no more rows were looked at.
    pub is_cut: bool,
    /// What is known of the seal; `None` where it was not looked at.
    pub seal: Option<&'a Seal>,
    /// What is wrong with the filter.
    pub problems: &'a [Problem],
}

/// What became of the check of a stretch of the chain.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The first number checked.
    pub from: i64,
    /// The last one; one less where there was nothing to check.
    pub to: i64,
    /// What is wrong: the rows' numbers, and what each is.
    pub breaks: Vec<(i64, &'static str)>,
    /// Whether there are more after them.
    pub more: bool,
    /// The head, to keep and to compare with.
    pub anchor: Option<String>,
    /// What the copy of the head outside the database is.
    pub copy: &'static str,
}

/// The filter, the seal's state and the rows.
#[must_use]
pub fn audit(frame: &Frame, page: &AuditPage) -> Markup {
    let filter = page.filter;
    let at = |path: &str| filter.address(&frame.at(path));
    let actions: Vec<(&str, &str)> =
        [("", "All")].into_iter().chain(Action::ALL.iter().map(|action| (action.as_str(), action.as_str()))).collect();
    let field = |name, label, value, hint| Field { name, label, value, hint, problems: page.problems };
    html! {
        search {
            form.filters method="get" action=[form_target(&frame.at("/console/audit"))] novalidate {
                (field("action", "Action", &filter.action, "").select(&actions))
                (field("user", "User", &filter.user, "A user name, or the id of a user or a group.").input("text"))
                (field("from", "From", &filter.from, TIMES).input("text"))
                (field("to", "To", &filter.to, TIMES).input("text"))
                (listing::domain(page.domains, &filter.domain))
                button type="submit" { "Filter" }
            }
        }
        @if let Some(seal) = page.seal {
            h2 { "Seal" }
            (words_of(seal))
            p { a href=(address(&frame.at("/console/audit/seal"), &[("domain", &filter.domain), ("from", "1")])) { "Check from the beginning" } }
        }
        @if page.rows.is_empty() {
            @if page.is_cut { p { "None of the 10,000 rows that were looked at is like this: “Next” looks on." } }
            @else if filter.is_unfiltered() { p { "Nothing has happened yet." } }
            @else if page.problems.is_empty() {
                p { "Nothing is like this. " a href=(frame.at("/console/audit")) { "Show everything" } "." }
            }
        } @else {
            h2 { "What happened" }
            div.scroll role="region" aria-label="Audit" tabindex="0" {
                table {
                    caption { "The newest first. Times are UTC." }
                    thead { tr {
                        th scope="col" { "Time" } th scope="col" { "Action" } th scope="col" { "Actor" }
                        th scope="col" { "Target" } th scope="col" { "Outcome" } th scope="col" { "Address" }
                        th scope="col" { "Request" }
                    } }
                    tbody { @for row in page.rows { (line(frame, row)) } }
                }
            }
            @if page.is_cut { p.hint { "This page is short because 10,000 rows were looked at: “Next” looks on." } }
            p {
                a href=(at("/console/audit/export")) { "Export CSV" }
                " of these rows, up to the newest 10,000."
            }
        }
        (listing::pages(frame, &at("/console/audit"), page.cursor, page.next))
    }
}

const TIMES: &str = "2026-11-30, or 2026-11-30 17:00, in UTC.";

fn line(frame: &Frame, row: &AuditRow) -> Markup {
    // What was deleted has no page any more; which it is, its page says.
    let place = match row.action.split('.').next() {
        Some("user" | "invitation") => "users",
        Some("group") => "groups",
        _ => "",
    };
    html! {
        tr {
            th scope="row" { (time(row.time)) }
            td { code { (row.action) } }
            td { bdi { (row.actor) } }
            td {
                @if let Some(target) = &row.target {
                    @if place.is_empty() || uuid::Uuid::try_parse(target).is_err() { bdi { (target) } }
                    @else { a href=(frame.at(&format!("/console/{place}/{target}"))) { (target) } }
                }
            }
            td { (row.outcome) }
            td { (row.address.as_deref().unwrap_or_default()) }
            td { code { (row.request) } }
        }
    }
}

/// The page of a check that goes from row to row: 2,000 at a time.
#[must_use]
pub fn seal(frame: &Frame, seal: &Seal, domain: &str) -> Markup {
    let on = (seal.to + 1).to_string();
    html! {
        (words_of(seal))
        @if seal.more {
            p { a href=(address(&frame.at("/console/audit/seal"), &[("domain", domain), ("from", &on)])) { "Go on from row " (on) } }
        }
        p { a href=(address(&frame.at("/console/audit"), &[("domain", domain)])) { "Back to the audit" } }
    }
}

fn words_of(seal: &Seal) -> Markup {
    html! {
        @if !seal.breaks.is_empty() {
            div.problems role="alert" {
                p { "The audit is not as it was sealed." }
                ul { @for (number, problem) in &seal.breaks { li { "Row " (number) ": " (in_words(problem)) } } }
            }
        } @else if seal.to < seal.from {
            p { "There is nothing sealed to check here yet: rows are sealed once a minute." }
        } @else {
            p { span.state.good { "Intact" } " Rows " (seal.from) " to " (seal.to) " are as they were sealed." }
        }
        p.hint {
            (copy_in_words(seal.copy))
            @if let Some(anchor) = &seal.anchor { " To compare later, keep this: " code { (anchor) } }
        }
    }
}

fn in_words(problem: &str) -> &str {
    match problem {
        "changed" => "it, or the row before, is not what was sealed",
        "missing" => "it is missing",
        "unsealed" => "it has no seal, though it should",
        "unknown key" => "its key has been retired, so that nobody can tell",
        "head missing" => "the head of the chain is missing",
        "head changed" => "the head of the chain was changed",
        "head put back" => "the head of the chain was put back to an older one",
        other => other,
    }
}

fn copy_in_words(copy: &str) -> &str {
    match copy {
        "current" => "The copy of the newest seal outside the database agrees.",
        "behind" => "The copy of the newest seal outside the database is an older one, which is still there.",
        "none" => "There is no copy of the newest seal outside the database yet.",
        "unavailable" => "The copy of the newest seal outside the database could not be read.",
        _ => "The copy of the newest seal outside the database is another one.",
    }
}
