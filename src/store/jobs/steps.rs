//! Steps: one leases the job that has waited longest, of all tenants, and records what it did as long as it holds the lease. A
//! lease that dies with its isolate ends by itself, and the next step knows that not all that was done is recorded.

use serde_json::json;

use crate::base::scope::Scopes;
use crate::model::context::Actor;
use crate::model::job::{Job, RowState};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::jobs::{COLUMNS, RowOutcome, actor_of, from_row};

/// The steps in a row that the database may fail before the job fails.
const MAX_FAILURES: i64 = 10;

/// The rows of a step of an import, and of an export, which take fewer round trips each.
const IMPORTED: u32 = 100;
const EXPORTED: u32 = 500;

/// The job that is due, the one that has waited longest.
const DUE: &str =
    "FROM jobs INDEXED BY jobs_due WHERE state = 'running' AND due <= ?1 ORDER BY due, tenant, id LIMIT 1";

/// A job that a step has leased.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The job.
    pub job: Job,
    /// The tenant.
    pub tenant: Tenant,
    /// Whether anybody gets in to the tenant.
    pub tenant_is_active: bool,
    /// Whoever started it.
    pub actor: Actor,
    /// What they might do.
    pub scopes: Scopes,
    /// Whether an earlier step may have done what it did not record.
    pub in_doubt: bool,
    /// The rows to work off: their numbers and users.
    pub rows: Vec<(i64, String)>,
    /// How the file is read, of an import.
    pub input: String,
    /// What the file has in these rows.
    pub file_rows: Vec<FileRow>,
}

/// A row of a file that is imported.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its line.
    pub line: usize,
    /// Its cells: JSON.
    pub cells: String,
    /// The password, sealed.
    pub secret: Option<String>,
}

/// Leases the job that is due until `until`, with its next rows.
///
/// # Errors
/// The database's: should it be leased all the same, the lease ends by itself.
pub fn lease(platform: &Platform, lease: &str, until: Millis, count: u32) -> Result<Option<Leased>, DatabaseError> {
    let now = platform.clock.now();
    let batch = vec![
        Statement::new(
            format!(
                "SELECT {COLUMNS}, j.started_by, j.scopes, j.lease, j.input, t.domain, t.active FROM jobs j \
                 CROSS JOIN tenants t ON t.number = j.tenant WHERE (j.tenant, j.id) = (SELECT tenant, id {DUE})"
            ),
            vec![now.into()],
        ),
        Statement::new(
            format!(
                "SELECT r.number, r.user_id, r.line, CASE WHEN r.line > 0 THEN r.cells END AS cells, r.secret FROM job_rows r WHERE (r.tenant, r.job) = (SELECT tenant, id {DUE}) \
                 AND r.number > (SELECT position {DUE}) AND r.state = 'waiting' ORDER BY r.number \
                 LIMIT COALESCE((SELECT CASE action WHEN 'import' THEN {IMPORTED} WHEN 'export' THEN {EXPORTED} ELSE ?2 END {DUE}), 0)"
            ),
            vec![now.into(), count.into()],
        ),
        Statement::new(
            format!("UPDATE jobs SET lease = ?2, due = ?3 WHERE (tenant, id) = (SELECT tenant, id {DUE})"),
            vec![now.into(), lease.into(), until.into()],
        ),
    ];
    let outcomes = platform.db.batch(batch)?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let Some(row) = rows(0).first() else { return Ok(None) };
    let target = |row: &Row| Ok((row.read_integer("number")?, row.read_text("user_id")?.to_owned()));
    Ok(Some(Leased {
        job: from_row(row)?,
        tenant: Tenant::from_domain(row.read_text("domain")?),
        tenant_is_active: row.read_integer("active")? != 0,
        actor: actor_of(row.read_text("started_by")?),
        scopes: Scopes::from_stored(row.read_text("scopes")?),
        in_doubt: row.read_optional_text("lease")?.is_some(),
        rows: rows(1).iter().map(target).collect::<Result<_, DatabaseError>>()?,
        input: row.read_optional_text("input")?.unwrap_or_default().to_owned(),
        file_rows: rows(1).iter().filter_map(file_row).collect(),
    }))
}

fn file_row(row: &Row) -> Option<FileRow> {
    let text = |column: &str| row.read_optional_text(column).ok().flatten().map(str::to_owned);
    let line = row.read_optional_integer("line").ok().flatten()?;
    Some(FileRow {
        line: usize::try_from(line).unwrap_or_default(),
        cells: text("cells").unwrap_or_default(),
        secret: text("secret"),
    })
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd<'a> {
    /// All that was done is recorded with it.
    Complete,
    /// The database failed: what was done to a row without an outcome is not known. The next step comes no sooner than then.
    InDoubt(Millis),
    /// The job cannot go on now, for this reason: somebody has to resume it.
    Halted(&'a str),
}

/// Records a step, if it still holds its lease.
///
/// # Errors
/// The database's: nothing is recorded, or all of it.
pub fn record(
    platform: &Platform,
    leased: &Leased,
    lease: &str,
    outcomes: &[RowOutcome],
    end: StepEnd<'_>,
) -> Result<(), DatabaseError> {
    let key = || vec![leased.tenant.key(), leased.job.id.as_str().into(), lease.into()];
    let with = |more: Vec<_>| [key(), more].concat();
    let count = |state: RowState| {
        let count = outcomes.iter().filter(|outcome| outcome.state == state).count();
        i64::try_from(count).unwrap_or_default()
    };
    let rows: Vec<_> = outcomes
        .iter()
        .map(|row| json!([row.number, row.state.as_str(), row.reason, row.user_id, row.became, row.cells]))
        .collect();
    let (halted, is_known, due) = match end {
        StepEnd::Complete => (None, true, platform.clock.now()),
        StepEnd::InDoubt(due) => (None, false, due),
        StepEnd::Halted(reason) => (Some(reason), true, platform.clock.now()),
    };
    let batch = vec![
        // Each row is there already, so that the insert is always the update that follows it. A password is needed no more.
        Statement::new(
            "INSERT INTO job_rows (tenant, job, number, user_id, state, reason, became, cells) \
             SELECT j.tenant, j.id, e.value ->> 0, COALESCE(e.value ->> 3, ''), e.value ->> 1, e.value ->> 2, \
             e.value ->> 4, e.value ->> 5 FROM json_each(?4) e \
             CROSS JOIN jobs j ON j.tenant = ?1 AND j.id = ?2 AND j.lease = ?3 WHERE TRUE \
             ON CONFLICT (tenant, job, number) DO UPDATE SET state = excluded.state, reason = excluded.reason, secret = NULL, \
             user_id = CASE excluded.user_id WHEN '' THEN job_rows.user_id ELSE excluded.user_id END, \
             became = excluded.became, cells = COALESCE(excluded.cells, job_rows.cells)",
            with(vec![json!(rows).to_string().into()]),
        ),
        Statement::new(
            "UPDATE jobs SET done = done + ?4, failed = failed + ?5, skipped = skipped + ?6, \
             position = COALESCE((SELECT r.number - 1 FROM job_rows r WHERE r.tenant = jobs.tenant AND r.job = jobs.id \
             AND r.number > jobs.position AND r.state = 'waiting' ORDER BY r.number LIMIT 1), total) \
             WHERE tenant = ?1 AND id = ?2 AND lease = ?3",
            with(vec![count(RowState::Done).into(), count(RowState::Failed).into(), count(RowState::Skipped).into()]),
        ),
        Statement::new(
            format!(
                "UPDATE jobs SET failures = CASE WHEN ?4 THEN 0 ELSE failures + 1 END, due = ?5, \
                 state = CASE WHEN position >= total THEN 'done' WHEN state <> 'running' THEN state \
                 WHEN ?6 IS NOT NULL THEN 'stopped' WHEN NOT ?4 AND failures + 1 >= {MAX_FAILURES} THEN 'failed' \
                 ELSE state END, \
                 reason = CASE WHEN position >= total THEN NULL WHEN state <> 'running' THEN reason \
                 WHEN ?6 IS NOT NULL THEN ?6 WHEN NOT ?4 AND failures + 1 >= {MAX_FAILURES} \
                 THEN 'The database failed {MAX_FAILURES} times in a row: resume the job when it is well again.' \
                 ELSE reason END, \
                 lease = CASE WHEN ?4 THEN NULL ELSE lease END \
                 WHERE tenant = ?1 AND id = ?2 AND lease = ?3"
            ),
            with(vec![is_known.into(), due.into(), halted.into()]),
        ),
    ];
    platform.db.batch(batch).map(drop)
}
