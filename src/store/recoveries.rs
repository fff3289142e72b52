//! What people have typed to be sent a link to a new password: a row for each, with what limits it; in PRIMARY.

use crate::model::context::Context;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};

/// How long a row counts, in milliseconds.
const HOUR: Millis = 3_600_000;
/// How often the same is taken in that time.
const MOST: i64 = 10;

/// Something that was typed and waits to be worked off.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Whose page it was typed on.
    pub tenant: Tenant,
    /// What it is counted by.
    pub key: String,
    /// The text.
    pub typed: String,
    /// When it was typed last.
    pub requested: Millis,
}

/// The statement that notes what was typed. It asks nothing about users; of what has been typed too often within an hour it
/// changes nothing, unless it is not `limited`.
#[must_use]
pub fn request(ctx: &Context, key: &str, typed: &str, limited: bool) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO recoveries (tenant, key, typed, domain, requested, began, count) \
             SELECT number, ?2, ?3, domain, ?4, ?4, 1 FROM tenants WHERE number = ?1 \
             ON CONFLICT (tenant, key) DO UPDATE SET typed = excluded.typed, requested = excluded.requested, \
             count = CASE WHEN began <= ?4 - {HOUR} THEN 1 ELSE count + 1 END, \
             began = CASE WHEN began <= ?4 - {HOUR} THEN ?4 ELSE began END \
             WHERE began <= ?4 - {HOUR} OR count < {MOST} OR NOT ?5"
        ),
        vec![ctx.tenant.key(), key.into(), typed.into(), ctx.platform.clock.now().into(), limited.into()],
    )
}

/// Returns what waits, oldest first.
///
/// # Errors
/// The database's.
pub fn find_waiting(primary: &Platform, limit: i64) -> Result<Vec<Waiting>, DatabaseError> {
    let waiting = Statement::new(
        "SELECT n.domain, n.key, n.typed, n.requested FROM recoveries n INDEXED BY recoveries_waiting \
         WHERE n.requested IS NOT NULL ORDER BY n.requested LIMIT ?1",
        vec![limit.into()],
    );
    let rows = primary.query(waiting)?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                tenant: Tenant::from_domain(row.read_text("domain")?),
                key: row.read_text("key")?.to_owned(),
                typed: row.read_text("typed")?.to_owned(),
                requested: row.read_integer("requested")?,
            })
        })
        .collect()
}

/// Notes that something has been worked off, unless it was typed again meanwhile.
///
/// # Errors
/// The database's.
pub fn finish(primary: &Platform, waiting: &Waiting) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "UPDATE recoveries SET requested = NULL WHERE tenant = ?1 AND key = ?2 AND requested = ?3",
        vec![waiting.tenant.key(), waiting.key.as_str().into(), waiting.requested.into()],
    );
    primary.query(statement).map(drop)
}

/// Removes what counts no longer: a part of the sweep.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "DELETE FROM recoveries INDEXED BY recoveries_began WHERE began <= ?1 AND requested IS NULL",
        vec![(platform.clock.now() - HOUR).into()],
    );
    platform.query(statement).map(drop)
}
