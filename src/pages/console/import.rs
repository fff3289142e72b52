//! Importing a file: what it is, how its columns are read, and what would become of its rows.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};

/// The page's path.
pub const PATH: &str = "/console/import";

/// The page that asks for the file.
#[must_use]
pub fn upload(frame: &Frame, pasted: &str, problems: &[Problem]) -> Markup {
    let paste = Field {
        name: "paste",
        label: "Paste",
        value: pasted,
        hint: "Or the rows here, with the names of the columns in the first one, as they are copied from a spreadsheet.",
        problems,
    };
    let problem = problems.iter().find(|problem| problem.field == "file");
    html! {
        p { "Invite everybody in a file. Nothing is sent before you have seen what will become of each row." }
        form method="post" action=[form_target(&frame.at(PATH))] enctype="multipart/form-data" novalidate {
            div.field {
                label for="file" { "File" }
                p.hint #file-hint {
                    "CSV of at most 10,000 rows and a megabyte, as any spreadsheet or directory saves it: commas, semicolons, tabs; "
                    "UTF-8, UTF-16 or Windows-1252."
                }
                @if let Some(problem) = problem { p.wrong #file-problem { (problem.text) } }
                input type="file" id="file" name="file" accept=".csv,.txt,.tsv,text/csv" aria-describedby="file-hint"
                    aria-invalid=[problem.map(|_| "true")];
            }
            (paste.area(6))
            button type="submit" { "Continue" }
        }
    }
}

/// A column of a file.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is used as; `None` where nothing was chosen yet.
    pub used: Option<String>,
    /// Its cells in the first rows.
    pub samples: Vec<String>,
}

/// How a file was read.
#[derive(Clone, Debug)]
pub struct Mapping<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name; empty for one that was pasted.
    pub name: &'a str,
    /// Its encoding, in words.
    pub encoding: &'a str,
    /// What separates its cells, in a word.
    pub separator: &'a str,
    /// The number of rows below the header.
    pub rows: usize,
    /// Its columns.
    pub columns: &'a [Column],
    /// What a column may be: values and labels.
    pub options: &'a [(String, String)],
    /// What becomes of users who exist.
    pub existing: &'a str,
    /// Whether users who exist may be changed.
    pub may_update: bool,
    /// What was wrong with the form.
    pub problems: &'a [Problem],
}

/// What may become of users who exist.
const EXISTING: [(&str, &str); 3] = [("skip", "Skip"), ("update", "Update"), ("invite", "Invite again")];

/// The page that says how a file was read, and maps its columns.
#[must_use]
pub fn mapping(frame: &Frame, mapping: &Mapping) -> Markup {
    let existing: Vec<(&str, &str)> =
        EXISTING.into_iter().filter(|(value, _)| mapping.may_update || *value != "update").collect();
    html! {
        p {
            @if !mapping.name.is_empty() { bdi { (mapping.name) } ": " }
            "read as " (mapping.encoding) ", cells separated by " (mapping.separator) ", header found, "
            (mapping.rows) @if mapping.rows == 1 { " row." } @else { " rows." }
        }
        form method="post" action=[form_target(&frame.at(&format!("{PATH}/{}/check", mapping.id)))] novalidate {
            div.scroll role="region" aria-label="Columns" tabindex="0" {
                table {
                    caption { "What each column is" }
                    thead { tr { th scope="col" { "Column" } th scope="col" { "Is" } th scope="col" { "First rows" } } }
                    tbody {
                        @for (index, column) in mapping.columns.iter().enumerate() {
                            (mapped_column(index, column, mapping))
                        }
                    }
                }
            }
            (Field {
                name: "existing", label: "Users who exist", value: mapping.existing,
                hint: "Update writes the values that differ; a blank cell changes nothing. Invite again mails those who have not accepted.",
                problems: mapping.problems,
            }.select(&existing))
            button type="submit" { "Continue" }
        }
        p { a href=(frame.at(PATH)) { "Another file" } }
    }
}

fn mapped_column(index: usize, column: &Column, mapping: &Mapping) -> Markup {
    let id = format!("column{index}");
    let problem = mapping.problems.iter().find(|problem| problem.field == id);
    html! {
        tr {
            th scope="row" {
                label for=(id) { @if column.name.is_empty() { "Column " (index + 1) } @else { bdi { (column.name) } } }
            }
            td {
                @if let Some(problem) = problem { p.wrong id={ (id) "-problem" } { (problem.text) } }
                select id=(id) name=(id) aria-invalid=[problem.map(|_| "true")] {
                    @if column.used.is_none() { option value="?" selected { "Choose" } }
                    @for (value, label) in mapping.options {
                        option value=(value) selected[column.used.as_ref() == Some(value)] { (label) }
                    }
                }
            }
            td {
                @for (index, sample) in column.samples.iter().enumerate() {
                    @if index > 0 { br; }
                    bdi { (sample) }
                }
            }
        }
    }
}

/// A row that is named.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its line.
    pub line: usize,
    /// The user name.
    pub user_name: String,
    /// Why it fails, or what becomes of it.
    pub text: String,
}

/// What would become of a file.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// The file's id.
    pub id: &'a str,
    /// The fields of the mapping, as the next form sends them.
    pub fields: &'a [(String, String)],
    /// How many rows come to what, in words.
    pub counts: &'a str,
    /// The number of rows that do not fail.
    pub acts: usize,
    /// The rows that fail, with all their reasons.
    pub failed: &'a [Named],
    /// The rows whose users exist, and what becomes of them.
    pub existing: &'a [Named],
    /// The rows that are imported although something is likely to be wrong.
    pub warned: &'a [Named],
    /// What kept the check from being whole.
    pub failure: bool,
}

/// The page that says what would become of each row before anything does.
#[must_use]
pub fn check(frame: &Frame, check: &Check) -> Markup {
    html! {
        p { strong { (check.counts) } }
        @if check.failure {
            p.wrong { "The database did not answer, and the check is not whole: load the page again." }
        }
        @if check.acts > 0 && !check.failure {
            form method="post" action=[form_target(&frame.at(&format!("{PATH}/{}/run", check.id)))] novalidate {
                (operation(check.operation))
                @for (name, value) in check.fields { input type="hidden" name=(name) value=(value); }
                button type="submit" { "Import" }
            }
        }
        (rows("Rows that would fail", "Reason", check.failed))
        (rows("Rows to look at", "Warning", check.warned))
        (rows("Users who exist", "What becomes of them", check.existing))
        p {
            a href=(frame.at(&format!("{PATH}/{}", check.id))) { "Change how the file is read" } " · "
            a href=(frame.at(PATH)) { "Another file" }
        }
    }
}

fn rows(title: &str, column: &str, rows: &[Named]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h2 { (title) }
            div.scroll role="region" aria-label=(title) tabindex="0" {
                table {
                    caption { (title) ": " (rows.len()) }
                    thead { tr { th scope="col" { "Line" } th scope="col" { "User name" } th scope="col" { (column) } } }
                    tbody {
                        @for row in rows {
                            tr { th scope="row" { (row.line) } td { bdi { (row.user_name) } } td { (row.text) } }
                        }
                    }
                }
            }
        }
    }
}
