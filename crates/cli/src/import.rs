//! `latchkey import`: invites everybody in a CSV file, part by part.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use latchkey::provision::import::csv::{Record, Sheet};
use latchkey::provision::import::source::Source;
use latchkey::provision::import::{MAX_BYTES, MAX_ROWS, Unreadable};
use serde_json::{Value as Json, json};

use super::client::{Client, Server};
use super::{Outcome, print};

#[derive(Args)]
#[command(after_help = "\
The columns are userName, email, givenName, familyName, locale and groups, in any order; the first row names them.
docs/import.md has the rest. The file may have any number of rows: it is sent in parts. Importing a file again is
harmless: whoever exists is reported as existing. The exit code is 1 if a row failed.")]
pub struct Arguments {
    /// The file
    file: PathBuf,
    /// Only say what would be done. Of more than 10,000 rows, repeated names are seen within each 10,000
    #[arg(long)]
    dry_run: bool,
    /// Print JSON: every row, not only those that failed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// The most rows one request takes: few enough that the bar moves.
const ROWS: usize = 500;

/// Some rows of the file, under its header.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: String,
    rows: usize,
    /// The number that is added to a line of the part to make it one of the file.
    lines_before: usize,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let file = arguments.file.display();
    let bytes = fs::read(&arguments.file).map_err(|error| format!("{file}: {error}"))?;
    // What is wrong with the file as a whole is known before anybody is invited.
    match Sheet::open(&bytes) {
        Ok(_) | Err(Unreadable::TooManyRows) => {}
        Err(why) => return Err(format!("{file}: {why}")),
    }
    let source = Source::read(&bytes).map_err(|why| format!("{file}: {why}"))?;
    // Without writing, only one request sees all names.
    let rows = if arguments.dry_run { MAX_ROWS } else { ROWS };
    let parts = parts(&source, rows, MAX_BYTES);
    let client = Client::new(&arguments.server)?;
    let path = format!("/api/invitations/import?dryRun={}", arguments.dry_run);

    let bar = ProgressBar::new(parts.iter().map(|part| part.rows as u64).sum());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left").map_err(|e| e.to_string())?;
    bar.set_style(style);
    let mut report = Report::default();
    let mut stopped = None;
    for part in &parts {
        let answer = client.send(Method::POST, &path, "text/csv; charset=utf-8", &part.text);
        if let Err(why) = answer.and_then(|answer| answer.json()).and_then(|answer| report.add(&answer, part)) {
            stopped = Some(why);
            break;
        }
        bar.inc(part.rows as u64);
    }
    bar.finish_and_clear();
    print(&if arguments.json { report.to_json() } else { report.to_text(arguments.dry_run) })?;
    match stopped {
        Some(why) => {
            Err(format!("{why}\nWhat is reported above is done. Import the file again to go on: it is harmless."))
        }
        None => Ok(report.failed == 0),
    }
}

/// Cuts a file between rows: no part has more of them than `max_rows`, nor more bytes than `max_bytes`.
fn parts(source: &Source, max_rows: usize, max_bytes: usize) -> Vec<Part> {
    let text = source.as_str();
    let starts = line_starts(text);
    let start_of = |line: usize| starts.get(line - 1).copied().unwrap_or(text.len());
    let mut lines = source.records().filter(|record| !record.is_blank()).map(|Record { line, .. }| line);
    let Some(header) = lines.next() else { return Vec::new() };
    let rows: Vec<usize> = lines.collect();
    let Some(first) = rows.first() else { return Vec::new() };
    // With a line before the header that says what separates cells, but without empty ones.
    let blank = text.len() - text.trim_start_matches(['\r', '\n']).len();
    let top = starts.iter().take(header).rposition(|start| *start <= blank).unwrap_or_default();
    let header_text = &text[start_of(top + 1)..start_of(*first)];

    let mut parts: Vec<Part> = Vec::new();
    for (index, line) in rows.iter().enumerate() {
        let end = rows.get(index + 1).map_or(text.len(), |next| start_of(*next));
        let row = &text[start_of(*line)..end];
        match parts.last_mut().filter(|part| part.rows < max_rows && part.text.len() + row.len() <= max_bytes) {
            Some(part) => {
                part.text.push_str(row);
                part.rows += 1;
            }
            None => parts.push(Part {
                text: format!("{header_text}{row}"),
                rows: 1,
                // The first row is in the part's line behind the header's.
                lines_before: line - (first - top),
            }),
        }
    }
    parts
}

/// Where lines begin, counted as [`records`] does: LF, CR LF or CR alone ends one.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect()
}

/// What became of the rows, by the lines of the whole file.
#[derive(Default)]
struct Report {
    created: u64,
    failed: u64,
    /// What the columns became; nothing but after a dry run.
    columns: Json,
    rows: Vec<Json>,
}

impl Report {
    fn add(&mut self, answer: &Json, part: &Part) -> Result<(), String> {
        let rows = answer["rows"].as_array().filter(|rows| rows.len() == part.rows);
        let rows = rows.ok_or("The answer does not have a report on each row: is the address right?")?;
        self.created += answer["created"].as_u64().unwrap_or_default();
        self.failed += answer["failed"].as_u64().unwrap_or_default();
        self.columns = answer["columns"].clone();
        for row in rows {
            let mut row = row.clone();
            row["line"] = json!(row["line"].as_u64().unwrap_or_default() + part.lines_before as u64);
            self.rows.push(row);
        }
        Ok(())
    }

    fn to_json(&self) -> String {
        let mut report = json!({ "created": self.created, "failed": self.failed });
        if !self.columns.is_null() {
            report["columns"] = self.columns.clone();
        }
        report["rows"] = Json::Array(self.rows.clone());
        format!("{report:#}\n")
    }

    fn to_text(&self, dry_run: bool) -> String {
        let mut text = String::new();
        for column in self.columns.as_array().into_iter().flatten() {
            let header = column["header"].as_str().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = match column["attribute"].as_str() {
                Some(attribute) => writeln!(text, "column '{header}' is {attribute}"),
                None => writeln!(text, "column '{header}' is passed over"),
            };
        }
        for row in self.rows.iter().filter(|row| row["status"] == "failed") {
            let field = |name: &str| row[name].as_str().unwrap_or_default();
            let _ = writeln!(text, "line {}  {}  {}", row["line"], field("userName"), field("detail"));
        }
        let created = if dry_run { "would be invited" } else { "invited" };
        let failed = if dry_run { "would fail" } else { "failed" };
        let _ = writeln!(text, "{} {created}, {} {failed}", self.created, self.failed);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_between_rows_and_lines_are_those_of_the_file() {
        // A blank line, a cell with a line in it, and every kind of line end.
        let text = "\nuserName,email\r\na,a@x\n\"b\nb\",b@x\rc,c@x\r\n\r\nd,d@x";
        let parts = |text: &str, rows, bytes| super::parts(&Source::read(text.as_bytes()).expect("text"), rows, bytes);
        let cut = parts(text, 2, 1000);
        let texts: Vec<&str> = cut.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["userName,email\r\na,a@x\n\"b\nb\",b@x\r", "userName,email\r\nc,c@x\r\n\r\nd,d@x"]);
        // `a` is in line 3 of the file and 2 of its part, `c` in 6 and 2.
        assert_eq!(cut.iter().map(|part| part.lines_before).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(cut.iter().map(|part| part.rows).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(parts(text, 1000, 30).len(), 3);
        assert_eq!(parts("userName,email\n", 2, 1000), []);
        // What says how cells are separated goes with every part.
        let said = parts("sep=^\nuserName^email\na^a@x\nb^b@x\n", 1, 1000);
        assert_eq!(said[1].text, "sep=^\nuserName^email\nb^b@x\n");
        assert_eq!((said[0].lines_before, said[1].lines_before), (0, 1));
    }
}
