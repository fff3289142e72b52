//! Forms of the console that came when the session was over, as rows in PRIMARY.

use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Statement};

/// The time a form is kept, in milliseconds.
const KEPT: Millis = 600_000;
/// The most forms that are kept of one person.
const MOST: i64 = 5;

/// Whose session it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The number of the tenant that the session was of.
    pub home: i64,
    /// The user's id; empty for the first administrator.
    pub user_id: String,
}

/// A form that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptForm {
    /// Where it was sent: a path without the tenant's prefix.
    pub path: String,
    /// Its fields, as they were sent.
    pub fields: String,
}

/// Keeps a form; of one person's the oldest goes for it. One round trip.
///
/// # Errors
/// The database's.
pub fn keep(ctx: &Context, id: &str, owner: &Owner, form: &KeptForm) -> Result<(), DatabaseError> {
    let batch = vec![
        Statement::new(
            "DELETE FROM kept_forms WHERE tenant = ?1 AND id IN (SELECT id FROM kept_forms INDEXED BY kept_forms_owner \
             WHERE tenant = ?1 AND home = ?2 AND owner = ?3 ORDER BY created DESC LIMIT -1 OFFSET ?4)",
            vec![ctx.tenant.key(), owner.home.into(), owner.user_id.as_str().into(), (MOST - 1).into()],
        ),
        Statement::new(
            "INSERT INTO kept_forms (tenant, id, owner, home, created, path, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            vec![
                ctx.tenant.key(),
                id.into(),
                owner.user_id.as_str().into(),
                owner.home.into(),
                ctx.platform.clock.now().into(),
                form.path.as_str().into(),
                form.fields.as_str().into(),
            ],
        ),
    ];
    ctx.platform.db.batch(batch).map(drop)
}

/// Finds a form that the same person sent in the same tenant; `None` when it is too old.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, id: &str, owner: &Owner) -> Result<Option<KeptForm>, DatabaseError> {
    let statement = Statement::new(
        "SELECT path, fields FROM kept_forms WHERE tenant = ?1 AND id = ?2 AND home = ?3 AND owner = ?4 AND created > ?5",
        vec![
            ctx.tenant.key(),
            id.into(),
            owner.home.into(),
            owner.user_id.as_str().into(),
            (ctx.platform.clock.now() - KEPT).into(),
        ],
    );
    let rows = ctx.platform.query(statement)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(KeptForm { path: row.read_text("path")?.to_owned(), fields: row.read_text("fields")?.to_owned() }))
}

/// Deletes the forms that are too old: a part of the sweep.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "DELETE FROM kept_forms INDEXED BY kept_forms_created WHERE created <= ?1",
        vec![(platform.clock.now() - KEPT).into()],
    );
    platform.query(statement).map(drop)
}
