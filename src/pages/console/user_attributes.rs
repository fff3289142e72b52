//! A user's attributes: what can be changed as a form that the schema decides, the rest as a table.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};

/// The field that an attribute is changed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line of text, whatever the attribute's type.
    Text,
    /// Several lines of text.
    Lines,
    /// An e-mail address.
    Email,
    /// Yes, no, or nothing.
    Flag,
}

/// An attribute that can be changed.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its path, which is the field's name.
    pub path: String,
    /// Its label.
    pub label: String,
    /// The field.
    pub kind: Kind,
    /// What is typed, or else stored.
    pub value: String,
    /// What is stored, where somebody has changed the user since and it is not what was typed.
    pub stored: Option<String>,
}

/// The attributes of one schema.
#[derive(Clone, Debug)]
pub struct Group {
    /// The schema's name.
    pub name: String,
    /// Those that can be changed.
    pub attributes: Vec<Attribute>,
}

/// The section "Attributes".
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// Those that can be changed, by schema; none for who may not.
    pub groups: &'a [Group],
    /// The others, by their labels.
    pub others: &'a [(String, String)],
    /// The version that the form is about.
    pub version: i64,
    /// The operation's id.
    pub operation: &'a str,
    /// What is wrong.
    pub problems: &'a [Problem],
}

/// The section "Attributes" of the user of this id.
#[must_use]
pub fn attributes(frame: &Frame, id: &str, page: &Attributes) -> Markup {
    html! {
        h2 { "Attributes" }
        @if !page.others.is_empty() {
            div.scroll role="region" aria-label="Attributes" tabindex="0" {
                table {
                    caption { "What is stored of the user" @if !page.groups.is_empty() { " besides" } }
                    thead { tr { th scope="col" { "Attribute" } th scope="col" { "Value" } } }
                    tbody {
                        @for (label, value) in page.others { tr { th scope="row" { (label) } td { bdi { (value) } } } }
                    }
                }
            }
        }
        @if !page.groups.is_empty() {
            form method="post" action=[form_target(&frame.at(&format!("/console/users/{id}")))] novalidate {
                (operation(page.operation))
                input type="hidden" name="version" value=(page.version);
                @for group in page.groups {
                    fieldset {
                        legend { (group.name) }
                        @for attribute in &group.attributes { (field(attribute, page.problems)) }
                    }
                }
                button type="submit" { "Save" }
            }
        }
    }
}

fn field(attribute: &Attribute, problems: &[Problem]) -> Markup {
    let Attribute { path, label, kind, value, stored } = attribute;
    let hint = match stored.as_deref() {
        None => String::new(),
        Some("") => "Stored now: nothing".to_owned(),
        Some(stored) => format!("Stored now: {stored}"),
    };
    let field = Field { name: path, label, value, hint: &hint, problems };
    match kind {
        Kind::Text => field.input("text"),
        Kind::Lines => field.area(3),
        Kind::Email => field.input("email"),
        Kind::Flag => field.select(&[("", ""), ("true", "Yes"), ("false", "No")]),
    }
}
