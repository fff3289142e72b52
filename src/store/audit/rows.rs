//! Reading the audit: pages of it, newest first, and whether its chain still holds.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Row, Statement, Value};
use crate::store::audit::seal;

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
    /// When it happened.
    pub time: Millis,
    /// The batch that it records.
    pub operation: String,
    /// Who acted.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// On what.
    pub target: Option<String>,
    /// What came of it.
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
        let optional = |column: &str| Ok::<_, DatabaseError>(row.optional_text(column)?.map(str::to_owned));
        Ok(Self {
            tenant: row.integer("tenant")?.cast_unsigned(),
            number: row.integer("number")?,
            time: row.integer("time")?,
            operation: row.text("operation")?.to_owned(),
            actor: row.text("actor")?.to_owned(),
            action: row.text("action")?.to_owned(),
            target: optional("target")?,
            outcome: row.text("outcome")?.to_owned(),
            request_id: row.text("request_id")?.to_owned(),
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

/// Which rows are asked for.
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
    /// How many at most.
    pub count: u32,
}

/// A page, and the number below which the next one begins, if there may be one.
///
/// # Errors
/// The database's.
pub async fn page(ctx: &Context, query: &Query) -> Result<(Vec<Entry>, Option<i64>), DatabaseError> {
    let below = match query.below {
        Some(below) => below,
        None => newest(ctx).await?.saturating_add(1),
    };
    // A target has an index; with other filters, what is looked at is bounded, and the next page goes on from there.
    let least = if query.target.is_some() { 0 } else { (below - MAX_EXAMINED).max(0) };
    let sql = format!(
        "SELECT {COLUMNS} FROM audit row WHERE row.tenant = ?1 AND row.number < ?2 AND row.number >= ?3 {} \
         AND (?4 IS NULL OR row.action = ?4) AND (?6 IS NULL OR row.time >= ?6) AND (?7 IS NULL OR row.time < ?7) \
         ORDER BY row.number DESC LIMIT ?8",
        if query.target.is_some() { "AND row.target = ?5" } else { "AND ?5 IS NULL" },
    );
    let params = vec![
        ctx.tenant.key(),
        below.into(),
        least.into(),
        query.action.as_deref().into(),
        query.target.as_deref().into(),
        query.from.map_or(Value::Null, Value::Integer),
        query.to.map_or(Value::Null, Value::Integer),
        (query.count + 1).into(),
    ];
    let rows = ctx.platform.query(Statement::new(sql, params)).await?;
    let mut entries = rows.iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>()?;
    let more = entries.len() > query.count as usize;
    entries.truncate(query.count as usize);
    let next = match entries.last() {
        Some(last) if more => Some(last.number),
        // What is older than `from` is not looked for any further.
        _ => (least > 1).then_some(least),
    };
    Ok((entries, next))
}

/// The number of the newest row, 0 when there is none.
async fn newest(ctx: &Context) -> Result<i64, DatabaseError> {
    let statement = Statement::new(
        "SELECT COALESCE(MAX(number), 0) AS number FROM audit WHERE tenant = ?1",
        vec![ctx.tenant.key()],
    );
    ctx.platform.query(statement).await?.first().map_or(Ok(0), |row| row.integer("number"))
}

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The row's number.
    pub number: i64,
    /// `changed`: it or the row before is not what was sealed; `missing`: there is no row of this number; `unknown key`: its
    /// key has been retired, so that nobody can tell.
    pub problem: &'static str,
}

/// What checking a stretch of the chain came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing was wrong.
    pub intact: bool,
    /// The first number checked.
    pub from: i64,
    /// The last one; one less than `from` when there was nothing to check.
    pub to: i64,
    /// The first things that are wrong, at most 100.
    pub breaks: Vec<Break>,
    /// Whether there are sealed rows after `to`.
    pub more: bool,
}

/// Rows that one verification looks at.
const MAX_VERIFIED: u32 = 2_000;
/// Breaks that are told.
const MAX_BREAKS: usize = 100;

/// Checks the chain from a row on, or from its beginning.
///
/// # Errors
/// The database's.
pub async fn verify(ctx: &Context, from: Option<i64>) -> Result<Verification, DatabaseError> {
    let tenant = ctx.tenant.number();
    let sql = format!(
        "SELECT {COLUMNS} FROM audit row WHERE row.tenant = ?1 AND row.number >= ?2 ORDER BY row.number LIMIT ?3"
    );
    // The row before the first gives the seal to begin with.
    let least = from.map_or(0, |from| from.max(1) - 1);
    let batch = vec![
        Statement::new(sql, vec![ctx.tenant.key(), least.into(), (MAX_VERIFIED + 1).into()]),
        Statement::new("SELECT number, seal, kid, mac FROM audit_anchors WHERE tenant = ?1", vec![ctx.tenant.key()]),
    ];
    let outcomes = ctx.platform.db.batch(batch).await?;
    let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let entries = rows.iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>()?;
    let mut anchor = (0, String::new());
    let mut breaks = Vec::new();
    if let Some(row) = outcomes.get(1).and_then(|outcome| outcome.rows.first()) {
        let (number, seal) = (row.integer("number")?, row.text("seal")?);
        let mac = seal::anchor_mac(&ctx.deployment, row.text("kid")?, tenant, number, seal);
        if mac.as_deref() == Some(row.text("mac")?) {
            anchor = (number, seal.to_owned());
        } else {
            breaks.push(Break { number, problem: if mac.is_some() { "changed" } else { "unknown key" } });
        }
    }
    let start = least.max(anchor.0) + 1;
    let (mut expected, mut previous) = match entries.first() {
        Some(before) if before.number == start - 1 => (start, before.seal.clone().unwrap_or_default()),
        _ if start == anchor.0 + 1 => (start, anchor.1),
        _ => (start, String::new()),
    };
    let more = entries.len() > MAX_VERIFIED as usize;
    for entry in entries.iter().take(MAX_VERIFIED as usize).filter(|entry| entry.number >= start) {
        // The newest rows have no seal yet; the sweep puts it on within a minute.
        let (Some(stored), Some(kid)) = (&entry.seal, &entry.kid) else { break };
        breaks.extend((expected..entry.number).take(MAX_BREAKS).map(|number| Break { number, problem: "missing" }));
        match seal::seal_of(&ctx.deployment, kid, tenant, &previous, entry) {
            Some(seal) if seal == *stored => {}
            Some(_) => breaks.push(Break { number: entry.number, problem: "changed" }),
            None => breaks.push(Break { number: entry.number, problem: "unknown key" }),
        }
        previous.clone_from(stored);
        expected = entry.number + 1;
    }
    breaks.truncate(MAX_BREAKS);
    Ok(Verification { intact: breaks.is_empty(), from: start, to: expected - 1, breaks, more })
}
