//! Reading the audit: pages of it, newest first, and stretches of its chain.

use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Row, Statement, Value};

/// The columns of [`Entry::from_row`].
pub const COLUMNS: &str = "row.tenant, row.number, row.time, row.operation, row.actor, row.action, row.target, row.outcome, \
    row.request_id, row.address, row.kid, row.seal";

/// Rows that a filter without an index looks at for one page.
const MAX_EXAMINED: i64 = 10_000;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tenant's number.
    pub tenant: u64,
    /// Its number in the tenant, from 1 without gaps.
    pub number: i64,
    /// The time it happened.
    pub time: Millis,
    /// The batch that it records.
    pub operation: String,
    /// The actor.
    pub actor: String,
    /// The name of the action.
    pub action: String,
    /// The target of the action.
    pub target: Option<String>,
    /// The outcome of the action.
    pub outcome: String,
    /// The request, as the log names it.
    pub request_id: String,
    /// The client's address.
    pub address: Option<String>,
    /// The key of its seal.
    pub kid: Option<String>,
    /// Its seal.
    pub seal: Option<String>,
}

impl Entry {
    /// Reads a row of [`COLUMNS`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let optional = |column: &str| Ok::<_, DatabaseError>(row.read_optional_text(column)?.map(str::to_owned));
        Ok(Self {
            tenant: row.read_integer("tenant")?.cast_unsigned(),
            number: row.read_integer("number")?,
            time: row.read_integer("time")?,
            operation: row.read_text("operation")?.to_owned(),
            actor: row.read_text("actor")?.to_owned(),
            action: row.read_text("action")?.to_owned(),
            target: optional("target")?,
            outcome: row.read_text("outcome")?.to_owned(),
            request_id: row.read_text("request_id")?.to_owned(),
            address: optional("address")?,
            kid: optional("kid")?,
            seal: optional("seal")?,
        })
    }

    /// As `/api/audit` shows it (DESIGN 2.5).
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "id": self.number.to_string(),
            "time": rfc3339(self.time),
            "actor": self.actor,
            "action": self.action,
            "target": self.target,
            "outcome": self.outcome,
            "requestId": self.request_id,
            "address": self.address,
            "seal": self.seal,
        })
    }
}

/// The rows to read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// This action alone.
    pub action: Option<String>,
    /// This target alone: a user's id, for one.
    pub target: Option<String>,
    /// From this time on.
    pub from: Option<Millis>,
    /// Before this time.
    pub to: Option<Millis>,
    /// Below this number: where the page before ended.
    pub below: Option<i64>,
    /// The most rows to return.
    pub count: u32,
}

/// A page, and the number below which the next one begins, if there may be one.
///
/// # Errors
/// The database's.
pub fn page(ctx: &StoreContext, query: &Query) -> Result<(Vec<Entry>, Option<i64>), DatabaseError> {
    // A target has an index; with other filters, what is looked at is bounded, and the next page goes on from there.
    let examined = if query.target.is_some() { (1 << 53) - 1 } else { MAX_EXAMINED };
    let newest = "COALESCE((SELECT MAX(number) FROM audit WHERE tenant = ?1), 0)";
    let below = format!("COALESCE(?2, {newest} + 1)");
    let sql = format!(
        "SELECT {COLUMNS} FROM audit row WHERE row.tenant = ?1 AND row.number < {below} AND row.number >= {below} - ?3 {} \
         AND (?4 IS NULL OR row.action = ?4) AND (?6 IS NULL OR row.time >= ?6) AND (?7 IS NULL OR row.time < ?7) \
         ORDER BY row.number DESC LIMIT ?8",
        if query.target.is_some() { "AND row.target = ?5" } else { "AND ?5 IS NULL" },
    );
    let params = vec![
        ctx.tenant.key(),
        query.below.into(),
        examined.into(),
        query.action.as_deref().into(),
        query.target.as_deref().into(),
        query.from.map_or(Value::Null, Value::Integer),
        query.to.map_or(Value::Null, Value::Integer),
        (query.count + 1).into(),
    ];
    let newest = Statement::new(format!("SELECT {newest} AS number"), vec![ctx.tenant.key()]);
    let outcomes = ctx.platform.db.batch(vec![newest, Statement::new(sql, params)])?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let newest = rows(0).first().map_or(Ok(0), |row| row.read_integer("number"))?;
    let least = (query.below.unwrap_or(newest + 1) - examined).max(0);
    let mut entries = rows(1).iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>()?;
    let more = entries.len() > query.count as usize;
    entries.truncate(query.count as usize);
    let next = match entries.last() {
        Some(last) if more => Some(last.number),
        // What is older than `from` is not looked for any further.
        _ => (least > 1).then_some(least),
    };
    Ok((entries, next))
}

/// The number and the seal of a row, under a MAC of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The row's number.
    pub number: i64,
    /// Its seal.
    pub seal: String,
    /// The key of the MAC.
    pub kid: String,
    /// The MAC of both.
    pub mac: String,
}

impl Mark {
    /// Reads a row of `number, seal, kid, mac`.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            number: row.read_integer("number")?,
            seal: row.read_text("seal")?.to_owned(),
            kid: row.read_text("kid")?.to_owned(),
            mac: row.read_text("mac")?.to_owned(),
        })
    }
}

/// The rows that a verification reads.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The least number.
    pub least: i64,
    /// The most rows.
    pub count: u32,
    /// A row without a seal is wanted besides that is from before this time,
    pub unsealed_before: Millis,
    /// or says that it is from after this one.
    pub unsealed_after: Millis,
    /// The numbers of rows that are wanted besides.
    pub remembered: &'a [i64],
}

/// What a verification looks at.
pub struct Stretch {
    /// Rows from a number on, in their order.
    pub entries: Vec<Entry>,
    /// The newest row that was removed.
    pub anchor: Option<Mark>,
    /// The head.
    pub head: Option<Mark>,
    /// The first rows that have no seal though they had one or should have.
    pub unsealed: Vec<Entry>,
    /// The rows that were wanted besides, and the head's.
    pub remembered: Vec<Entry>,
}

/// Rows without a seal that a verification reads at most.
const MAX_UNSEALED: u32 = 100;

/// Reads what a verification looks at.
///
/// # Errors
/// The database's.
pub fn stretch(ctx: &StoreContext, wanted: &Wanted<'_>) -> Result<Stretch, DatabaseError> {
    let Wanted { least, count, unsealed_before, unsealed_after, remembered } = *wanted;
    let tenant = ctx.tenant.key();
    let select = format!("SELECT {COLUMNS} FROM audit row");
    let batch = vec![
        Statement::new(
            format!("{select} WHERE row.tenant = ?1 AND row.number >= ?2 ORDER BY row.number LIMIT ?3"),
            vec![tenant.clone(), least.into(), count.into()],
        ),
        Statement::new("SELECT number, seal, kid, mac FROM audit_anchors WHERE tenant = ?1", vec![tenant.clone()]),
        Statement::new("SELECT number, seal, kid, mac FROM audit_heads WHERE tenant = ?1", vec![tenant.clone()]),
        Statement::new(
            format!(
                "{select} INDEXED BY audit_unsealed WHERE row.tenant = ?1 AND row.seal IS NULL AND \
                 (row.number <= COALESCE((SELECT h.number FROM audit_heads h WHERE h.tenant = ?1), 0) \
                 OR row.time < ?2 OR row.time > ?3) ORDER BY row.number LIMIT ?4"
            ),
            vec![tenant.clone(), unsealed_before.into(), unsealed_after.into(), MAX_UNSEALED.into()],
        ),
        Statement::new(
            format!(
                "SELECT {COLUMNS} FROM (SELECT value FROM json_each(?2) \
                 UNION SELECT h.number FROM audit_heads h WHERE h.tenant = ?1) j \
                 CROSS JOIN audit row ON row.tenant = ?1 AND row.number = j.value"
            ),
            vec![tenant, json!(remembered).to_string().into()],
        ),
    ];
    let outcomes = ctx.platform.db.batch(batch)?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let entries = |index: usize| rows(index).iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>();
    Ok(Stretch {
        entries: entries(0)?,
        anchor: rows(1).first().map(Mark::from_row).transpose()?,
        head: rows(2).first().map(Mark::from_row).transpose()?,
        unsealed: entries(3)?,
        remembered: entries(4)?,
    })
}
