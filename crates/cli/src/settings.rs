//! `latchkey settings import`: a WSO2 `deployment.toml` as settings.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use latchkey::model::settings::known;
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
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    server: Server,
}

pub fn run(command: &Command) -> Outcome {
    let Command::Import(arguments) = command;
    let file = &arguments.file;
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let report = Report::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let fine = !report.has_refusals();
    let client = if arguments.apply && fine { Some(Client::new(&arguments.server)?) } else { None };
    let applied = match &client {
        Some(client) => apply(client, &report)?,
        None => Vec::new(),
    };
    if arguments.json {
        let mut shown = report.to_json();
        shown["applied"] = json!(applied);
        print(&format!("{shown:#}\n"))?;
        return Ok(fine);
    }
    print(&table(file, &report))?;
    if let Some(client) = client {
        print(&format!("\nSet at {}: {}\n", client.base(), applied.join(", ")))?;
    } else if arguments.apply {
        print("\nNothing was set: mend what was refused first.\n")?;
    }
    Ok(fine)
}

/// Makes the tenant's settings what the file says, and answers their names.
fn apply(client: &Client, report: &Report) -> Result<Vec<&'static str>, String> {
    let mut settings = serde_json::Map::new();
    let mut names = Vec::new();
    for (name, value) in report.settings() {
        if let Some(name) = known(name) {
            settings.insert(name.to_owned(), json!(value));
            names.push(name);
        }
    }
    if !names.is_empty() {
        let body = Json::Object(settings).to_string();
        client.send(Method::PATCH, "/api/settings", "application/json", &body)?.json()?;
    }
    Ok(names)
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
