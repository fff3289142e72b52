//! The tenants: the list, and the form for a new one with its first owner.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::form::{Field, Problem, operation};
use crate::pages::console::listing::{self, address};
use crate::pages::console::{Frame, time};

/// A tenant as the list shows it.
#[derive(Clone, Debug)]
pub struct TenantLine {
    /// Its number.
    pub number: u64,
    /// Its domain.
    pub domain: String,
    /// Whether anybody gets in.
    pub active: bool,
    /// Whether it is the super tenant, which is always active.
    pub is_super: bool,
    /// The user names of its owners.
    pub owners: Vec<String>,
    /// When it was created, in milliseconds.
    pub created: i64,
}

/// What was typed into the form for a new tenant.
#[derive(Clone, Debug, Default)]
pub struct NewTenantForm {
    /// Its domain.
    pub domain: String,
    /// The owner's user name.
    pub username: String,
    /// Their address.
    pub email: String,
    /// Their given name.
    pub first_name: String,
    /// Their family name.
    pub last_name: String,
}

/// The list from a domain on, and the form.
#[must_use]
pub fn tenants(
    frame: &Frame,
    rows: &[TenantLine],
    cursor: &str,
    next: Option<&str>,
    operation_id: &str,
    new: &NewTenantForm,
    problems: &[Problem],
) -> Markup {
    let path = frame.at("/console/tenants");
    let field = |name, label, value, hint| Field { name, label, value, hint, problems };
    html! {
        div.scroll role="region" aria-label="Tenants" tabindex="0" {
            table {
                caption { "In the order of their domains" }
                thead { tr {
                    th scope="col" { "Domain" } th scope="col" { "State" } th scope="col" { "Owners" }
                    th scope="col" { "Created" } th scope="col" { "Console" } th scope="col" { "Action" }
                } }
                tbody { @for row in rows { (line(frame, row, cursor)) } }
            }
        }
        (listing::pages(frame, &path, cursor, next))
        h2 { "New tenant" }
        form method="post" action=[form_target(&path)] novalidate {
            (operation(operation_id))
            (field("domain", "Domain", new.domain.as_str(), "Such as acme.com: letters, digits, dots, “-” and “_”. It cannot be changed.").input("text"))
            fieldset {
                legend { "Owner" }
                p.hint { "They get the role “admin” in it, and a mail with a link to set their password." }
                (field("username", "User name", &new.username, "").input("text"))
                (field("email", "Email Address", &new.email, "").input("email"))
                (field("firstname", "First name (optional)", &new.first_name, "").input("text"))
                (field("lastname", "Last name (optional)", &new.last_name, "").input("text"))
            }
            button type="submit" { "Create tenant" }
        }
    }
}

fn line(frame: &Frame, row: &TenantLine, cursor: &str) -> Markup {
    let verb = if row.active { "deactivate" } else { "activate" };
    let action = frame.at(&address(&format!("/console/tenants/{}/{verb}", row.number), &[("cursor", cursor)]));
    html! {
        tr {
            th scope="row" { bdi { (row.domain) } }
            td {
                @if row.active { span.state.good { "Active" } } @else { span.state.bad { "Deactivated" } }
            }
            td { @for (index, owner) in row.owners.iter().enumerate() { @if index > 0 { ", " } bdi { (owner) } } }
            td { (time(row.created)) }
            td {
                @if row.active {
                    @let path = if row.is_super { "/console".to_owned() } else { format!("/t/{}/console", row.domain) };
                    a href=(path) aria-label={ "Open " (row.domain) } { "Open" }
                }
            }
            td {
                @if !row.is_super {
                    form.row method="post" action=[form_target(&action)] {
                        @if row.active { button.plain type="submit" aria-label={ "Deactivate " (row.domain) } { "Deactivate" } }
                        @else { button.plain type="submit" aria-label={ "Activate " (row.domain) } { "Activate" } }
                    }
                }
            }
        }
    }
}
