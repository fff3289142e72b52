//! The removal of old rows, as SQL: whose rows are old, which of them may go, and what takes their place.

use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::audit::rows::{COLUMNS, Entry, Mark};

/// Rows that are looked at for one whose seal holds.
const CANDIDATES: u32 = 20;

/// Returns the newest sealed rows among the tenant's oldest `reach` that are from before `before`, newest first, each with
/// the seal of the row before it, which may have been removed. The newest of all stays: the next row's number follows from it.
///
/// # Errors
/// The database's.
pub fn newest_before(
    platform: &Platform,
    tenant: &Tenant,
    before: Millis,
    reach: u32,
) -> Result<Vec<(Entry, String)>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, COALESCE(\
         (SELECT p.seal FROM audit p WHERE p.tenant = row.tenant AND p.number < row.number ORDER BY p.number DESC LIMIT 1), \
         (SELECT n.seal FROM audit_anchors n WHERE n.tenant = row.tenant AND n.number < row.number), '') AS previous \
         FROM audit row WHERE row.tenant = ?1 AND row.seal IS NOT NULL AND row.time < ?2 \
         AND row.number < (SELECT MIN(number) FROM audit WHERE tenant = ?1) + ?3 \
         AND row.number < (SELECT MAX(number) FROM audit WHERE tenant = ?1) ORDER BY row.number DESC LIMIT ?4"
    );
    let params = vec![tenant.key(), before.into(), reach.into(), CANDIDATES.into()];
    let read = |row: &Row| Ok((Entry::from_row(row)?, row.read_text("previous")?.to_owned()));
    platform.query(Statement::new(sql, params))?.iter().map(read).collect()
}

/// Removes the tenant's rows up to the anchor's, which takes their place.
///
/// # Errors
/// The database's.
pub fn remove(platform: &Platform, tenant: &Tenant, anchor: Mark) -> Result<(), DatabaseError> {
    let Mark { number, seal, kid, mac } = anchor;
    let batch = vec![
        Statement::new(
            "INSERT INTO audit_anchors (tenant, number, seal, kid, mac) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, seal = excluded.seal, kid = excluded.kid, \
             mac = excluded.mac WHERE excluded.number > number",
            vec![tenant.key(), number.into(), seal.into(), kid.into(), mac.clone().into()],
        ),
        Statement::new(
            "DELETE FROM audit WHERE tenant = ?1 AND number <= ?2 \
             AND EXISTS (SELECT 1 FROM audit_anchors n WHERE n.tenant = ?1 AND n.mac = ?3)",
            vec![tenant.key(), number.into(), mac.into()],
        ),
    ];
    platform.db.batch(batch).map(|_| ())
}
