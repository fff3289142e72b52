//! Forms of the console that were sent, as rows in PRIMARY.

use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Statement};

/// The time a form is remembered, in milliseconds.
const KEPT: Millis = 86_400_000;
/// The time after which one that was begun and never ended may be carried out again, in milliseconds.
const GIVEN_UP: Millis = 60_000;

/// The state of a form that has just been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out now.
    Now,
    /// It was carried out, and led to this page, which said this.
    Done {
        /// The path, without the tenant's prefix.
        path: String,
        /// The message.
        message: String,
    },
    /// Another request carries it out.
    Elsewhere,
}

/// Begins to carry out a form, unless it was begun before: one round trip.
///
/// # Errors
/// The database's.
pub fn begin(ctx: &Context, id: &str) -> Result<Begun, DatabaseError> {
    let now = ctx.platform.clock.now();
    let key = || vec![ctx.tenant.key(), id.into()];
    let with = |more: Millis| [key(), vec![more.into()]].concat();
    let outcomes = ctx.platform.db.batch(vec![
        Statement::new(
            "DELETE FROM submissions WHERE tenant = ?1 AND id = ?2 AND path IS NULL AND created < ?3",
            with(now - GIVEN_UP),
        ),
        Statement::new(
            "INSERT OR IGNORE INTO submissions (tenant, id, created) VALUES (?1, ?2, ?3) RETURNING created",
            with(now),
        ),
        Statement::new("SELECT path, message FROM submissions WHERE tenant = ?1 AND id = ?2", key()),
    ])?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    if !rows(1).is_empty() {
        return Ok(Begun::Now);
    }
    let Some(row) = rows(2).first() else { return Ok(Begun::Elsewhere) };
    Ok(match row.read_optional_text("path")? {
        None => Begun::Elsewhere,
        Some(path) => Begun::Done {
            path: path.to_owned(),
            message: row.read_optional_text("message")?.unwrap_or_default().to_owned(),
        },
    })
}

/// Remembers where a form led.
///
/// # Errors
/// The database's.
pub fn finish(ctx: &Context, id: &str, path: &str, message: &str) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "UPDATE submissions SET path = ?3, message = ?4 WHERE tenant = ?1 AND id = ?2",
        vec![ctx.tenant.key(), id.into(), path.into(), message.into()],
    );
    ctx.platform.query(statement).map(drop)
}

/// Forgets a form that was not carried out: it can be sent again.
///
/// # Errors
/// The database's.
pub fn forget(ctx: &Context, id: &str) -> Result<(), DatabaseError> {
    let statement =
        Statement::new("DELETE FROM submissions WHERE tenant = ?1 AND id = ?2", vec![ctx.tenant.key(), id.into()]);
    ctx.platform.query(statement).map(drop)
}

/// Deletes the forms that are old: a part of the sweep.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "DELETE FROM submissions INDEXED BY submissions_created WHERE created < ?1",
        vec![(platform.clock.now() - KEPT).into()],
    );
    platform.query(statement).map(drop)
}
