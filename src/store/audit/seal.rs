//! The seals of the audit's rows, as SQL: which rows have none yet, which are old enough to go, and what is written.

use serde_json::Value as Json;

use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::audit::rows::{Anchor, COLUMNS, Entry};

/// A row without a seal, and the seal of the row before it, where there is one.
pub struct Unsealed {
    /// The row.
    pub entry: Entry,
    /// The seal of the row before it, also where that one was removed.
    pub previous: Option<String>,
}

/// Returns the next rows without a seal, of all tenants, at most `count`.
///
/// # Errors
/// The database's.
pub async fn unsealed(platform: &Platform, count: u32) -> Result<Vec<Unsealed>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, \
         (SELECT p.seal FROM audit p WHERE p.tenant = row.tenant AND p.number = row.number - 1) AS previous, \
         (SELECT n.seal FROM audit_anchors n WHERE n.tenant = row.tenant AND n.number = row.number - 1) AS anchor \
         FROM audit row INDEXED BY audit_unsealed WHERE row.seal IS NULL ORDER BY row.tenant, row.number LIMIT ?1"
    );
    let read = |row: &Row| {
        let previous = row.read_optional_text("previous")?.or(row.read_optional_text("anchor")?).map(str::to_owned);
        Ok(Unsealed { entry: Entry::from_row(row)?, previous })
    };
    platform.query(Statement::new(sql, vec![count.into()])).await?.iter().map(read).collect()
}

/// Writes seals made with the key `kid`: a list of `[tenant, number, seal, first]`, where `first` is the number of the first
/// row of the stretch that the row belongs to. Another sealer that was faster may have signed with another key: then none
/// of what follows its rows fits, and none of the stretch is written.
///
/// # Errors
/// The database's.
pub async fn write_seals(platform: &Platform, seals: &[Json], kid: &str) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "INSERT INTO audit (tenant, number, time, operation, actor, action, outcome, request_id, kid, seal) \
         SELECT row.tenant, row.number, row.time, row.operation, row.actor, row.action, row.outcome, row.request_id, ?2, \
         j.value ->> 2 FROM json_each(?1) j \
         CROSS JOIN audit f ON f.tenant = j.value ->> 0 AND f.number = j.value ->> 3 AND f.seal IS NULL \
         CROSS JOIN audit row ON row.tenant = j.value ->> 0 AND row.number = j.value ->> 1 AND row.seal IS NULL \
         WHERE TRUE ON CONFLICT (tenant, number) DO UPDATE SET kid = excluded.kid, seal = excluded.seal",
        vec![serde_json::json!(seals).to_string().into(), kid.into()],
    );
    platform.db.batch(vec![statement]).await.map(|_| ())
}

/// Returns the number and the seal of the newest of the tenant's oldest `count` rows that is sealed and from before
/// `before`.
///
/// # Errors
/// The database's.
pub async fn newest_before(
    platform: &Platform,
    tenant: &Tenant,
    before: Millis,
    count: u32,
) -> Result<Option<(i64, String)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT row.number, row.seal FROM audit row WHERE row.tenant = ?1 AND row.seal IS NOT NULL AND row.time < ?2 \
         AND row.number < (SELECT MIN(number) FROM audit WHERE tenant = ?1) + ?3 \
         ORDER BY row.number DESC LIMIT 1",
        vec![tenant.key(), before.into(), count.into()],
    );
    let rows = platform.query(statement).await?;
    rows.first().map(|row| Ok((row.read_integer("number")?, row.read_text("seal")?.to_owned()))).transpose()
}

/// Removes the tenant's rows up to the anchor's, which takes their place.
///
/// # Errors
/// The database's.
pub async fn remove(platform: &Platform, tenant: &Tenant, anchor: Anchor) -> Result<(), DatabaseError> {
    let Anchor { number, seal, kid, mac } = anchor;
    let batch = vec![
        Statement::new(
            "INSERT INTO audit_anchors (tenant, number, seal, kid, mac) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, seal = excluded.seal, kid = excluded.kid, \
             mac = excluded.mac WHERE excluded.number > number",
            vec![tenant.key(), number.into(), seal.into(), kid.into(), mac.into()],
        ),
        Statement::new(
            "DELETE FROM audit WHERE tenant = ?1 AND number <= ?2 AND seal IS NOT NULL",
            vec![tenant.key(), number.into()],
        ),
    ];
    platform.db.batch(batch).await.map(|_| ())
}
