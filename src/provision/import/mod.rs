//! Importing invitations from a file: a row for each person, by the hundred to the database, and one bad row harms no
//! other.
//!
//! | module | what it does |
//! |---|---|
//! | `encoding` | the characters of a file |
//! | `source` | a CSV file's separator, and its text as RFC 4180 would have it |
//! | `header` | what the names of columns mean, those of other directories' exports among them |
//! | `csv` | records of RFC 4180 and the lines they start on |
//! | `list` | elements of a JSON array |
//! | `row` | what a row says, and the SCIM user that is made of it |
//!
//! A file is looked through once before anything is written, so that what is wrong with it as a whole is known; then its
//! rows are read again, and no more of them are held at once than one batch creates.

pub mod csv;
mod encoding;
pub mod header;
pub mod list;
pub mod row;
pub mod source;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use self::csv::Sheet;
use self::header::Mapped;
use self::list::List;
use self::row::{Person, Row};
use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scope;
use crate::base::text::cut;
use crate::model::context::Context;
use crate::model::new_resource::NewResource;
use crate::model::resource::MAX_DOCUMENT;
use crate::model::role::Role;
use crate::ports::DatabaseError;
use crate::provision::batch::{BatchLimits, Batcher};
use crate::provision::{ProvisionError, prepare, user_store};
use crate::store::resources::find;
use scim::fold::fold;
use scim::schema::ResourceType;

/// The most rows of a file, its header aside.
pub const MAX_ROWS: usize = 10_000;
/// The largest file, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The largest row, in bytes: what a SCIM resource may have.
pub const MAX_ROW_BYTES: usize = MAX_DOCUMENT;
/// The most groups that a row names.
const MAX_GROUPS: usize = 50;
/// How many rows one batch creates, and how many bytes of documents and group names: its parameters stay below D1's 2 MB,
/// and 10,000 rows below 1,000 statements.
const LIMITS: BatchLimits = BatchLimits { count: 250, bytes: 300_000 };
/// The most characters of a user name that a report repeats: as many as a valid one has.
const MAX_SHOWN: usize = 256;

/// Why a file cannot be imported as a whole. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has more than [`MAX_ROWS`].
    #[error("The file has more than {MAX_ROWS} rows: import it in parts.")]
    TooManyRows,
    /// It is not what it should be, in a sentence.
    #[error("{0}")]
    Malformed(String),
}

impl Unreadable {
    fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed(detail.into())
    }
}

/// A file that can be imported.
#[derive(Clone, Debug)]
pub enum File<'f> {
    /// CSV.
    Csv(Sheet<'f>),
    /// JSON.
    Json(List<'f>),
}

impl File<'_> {
    fn rows(&self) -> Box<dyn Iterator<Item = Row> + Send + '_> {
        match self {
            Self::Csv(sheet) => Box::new(sheet.rows()),
            Self::Json(list) => Box::new(list.rows()),
        }
    }

    fn columns(&self) -> Option<Vec<Mapped>> {
        match self {
            Self::Csv(sheet) => Some(sheet.columns().to_vec()),
            Self::Json(_) => None,
        }
    }
}

/// The result of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Its line in the file ([`Row::line`]).
    pub line: usize,
    /// The user name it gives.
    pub user_name: String,
    /// `created` or `failed`.
    pub status: &'static str,
    /// The new user's id; none after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of a file: the answer to an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The number created, or that would be.
    pub created: usize,
    /// The number that failed, or would.
    pub failed: usize,
    /// What the columns of a CSV file became: of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Mapped>>,
    /// Each row, in the file's order.
    pub rows: Vec<Reported>,
    /// What kept the database from going on, if anything did: for the log.
    #[serde(skip)]
    pub failure: Option<DatabaseError>,
}

/// Invites everybody in a file; with `dry_run`, only says what would be done.
///
/// When the database fails, the rows done so far are reported as done and the others as failed. Importing the file again
/// is harmless at any time: whoever exists is reported as existing.
pub async fn run(ctx: &Context, gate: &HashLimiter, rt: &Arc<ResourceType>, file: &File<'_>, dry_run: bool) -> Report {
    let mut run = Run {
        ctx,
        gate,
        rt,
        dry_run,
        waiting: Batcher::new(LIMITS),
        groups: HashMap::new(),
        names: HashMap::new(),
        report: Report { columns: file.columns().filter(|_| dry_run), ..Report::default() },
    };
    for row in file.rows() {
        run.take(row).await;
    }
    run.flush().await;
    run.report
}

/// A row whose user waits to be created.
struct Waiting {
    /// Its place in the report.
    position: usize,
    line: usize,
    /// The names of the groups to join.
    groups: Vec<String>,
}

/// What became of rows: the new users' ids, none after a dry run, or what is wrong.
type Outcome = Result<Option<String>, String>;

struct Run<'a> {
    ctx: &'a Context,
    gate: &'a HashLimiter,
    rt: &'a Arc<ResourceType>,
    dry_run: bool,
    /// The users of the next batch.
    waiting: Batcher<Waiting>,
    /// The ids of the groups asked for so far, by the key of their names; `None` where there is no such group.
    groups: HashMap<String, Option<String>>,
    /// The keys of the user names so far, with the lines that have them.
    names: HashMap<String, usize>,
    report: Report,
}

/// The detail reported of a row that was not reached.
const NOT_TRIED: &str = "The database did not answer, and this row was not imported. Import the file again: whoever exists \
    by then is reported as existing, and nobody is invited twice.";
/// The detail reported of a row whose batch brought an error.
const IN_DOUBT: &str = "The database did not answer while this row was written. Import the file again: whoever exists by \
    then is reported as existing, and nobody is invited twice.";
/// The detail reported of a row whose user exists.
const EXISTS: &str = "A user with this userName exists already.";

impl Run<'_> {
    /// Puts a row into the waiting batch, and into the report as one that was not reached.
    async fn take(&mut self, row: Row) {
        let (position, line) = (self.report.rows.len(), row.line);
        self.report.rows.push(Reported {
            line,
            user_name: cut(&row.user_name, MAX_SHOWN),
            status: "failed",
            id: None,
            detail: Some(NOT_TRIED.to_owned()),
        });
        let (new, groups) = match row.person.and_then(|person| self.prepare(person)) {
            Ok(user) => user,
            Err(problem) => return self.record(position, Err(problem)),
        };
        let bytes = new.resource.document.len() + groups.iter().map(String::len).sum::<usize>();
        if !self.waiting.has_room_for(bytes) {
            self.flush().await;
        }
        self.waiting.push(Waiting { position, line, groups }, new, bytes);
    }

    /// The user that a row describes.
    fn prepare(&self, person: Person) -> Result<(NewResource, Vec<String>), String> {
        if person.groups.len() > MAX_GROUPS {
            return Err(format!("The row names more than {MAX_GROUPS} groups."));
        }
        let document = person.document(self.ctx.settings().enable_email_verification)?;
        let new = prepare(self.ctx, self.gate, self.rt, document).map_err(|refusal| match refusal {
            ProvisionError::Scim(error) => error.detail,
            ProvisionError::TooOften { detail, .. } => detail.to_owned(),
            ProvisionError::Busy | ProvisionError::Database(_) => NOT_TRIED.to_owned(),
        })?;
        Ok((new, person.groups))
    }

    /// Creates what waits, and reports it.
    async fn flush(&mut self) {
        let waiting = self.waiting.take();
        if let Err(failure) = self.find_groups(&waiting).await {
            self.report.failure.get_or_insert(failure);
        }
        let mut batch = Vec::with_capacity(waiting.len());
        for (row, new) in waiting {
            match self.admit(&row, new) {
                Ok(new) => batch.push((row.position, new)),
                Err(problem) => self.record(row.position, Err(problem)),
            }
        }
        for (position, outcome) in self.create(batch).await {
            self.record(position, outcome);
        }
    }

    /// Looks up the groups that have not been asked for yet.
    async fn find_groups(&mut self, waiting: &[(Waiting, NewResource)]) -> Result<(), DatabaseError> {
        let named = waiting.iter().flat_map(|(row, _)| &row.groups);
        let keys: HashSet<String> = named.map(|name| fold(name)).filter(|key| !self.groups.contains_key(key)).collect();
        if keys.is_empty() || self.report.failure.is_some() {
            return Ok(());
        }
        let mut found = find::groups_named(self.ctx, &keys).await?;
        for key in keys {
            let group = found.remove(&key);
            self.groups.insert(key, group);
        }
        Ok(())
    }

    /// Lets a user into the batch whose groups there are and whose name no earlier row has.
    fn admit(&mut self, row: &Waiting, mut new: NewResource) -> Result<NewResource, String> {
        for name in &row.groups {
            let shown = cut(name, 80);
            if Role::named(name).is_some() && !self.ctx.scopes.has(Scope::Roles) {
                return Err(format!("Members of the group '{shown}' have a role: this takes the scope roles."));
            }
            match self.groups.get(&fold(name)) {
                Some(Some(id)) if new.groups.contains(id) => {}
                Some(Some(id)) => new.groups.push(id.clone()),
                Some(None) => return Err(format!("There is no group '{shown}'.")),
                None => return Err(NOT_TRIED.to_owned()),
            }
        }
        let key = fold(&new.resource.user_name());
        if let Some(earlier) = self.names.get(&key) {
            return Err(format!("The userName is the same as on line {earlier}."));
        }
        self.names.insert(key, row.line);
        Ok(new)
    }

    /// Creates users whose names differ; with a dry run, looks whether their names are free. Answers what became of each,
    /// with its place in the report.
    async fn create(&mut self, batch: Vec<(usize, NewResource)>) -> Vec<(usize, Outcome)> {
        if batch.is_empty() {
            return Vec::new();
        }
        if self.report.failure.is_some() {
            return not_tried(&batch);
        }
        if self.dry_run {
            return self.look_up_names(&batch).await;
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for (position, created) in user_store::create(self.ctx, batch).await {
            let outcome = match created {
                Ok(user) => Ok(Some(user.id)),
                Err(ProvisionError::Database(failure)) => {
                    self.report.failure = Some(failure);
                    Err(IN_DOUBT.to_owned())
                }
                Err(_) => Err(EXISTS.to_owned()),
            };
            outcomes.push((position, outcome));
        }
        outcomes
    }

    /// Returns the results of a batch in a dry run.
    async fn look_up_names(&mut self, batch: &[(usize, NewResource)]) -> Vec<(usize, Outcome)> {
        let keys: Vec<String> = batch.iter().map(|(_, new)| fold(&new.resource.user_name())).collect();
        let taken = match find::taken_names(self.ctx, &keys).await {
            Ok(taken) => taken,
            Err(failure) => {
                self.report.failure = Some(failure);
                return not_tried(batch);
            }
        };
        let outcome = |key| if taken.contains(key) { Err(EXISTS.to_owned()) } else { Ok(None) };
        batch.iter().zip(&keys).map(|((position, _), key)| (*position, outcome(key))).collect()
    }

    /// Puts what became of a row into the report.
    fn record(&mut self, position: usize, outcome: Outcome) {
        let Some(row) = self.report.rows.get_mut(position) else { return };
        match outcome {
            Ok(id) => {
                self.report.created += 1;
                (row.status, row.id, row.detail) = ("created", id, None);
            }
            Err(detail) => {
                self.report.failed += 1;
                row.detail = Some(detail);
            }
        }
    }
}

fn not_tried(batch: &[(usize, NewResource)]) -> Vec<(usize, Outcome)> {
    batch.iter().map(|(position, _)| (*position, Err(NOT_TRIED.to_owned()))).collect()
}
