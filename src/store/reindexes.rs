//! What a change of a tenant's schemas still has to do to stored resources: a row in `reindexes` for each resource type.
//! `rows` has what one step of it reads and writes.
//!
//! A row belongs to the step that read it: each writes its own operation over the one it found, so that of two only the
//! first moves it on. What a step does to resources may be done twice.

pub mod rows;

use serde_json::json;

use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement, Value};

/// The reindexing of a resource type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindex {
    /// The tenant's number.
    pub tenant: u64,
    /// The resource type's name.
    pub type_name: String,
    /// The URNs whose values are being indexed; none after a removal.
    pub schemas: Vec<String>,
    /// The paths whose rows go first; [`ALL`] for all of the type's.
    pub attributes: Vec<String>,
    /// How far it is.
    pub phase: Phase,
    /// The user store at hand; `None` for PRIMARY.
    pub store: Option<u16>,
    /// When the last resource that was looked at there was created (when settling: changed), and its id.
    pub after: Option<(Millis, String)>,
    /// How many resources were looked at.
    pub done: u64,
    /// How many there were when it began.
    pub total: u64,
    /// When it began.
    pub started: Millis,
    /// When the sweep takes it up.
    pub due: Millis,
    /// The operation of the step that wrote last.
    pub operation: String,
}

/// What stands for all attributes.
pub const ALL: &str = "*";

/// The phases of a reindexing, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A schema is about to be registered, and its values that must be unique are being written. If nobody has gone on
    /// when it is due, whoever began it never will.
    Checking,
    /// Rows of attributes are removed.
    Clearing,
    /// The resources are looked at, in the order of their creation.
    Walking,
    /// All is done; what isolates that did not know of the change have written meanwhile is yet to be looked at.
    Settling,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Checking, Self::Clearing, Self::Walking, Self::Settling];

    fn as_str(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Clearing => "clearing",
            Self::Walking => "walking",
            Self::Settling => "settling",
        }
    }
}

impl Reindex {
    /// Whether the indexes have only some of its schemas' values.
    #[must_use]
    pub fn hides_indexes(&self) -> bool {
        self.phase != Phase::Settling && !self.schemas.is_empty()
    }

    /// Whether there is something to do for it now.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Clearing | Phase::Walking)
    }

    /// A row of [`of_tenant`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let shape = |column: &str| DatabaseError::Shape(column.to_owned());
        let list =
            |column: &str| serde_json::from_str::<Vec<String>>(row.read_text(column)?).map_err(|_| shape(column));
        let count = |column: &str| row.read_integer(column).map(|count| u64::try_from(count).unwrap_or_default());
        let phase = row.read_text("phase")?;
        let after_id = row.read_optional_text("after_id")?;
        Ok(Self {
            tenant: count("tenant")?,
            type_name: row.read_text("type")?.to_owned(),
            schemas: list("schemas")?,
            attributes: list("attributes")?,
            phase: Phase::ALL.into_iter().find(|known| known.as_str() == phase).ok_or_else(|| shape("phase"))?,
            store: u16::try_from(row.read_integer("store")?).ok().filter(|number| *number > 0),
            after: row.read_optional_integer("after_time")?.zip(after_id.map(str::to_owned)),
            done: count("done")?,
            total: count("total")?,
            started: row.read_integer("started")?,
            due: row.read_integer("due")?,
            operation: row.read_text("operation")?.to_owned(),
        })
    }

    /// The columns after `tenant` and `type`, in the order of [`COLUMNS`].
    fn columns(&self) -> [Value; 10] {
        [
            json!(self.schemas).to_string().into(),
            json!(self.attributes).to_string().into(),
            self.phase.as_str().into(),
            u32::from(self.store.unwrap_or_default()).into(),
            self.after.as_ref().map(|(time, _)| *time).into(),
            self.after.as_ref().map(|(_, id)| id.as_str()).into(),
            number(self.done),
            number(self.total),
            self.started.into(),
            self.due.into(),
        ]
    }

    fn key(&self) -> [Value; 2] {
        [number(self.tenant), self.type_name.as_str().into()]
    }
}

fn number(value: u64) -> Value {
    Value::Integer(value.cast_signed())
}

const COLUMNS: &str = "schemas, attributes, phase, store, after_time, after_id, done, total, started, due";

/// The statement that reads a tenant's rows.
#[must_use]
pub fn of_tenant(tenant: u64) -> Statement {
    let sql = format!("SELECT tenant, type, {COLUMNS}, operation FROM reindexes WHERE tenant = ?1 ORDER BY type");
    Statement::new(sql, vec![number(tenant)])
}

/// The rows that are due, of all tenants: those that have waited longest, at most so many.
///
/// # Errors
/// The database's.
pub fn due(platform: &Platform, limit: u32) -> Result<Vec<Reindex>, DatabaseError> {
    let sql = format!(
        "SELECT tenant, type, {COLUMNS}, operation FROM reindexes INDEXED BY reindexes_due WHERE due <= ?1 ORDER BY due LIMIT ?2"
    );
    let statement = Statement::new(sql, vec![platform.clock.now().into(), limit.into()]);
    platform.query(statement)?.iter().map(Reindex::from_row).collect()
}

/// `ATTRIBUTES` is what becomes of those.
const UPSERT: &str = "ON CONFLICT (tenant, type) DO UPDATE SET (schemas, attributes, phase, store, after_time, after_id, done, \
    total, started, due, operation) = (excluded.schemas, ATTRIBUTES, excluded.phase, excluded.store, \
    excluded.after_time, excluded.after_id, excluded.done, excluded.total, excluded.started, excluded.due, excluded.operation)";

fn upsert(reindex: &Reindex, operation: &str, attributes: &str, condition: &str, only_over: &str) -> Statement {
    let params = reindex.key().into_iter().chain(reindex.columns()).chain([operation.into()]);
    let update = UPSERT.replace("ATTRIBUTES", attributes);
    Statement::new(
        format!(
            "INSERT INTO reindexes (tenant, type, {COLUMNS}, operation) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE {condition} {update} {only_over}"
        ),
        params.collect(),
    )
}

/// The statement that starts a reindexing anew, where `operation` has changed the tenant's registrations.
#[must_use]
pub fn start(reindex: &Reindex, operation: &str) -> Statement {
    // Whoever checks another registration meanwhile may have written rows, which are left to be removed.
    let attributes = "(SELECT json_group_array(value) FROM (SELECT value FROM json_each(excluded.attributes) \
        UNION SELECT value FROM json_each(reindexes.attributes)))";
    let condition = "EXISTS (SELECT 1 FROM audit WHERE tenant = ?1 AND operation = ?13)";
    upsert(reindex, operation, attributes, condition, "")
}

/// Takes a resource type for the check of a registration, which has read what there is to do for it before, if anything.
/// Answers whether that is still so.
///
/// # Errors
/// The database's.
pub fn take(ctx: &Context, before: Option<&Reindex>, reindex: &Reindex) -> Result<bool, DatabaseError> {
    let still = "WHERE reindexes.operation = ?14 RETURNING type";
    let mut statement = upsert(reindex, &reindex.operation, "excluded.attributes", "?14 IS ?14", still);
    statement.params.push(before.map(|before| before.operation.as_str()).into());
    Ok(!ctx.platform.query(statement)?.is_empty())
}

/// A step's hold on the rows of its type in the database at hand: whoever has lost it writes nothing there.
///
/// At PRIMARY it lasts while the step is the one that `reindexes` has. Another store's database knows nothing of steps: there,
/// whoever writes leaves a mark, and the hold lasts while nobody has left another since it was taken.
#[derive(Debug)]
pub struct Hold {
    /// The operation, or the last mark, when it was taken; empty if there was none.
    was: String,
    /// The operation, or the mark that is left.
    mark: String,
    at_primary: bool,
}

const OPERATION: &str = "SELECT operation AS last FROM reindexes WHERE tenant = ?1 AND type = ?2";
const MARK: &str = "SELECT mark AS last FROM reindex_marks WHERE tenant = ?1 AND type = ?2";

/// Takes hold for a step; `None` where it has been overtaken.
///
/// # Errors
/// The database's.
pub fn hold(platform: &Platform, reindex: &Reindex) -> Result<Option<Hold>, DatabaseError> {
    let operation = reindex.operation.as_str();
    if platform.store.is_none() {
        return Ok(Some(Hold { was: operation.to_owned(), mark: operation.to_owned(), at_primary: true }));
    }
    // The mark first: whoever leaves one has been seen to be PRIMARY's before.
    let was = last(platform, reindex, MARK)?;
    let current = last(&platform.in_store(None), reindex, OPERATION)?;
    Ok((current == operation).then(|| Hold { was, mark: platform.new_id().to_string(), at_primary: false }))
}

fn last(platform: &Platform, reindex: &Reindex, sql: &'static str) -> Result<String, DatabaseError> {
    let rows = platform.query(Statement::new(sql, reindex.key().into()))?;
    rows.first().map_or(Ok(String::new()), |row| row.read_text("last").map(str::to_owned))
}

impl Hold {
    /// A statement that finds `IN_FORCE` in `sql`, with a list as `?3`.
    fn statement(&self, sql: &str, reindex: &Reindex, list: String) -> Statement {
        let last = if self.at_primary { OPERATION } else { MARK };
        let condition = format!("COALESCE(({last}), '') IN (?4, ?5)");
        let mut params = reindex.key().to_vec();
        params.extend([list.into(), self.was.as_str().into(), self.mark.as_str().into()]);
        Statement::new(sql.replace("IN_FORCE", &condition), params)
    }

    /// What comes last in a batch that writes in another store.
    fn leave_mark(&self, reindex: &Reindex) -> Option<Statement> {
        let sql = "INSERT INTO reindex_marks (tenant, type, mark) SELECT ?1, ?2, ?5 WHERE IN_FORCE AND ?3 IS NOT NULL \
            ON CONFLICT (tenant, type) DO UPDATE SET mark = excluded.mark RETURNING type";
        (!self.at_primary).then(|| self.statement(sql, reindex, String::new()))
    }
}

/// Writes the state after a step, or removes the row after the last one, if it is still the one that the step has read.
/// Answers whether it was.
///
/// # Errors
/// The database's.
pub fn advance(platform: &Platform, before: &Reindex, after: Option<&Reindex>) -> Result<bool, DatabaseError> {
    let statement = match after {
        None => Statement::new(
            "DELETE FROM reindexes WHERE tenant = ?1 AND type = ?2 AND operation = ?3 RETURNING type",
            before.key().into_iter().chain([before.operation.as_str().into()]).collect(),
        ),
        Some(after) => Statement::new(
            format!(
                "UPDATE reindexes SET ({COLUMNS}, operation) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 WHERE tenant = ?1 AND type = ?2 AND operation = ?14 RETURNING type"
            ),
            after
                .key()
                .into_iter()
                .chain(after.columns())
                .chain([after.operation.as_str().into(), before.operation.as_str().into()])
                .collect(),
        ),
    };
    Ok(!platform.in_store(None).query(statement)?.is_empty())
}

/// How many resources of a type there are in the user store at hand.
///
/// # Errors
/// The database's.
pub fn count(platform: &Platform, tenant: u64, type_name: &str) -> Result<u64, DatabaseError> {
    let statement = Statement::new(
        "SELECT total FROM counters WHERE tenant = ?1 AND type = ?2",
        vec![number(tenant), type_name.into()],
    );
    let rows = platform.query(statement)?;
    let total = rows.first().map(|row| row.read_integer("total")).transpose()?;
    Ok(total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default())
}
