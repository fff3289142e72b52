//! WSO2's `deployment.toml` on the console.

use crate::http::console::settings::{problem, said};
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, read_form};
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::settings::{self, SETTINGS};
use crate::pages::console::Section;
use crate::pages::console::deployment_toml::{self as pages, FILE, KeyRow, NAME};
use crate::pages::console::form::Problem;
use crate::store::tenant_settings::{self, Change, ChangeError, forbidden};
use crate::wso2::deployment_toml::Report;

/// `GET /console/settings/deployment-toml`.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Settings);
    Ok(console.page(NAME, &pages::paste(&console.frame(), "", &[])))
}

/// `POST /console/settings/deployment-toml`: what becomes of each key. Nothing is stored.
pub fn read(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Settings);
    let text = read_form(body)?.read_text(FILE).unwrap_or_default();
    let refused = |why: String| {
        let problems = [Problem::of(FILE, why)];
        Ok(console.refused(NAME, &problems, &pages::paste(&console.frame(), &text, &problems)))
    };
    if text.trim().is_empty() {
        return refused("Paste the file.".to_owned());
    }
    let report = match Report::read(&text) {
        Ok(report) => report,
        Err(error) => return refused(format!("The file cannot be read: {error}.")),
    };
    let row = |entry: &crate::wso2::deployment_toml::Entry| KeyRow {
        line: entry.line,
        key: entry.key.clone(),
        verdict: entry.verdict.as_str(),
        explanation: entry.verdict.explanation(),
    };
    let rows: Vec<KeyRow> = report.entries.iter().map(row).collect();
    let mut notes = report.notes.clone();
    let (ours, others): (Vec<_>, Vec<_>) =
        report.settings().into_iter().partition(|(name, _)| settings::known(name).is_some());
    for (name, value) in others {
        notes.push(format!("{name}={value} is the deployment’s: whoever runs it sets it in wrangler.toml."));
    }
    Ok(console.page(NAME, &pages::report(&console.frame(), &rows, &notes, &ours, &console.new_submission())))
}

/// `POST /console/settings/deployment-toml/apply`: the settings that the page before has shown.
pub fn apply(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Settings);
    let form = read_form(body)?;
    let sent =
        SETTINGS.iter().filter_map(|setting| Some((setting.name.to_owned(), Some(form.read_text(setting.name)?))));
    let changes: Vec<Change> = sent.collect();

    submission::once(&console, &form, || {
        let problems: Vec<Problem> = match tenant_settings::change(&console.ctx, &changes) {
            Ok(()) => {
                return Ok(Ok(Done::then("/console/settings", said("deployment.toml", &changes, None))));
            }
            Err(ChangeError::Database(failure)) => return Err(failure.into()),
            Err(ChangeError::Forbidden(name)) => vec![Problem::general(forbidden(name))],
            Err(ChangeError::Invalid(sentences)) => {
                sentences.iter().map(|text| Problem::general(problem(text).text)).collect()
            }
        };
        let body = pages::paste(&console.frame(), "", &problems);
        Ok(Err(console.refused(NAME, &problems, &body)))
    })
}
