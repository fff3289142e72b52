//! Importing a file on the console: its steps, the last of which confirms a job.

use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scope;
use crate::base::text::cut;
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, as_problem, read_form};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::context::Context;
use crate::pages::console::Section;
use crate::pages::console::form::Problem;
use crate::pages::console::import::{self as pages, Check, Column, Mapping, Named, PATH};
use crate::provision::import::csv::Sheet;
use crate::provision::import::header::{self, Use};
use crate::provision::import::row::Column as Attribute;
use crate::provision::import::source::Source;
use crate::provision::import::upload::{self, Upload};
use crate::provision::import::{self as provision, Existing, File, Options, Report, claims};
use crate::provision::jobs::files;
use crate::store::{import_files, registrations};

const TITLE: &str = "Import";
/// The rows that are shown of a file, and the characters of a cell.
const SAMPLES: usize = 5;
const SAMPLE: usize = 40;
/// The value of a column about which nothing was said.
const UNSAID: &str = "?";

/// `GET /console/import`.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Import);
    Ok(console.page(TITLE, &pages::upload(&console.frame(), "", &[])))
}

/// `POST /console/import`: the file is kept, and how it was read is shown.
pub fn take(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Import);
    let form = body.console_form("The file is larger than a megabyte: import it in parts, or by the API.")?;
    let pasted = form.read_text("paste").unwrap_or_default();
    let refused = |field: &'static str, text: String| {
        let problems = [Problem::of(field, text)];
        console.refused(TITLE, &problems, &pages::upload(&console.frame(), &pasted, &problems))
    };
    let (field, name, bytes) = match form.file("file") {
        Some((name, bytes)) => ("file", name, bytes.as_ref()),
        None if pasted.trim().is_empty() => return Ok(refused("file", "Choose a file, or paste its rows.".to_owned())),
        None => ("paste", "", pasted.as_bytes()),
    };
    // Whatever is wrong with it as a whole is said here, where another one can be chosen.
    let id = match upload::keep(&console.ctx, name, bytes)? {
        Ok(id) => id,
        Err(why) => return Ok(refused(field, why.to_string())),
    };
    Ok(console.see_other(&format!("{PATH}/{id}")))
}

fn find(ctx: &Context, id: &str) -> Result<Upload, ApiError> {
    let missing = || ApiError::missing("The file is not there any more: it is kept for an hour. Choose it again.");
    upload::find(ctx, id)?.ok_or_else(missing)
}

/// `GET /console/import/{id}`: how the file was read.
pub fn map(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Import);
    let id = input.params.raw("id");
    let file = find(&console.ctx, id)?;
    Ok(show_mapping(&console, id, &file, None, "skip", &[]))
}

/// What each column is used as: by its name, or as was chosen.
fn columns(source: &Source<'_>, chosen: Option<&[String]>) -> (Vec<Column>, usize) {
    let mut records = source.records().filter(|record| !record.is_blank());
    let names = records.next().and_then(|record| record.cells.ok()).unwrap_or_default();
    let guessed = header::guessed(&names);
    let mut columns: Vec<Column> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let used = match chosen {
            Some(chosen) => chosen.get(index).cloned().filter(|used| used != UNSAID),
            None => guessed.get(index).copied().flatten().map(|used| used.name().to_owned()),
        };
        columns.push(Column { name: cut(name.trim(), 80), used, samples: Vec::new() });
    }
    let mut rows = 0;
    for record in records {
        rows += 1;
        let cells = record.cells.unwrap_or_default();
        for (column, cell) in columns.iter_mut().zip(&cells).filter(|_| rows <= SAMPLES) {
            let shown =
                if column.used.as_deref() == Some("password") { "…".to_owned() } else { cut(cell.trim(), SAMPLE) };
            column.samples.push(shown);
        }
    }
    (columns, rows)
}

/// What a column may be.
fn options() -> Vec<(String, String)> {
    let mut options = vec![(String::new(), "Leave out".to_owned())];
    let names = ["userName", "email", "givenName", "familyName", "locale", "groups"];
    let labels = ["User name", "E-mail", "First name", "Last name", "Language", "Groups"];
    options.extend(names.iter().zip(labels).map(|(name, label)| ((*name).to_owned(), label.to_owned())));
    let more = claims::more().into_iter().map(|name| (Attribute::More(name).name().to_owned(), name.to_owned()));
    options.extend(more);
    let others = [("password", "Password"), ("claims", "claimuri=value"), ("in use", "Whether the account is in use")];
    options.extend(others.map(|(value, label)| (value.to_owned(), label.to_owned())));
    options
}

fn show_mapping(
    console: &Console,
    id: &str,
    file: &Upload,
    chosen: Option<&[String]>,
    existing: &str,
    problems: &[Problem],
) -> Response {
    let source = match Source::read(file.text.as_bytes()) {
        Ok(source) => source,
        Err(why) => {
            let problems = [Problem::of("file", why.to_string())];
            return console.refused(TITLE, &problems, &pages::upload(&console.frame(), "", &problems));
        }
    };
    let separator = match source.separator() {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "bars",
        _ => "the character that its first line names",
    };
    let (columns, rows) = columns(&source, chosen);
    let mapping = Mapping {
        id,
        name: &file.name,
        encoding: &file.encoding,
        separator,
        rows,
        columns: &columns,
        options: &options(),
        existing,
        may_update: console.ctx.scopes.has(Scope::ScimWrite),
        problems,
    };
    let body = pages::mapping(&console.frame(), &mapping);
    if problems.is_empty() { console.page(TITLE, &body) } else { console.refused(TITLE, problems, &body) }
}

/// What the form of a mapping says.
struct Chosen {
    uses: Vec<String>,
    existing: Option<Existing>,
    fields: Vec<(String, String)>,
}

impl Chosen {
    fn read(form: &Form) -> Self {
        let mut uses = Vec::new();
        let mut fields = Vec::new();
        while let Some(used) = form.read_text(&format!("column{}", uses.len())) {
            fields.push((format!("column{}", uses.len()), used.clone()));
            uses.push(used);
        }
        let existing = form.read_text("existing").and_then(|name| Existing::parse(&name));
        fields.push(("existing".to_owned(), existing.map(Existing::as_str).unwrap_or_default().to_owned()));
        Self { uses, existing, fields }
    }

    /// The sheet as it was mapped, or else the page that says what is wrong.
    fn open<'f>(&self, console: &Console, id: &str, file: &'f Upload) -> Result<Sheet<'f>, Box<Response>> {
        let mut problems: Vec<Problem> = Vec::new();
        for (index, _) in self.uses.iter().enumerate().filter(|(_, used)| *used == UNSAID) {
            problems.push(Problem::of(format!("column{index}"), "Choose what this column is, or leave it out."));
        }
        if self.existing.is_none() {
            problems.push(Problem::of("existing", "Choose what becomes of users who exist."));
        }
        if problems.is_empty() {
            let opened = Source::read(file.text.as_bytes()).and_then(|source| Sheet::of(source, Some(&self.uses)));
            match opened {
                Ok(sheet) => return Ok(sheet),
                Err(why) => problems.push(Problem::general(why.to_string())),
            }
        }
        let existing = self.existing.map(Existing::as_str).unwrap_or_default();
        Err(Box::new(show_mapping(console, id, file, Some(&self.uses), existing, &problems)))
    }
}

/// `POST /console/import/{id}/check`: what would become of each row. Nothing is done.
pub fn check(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Import);
    let id = params.raw("id");
    let file = find(&console.ctx, id)?;
    let chosen = Chosen::read(&read_form(body)?);
    files::check_existing(&console.ctx, chosen.existing)?;
    let sheet = match chosen.open(&console, id, &file) {
        Ok(sheet) => sheet,
        Err(refused) => return Ok(*refused),
    };
    let report = forecast(&console.ctx, &state.gate, &sheet, chosen.existing)?;
    let named = |wanted: &[&str]| -> Vec<Named> {
        let rows = report.rows.iter().filter(|row| wanted.contains(&row.status));
        let named = rows.map(|row| {
            let text = match (row.status, &row.detail) {
                ("updated", _) => "Updated".to_owned(),
                ("invited", _) => "Invited again".to_owned(),
                ("skipped", Some(why)) => format!("Skipped: {why}"),
                (_, detail) => detail.clone().unwrap_or_default(),
            };
            Named { line: row.line, user_name: row.user_name.clone(), text }
        });
        named.collect()
    };
    let warned: Vec<Named> = report
        .rows
        .iter()
        .filter_map(|row| {
            let text = row.warning.clone().filter(|_| row.status != "failed")?;
            Some(Named { line: row.line, user_name: row.user_name.clone(), text })
        })
        .collect();
    let body = pages::check(
        &console.frame(),
        &Check {
            operation: &console.new_submission(),
            id,
            fields: &chosen.fields,
            counts: &in_words(&report),
            acts: report.rows.len() - report.failed,
            failed: &named(&["failed"]),
            existing: &named(&["skipped", "updated", "invited"]),
            warned: &warned,
            failure: report.failure.is_some(),
        },
    );
    Ok(console.page(TITLE, &body))
}

fn forecast(
    ctx: &Context,
    gate: &HashLimiter,
    sheet: &Sheet<'_>,
    existing: Option<Existing>,
) -> Result<Report, ApiError> {
    let registry = registrations::load_registry(ctx)?;
    let options = Options { dry_run: true, existing, with_passwords: has_passwords(sheet), ..Options::default() };
    Ok(provision::run(ctx, gate, &registry, &File::Csv(sheet.clone()), options))
}

fn has_passwords(sheet: &Sheet<'_>) -> bool {
    sheet.header().uses.contains(&Use::Password)
}

/// How many rows come to what.
fn in_words(report: &Report) -> String {
    let counts = [
        (report.created, "will be created"),
        (report.updated.unwrap_or_default(), "will be updated"),
        (report.invited.unwrap_or_default(), "will be invited again"),
        (report.skipped.unwrap_or_default(), "will be skipped"),
        (report.failed, "would fail"),
    ];
    let words: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let rows = report.rows.len();
    format!("{rows} {}: {}.", if rows == 1 { "row" } else { "rows" }, words.join(", "))
}

/// `POST /console/import/{id}/run`: confirms what was checked.
pub fn run(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Import);
    let id = params.raw("id").to_owned();
    let form = read_form(body)?;
    let chosen = Chosen::read(&form);

    submission::once(&console, &form, || {
        let ctx = &console.ctx;
        let file = find(ctx, &id)?;
        let sheet = match chosen.open(&console, &id, &file) {
            Ok(sheet) => sheet,
            Err(refused) => return Ok(Err(*refused)),
        };
        match files::create_import(ctx, &state.gate, &sheet, chosen.existing, has_passwords(&sheet)) {
            Ok(job) => {
                import_files::forget(ctx, &id)?;
                let rows = if job.total == 1 { "row" } else { "rows" };
                let what = format!("Import: {} {rows}. It has begun.", job.total);
                Ok(Ok(Done::then(format!("/console/jobs/{}", job.id), what)))
            }
            Err(error) => {
                let problem = as_problem(error)?;
                let existing = chosen.existing.map(Existing::as_str).unwrap_or_default();
                Ok(Err(show_mapping(&console, &id, &file, Some(&chosen.uses), existing, &[problem])))
            }
        }
    })
}
