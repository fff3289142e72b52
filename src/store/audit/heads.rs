//! The heads of the tenants' audits, as SQL.

use serde_json::{Value as Json, json};

use crate::model::context::UnitOfWork;
use crate::ports::{DatabaseError, Outcome, Platform, Row, Statement};
use crate::store::audit::rows::{COLUMNS, Entry, Mark};

/// Returns what a statement of a batch answered.
pub(super) fn rows(outcomes: &[Outcome], index: usize) -> &[Row] {
    outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default()
}

/// A row without a seal, and the head of its tenant.
pub struct Unsealed {
    /// The row.
    pub entry: Entry,
    /// The head.
    pub head: Option<Mark>,
}

/// The next rows without a seal, and heads whose copy is older than they are.
pub struct Waiting {
    /// Rows, by tenant and number.
    pub rows: Vec<Unsealed>,
    /// Heads, by tenant.
    pub uncopied: Vec<(u64, Mark)>,
}

/// Returns at most `count` rows without a seal that stand behind this number of this tenant, in the order of tenants and
/// numbers, and at most `uncopied` heads without a copy.
///
/// # Errors
/// The database's.
pub fn waiting(
    platform: &Platform,
    (tenant, number): (i64, i64),
    count: u32,
    uncopied: u32,
) -> Result<Waiting, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, h.number AS head_number, h.seal AS head_seal, h.kid AS head_kid, h.mac AS head_mac \
         FROM audit row INDEXED BY audit_unsealed LEFT JOIN audit_heads h ON h.tenant = row.tenant \
         WHERE row.seal IS NULL AND (row.tenant, row.number) > (?1, ?2) ORDER BY row.tenant, row.number LIMIT ?3"
    );
    let batch = vec![
        Statement::new(sql, vec![tenant.into(), number.into(), count.into()]),
        Statement::new(
            "SELECT h.tenant, h.number, h.seal, h.kid, h.mac FROM audit_heads h INDEXED BY audit_heads_uncopied \
             WHERE h.copied < h.number ORDER BY h.tenant LIMIT ?1",
            vec![uncopied.into()],
        ),
    ];
    let outcomes = platform.db.batch(batch)?;
    let unsealed = |row: &Row| {
        let head = match row.read_optional_integer("head_number")? {
            None => None,
            Some(number) => Some(Mark {
                number,
                seal: row.read_text("head_seal")?.to_owned(),
                kid: row.read_text("head_kid")?.to_owned(),
                mac: row.read_text("head_mac")?.to_owned(),
            }),
        };
        Ok::<_, DatabaseError>(Unsealed { entry: Entry::from_row(row)?, head })
    };
    let uncopied = |row: &Row| Ok::<_, DatabaseError>((tenant_of(row)?, Mark::from_row(row)?));
    Ok(Waiting {
        rows: rows(&outcomes, 0).iter().map(unsealed).collect::<Result<_, _>>()?,
        uncopied: rows(&outcomes, 1).iter().map(uncopied).collect::<Result<_, _>>()?,
    })
}

fn tenant_of(row: &Row) -> Result<u64, DatabaseError> {
    Ok(row.read_integer("tenant")?.cast_unsigned())
}

/// Returns the heads of these tenants.
///
/// # Errors
/// The database's.
pub fn of_tenants(platform: &Platform, tenants: &[u64]) -> Result<Vec<(u64, Mark)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT h.tenant, h.number, h.seal, h.kid, h.mac FROM json_each(?1) j \
         CROSS JOIN audit_heads h ON h.tenant = j.value",
        vec![json!(tenants).to_string().into()],
    );
    platform.query(statement)?.iter().map(|row| Ok((tenant_of(row)?, Mark::from_row(row)?))).collect()
}

/// Returns the newest sealed row of each of these tenants, or the newest that was removed: number and seal. Those that have
/// none are left out.
///
/// # Errors
/// The database's.
pub fn newest_sealed(platform: &Platform, tenants: &[u64]) -> Result<Vec<(u64, i64, String)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT j.value AS tenant, COALESCE(row.number, n.number) AS number, COALESCE(row.seal, n.seal) AS seal \
         FROM json_each(?1) j \
         LEFT JOIN audit row ON row.tenant = j.value AND row.number = (SELECT row.number FROM audit row \
         WHERE row.tenant = j.value AND row.seal IS NOT NULL AND row.number > 0 ORDER BY row.number DESC LIMIT 1) \
         LEFT JOIN audit_anchors n ON n.tenant = j.value WHERE COALESCE(row.number, n.number) IS NOT NULL",
        vec![json!(tenants).to_string().into()],
    );
    let read = |row: &Row| Ok((tenant_of(row)?, row.read_integer("number")?, row.read_text("seal")?.to_owned()));
    platform.query(statement)?.iter().map(read).collect()
}

/// A head that moves on.
pub struct Advance {
    /// The tenant.
    pub tenant: u64,
    /// The number and the seal of the head that it takes the place of; 0 and no text where there was none.
    pub before: (i64, String),
    /// The new head.
    pub head: Mark,
}

/// Moves heads on, provided that they are still as they were: another sealer that was faster may have sealed with another
/// key. Writes the seals that go with those that did, a list of `[tenant, number, seal, MAC of the new head]`. Answers the
/// tenants whose heads moved.
///
/// # Errors
/// The database's.
pub fn advance(
    platform: &Platform,
    advances: &[Advance],
    seals: &[Json],
    kid: &str,
) -> Result<Vec<u64>, DatabaseError> {
    let heads = advances
        .iter()
        .map(|Advance { tenant, before, head }| json!([tenant, before.0, before.1, head.number, head.seal, head.mac]));
    let batch = vec![
        Statement::new(
            "INSERT INTO audit_heads (tenant, number, seal, kid, mac) \
             SELECT j.value ->> 0, j.value ->> 3, j.value ->> 4, ?2, j.value ->> 5 FROM json_each(?1) j \
             LEFT JOIN audit_heads h ON h.tenant = j.value ->> 0 \
             WHERE COALESCE(h.number, 0) = j.value ->> 1 AND COALESCE(h.seal, '') = j.value ->> 2 \
             ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, seal = excluded.seal, kid = excluded.kid, \
             mac = excluded.mac RETURNING tenant",
            vec![json!(heads.collect::<Vec<_>>()).to_string().into(), kid.into()],
        ),
        Statement::new(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, outcome, request_id, kid, seal) \
             SELECT row.tenant, row.number, row.time, row.operation, row.actor, row.action, row.outcome, row.request_id, \
             ?2, j.value ->> 2 FROM json_each(?1) j \
             CROSS JOIN audit_heads h ON h.tenant = j.value ->> 0 AND h.mac = j.value ->> 3 \
             CROSS JOIN audit row ON row.tenant = j.value ->> 0 AND row.number = j.value ->> 1 AND row.seal IS NULL \
             WHERE TRUE ON CONFLICT (tenant, number) DO UPDATE SET kid = excluded.kid, seal = excluded.seal",
            vec![json!(seals).to_string().into(), kid.into()],
        ),
    ];
    let outcomes = platform.db.batch(batch)?;
    rows(&outcomes, 0).iter().map(tenant_of).collect()
}

/// Notes that KV has a copy of these heads: tenants and numbers.
///
/// # Errors
/// The database's.
pub fn note_copies(platform: &Platform, copies: &[(u64, i64)]) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "UPDATE audit_heads SET copied = j.value ->> 1 FROM json_each(?1) j \
         WHERE audit_heads.tenant = j.value ->> 0 AND audit_heads.copied < j.value ->> 1",
        vec![json!(copies).to_string().into()],
    );
    platform.db.batch(vec![statement]).map(|_| ())
}

/// What is known of a tenant's rows before they are taken as they are.
pub struct Ground {
    /// The number of the newest row, 0 when there is none.
    pub newest: i64,
    /// The number of the first row without a seal.
    pub unsealed: Option<i64>,
    /// The newest row that was removed.
    pub anchor: Option<Mark>,
}

/// Reads a tenant's [`Ground`].
///
/// # Errors
/// The database's.
pub fn ground(ctx: &impl UnitOfWork) -> Result<Ground, DatabaseError> {
    let tenant = || vec![ctx.tenant.key()];
    let batch = vec![
        Statement::new("SELECT COALESCE(MAX(number), 0) AS number FROM audit WHERE tenant = ?1", tenant()),
        Statement::new(
            "SELECT MIN(row.number) AS number FROM audit row INDEXED BY audit_unsealed \
             WHERE row.tenant = ?1 AND row.seal IS NULL",
            tenant(),
        ),
        Statement::new("SELECT number, seal, kid, mac FROM audit_anchors WHERE tenant = ?1", tenant()),
    ];
    let outcomes = ctx.platform().db.batch(batch)?;
    Ok(Ground {
        newest: rows(&outcomes, 0).first().map_or(Ok(0), |row| row.read_integer("number"))?,
        unsealed: rows(&outcomes, 1).first().map_or(Ok(None), |row| row.read_optional_integer("number"))?,
        anchor: rows(&outcomes, 2).first().map(Mark::from_row).transpose()?,
    })
}

/// Returns the newest row below this number.
///
/// # Errors
/// The database's.
pub fn before(ctx: &impl UnitOfWork, number: i64) -> Result<Option<Entry>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit row WHERE row.tenant = ?1 AND row.number < ?2 ORDER BY row.number DESC LIMIT 1"
    );
    let rows = ctx.platform().query(Statement::new(sql, vec![ctx.tenant.key(), number.into()]))?;
    rows.first().map(Entry::from_row).transpose()
}

/// The statements that put the tenant's head to a row and take the seals from those behind it, to be sealed anew.
#[must_use]
pub fn put(ctx: &impl UnitOfWork, head: &Mark) -> Vec<Statement> {
    let Mark { number, seal, kid, mac } = head.clone();
    vec![
        Statement::new(
            "INSERT INTO audit_heads (tenant, number, seal, kid, mac) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, seal = excluded.seal, kid = excluded.kid, \
             mac = excluded.mac, copied = 0",
            vec![ctx.tenant.key(), number.into(), seal.into(), kid.into(), mac.into()],
        ),
        Statement::new(
            "UPDATE audit SET seal = NULL, kid = NULL WHERE tenant = ?1 AND number > ?2 AND seal IS NOT NULL",
            vec![ctx.tenant.key(), number.into()],
        ),
    ]
}
