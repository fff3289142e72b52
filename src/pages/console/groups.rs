//! Groups: the list, and one with its members, a page of them at a time.

use maud::{Markup, html};

use crate::base::scope::Scope;
use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};
use crate::pages::console::listing::{self, address};

/// A page of the list: of each group its id and its name.
#[derive(Clone, Copy, Debug)]
pub struct GroupsPage<'a> {
    /// The groups.
    pub rows: &'a [(String, String)],
    /// How the names begin that were asked for.
    pub search: &'a str,
    /// The cursor of this page; empty for the first.
    pub cursor: &'a str,
    /// The cursor of the next one.
    pub next: Option<&'a str>,
    /// What was typed as the name of a new one.
    pub name: &'a str,
}

/// The list, and the form for a new group.
#[must_use]
pub fn groups(frame: &Frame, page: &GroupsPage, operation_id: &str, problems: &[Problem]) -> Markup {
    let path = frame.at("/console/groups");
    html! {
        search {
            form.filters method="get" action=[form_target(&path)] novalidate {
                (Field { name: "q", label: "Search", value: page.search, hint: "How the name begins.", problems: &[] }.input("search"))
                button type="submit" { "Search" }
            }
        }
        @if page.rows.is_empty() {
            @if page.search.is_empty() && page.cursor.is_empty() { p { "There are no groups yet." } }
            @else { p { "No group’s name begins like this. " a href=(path) { "Show all groups" } "." } }
        } @else {
            div.scroll role="region" aria-label="Groups" tabindex="0" {
                table {
                    caption { "In the order of their names" }
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Id" } } }
                    tbody {
                        @for (id, name) in page.rows {
                            tr {
                                th scope="row" { a href=(frame.at(&format!("/console/groups/{id}"))) { bdi { (name) } } }
                                td { code { (id) } }
                            }
                        }
                    }
                }
            }
        }
        (listing::pages(frame, &address(&path, &[("q", page.search)]), page.cursor, page.next))
        @if frame.scopes.has(Scope::ScimWrite) {
            h2 { "New group" }
            form method="post" action=[form_target(&path)] novalidate {
                (operation(operation_id))
                (Field { name: "name", label: "Name", value: page.name, hint: "", problems }.input("text"))
                button type="submit" { "Create group" }
            }
        }
    }
}

/// A member as the page shows it.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Its id.
    pub id: String,
    /// Its name; its id where it has none.
    pub name: String,
    /// Whether it is a group.
    pub is_group: bool,
}

/// A group and a page of its members.
#[derive(Clone, Copy, Debug)]
pub struct GroupPage<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What was typed as its name.
    pub new_name: &'a str,
    /// The roles that it gives.
    pub roles: &'a [String],
    /// The members.
    pub members: &'a [MemberRow],
    /// Whose membership was asked for: a user name or an id.
    pub search: &'a str,
    /// The cursor of this page; empty for the first.
    pub cursor: &'a str,
    /// The cursor of the next one.
    pub next: Option<&'a str>,
    /// What was pasted to be added.
    pub add: &'a str,
}

/// A group. `new_id` makes each form's id.
#[must_use]
pub fn group(frame: &Frame, page: &GroupPage, new_id: &dyn Fn() -> String, problems: &[Problem]) -> Markup {
    let may_write = frame.scopes.has(Scope::ScimWrite);
    let path = frame.at(&format!("/console/groups/{}", page.id));
    html! {
        p {
            "Id " code { (page.id) }
            @if !page.roles.is_empty() { ". Its members have the roles " (page.roles.join(", ")) "." }
        }
        h2 { "Members" }
        search {
            form.filters method="get" action=[form_target(&path)] novalidate {
                (Field { name: "q", label: "Search", value: page.search, hint: "A whole user name, or an id.", problems: &[] }.input("search"))
                button type="submit" { "Search" }
            }
        }
        @if page.members.is_empty() {
            @if !page.search.is_empty() { p { "Not a member of this group. " a href=(path) { "Show all members" } "." } }
            @else if !page.cursor.is_empty() { p { "There are no more members." } }
            @else { p { "The group has no members." } }
        } @else if may_write {
            form.list method="post" action=[form_target(&address(&format!("{path}/members/remove"), &[("q", page.search), ("cursor", page.cursor)]))] {
                (operation(&new_id()))
                (table(frame, page.members, true))
                div.actions { button type="submit" { "Remove" } }
            }
        } @else {
            (table(frame, page.members, false))
        }
        (listing::pages(frame, &address(&path, &[("q", page.search)]), page.cursor, page.next))
        @if may_write {
            h2 { "Add members" }
            form method="post" action=[form_target(&format!("{path}/members"))] novalidate {
                (operation(&new_id()))
                (Field { name: "members", label: "Members", value: page.add, hint: "User names or ids of users or groups, one per line or with commas between.", problems }.area(6))
                button type="submit" { "Add members" }
            }
            h2 { "Group" }
            form method="post" action=[form_target(&path)] novalidate {
                (operation(&new_id()))
                input type="hidden" name="was" value=(page.name);
                (Field { name: "name", label: "Name", value: page.new_name, hint: "", problems }.input("text"))
                button type="submit" { "Rename" }
            }
            p { a href={ (path) "/delete" } { "Delete" } " the group; its members stay." }
        }
    }
}

fn table(frame: &Frame, members: &[MemberRow], may_select: bool) -> Markup {
    html! {
        div.scroll role="region" aria-label="Members" tabindex="0" {
            table {
                caption { "Members, in the order of their ids" }
                thead { tr {
                    @if may_select { th scope="col" { "Select" } }
                    th scope="col" { "Name" } th scope="col" { "Type" } th scope="col" { "Id" }
                } }
                tbody {
                    @for member in members {
                        @let place = if member.is_group { "groups" } else { "users" };
                        tr {
                            @if may_select {
                                td { input type="checkbox" name="member" value=(member.id) aria-label={ "Select " (member.name) }; }
                            }
                            th scope="row" { a href=(frame.at(&format!("/console/{place}/{}", member.id))) { bdi { (member.name) } } }
                            td { @if member.is_group { "Group" } @else { "User" } }
                            td { code { (member.id) } }
                        }
                    }
                }
            }
        }
    }
}

/// The page that asks before a group is deleted.
#[must_use]
pub fn delete(frame: &Frame, id: &str, name: &str, operation_id: &str) -> Markup {
    let path = frame.at(&format!("/console/groups/{id}"));
    html! {
        p { "The group “" bdi { (name) } "” goes for good. Its members stay, without what the group gives them: its roles, for one." }
        form method="post" action=[form_target(&format!("{path}/delete"))] {
            (operation(operation_id))
            button.final type="submit" { "Delete group" }
        }
        p { a href=(path) { "Keep it" } }
    }
}
