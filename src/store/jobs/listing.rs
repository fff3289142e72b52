//! Jobs and their rows as they are read, by cursor.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::context::Context;
use crate::model::job::{Job, JobAction, RowState};
use crate::ports::{DatabaseError, Statement};
use crate::store::jobs::{COLUMNS, from_row};

/// The statement that finds a job.
#[must_use]
pub fn find_statement(ctx: &Context, id: &str) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM jobs j WHERE j.tenant = ?1 AND j.id = ?2");
    Statement::new(sql, vec![ctx.tenant.key(), id.into()])
}

/// Finds a job.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, id: &str) -> Result<Option<Job>, DatabaseError> {
    ctx.platform.query(find_statement(ctx, id))?.first().map(from_row).transpose()
}

/// A page of the jobs with one of these actions, newest first, and where the next one begins.
///
/// # Errors
/// The database's.
pub fn page(
    ctx: &Context,
    actions: &[JobAction],
    below: Option<&str>,
    count: u32,
) -> Result<(Vec<Job>, Option<String>), DatabaseError> {
    let actions: Vec<_> = actions.iter().map(|action| action.as_str()).collect();
    let statement = Statement::new(
        format!(
            "SELECT {COLUMNS} FROM jobs j WHERE j.tenant = ?1 AND j.id < COALESCE(?2, 'g') \
             AND j.action IN (SELECT value FROM json_each(?3)) ORDER BY j.id DESC LIMIT ?4"
        ),
        vec![ctx.tenant.key(), below.into(), json!(actions).to_string().into(), (count + 1).into()],
    );
    let rows = ctx.platform.query(statement)?;
    let mut jobs = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = jobs.len() > count as usize;
    jobs.truncate(count as usize);
    let next = jobs.last().filter(|_| more).map(|job| job.id.clone());
    Ok((jobs, next))
}

/// The rows to read.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// All of them.
    All,
    /// Those in one state.
    In(RowState),
    /// Those that failed or were skipped.
    Exceptions,
}

/// A row of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number, from 1.
    pub number: i64,
    /// The user's id.
    pub user_id: String,
    /// The user's name, while there is such a user; else what the file says, of an import.
    pub user_name: Option<String>,
    /// The line of the file, of an import.
    pub line: Option<i64>,
    /// What an import made of it.
    pub became: Option<String>,
    /// The state.
    pub state: RowState,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
}

/// A page of a job's rows in their order, and where the next one begins. The names take a round trip for each user store.
///
/// # Errors
/// The database's.
pub fn rows(
    ctx: &Context,
    job: &str,
    which: Rows,
    after: i64,
    count: u32,
) -> Result<(Vec<JobRow>, Option<i64>), DatabaseError> {
    let (index, condition) = match which {
        Rows::All => ("", String::new()),
        Rows::In(state) => ("", format!("AND r.state = '{state}'")),
        Rows::Exceptions => ("INDEXED BY job_rows_exceptions", "AND r.state IN ('failed', 'skipped')".to_owned()),
    };
    let statement = Statement::new(
        format!(
            "SELECT r.number, r.user_id, r.state, r.reason, r.line, r.label, r.became FROM job_rows r {index} WHERE r.tenant = ?1 AND r.job = ?2 \
             AND r.number > ?3 {condition} ORDER BY r.number LIMIT ?4"
        ),
        vec![ctx.tenant.key(), job.into(), after.into(), (count + 1).into()],
    );
    let found = ctx.platform.query(statement)?;
    let more = found.len() > count as usize;
    let mut rows = Vec::new();
    for row in found.iter().take(count as usize) {
        let shape = || DatabaseError::Shape("state".to_owned());
        rows.push(JobRow {
            number: row.read_integer("number")?,
            user_id: row.read_text("user_id")?.to_owned(),
            user_name: row.read_optional_text("label")?.map(str::to_owned),
            line: row.read_optional_integer("line")?,
            became: row.read_optional_text("became")?.map(str::to_owned),
            state: RowState::parse(row.read_text("state")?).ok_or_else(shape)?,
            reason: row.read_optional_text("reason")?.map(str::to_owned),
        });
    }
    let ids: Vec<String> = rows.iter().map(|row| row.user_id.clone()).collect();
    let mut names = names(ctx, &ids)?;
    rows.iter_mut().for_each(|row| row.user_name = names.remove(&row.user_id).or(row.user_name.take()));
    let next = rows.last().filter(|_| more).map(|row| row.number);
    Ok((rows, next))
}

/// A row of the file of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its number.
    pub number: i64,
    /// Its line in the file that was imported.
    pub line: i64,
    /// The state.
    pub state: RowState,
    /// What an import made of it.
    pub became: Option<String>,
    /// Why it failed or was skipped.
    pub reason: String,
    /// Its cells: JSON; empty where there are none.
    pub cells: String,
}

/// How the file of an import is read.
///
/// # Errors
/// The database's.
pub fn input(ctx: &Context, job: &str) -> Result<String, DatabaseError> {
    let statement =
        Statement::new("SELECT input FROM jobs WHERE tenant = ?1 AND id = ?2", vec![ctx.tenant.key(), job.into()]);
    let rows = ctx.platform.query(statement)?;
    let text = rows.first().map(|row| row.read_optional_text("input")).transpose()?.flatten();
    Ok(text.unwrap_or_default().to_owned())
}

/// Some rows of the file of a job, behind this number. `only_failed`: those that failed.
///
/// # Errors
/// The database's.
pub fn file_rows(
    ctx: &Context,
    job: &str,
    only_failed: bool,
    after: i64,
    count: u32,
) -> Result<Vec<FileRow>, DatabaseError> {
    let condition = if only_failed { "AND r.state = 'failed'" } else { "" };
    let statement = Statement::new(
        format!(
            "SELECT r.number, r.line, r.state, r.became, r.reason, r.cells FROM job_rows r WHERE r.tenant = ?1 \
             AND r.job = ?2 AND r.number > ?3 {condition} ORDER BY r.number LIMIT ?4"
        ),
        vec![ctx.tenant.key(), job.into(), after.into(), count.into()],
    );
    let mut rows = Vec::new();
    for row in ctx.platform.query(statement)? {
        let text = |column: &str| Ok::<_, DatabaseError>(row.read_optional_text(column)?.map(str::to_owned));
        let shape = || DatabaseError::Shape("state".to_owned());
        rows.push(FileRow {
            number: row.read_integer("number")?,
            line: row.read_optional_integer("line")?.unwrap_or_default(),
            state: RowState::parse(row.read_text("state")?).ok_or_else(shape)?,
            became: text("became")?,
            reason: text("reason")?.unwrap_or_default(),
            cells: text("cells")?.unwrap_or_default(),
        });
    }
    Ok(rows)
}

/// The ids of the users whom an import has created.
///
/// # Errors
/// The database's.
pub fn created(ctx: &Context, job: &str) -> Result<Vec<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT r.user_id FROM job_rows r WHERE r.tenant = ?1 AND r.job = ?2 AND r.became = 'created' ORDER BY r.number",
        vec![ctx.tenant.key(), job.into()],
    );
    let rows = ctx.platform.query(statement)?;
    rows.iter().map(|row| row.read_text("user_id").map(str::to_owned)).collect()
}

/// The first groups in the order of their names, each with its id and its name.
///
/// # Errors
/// The database's.
pub fn groups(ctx: &Context, count: u32) -> Result<Vec<(String, String)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT r.id, r.display FROM resources r INDEXED BY resources_group_name \
         WHERE r.tenant = ?1 AND r.type = 'Group' AND r.keys ->> 'displayName' > '' \
         ORDER BY r.keys ->> 'displayName' LIMIT ?2",
        vec![ctx.tenant.key(), count.into()],
    );
    let rows = ctx.platform.query(statement)?;
    rows.iter().map(|row| Ok((row.read_text("id")?.to_owned(), row.read_text("display")?.to_owned()))).collect()
}

/// The names of those of these users whom there are, by id: a round trip for each store.
///
/// # Errors
/// The database's.
pub fn names(ctx: &Context, ids: &[String]) -> Result<BTreeMap<String, String>, DatabaseError> {
    let mut by_store: BTreeMap<Option<u16>, Vec<&String>> = BTreeMap::new();
    for id in ids {
        by_store.entry(ctx.deployment.user_stores.of_id(id)).or_default().push(id);
    }
    let mut names = BTreeMap::new();
    for (store, ids) in by_store {
        let statement = Statement::new(
            "SELECT r.id, r.document ->> '$.userName' AS name FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.type = 'User'",
            vec![ctx.tenant.key(), json!(ids).to_string().into()],
        );
        for row in ctx.in_store(store).platform.query(statement)? {
            let name = row.read_optional_text("name")?.unwrap_or_default().to_owned();
            names.insert(row.read_text("id")?.to_owned(), name);
        }
    }
    Ok(names)
}
