//! Jobs that read a file or make one: the import of a CSV file, the export of users, and what is downloaded of both.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scope;
use crate::base::sealing::Seal;
use crate::base::secret::Secret;
use crate::base::spreadsheet;
use crate::base::text::{cut, rfc3339};
use crate::model::context::Context;
use crate::model::job::{Job, JobAction, Obstacle, RowState};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Millis};
use crate::provision::import::csv::Sheet;
use crate::provision::import::header::{Header, Use};
use crate::provision::import::row::Row;
use crate::provision::import::{Existing, Options, Run};
use crate::provision::jobs::{JobError, check_action, read};
use crate::store::jobs::steps::Leased;
use crate::store::jobs::{self as store, NewRow, RowOutcome, listing, targets};
use crate::store::registrations;
use scim::schema::Registry;

/// The columns of an export, all of which an import understands or passes over.
pub const EXPORTED: [&str; 9] =
    ["id", "userName", "email", "givenName", "familyName", "locale", "groups", "accountState", "created"];
/// What a result says of each row, before its cells.
const SAID: [&str; 3] = ["importLine", "importStatus", "importReason"];
/// What the reason of a row says whose password is not in the file.
const WITHOUT_PASSWORD: &str = "The password is left out of this file: write it into its column again.";
/// The rows that one round trip of a download reads.
const AT_ONCE: u32 = 1_000;

/// What seals the password of a row.
fn seal(job: &str) -> Seal<'_> {
    Seal { label: b"latchkey import password v1", bound_to: job.as_bytes() }
}

/// Confirms the import of a file. `passwords`: whether they count.
///
/// # Errors
/// [`JobError`]
pub async fn create_import(
    ctx: &Context,
    gate: &HashLimiter,
    sheet: &Sheet<'_>,
    existing: Option<Existing>,
    passwords: bool,
) -> Result<Job, JobError> {
    check_action(ctx, JobAction::Import)?;
    check_existing(ctx, existing)?;
    let registry = registrations::load_registry(ctx).await?;
    let id = ctx.platform.new_id().to_string();
    let rows = judged(ctx, gate, &registry, sheet, existing, passwords, &id);
    if rows.is_empty() {
        return Err(JobError::Empty);
    }
    let uses: Vec<&str> = sheet.header().uses.iter().map(|used| used.name()).collect();
    let input = json!({
        "names": sheet.header().names, "uses": uses, "existing": existing.map(Existing::as_str), "passwords": passwords,
    });
    store::create_import(ctx, &id, &input.to_string(), &rows).await?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    read(ctx, &id).await
}

/// Checks that the caller may do to those who exist what they wish.
///
/// # Errors
/// [`JobError::Update`]
pub fn check_existing(ctx: &Context, existing: Option<Existing>) -> Result<(), JobError> {
    let is_refused = existing == Some(Existing::Update) && !ctx.scopes.has(Scope::ScimWrite);
    if is_refused { Err(JobError::Update) } else { Ok(()) }
}

/// The rows of a file, each with what is certainly wrong with it.
fn judged(
    ctx: &Context,
    gate: &HashLimiter,
    registry: &Arc<Registry>,
    sheet: &Sheet<'_>,
    existing: Option<Existing>,
    with_passwords: bool,
    job: &str,
) -> Vec<NewRow> {
    let options = Options { dry_run: true, existing, with_passwords, ..Options::default() };
    let mut judge = Run::new(ctx, gate, registry, options);
    let mut rows = Vec::new();
    for record in sheet.records() {
        let line = record.line;
        let (row, cells) = match record.cells {
            Ok(cells) => (sheet.header().row(line, &cells), cells),
            Err(flaw) => (Row::unreadable(line, flaw.detail()), Vec::new()),
        };
        let label = cut(&row.person.user_name, 256);
        let problem = judge.judge(row);
        let (cells, password) = sheet.header().without_password(cells);
        let nonce = || ctx.platform.new_id().into_bytes();
        let sealed = |password: Secret| seal(job).seal(&ctx.deployment.keys, nonce(), password.expose().as_bytes());
        let counts = password.filter(|_| with_passwords && problem.is_none());
        let (is_needed, secret) = (counts.is_some(), counts.and_then(sealed));
        let problem = match secret {
            None if is_needed => Some("The password cannot be kept: TOKEN_KEYS is not set.".to_owned()),
            _ => problem,
        };
        rows.push(NewRow { line, label, cells, secret, problem });
    }
    rows
}

/// What became of the rows of a step, and the database's failure.
pub(super) type Worked = (Vec<RowOutcome>, Option<DatabaseError>);

/// Imports the rows of a step.
pub(super) async fn import(
    ctx: &Context,
    gate: &HashLimiter,
    registry: &Arc<Registry>,
    leased: &Leased,
    begins_until: Millis,
) -> Result<Worked, String> {
    let input: Json = serde_json::from_str(&leased.input).unwrap_or_default();
    let texts = |name: &str| serde_json::from_value::<Vec<String>>(input[name].clone()).unwrap_or_default();
    let header = Header::mapped(&texts("names"), &texts("uses")).map_err(|why| why.to_string())?;
    let options = Options {
        dry_run: false,
        existing: input["existing"].as_str().and_then(Existing::parse),
        with_passwords: input["passwords"] == true,
        job: Some(leased.job.id.as_str()),
        in_doubt: leased.in_doubt,
        begins_until: Some(begins_until),
        most_changed: None,
    };
    let mut run = Run::new(ctx, gate, registry, options);
    for row in &leased.file_rows {
        let cells: Vec<String> = serde_json::from_str(&row.cells).unwrap_or_default();
        let mut read = header.row(row.line, &cells);
        if let Some(sealed) = &row.secret {
            match seal(&leased.job.id).open(&ctx.deployment.keys, sealed).map(String::from_utf8) {
                Some(Ok(password)) => read.person.password = Some(Secret::new(password)),
                _ => read
                    .problems
                    .push("The key that the password was sealed with is gone: import the row again.".to_owned()),
            }
        }
        run.take(read).await;
    }
    let report = run.finish().await;
    let mut outcomes = Vec::new();
    for ((number, _), row) in leased.rows.iter().zip(report.rows) {
        if row.is_open {
            continue;
        }
        let (state, became) = match row.status {
            "skipped" => (RowState::Skipped, None),
            "failed" => (RowState::Failed, None),
            status => (RowState::Done, Some(status)),
        };
        outcomes.push(RowOutcome { number: *number, state, reason: row.detail, user_id: row.id, became, cells: None });
    }
    Ok((outcomes, report.failure))
}

/// Writes the rows of a step of an export.
pub(super) async fn export(ctx: &Context, leased: &Leased) -> Result<Vec<RowOutcome>, DatabaseError> {
    let ids: Vec<&str> = leased.rows.iter().map(|(_, id)| id.as_str()).collect();
    let users = targets::exported(ctx, &ids).await?;
    let outcome = |(number, id): &(i64, String)| {
        let cells = users.get(id).map(|user| json!(cells(user)).to_string());
        let (state, reason) = match cells {
            Some(_) => (RowState::Done, None),
            None => (RowState::Skipped, Some(Obstacle::Gone.reason(JobAction::Export).to_owned())),
        };
        RowOutcome { number: *number, state, reason, user_id: None, became: None, cells }
    };
    Ok(leased.rows.iter().map(outcome).collect())
}

/// The cells of a user.
fn cells(user: &Resource) -> Vec<String> {
    let document = user.attributes();
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    let name = |part: &str| text(document.get("name").and_then(|name| name.get(part)));
    vec![
        user.id.clone(),
        text(document.get("userName")),
        user.account.email.clone().unwrap_or_default(),
        name("givenName"),
        name("familyName"),
        text(document.get("locale")),
        groups(user),
        user.account.state().as_str().to_owned(),
        rfc3339(user.created),
    ]
}

/// The names of the groups that a user is in by membership, as a cell.
fn groups(user: &Resource) -> String {
    let list: Vec<Json> = user.groups.as_deref().and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    let direct = list.iter().filter(|group| group["type"] == "direct");
    let names: Vec<&str> = direct.filter_map(|group| group["display"].as_str()).collect();
    let is_plain = |name: &&str| !name.contains(['|', ';']) && !name.starts_with('[') && name.trim() == *name;
    if names.iter().all(is_plain) { names.join("|") } else { json!(names).to_string() }
}

/// An export of these users, as a file: a round trip for each thousand of a user store.
///
/// # Errors
/// The database's.
pub async fn export_now(ctx: &Context, ids: &[String]) -> Result<String, DatabaseError> {
    let mut text = spreadsheet::row(EXPORTED);
    for ids in ids.chunks(AT_ONCE as usize) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let users = targets::exported(ctx, &ids).await?;
        for user in ids.iter().filter_map(|id| users.get(*id)) {
            text.push_str(&spreadsheet::row(cells(user).iter().map(String::as_str)));
        }
    }
    Ok(text)
}

/// The file of a job: of an export the users, of an import the rows with what became of each; `only_failed`: those that failed,
/// as a file to import again. A round trip for each thousand.
///
/// # Errors
/// [`JobError`]
pub async fn download(ctx: &Context, id: &str, only_failed: bool) -> Result<String, JobError> {
    let job = read(ctx, id).await?;
    let is_import = job.action == JobAction::Import;
    if !is_import && job.action != JobAction::Export {
        return Err(JobError::NoFile);
    }
    let (mut names, mut has_passwords, mut left_out) = (Vec::new(), false, HashSet::new());
    if is_import {
        let input: Json = serde_json::from_str(&listing::input(ctx, id).await?).unwrap_or_default();
        names = serde_json::from_value::<Vec<String>>(input["names"].clone()).unwrap_or_default();
        let password = Use::Password.name();
        has_passwords = input["uses"].as_array().is_some_and(|uses| uses.iter().any(|used| used == password));
        // A file of failed rows that is imported again has what was said of it then.
        left_out = names.iter().enumerate().filter(|(_, name)| SAID.contains(&name.trim())).map(|(at, _)| at).collect();
    }
    let kept = |cells: &[String]| -> Vec<String> {
        let kept = cells.iter().enumerate().filter(|(at, _)| !left_out.contains(at));
        kept.map(|(_, cell)| spreadsheet::restored(cell.trim()).to_owned()).collect()
    };
    let header: Vec<String> = if is_import { kept(&names) } else { EXPORTED.map(str::to_owned).to_vec() };
    let said: &[&str] = if is_import { &SAID } else { &[] };
    let mut text = spreadsheet::row(said.iter().copied().chain(header.iter().map(String::as_str)));
    let mut after = 0;
    loop {
        let rows = listing::file_rows(ctx, id, only_failed, after, AT_ONCE).await?;
        for row in &rows {
            let cells: Vec<String> = serde_json::from_str(&row.cells).unwrap_or_default();
            if !is_import {
                if !cells.is_empty() {
                    text.push_str(&spreadsheet::row(cells.iter().map(String::as_str)));
                }
                continue;
            }
            let mut reason = row.reason.clone();
            if has_passwords && row.state == RowState::Failed {
                reason = format!("{reason} {WITHOUT_PASSWORD}");
            }
            let status = row.became.as_deref().unwrap_or(row.state.as_str());
            let line = row.line.to_string();
            let cells = kept(&cells);
            let said = [line.as_str(), status, reason.as_str()];
            text.push_str(&spreadsheet::row(said.into_iter().chain(cells.iter().map(String::as_str))));
        }
        match rows.last() {
            Some(last) if rows.len() == AT_ONCE as usize => after = last.number,
            _ => return Ok(text),
        }
    }
}
