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
use crate::access::password::HashLimiter;
use crate::access::role::Role;
use crate::base::scope::Scope;
use crate::base::text::cut;
use crate::model::context::Context;
use crate::ports::DatabaseError;
use crate::provision::{MAX_DOCUMENT, Refusal, prepare, store};
use crate::store::find::{self, Named};
use crate::store::write::NewResource;
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
const CHUNK: usize = 250;
const CHUNK_BYTES: usize = 300_000;
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

/// What became of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Where it is in the file ([`Row::line`]).
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
    /// How many were created, or would be.
    pub created: usize,
    /// How many were not.
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
        waiting: Vec::new(),
        waiting_bytes: 0,
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

/// A row that waits for its batch.
struct Waiting {
    line: usize,
    user_name: String,
    /// The user to be and the groups to join, or what is wrong with the row.
    user: Result<(NewResource, Vec<String>), String>,
}

struct Run<'a> {
    ctx: &'a Context,
    gate: &'a HashLimiter,
    rt: &'a Arc<ResourceType>,
    dry_run: bool,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    /// The groups asked for so far, by the key of their names.
    groups: HashMap<String, Named>,
    /// The keys of the user names so far, with the lines that have them.
    names: HashMap<String, usize>,
    report: Report,
}

/// What a row is told that was not reached.
const NOT_TRIED: &str = "The database did not answer, and this row was not imported. Import the file again: whoever exists \
    by then is reported as existing, and nobody is invited twice.";
/// What a row is told whose batch brought an error.
const IN_DOUBT: &str = "The database did not answer while this row was written. Import the file again: whoever exists by \
    then is reported as existing, and nobody is invited twice.";
/// What a row is told whose user exists.
const EXISTS: &str = "A user with this userName exists already.";

impl Run<'_> {
    /// Puts a row into the waiting batch.
    async fn take(&mut self, row: Row) {
        let user = row.person.and_then(|person| self.prepare(person));
        let bytes = user
            .as_ref()
            .map_or(0, |(new, groups)| new.resource.document.len() + groups.iter().map(String::len).sum::<usize>());
        if self.waiting.len() >= CHUNK || self.waiting_bytes + bytes > CHUNK_BYTES {
            self.flush().await;
        }
        self.waiting_bytes += bytes;
        self.waiting.push(Waiting { line: row.line, user_name: cut(&row.user_name, MAX_SHOWN), user });
    }

    /// The user that a row describes.
    fn prepare(&self, person: Person) -> Result<(NewResource, Vec<String>), String> {
        if person.groups.len() > MAX_GROUPS {
            return Err(format!("The row names more than {MAX_GROUPS} groups."));
        }
        let document = person.document(self.ctx.settings().enable_email_verification)?;
        let new = prepare(self.ctx, self.gate, self.rt, document).map_err(|refusal| match refusal {
            Refusal::Scim(error) => error.detail,
            Refusal::Busy | Refusal::Database(_) => NOT_TRIED.to_owned(),
        })?;
        if new.resource.document.len() > MAX_DOCUMENT {
            return Err(format!("A user has at most {MAX_DOCUMENT} bytes."));
        }
        Ok((new, person.groups))
    }

    /// Creates what waits, and reports it.
    async fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if let Err(failure) = self.find_groups(&waiting).await {
            self.report.failure.get_or_insert(failure);
        }
        let mut new = Vec::with_capacity(waiting.len());
        // What becomes of each row; `None` of those in the batch.
        let mut outcomes = Vec::with_capacity(waiting.len());
        for Waiting { line, user_name, user } in waiting {
            let ready = user.and_then(|user| self.admit(line, user));
            let failed = ready.map(|user| new.push(user)).err();
            outcomes.push((line, user_name, failed));
        }
        let mut created = self.create(new).await.into_iter();
        for (line, user_name, failed) in outcomes {
            let outcome = match failed {
                Some(detail) => Err(detail),
                None => created.next().unwrap_or_else(|| Err(NOT_TRIED.to_owned())),
            };
            self.record(line, user_name, outcome);
        }
    }

    /// Looks up the groups that have not been asked for yet.
    async fn find_groups(&mut self, waiting: &[Waiting]) -> Result<(), DatabaseError> {
        let named = waiting.iter().filter_map(|waiting| waiting.user.as_ref().ok()).flat_map(|(_, groups)| groups);
        let keys: HashSet<String> = named.map(|name| fold(name)).filter(|key| !self.groups.contains_key(key)).collect();
        if keys.is_empty() || self.report.failure.is_some() {
            return Ok(());
        }
        let mut found = find::groups_named(self.ctx, &keys).await?;
        for key in keys {
            let named = found.remove(&key).unwrap_or(Named::Nothing);
            self.groups.insert(key, named);
        }
        Ok(())
    }

    /// Lets a user into the batch whose groups there are and whose name no earlier row has.
    fn admit(&mut self, line: usize, (mut new, groups): (NewResource, Vec<String>)) -> Result<NewResource, String> {
        for name in groups {
            let shown = cut(&name, 80);
            if Role::named(&name).is_some() && !self.ctx.scopes.has(Scope::Roles) {
                return Err(format!("Members of the group '{shown}' have a role: this takes the scope roles."));
            }
            match self.groups.get(&fold(&name)) {
                Some(Named::One(id)) if new.groups.contains(id) => {}
                Some(Named::One(id)) => new.groups.push(id.clone()),
                Some(Named::Nothing) => return Err(format!("There is no group '{shown}'.")),
                Some(Named::Several) => return Err(format!("There is more than one group '{shown}'.")),
                None => return Err(NOT_TRIED.to_owned()),
            }
        }
        let key = fold(&new.resource.user_name());
        if let Some(earlier) = self.names.get(&key) {
            return Err(format!("The userName is the same as on line {earlier}."));
        }
        self.names.insert(key, line);
        Ok(new)
    }

    /// Creates users whose names differ, and answers their ids; with a dry run, looks whether their names are free.
    async fn create(&mut self, new: Vec<NewResource>) -> Vec<Result<Option<String>, String>> {
        let count = new.len();
        let all = |detail: &str| vec![Err(detail.to_owned()); count];
        if new.is_empty() {
            return Vec::new();
        }
        if self.report.failure.is_some() {
            return all(NOT_TRIED);
        }
        if self.dry_run {
            let keys: Vec<String> = new.iter().map(|new| fold(&new.resource.user_name())).collect();
            return match find::taken_names(self.ctx, &keys).await {
                Ok(taken) => {
                    let outcome = |key| if taken.contains(key) { Err(EXISTS.to_owned()) } else { Ok(None) };
                    keys.iter().map(outcome).collect()
                }
                Err(failure) => {
                    self.report.failure = Some(failure);
                    all(NOT_TRIED)
                }
            };
        }
        let mut outcomes = Vec::with_capacity(count);
        for created in store::create(self.ctx, new).await {
            outcomes.push(match created {
                Ok(user) => Ok(Some(user.id)),
                Err(Refusal::Database(failure)) => {
                    self.report.failure = Some(failure);
                    Err(IN_DOUBT.to_owned())
                }
                Err(_) => Err(EXISTS.to_owned()),
            });
        }
        outcomes
    }

    fn record(&mut self, line: usize, user_name: String, outcome: Result<Option<String>, String>) {
        let (status, id, detail) = match outcome {
            Ok(id) => ("created", id, None),
            Err(detail) => ("failed", None, Some(detail)),
        };
        *(if detail.is_none() { &mut self.report.created } else { &mut self.report.failed }) += 1;
        self.report.rows.push(Reported { line, user_name, status, id, detail });
    }
}
