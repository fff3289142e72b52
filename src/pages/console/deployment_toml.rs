//! WSO2's `deployment.toml`: pasted, what becomes of each key, and the settings that it comes to.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};

/// The page's name.
pub const NAME: &str = "Import deployment.toml";
/// The field with the file.
pub const FILE: &str = "file";

/// The box to paste the file into.
#[must_use]
pub fn paste(frame: &Frame, text: &str, problems: &[Problem]) -> Markup {
    let hint = "The whole file of WSO2 Identity Server, or a part of it. Nothing of it is stored before you have seen what \
                becomes of each key.";
    html! {
        form method="post" action=[form_target(&frame.at("/console/settings/deployment-toml"))] novalidate {
            (Field { name: FILE, label: "deployment.toml", value: text, hint, problems }.area(16))
            button type="submit" { "Continue" }
        }
    }
}

/// A key of the file, as the table shows it.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Its line.
    pub line: usize,
    /// Its full name.
    pub key: String,
    /// What becomes of it, in one word.
    pub verdict: &'static str,
    /// The rest of it.
    pub explanation: String,
}

/// What becomes of each key, and the button that applies what the file comes to.
#[must_use]
pub fn report(frame: &Frame, rows: &[KeyRow], notes: &[String], ours: &[(&str, &str)], id: &str) -> Markup {
    html! {
        @for note in notes { p { (note) } }
        div.scroll role="region" aria-label="Keys" tabindex="0" {
            table {
                caption { "What becomes of each key" }
                thead { tr { th scope="col" { "Line" } th scope="col" { "Key" } th scope="col" { "Becomes" } th scope="col" { "What" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { (row.line) }
                            th scope="row" { code { bdi { (row.key) } } }
                            td { (row.verdict) }
                            td { bdi { (row.explanation) } }
                        }
                    }
                }
            }
        }
        @if ours.is_empty() {
            p { "Nothing in the file is a setting of this tenant." }
        } @else {
            form method="post" action=[form_target(&frame.at("/console/settings/deployment-toml/apply"))] {
                (operation(id))
                @for (name, value) in ours { input type="hidden" name=(name) value=(value); }
                h2 { "Settings of this tenant" }
                dl { @for (name, value) in ours { dt { code { (name) } } dd { bdi { (value) } } } }
                button type="submit" { "Apply" }
            }
        }
        p { a href=(frame.at("/console/settings/deployment-toml")) { "Paste another file" } }
    }
}
