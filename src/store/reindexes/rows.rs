//! What one step of a reindexing reads and writes of resources and their rows in the index tables.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value as Json, json};

use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Millis, Outcome, Platform, Row, Statement, Value};
use crate::store::keys::Entry;
use crate::store::reindexes::{ALL, Hold, Phase, Reindex};
use crate::store::resources::{COLUMNS, from_row};

/// The most resources that one step looks at.
pub const STEP: u32 = 500;
/// The most resources that one step of a check looks at: it reads less of them.
pub const CHECKED: u32 = 2_000;
/// The most rows of an index table that one step removes.
const CLEARED: u32 = 2_000;
/// The most bytes of documents that one step reads, unless one alone is larger.
const MAX_READ: u32 = 1_000_000;
/// The bytes of a list in a parameter, more or less: a statement takes two million.
const MAX_LIST: usize = 500_000;

/// The two index tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Values that filters find.
    ValueIndex,
    /// Values that must be unique.
    UniqueValues,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::ValueIndex => "value_index",
            Self::UniqueValues => "unique_values",
        }
    }
}

/// Removes rows of the attributes that go, save those that are kept, from the user store at hand. Answers whether none is
/// left, as far as whoever holds it may know.
///
/// # Errors
/// The database's.
pub fn clear(
    platform: &Platform,
    reindex: &Reindex,
    hold: &Hold,
    table: Table,
    kept: &[String],
) -> Result<bool, DatabaseError> {
    let every = reindex.attributes.iter().any(|attribute| attribute == ALL);
    let gone: Vec<&String> = reindex.attributes.iter().filter(|attribute| !kept.contains(attribute)).collect();
    if gone.is_empty() {
        return Ok(true);
    }
    let name = table.name();
    let (found, goes) = if every {
        (
            format!(
                "{name} v WHERE v.tenant = ?1 AND v.type = ?2 AND v.attribute NOT IN (SELECT value FROM json_each(?3))"
            ),
            "NOT IN",
        )
    } else {
        (
            format!("json_each(?3) a CROSS JOIN {name} v ON v.tenant = ?1 AND v.type = ?2 AND v.attribute = a.value"),
            "IN",
        )
    };
    let list = if every { json!(kept) } else { json!(gone) };
    // The attribute is not looked up in the index: a resource has fewer rows than there may be attributes.
    let sql = format!(
        "DELETE FROM {name} INDEXED BY {name}_resource WHERE tenant = ?1 AND id IN (SELECT v.id FROM {found} LIMIT {CLEARED}) \
         AND type = ?2 AND +attribute {goes} (SELECT value FROM json_each(?3)) AND IN_FORCE RETURNING 1 AS gone"
    );
    let mut batch = vec![hold.statement(&sql, reindex, list.to_string())];
    batch.extend(hold.leave_mark(reindex));
    let outcomes = platform.db.batch(batch)?;
    let gone = outcomes.first().map_or(0, |outcome| outcome.rows.len());
    Ok(is_held(&outcomes, 1) && gone < CLEARED as usize)
}

/// Whether a mark was left, where one was to be after so many statements.
fn is_held(outcomes: &[Outcome], statements: usize) -> bool {
    outcomes.iter().skip(statements).all(|outcome| !outcome.rows.is_empty())
}

fn tenant(reindex: &Reindex) -> Value {
    Value::Integer(reindex.tenant.cast_signed())
}

/// Resources in the order in which they are looked at.
#[derive(Debug)]
pub struct Looked<T> {
    /// Each with its place, and what was asked for where it has values of the schemas.
    pub resources: Vec<((Millis, String), Option<T>)>,
    /// Whether these are the last.
    pub last: bool,
}

/// A resource with its rows as they are.
#[derive(Debug)]
pub struct Stored {
    /// The resource.
    pub resource: Resource,
    /// Its keys.
    pub keys: Json,
    /// Its rows in the value index.
    pub indexed: BTreeSet<Entry>,
    /// Its rows among the unique values.
    pub unique: BTreeSet<Entry>,
}

/// The resources after the place that the last step reached, at most `limit`, each with its rows where it has values at one
/// of these paths, or rows of the attributes that are being indexed: those whose value an isolate has dropped, or kept, by
/// a former schema may have rows and no value.
///
/// # Errors
/// The database's.
pub fn look(
    platform: &Platform,
    reindex: &Reindex,
    paths: &[String],
    limit: u32,
) -> Result<Looked<Stored>, DatabaseError> {
    let rows_of = |table: &str| {
        format!(
            "(SELECT json_group_array(json_array(v.attribute, v.key)) FROM {table} v INDEXED BY {table}_resource \
             WHERE v.tenant = ?1 AND v.id = r.id)"
        )
    };
    let sql = format!(
        "SELECT n.place_time, n.place_id, n.holds, n.scanned, {COLUMNS}, r.keys, {} AS indexed, {} AS uniques \
         FROM ({}) n LEFT JOIN resources r ON r.tenant = ?1 AND r.id = n.place_id AND n.holds \
         WHERE n.bytes_before < {MAX_READ} ORDER BY n.place_time, n.place_id",
        rows_of("value_index"),
        rows_of("unique_values"),
        window(reindex.phase, &format!("{HAS_VALUES} OR {HAS_ROWS}"), "length(r.document)", "NULL"),
    );
    let attributes = json!(reindex.attributes).to_string().into();
    let params = window_params(reindex, paths, limit).into_iter().chain([attributes]).collect();
    let rows = platform.query(Statement::new(sql, params))?;
    looked(&rows, limit, |row| {
        let list = |column: &str| -> Result<BTreeSet<Entry>, DatabaseError> {
            serde_json::from_str(row.read_text(column)?).map_err(|_| DatabaseError::Shape(column.to_owned()))
        };
        Ok(Stored {
            resource: from_row(row)?,
            keys: serde_json::from_str(row.read_text("keys")?).unwrap_or_default(),
            indexed: list("indexed")?,
            unique: list("uniques")?,
        })
    })
}

/// A part of a resource's document, for a check.
#[derive(Debug)]
pub struct Part {
    /// The resource's version.
    pub version: i64,
    /// The document, with these paths alone.
    pub document: Json,
}

/// The same with nothing but the part of the document that is at these paths: `$`, or members of it.
///
/// # Errors
/// The database's.
pub fn look_at_parts(platform: &Platform, reindex: &Reindex, paths: &[String]) -> Result<Looked<Part>, DatabaseError> {
    let part = if paths.iter().any(|path| path == "$") {
        "r.document"
    } else {
        "(SELECT json_group_object(substr(s.value, 4, length(s.value) - 4), json_extract(r.document, s.value)) FROM json_each(?6) s)"
    };
    let sql = format!(
        "SELECT n.* FROM ({}) n WHERE n.bytes_before < {MAX_READ} ORDER BY n.place_time, n.place_id",
        window(reindex.phase, HAS_VALUES, &format!("length({part})"), part)
    );
    let rows = platform.query(Statement::new(sql, window_params(reindex, paths, CHECKED)))?;
    looked(&rows, CHECKED, |row| {
        let document = serde_json::from_str(row.read_text("part")?).unwrap_or_default();
        Ok(Part { version: row.read_integer("version")?, document })
    })
}

/// Whether a resource has values at one of the paths of `?6`.
const HAS_VALUES: &str = "EXISTS (SELECT 1 FROM json_each(?6) s WHERE json_type(r.document, s.value) IS NOT NULL \
     OR json_type(r.keys, s.value) IS NOT NULL)";
/// Whether it has rows of the attributes of `?7`.
const HAS_ROWS: &str = "EXISTS (SELECT 1 FROM (SELECT attribute FROM value_index INDEXED BY value_index_resource \
     WHERE tenant = ?1 AND id = r.id UNION ALL SELECT attribute FROM unique_values INDEXED BY unique_values_resource \
     WHERE tenant = ?1 AND id = r.id) v WHERE v.attribute IN (SELECT value FROM json_each(?7)))";

/// The places of the next resources, with the bytes of those before that hold something.
fn window(phase: Phase, holds: &str, bytes: &str, part: &str) -> String {
    let (column, index) = match phase {
        Phase::Settling => ("modified", "resources_modified"),
        _ => ("created", "resources_created"),
    };
    format!(
        "SELECT p.*, COUNT(*) OVER () AS scanned, \
         SUM(p.bytes) OVER (ORDER BY p.place_time, p.place_id) - p.bytes AS bytes_before \
         FROM (SELECT q.*, CASE WHEN q.holds THEN q.all_bytes ELSE 0 END AS bytes FROM (\
         SELECT r.{column} AS place_time, r.id AS place_id, r.version AS version, ({holds}) AS holds, {bytes} AS all_bytes, \
         {part} AS part FROM resources r INDEXED BY {index} WHERE r.tenant = ?1 AND r.type = ?2 \
         AND (r.{column}, r.id) > (?3, ?4) ORDER BY r.{column}, r.id LIMIT ?5) q) p"
    )
}

fn window_params(reindex: &Reindex, paths: &[String], limit: u32) -> Vec<Value> {
    let (time, id) = match (&reindex.after, reindex.phase) {
        (Some((time, id)), _) => (*time, id.as_str()),
        (None, Phase::Settling) => (reindex.started - 1, ""),
        (None, _) => (-1, ""),
    };
    vec![
        tenant(reindex),
        reindex.type_name.as_str().into(),
        time.into(),
        id.into(),
        limit.into(),
        json!(paths).to_string().into(),
    ]
}

fn looked<T>(
    rows: &[Row],
    limit: u32,
    read: impl Fn(&Row) -> Result<T, DatabaseError>,
) -> Result<Looked<T>, DatabaseError> {
    let mut resources = Vec::with_capacity(rows.len());
    let mut scanned = 0;
    for row in rows {
        scanned = row.read_integer("scanned")?;
        let place = (row.read_integer("place_time")?, row.read_text("place_id")?.to_owned());
        let holds = row.read_integer("holds")? != 0;
        resources.push((place, if holds { Some(read(row)?) } else { None }));
    }
    let all = usize::try_from(scanned).is_ok_and(|scanned| scanned == resources.len());
    let last = all && scanned < i64::from(limit);
    Ok(Looked { resources, last })
}

/// What becomes of one resource: written where it still has the version that was read.
#[derive(Debug)]
pub struct Correction {
    /// Its id.
    pub id: String,
    /// The version that was read.
    pub version: i64,
    /// Its keys, if they are others.
    pub keys: Option<Json>,
    /// The tables from which all its rows go first.
    pub emptied: Vec<Table>,
    /// Rows to be added, by table.
    pub missing: Vec<(Table, Entry)>,
}

/// Writes corrections of resources in the user store at hand, and answers the ids of those that still had their version;
/// none where the hold is lost.
///
/// # Errors
/// The database's.
pub fn correct(
    platform: &Platform,
    reindex: &Reindex,
    hold: &Hold,
    corrections: &[Correction],
) -> Result<HashSet<String>, DatabaseError> {
    let writer = Writer { reindex, hold };
    let named: Vec<Json> = corrections.iter().map(|found| json!([found.id, found.version])).collect();
    let mut batch: Vec<Statement> = lists(named).map(|list| writer.versions(list)).collect();
    let versions = batch.len();
    let keys = corrections
        .iter()
        .filter_map(|found| Some(json!([found.id, found.version, found.keys.as_ref()?.to_string()])))
        .collect();
    batch.extend(lists(keys).map(|list| writer.keys(list)));
    for table in [Table::ValueIndex, Table::UniqueValues] {
        let emptied = corrections.iter().filter(|found| found.emptied.contains(&table));
        let emptied = emptied.map(|found| json!([found.id, found.version])).collect();
        batch.extend(lists(emptied).map(|list| writer.remove(table, list)));
        let missing = corrections.iter().flat_map(|found| found.missing.iter().map(move |entry| (found, entry)));
        let missing = missing.filter(|(_, (of, _))| *of == table);
        let missing =
            missing.map(|(found, (_, (attribute, key)))| json!([found.id, found.version, attribute, key])).collect();
        batch.extend(lists(missing).map(|list| writer.add(table, list)));
    }
    batch.extend(hold.leave_mark(reindex));
    let outcomes = platform.db.batch(batch)?;
    let rows = outcomes.iter().take(versions).flat_map(|outcome| &outcome.rows);
    rows.map(|row| row.read_text("id").map(str::to_owned)).collect()
}

/// Writes values that must be unique of resources that still have these versions, in the user store at hand. Answers pairs of
/// resources that have one value: who has it, and who does not get it; `None` where the hold is lost.
///
/// # Errors
/// The database's.
pub fn claim(
    platform: &Platform,
    reindex: &Reindex,
    hold: &Hold,
    claims: &[(String, i64, Entry)],
) -> Result<Option<Vec<(String, String)>>, DatabaseError> {
    let writer = Writer { reindex, hold };
    let rows = claims.iter().map(|(id, version, (attribute, key))| json!([id, version, attribute, key])).collect();
    let mut batch = Vec::new();
    for list in lists(rows) {
        batch.push(writer.add(Table::UniqueValues, list.clone()));
        batch.push(writer.conflicts(list));
    }
    if batch.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let claimed = batch.len();
    batch.extend(hold.leave_mark(reindex));
    let outcomes = platform.db.batch(batch)?;
    if !is_held(&outcomes, claimed) {
        return Ok(None);
    }
    let rows = outcomes.iter().take(claimed).skip(1).step_by(2).flat_map(|outcome| &outcome.rows);
    rows.map(|row| Ok((row.read_text("holder")?.to_owned(), row.read_text("id")?.to_owned())))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Rows in lists that a parameter takes.
fn lists(rows: Vec<Json>) -> impl Iterator<Item = String> {
    let mut lists: Vec<Vec<String>> = Vec::new();
    let mut size = MAX_LIST;
    for row in rows.into_iter().map(|row| row.to_string()) {
        if size + row.len() > MAX_LIST {
            lists.push(Vec::new());
            size = 0;
        }
        size += row.len();
        if let Some(list) = lists.last_mut() {
            list.push(row);
        }
    }
    lists.into_iter().map(|rows| format!("[{}]", rows.join(",")))
}

/// The statements that write, each for a list of resources with the versions that were read.
struct Writer<'a> {
    reindex: &'a Reindex,
    hold: &'a Hold,
}

/// The resources of a list that still have their versions.
const OF_VERSION: &str =
    "json_each(?3) e CROSS JOIN resources r ON r.tenant = ?1 AND r.id = e.value ->> 0 AND r.version = e.value ->> 1";
impl Writer<'_> {
    fn statement(&self, sql: String, list: String) -> Statement {
        self.hold.statement(&sql, self.reindex, list)
    }

    fn versions(&self, list: String) -> Statement {
        self.statement(format!("SELECT r.id FROM {OF_VERSION} WHERE IN_FORCE"), list)
    }

    fn keys(&self, list: String) -> Statement {
        // Left alone, SQLite's planner would look through the resources.
        let sql = format!(
            "WITH n AS MATERIALIZED (SELECT r.rowid AS place, e.value ->> 2 AS keys FROM {OF_VERSION} WHERE IN_FORCE) \
             UPDATE resources SET keys = n.keys FROM n WHERE resources.rowid = n.place"
        );
        self.statement(sql, list)
    }

    fn remove(&self, table: Table, list: String) -> Statement {
        let sql = format!(
            "DELETE FROM {} WHERE tenant = ?1 AND id IN (SELECT r.id FROM {OF_VERSION} WHERE IN_FORCE)",
            table.name()
        );
        self.statement(sql, list)
    }

    fn add(&self, table: Table, list: String) -> Statement {
        let sql = format!(
            "INSERT INTO {} (tenant, type, attribute, key, id) SELECT ?1, ?2, e.value ->> 2, e.value ->> 3, r.id \
             FROM {OF_VERSION} WHERE IN_FORCE ON CONFLICT DO NOTHING",
            table.name()
        );
        self.statement(sql, list)
    }

    fn conflicts(&self, list: String) -> Statement {
        let sql = format!(
            "SELECT v.id AS holder, r.id FROM {OF_VERSION} CROSS JOIN unique_values v ON v.tenant = ?1 AND v.type = ?2 \
             AND v.attribute = e.value ->> 2 AND v.key = e.value ->> 3 WHERE v.id <> r.id AND IN_FORCE LIMIT 10"
        );
        self.statement(sql, list)
    }
}
