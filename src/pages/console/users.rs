//! Users: the list with its filter, its orders and its pages, and what can be done to those who are ticked.

use form_urlencoded::Serializer;
use maud::{Markup, html};

use crate::base::scope::{Scope, Scopes};
use crate::base::web_address::form_target;
use crate::pages::console::form::Field;
use crate::pages::console::{Frame, time};

/// The path of the list.
pub const PATH: &str = "/console/users";

/// What users can be chosen by: the value in the address, and its word.
pub const STATUSES: &[(&str, &str)] = &[
    ("", "All"),
    ("pending", "Pending"),
    ("expired", "Expired"),
    ("revoked", "Revoked"),
    ("bounced", "Bounced"),
    ("accepted", "Accepted"),
    ("locked", "Locked"),
    ("disabled", "Disabled"),
    ("active", "Active"),
];

/// What can be done to many: the value, the word, and the scope that allows it.
const ACTIONS: &[(&str, &str, Scope)] = &[
    ("resend", "Resend", Scope::Invitations),
    ("revoke", "Revoke", Scope::Invitations),
    ("lock", "Lock", Scope::ScimWrite),
    ("unlock", "Unlock", Scope::ScimWrite),
    ("disable", "Disable", Scope::ScimWrite),
    ("enable", "Enable", Scope::ScimWrite),
    ("delete", "Delete", Scope::ScimWrite),
    ("addToGroup", "Add to group", Scope::ScimWrite),
];

/// The columns: the word, and the name of the order by it, if there can be one.
const COLUMNS: &[(&str, &str)] =
    &[("User name", "userName"), ("Name", ""), ("Email", ""), ("Status", ""), ("Mail", "mail"), ("Expires", "expires")];

/// The state of the list, as its address has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListState<'a> {
    /// What is looked for.
    pub q: &'a str,
    /// The status, or nothing for all.
    pub status: &'a str,
    /// The domain of a user store, or nothing for all.
    pub domain: &'a str,
    /// The id of a group.
    pub group: &'a str,
    /// The order.
    pub sort: &'a str,
}

impl<'a> ListState<'a> {
    fn filters(&self) -> [(&'static str, &'a str); 4] {
        [("q", self.q), ("status", self.status), ("domain", self.domain), ("group", self.group)]
    }

    fn is_filtered(&self) -> bool {
        self.filters().iter().any(|(_, value)| !value.is_empty())
    }

    /// The address of the list in this state, with one thing more.
    fn href(&self, frame: &Frame, name: &str, value: &str) -> String {
        let mut query = Serializer::new(String::new());
        let kept = self.filters().into_iter().chain([("sort", self.sort)]).filter(|(key, _)| *key != name);
        query.extend_pairs(kept.chain([(name, value)]).filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        let path = frame.at(PATH);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }

    /// The address of the file with those whom the list shows.
    fn export(&self, frame: &Frame) -> String {
        let query = Serializer::new(String::new())
            .extend_pairs(self.filters().into_iter().filter(|(_, value)| !value.is_empty()))
            .finish();
        let path = frame.at("/console/users/export");
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

/// A user as the list shows them. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The id.
    pub id: String,
    /// The user name.
    pub user_name: String,
    /// What they are called.
    pub name: String,
    /// The address.
    pub address: String,
    /// What is true of them, as [`STATUSES`] has it.
    pub states: Vec<&'static str>,
    /// What became of the latest mail, in a word; empty where there was none.
    pub mail: &'static str,
    /// When it went out.
    pub sent_at: Option<i64>,
    /// When its provider said that it arrived.
    pub delivered_at: Option<i64>,
    /// When the invitation ends; `Some(0)` for never.
    pub expires_at: Option<i64>,
    /// When they are deleted, where somebody has asked for it.
    pub deletion_at: Option<i64>,
}

/// A page of the list.
#[derive(Clone, Debug, Default)]
pub struct UserList<'a> {
    /// The list's state.
    pub state: ListState<'a>,
    /// The order that the list has, if it is one that can be asked for, and whether the last come first.
    pub ordered_by: Option<(&'static str, bool)>,
    /// The names of the orders that can be asked for.
    pub sortable: Vec<&'static str>,
    /// The domains of the user stores; empty where there is one.
    pub domains: Vec<&'a str>,
    /// Groups to choose from, by id and name.
    pub groups: Vec<(String, String)>,
    /// The users.
    pub rows: Vec<UserRow>,
    /// How many there are in all, where that is known.
    pub total: Option<String>,
    /// The cursor of the page before.
    pub previous: Option<String>,
    /// The cursor of the page after.
    pub next: Option<String>,
    /// Whether the page ends where it does because so many were looked at.
    pub is_partial: bool,
    /// Whether it is the first page because the cursor was none.
    pub is_bad_cursor: bool,
}

/// The page.
#[must_use]
pub fn users(frame: &Frame, list: &UserList) -> Markup {
    html! {
        @if frame.scopes.has_any(&[Scope::Invitations, Scope::ScimWrite]) {
            p.actions {
                a.button href=(frame.at("/console/users/new")) { "Add user" }
                @if frame.scopes.has(Scope::Invitations) { " " a href=(frame.at("/console/import")) { "Import" } }
            }
        }
        (filters(frame, list))
        @if list.is_bad_cursor {
            p.done role="status" { "The link to that page does not hold any more: this is the first page." }
        }
        @if list.is_partial {
            p.done role="status" {
                "Many users had to be looked at, and the page ends where it was enough. Type more into the search, or choose "
                "a status, a domain or a group alone; or go on with “Next”."
            }
        }
        @if list.rows.is_empty() { (nobody(frame, list)) } @else { (table(frame, list)) }
        (pages(frame, list))
        p { a href=(list.state.export(frame)) { "Export CSV" } }
    }
}

fn filters(frame: &Frame, list: &UserList) -> Markup {
    let state = &list.state;
    let field = |name: &'static str, label: &'static str, value| Field { name, label, value, hint: "", problems: &[] };
    let domains: Vec<(&str, &str)> =
        std::iter::once(("", "All")).chain(list.domains.iter().map(|domain| (*domain, *domain))).collect();
    let groups: Vec<(&str, &str)> =
        std::iter::once(("", "All")).chain(list.groups.iter().map(|(id, name)| (id.as_str(), name.as_str()))).collect();
    html! {
        search {
            form.filters method="get" action=(frame.at(PATH)) {
                (Field { hint: "The beginning of a user name, a name or an address; or an id.", ..field("q", "Search", state.q) }.input("search"))
                (field("status", "Status", state.status).select(STATUSES))
                @if !list.domains.is_empty() { (field("domain", "Domain", state.domain).select(&domains)) }
                (field("group", "Group", state.group).select(&groups))
                @if !state.sort.is_empty() { input type="hidden" name="sort" value=(state.sort); }
                button type="submit" { "Show" }
                @if state.is_filtered() { a href=(frame.at(PATH)) { "Clear" } }
            }
        }
    }
}

/// Why there is nobody to be seen, and what to do.
fn nobody(frame: &Frame, list: &UserList) -> Markup {
    html! {
        @if list.is_partial {
            p { "None of those who were looked at matches." }
        } @else if list.previous.is_some() {
            p { "There is nobody on this page any more. " a href=(list.state.href(frame, "cursor", "")) { "First page" } }
        } @else if list.state.is_filtered() {
            p { "No user matches. " a href=(frame.at(PATH)) { "Show all users" } }
        } @else {
            p { "There are no users yet." }
        }
    }
}

fn table(frame: &Frame, list: &UserList) -> Markup {
    let may = frame.scopes;
    let can_act = ACTIONS.iter().any(|(_, _, scope)| may.has(*scope));
    html! {
        form.list method="post" action=[form_target(&frame.at("/console/users/actions"))] novalidate {
            @if can_act { (actions(may, list)) }
            div.scroll role="region" aria-label="Users" tabindex="0" {
                table {
                    caption { (caption(list)) }
                    thead { tr {
                        @if can_act { th scope="col" { span.unseen { "Selected" } } }
                        @for (word, order) in COLUMNS { (head(frame, list, word, order)) }
                    } }
                    tbody { @for row in &list.rows { (user(frame, row, can_act)) } }
                }
            }
        }
    }
}

fn actions(may: Scopes, list: &UserList) -> Markup {
    let ids: Vec<&str> = list.rows.iter().map(|row| row.id.as_str()).collect();
    html! {
        @for (name, value) in list.state.filters() { input type="hidden" name=(name) value=(value); }
        div.actions {
            div.check {
                input #page type="checkbox" name="page" value=(ids.join(",")) data-ticks="id";
                label for="page" { "Select this page" }
            }
            div.check {
                input #all type="checkbox" name="all" value="on";
                label for="all" { "Select all that match" }
            }
            @for (value, word, scope) in ACTIONS {
                @if may.has(*scope) { button.plain type="submit" name="action" value=(value) { (word) } }
            }
        }
    }
}

fn caption(list: &UserList) -> Markup {
    let status = STATUSES.iter().find(|(value, _)| *value == list.state.status && !value.is_empty());
    html! {
        @match &list.total {
            Some(total) if total == "1" => "1 user",
            Some(total) => { (total) " users" },
            None => { (list.rows.len()) " users on this page" },
        }
        @if let Some((_, word)) = status { ": " (word) }
        @if !list.state.q.is_empty() { ", “" bdi { (list.state.q) } "”" }
    }
}

fn head(frame: &Frame, list: &UserList, word: &str, order: &str) -> Markup {
    let by = list.ordered_by.filter(|(name, _)| *name == order).map(|(_, descending)| descending);
    let other_way = if by == Some(false) { format!("-{order}") } else { order.to_owned() };
    html! {
        th scope="col" aria-sort=[by.map(|descending| if descending { "descending" } else { "ascending" })] {
            @if !order.is_empty() && list.sortable.contains(&order) {
                a href=(list.state.href(frame, "sort", &other_way)) { (word) }
            } @else { (word) }
        }
    }
}

fn user(frame: &Frame, row: &UserRow, can_act: bool) -> Markup {
    let label = if row.user_name.is_empty() { &row.id } else { &row.user_name };
    let is_expired = row.states.contains(&"expired");
    html! {
        tr {
            @if can_act {
                td { input type="checkbox" name="id" value=(row.id) aria-label={ "Select " (label) }; }
            }
            th scope="row" { a href=(frame.at(&format!("{PATH}/{}", row.id))) { bdi { (label) } } }
            td { bdi { (row.name) } }
            td { bdi { (row.address) } }
            td {
                @if row.deletion_at.is_some() { span class="state bad" { "Awaiting deletion" } " " }
                @for state in &row.states { (chip(state)) " " }
            }
            td {
                @match (row.delivered_at, row.sent_at) {
                    (Some(at), _) if row.mail == "sent" => { "delivered " (time(at)) },
                    (Some(at), _) => { (row.mail) ", delivered " (time(at)) },
                    (None, Some(at)) if row.mail == "sent" => { "sent " (time(at)) },
                    (None, Some(at)) => { (row.mail) ", sent " (time(at)) },
                    (None, None) => (row.mail),
                }
            }
            td {
                @match row.expires_at {
                    None => "",
                    Some(0) => "never",
                    Some(at) => { @if is_expired { "expired " } (time(at)) },
                }
            }
        }
    }
}

fn chip(state: &str) -> Markup {
    let word = STATUSES.iter().find(|(value, _)| *value == state).map_or(state, |(_, word)| *word);
    let class = match state {
        "bounced" | "expired" | "locked" | "disabled" => "state bad",
        "accepted" | "active" => "state good",
        _ => "state",
    };
    html! { span class=(class) { (word) } }
}

fn pages(frame: &Frame, list: &UserList) -> Markup {
    html! {
        @if list.previous.is_some() || list.next.is_some() {
            nav.pages aria-label="Pages" {
                @if list.previous.is_some() { a href=(list.state.href(frame, "cursor", "")) { "First" } }
                @if let Some(cursor) = &list.previous { a rel="prev" href=(list.state.href(frame, "cursor", cursor)) { "Previous" } }
                @if let Some(cursor) = &list.next { a rel="next" href=(list.state.href(frame, "cursor", cursor)) { "Next" } }
            }
        }
    }
}
