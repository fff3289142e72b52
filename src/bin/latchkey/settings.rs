//! `latchkey settings import`: a WSO2 `deployment.toml` as settings.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use latchkey::tenant::settings::known;
use latchkey::wso2::deployment_toml::Report;
use serde_json::{Value as Json, json};

use super::client::{Client, Server};
use super::{Outcome, print};

#[derive(Subcommand)]
pub enum Command {
    /// Read WSO2's deployment.toml, and say of every key what becomes of it
    Import(Import),
}

#[derive(Args)]
#[command(after_help = "\
Without --apply nothing is changed anywhere. With it the settings become the tenant's own, all or none; what belongs to
the deployment (MAIL_FROM) is for wrangler.toml. The exit code is 1 if a key has a value that cannot be taken.")]
pub struct Import {
    /// The file, <IS_HOME>/repository/conf/deployment.toml
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Set what was taken, at --url
    #[arg(long, requires = "url")]
    apply: bool,
    #[command(flatten)]
    server: Option<Server>,
}

pub fn run(command: &Command) -> Outcome {
    let Command::Import(arguments) = command;
    let file = &arguments.file;
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let report = Report::of(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let fine = !report.has_refusals();
    let applied = match arguments.server.as_ref().filter(|_| arguments.apply && fine) {
        Some(server) => apply(server, &report)?,
        None => Vec::new(),
    };
    if arguments.json {
        let mut shown = report.to_json();
        shown["applied"] = json!(applied);
        print(&format!("{shown:#}\n"))?;
    } else {
        print(&table(file, &report))?;
        if let Some(server) = arguments.server.as_ref().filter(|_| arguments.apply) {
            print(&match fine {
                true => format!("\nSet at {} for {}: {}\n", server.url, server.tenant, applied.join(", ")),
                false => "\nNothing was set: mend what was refused first.\n".to_owned(),
            })?;
        }
    }
    Ok(fine)
}

/// Makes the tenant's settings what the file says, and answers their names.
fn apply(server: &Server, report: &Report) -> Result<Vec<&'static str>, String> {
    let settings: Vec<(&str, &str)> = report.settings().into_iter().filter(|(name, _)| known(name).is_some()).collect();
    if settings.is_empty() {
        return Ok(Vec::new());
    }
    let body: serde_json::Map<String, Json> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let client = Client::new(server)?;
    client.send(Method::PATCH, "/api/settings", "application/json", &Json::Object(body).to_string())?.json()?;
    Ok(report.settings().into_iter().filter_map(|(name, _)| known(name)).collect())
}

fn table(file: &Path, report: &Report) -> String {
    let mut text = String::new();
    let width = report.entries.iter().map(|entry| entry.key.chars().count()).max().unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {} keys\n", file.display(), report.entries.len());
    for entry in &report.entries {
        let verdict = &entry.verdict;
        let (word, explanation) = (verdict.as_str(), verdict.explanation());
        let _ = writeln!(text, "{:>5}  {:width$}  {word:14}  {explanation}", entry.line, entry.key);
    }
    for note in &report.notes {
        let _ = writeln!(text, "\nNote: {note}");
    }
    let settings = report.settings();
    if !settings.is_empty() {
        text.push_str("\nFor wrangler.toml:\n\n[vars]\n");
        for (name, value) in settings {
            let _ = writeln!(text, "{name} = {}", quoted(value));
        }
    }
    text
}

/// A TOML string.
fn quoted(value: &str) -> String {
    // JSON's escapes are TOML's too.
    Json::from(value).to_string()
}
