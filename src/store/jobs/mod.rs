//! Jobs: their rows in PRIMARY's database, whichever stores the users are in.
//!
//! | module | what it does |
//! |---|---|
//! | `steps` | a step takes a job that is due, and records what it did |
//! | `listing` | jobs and their rows as they are read |
//! | `attention` | jobs that somebody should look at |
//! | `targets` | what a job has to know of its users |
//! | `retention` | jobs that are old enough to go |

pub mod attention;
pub mod listing;
pub mod retention;
pub mod steps;
pub mod targets;

use serde_json::{Value as Json, json};

use crate::model::audit::Action;
use crate::model::context::{Actor, Context};
use crate::model::job::{Job, JobAction, JobState, RowState};
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::audit;
use crate::store::operation::Operation;

/// The rows that one statement adds: their ids are one parameter.
const ROWS: usize = 5_000;
/// The statements of one batch.
const STATEMENTS: usize = 3;

/// The columns of [`from_row`].
const COLUMNS: &str = "j.id, j.action, j.group_id, j.state, j.reason, j.total, j.done, j.failed, j.skipped, j.created, \
    j.undo_until";

fn from_row(row: &Row) -> Result<Job, DatabaseError> {
    let shape = |column: &str| DatabaseError::Shape(column.to_owned());
    let count = |column: &str| Ok::<_, DatabaseError>(u32::try_from(row.read_integer(column)?).unwrap_or_default());
    let text = |column: &str| Ok::<_, DatabaseError>(row.read_optional_text(column)?.map(str::to_owned));
    Ok(Job {
        id: row.read_text("id")?.to_owned(),
        action: JobAction::parse(row.read_text("action")?).ok_or_else(|| shape("action"))?,
        group_id: text("group_id")?,
        state: JobState::parse(row.read_text("state")?).ok_or_else(|| shape("state"))?,
        reason: text("reason")?,
        total: count("total")?,
        done: count("done")?,
        failed: count("failed")?,
        skipped: count("skipped")?,
        created: row.read_integer("created")?,
        undo_until: row.read_optional_integer("undo_until")?,
    })
}

/// An actor as a job keeps them.
pub(crate) fn actor_text(actor: &Actor) -> String {
    let (kind, id, name) = match actor {
        Actor::Anyone => ("anyone", "", ""),
        Actor::System => ("system", "", ""),
        Actor::Administrator(name) => ("administrator", "", name.as_str()),
        Actor::RoleHolder { id, name } => ("role holder", id.as_str(), name.as_str()),
        Actor::User(id) => ("user", id.as_str(), ""),
        Actor::Token { id, name } => ("token", id.as_str(), name.as_str()),
    };
    json!([kind, id, name]).to_string()
}

fn actor_of(text: &str) -> Actor {
    let parts: Json = serde_json::from_str(text).unwrap_or_default();
    let part = |index: usize| parts[index].as_str().unwrap_or_default().to_owned();
    match part(0).as_str() {
        "administrator" => Actor::Administrator(part(2)),
        "role holder" => Actor::RoleHolder { id: part(1), name: part(2) },
        "user" => Actor::User(part(1)),
        "token" => Actor::Token { id: part(1), name: part(2) },
        "system" => Actor::System,
        _ => Actor::Anyone,
    }
}

/// Why a job is `failed` until all of its rows are there.
const NOT_BEGUN: &str = "The request ended before the job was confirmed: nothing was done.";

/// A job that is confirmed.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: &'a str,
    /// What is done to each user.
    pub action: JobAction,
    /// The group, of an addition to one.
    pub group_id: Option<&'a str>,
    /// The users' ids.
    pub users: &'a [String],
}

/// Stores a job with its rows, in the caller's name. It runs once all of them are there, which is in one round trip for some
/// thousand.
///
/// # Errors
/// The database's: it does not run.
pub fn create(ctx: &Context, job: &NewJob<'_>) -> Result<(), DatabaseError> {
    let now = ctx.platform.clock.now();
    let key = || vec![ctx.tenant.key(), job.id.into()];
    let total = i64::try_from(job.users.len()).unwrap_or(i64::MAX);
    let mut batch = vec![Statement::new(
        "INSERT INTO jobs (tenant, id, action, group_id, state, reason, total, started_by, scopes, created, due) \
         VALUES (?1, ?2, ?3, ?4, 'failed', ?5, ?6, ?7, ?8, ?9, ?9)",
        [
            key(),
            vec![
                job.action.as_str().into(),
                job.group_id.into(),
                NOT_BEGUN.into(),
                total.into(),
                actor_text(&ctx.actor).into(),
                ctx.scopes.to_string().into(),
                now.into(),
            ],
        ]
        .concat(),
    )];
    for (index, ids) in job.users.chunks(ROWS).enumerate() {
        if batch.len() == STATEMENTS {
            ctx.platform.db.batch(std::mem::take(&mut batch))?;
        }
        let before = i64::try_from(index * ROWS).unwrap_or(i64::MAX);
        batch.push(Statement::new(
            "INSERT INTO job_rows (tenant, job, number, user_id) \
             SELECT ?1, ?2, ?3 + j.key + 1, j.value FROM json_each(?4) j WHERE TRUE ON CONFLICT DO NOTHING",
            [key(), vec![before.into(), json!(ids).to_string().into()]].concat(),
        ));
    }
    batch.push(Statement::new("UPDATE jobs SET state = 'running', reason = NULL WHERE tenant = ?1 AND id = ?2", key()));
    let operation = Operation::new(ctx);
    batch.push(audit::record_plain(ctx, operation.id(), Action::JobCreate, job.id));
    operation.commit(ctx, batch).map(drop)
}

/// The statements that store the job which deletes one user then, in the caller's name. `condition` may name the user as `?2`
/// and the operation as `?3`.
#[must_use]
pub fn deletion(
    ctx: &Context,
    job: &str,
    at: Millis,
    user_id: &str,
    operation: &str,
    condition: &str,
) -> Vec<Statement> {
    let key = || vec![ctx.tenant.key(), user_id.into(), operation.into(), job.into()];
    let row = vec![
        ctx.platform.clock.now().into(),
        at.into(),
        actor_text(&ctx.actor).into(),
        ctx.scopes.to_string().into(),
        JobAction::Delete.as_str().into(),
    ];
    vec![
        Statement::new(
            format!(
                "INSERT INTO jobs (tenant, id, action, state, total, started_by, scopes, created, due, undo_until) \
                 SELECT ?1, ?4, ?9, 'running', 1, ?7, ?8, ?5, ?6, ?6 WHERE ?2 = ?2 AND {condition}"
            ),
            [key(), row].concat(),
        ),
        Statement::new(
            format!("INSERT INTO job_rows (tenant, job, number, user_id) SELECT ?1, ?4, 1, ?2 WHERE {condition}"),
            key(),
        ),
    ]
}

/// Removes a job that was stored for nothing.
///
/// # Errors
/// The database's: it does nothing when it is due.
pub fn forget(ctx: &Context, job: &str) -> Result<(), DatabaseError> {
    let of_job = |table: &str, column: &str| {
        let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND {column} = ?2");
        Statement::new(sql, vec![ctx.tenant.key(), job.into()])
    };
    ctx.platform.db.batch(vec![of_job("job_rows", "job"), of_job("jobs", "id")]).map(drop)
}

/// A row of a file that is imported.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// Its line.
    pub line: usize,
    /// The user name that it gives.
    pub label: String,
    /// Its cells, without the password.
    pub cells: Vec<String>,
    /// The password, sealed.
    pub secret: Option<String>,
    /// Why it fails, where that is known already.
    pub problem: Option<String>,
}

/// The bytes of rows that one statement adds, and the statements of one batch.
const BYTES: usize = 500_000;
const FILE_STATEMENTS: usize = 3;

/// Stores the import of a file with its rows, in the caller's name. `input`: how it is read. It runs once all of them are there.
///
/// # Errors
/// The database's: it does not run.
pub fn create_import(ctx: &Context, id: &str, input: &str, rows: &[NewRow]) -> Result<(), DatabaseError> {
    let now = ctx.platform.clock.now();
    let key = || vec![ctx.tenant.key(), id.into()];
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut batch = vec![Statement::new(
        "INSERT INTO jobs (tenant, id, action, state, reason, total, started_by, scopes, created, due, input) \
         VALUES (?1, ?2, ?3, 'failed', ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
        [
            key(),
            vec![
                JobAction::Import.as_str().into(),
                NOT_BEGUN.into(),
                count(rows.len()).into(),
                actor_text(&ctx.actor).into(),
                ctx.scopes.to_string().into(),
                now.into(),
                input.into(),
            ],
        ]
        .concat(),
    )];
    let (mut first, mut bytes) = (0, 0);
    for (index, row) in rows.iter().enumerate() {
        bytes += row.cells.iter().map(String::len).sum::<usize>() + row.label.len() + 200;
        if bytes < BYTES && index + 1 < rows.len() {
            continue;
        }
        if batch.len() == FILE_STATEMENTS {
            ctx.platform.db.batch(std::mem::take(&mut batch))?;
        }
        batch.push(add_rows(key(), first, rows.get(first..=index).unwrap_or_default()));
        (first, bytes) = (index + 1, 0);
    }
    let waits = "SELECT r.number - 1 FROM job_rows r WHERE r.tenant = ?1 AND r.job = ?2 AND r.state = 'waiting' \
                 ORDER BY r.number LIMIT 1";
    batch.push(Statement::new(
        format!(
            "UPDATE jobs SET reason = NULL, failed = ?3, position = COALESCE(({waits}), total), \
             state = CASE WHEN EXISTS ({waits}) THEN 'running' ELSE 'done' END WHERE tenant = ?1 AND id = ?2"
        ),
        [key(), vec![count(rows.iter().filter(|row| row.problem.is_some()).count()).into()]].concat(),
    ));
    let operation = Operation::new(ctx);
    batch.push(audit::record_plain(ctx, operation.id(), Action::JobCreate, id));
    operation.commit(ctx, batch).map(drop)
}

/// The statement that adds rows, the first of which is that behind so many.
fn add_rows(key: Vec<crate::ports::Value>, before: usize, rows: &[NewRow]) -> Statement {
    let value = |row: &NewRow| {
        let state = if row.problem.is_some() { RowState::Failed } else { RowState::Waiting };
        let secret = row.secret.as_ref().filter(|_| row.problem.is_none());
        json!([row.line, row.label, row.cells, secret, state.as_str(), row.problem])
    };
    let rows: Vec<Json> = rows.iter().map(value).collect();
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    Statement::new(
        "INSERT INTO job_rows (tenant, job, number, user_id, line, label, cells, secret, state, reason) \
         SELECT ?1, ?2, ?3 + j.key + 1, '', j.value ->> 0, j.value ->> 1, j.value -> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5 \
         FROM json_each(?4) j WHERE TRUE ON CONFLICT DO NOTHING",
        [key, vec![before.into(), Json::from(rows).to_string().into()]].concat(),
    )
}

/// The result of stopping or resuming a job.
#[derive(Clone, Debug)]
pub enum Switched {
    /// It is as was asked, by now or before.
    Done(Job),
    /// It is over.
    Over(Job),
    /// There is no such job.
    NotFound,
}

/// Stops a job: the step that is being taken is the last.
///
/// # Errors
/// The database's.
pub fn stop(ctx: &Context, id: &str) -> Result<Switched, DatabaseError> {
    switch(ctx, id, JobState::Stopped, "state = 'running'", Action::JobStop)
}

/// Resumes a job that was stopped or has failed.
///
/// # Errors
/// The database's.
pub fn resume(ctx: &Context, id: &str) -> Result<Switched, DatabaseError> {
    // One without all of its rows has never been confirmed.
    let may_go_on = "state IN ('stopped', 'failed') AND EXISTS (SELECT 1 FROM job_rows r \
                     WHERE r.tenant = jobs.tenant AND r.job = jobs.id AND r.number = jobs.total)";
    switch(ctx, id, JobState::Running, may_go_on, Action::JobResume)
}

fn switch(
    ctx: &Context,
    id: &str,
    wanted: JobState,
    condition: &str,
    action: Action,
) -> Result<Switched, DatabaseError> {
    let operation = Operation::new(ctx);
    let is_other = format!("EXISTS (SELECT 1 FROM jobs WHERE tenant = ?1 AND id = ?2 AND {condition})");
    let batch = vec![
        audit::record_if(ctx, operation.id(), action, id, &is_other),
        Statement::new(
            format!(
                "UPDATE jobs SET state = '{wanted}', reason = NULL, failures = 0 \
                 WHERE tenant = ?1 AND id = ?2 AND {condition}"
            ),
            vec![ctx.tenant.key(), id.into()],
        ),
        listing::find_statement(ctx, id),
    ];
    // Where the answer is lost, asking again changes nothing.
    let outcomes = ctx.platform.db.batch(batch)?;
    let Some(row) = outcomes.last().and_then(|outcome| outcome.rows.first()) else { return Ok(Switched::NotFound) };
    let job = from_row(row)?;
    Ok(if job.state == wanted { Switched::Done(job) } else { Switched::Over(job) })
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOutcome {
    /// The row's number.
    pub number: i64,
    /// Its state.
    pub state: RowState,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
    /// Whom it was about, where that is known only now.
    pub user_id: Option<String>,
    /// What an import made of it.
    pub became: Option<&'static str>,
    /// The cells that it came to, of an export: JSON.
    pub cells: Option<String>,
}
