//! Files that somebody is about to import on the console, as rows in PRIMARY.

use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::jobs::actor_text;

/// The time a file is kept, in milliseconds.
const KEPT: Millis = 3_600_000;
/// The most files that are kept of one person.
const MOST: i64 = 3;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// Its name.
    pub name: String,
    /// How its bytes were read, in words.
    pub encoding: String,
    /// Its text, sealed.
    pub content: String,
}

/// Keeps a file; of one person's the oldest goes for it. One round trip.
///
/// # Errors
/// The database's.
pub fn keep(ctx: &Context, id: &str, file: &ImportFile) -> Result<(), DatabaseError> {
    let owner = actor_text(&ctx.actor);
    let batch = vec![
        Statement::new(
            "DELETE FROM import_files WHERE tenant = ?1 AND id IN (SELECT id FROM import_files INDEXED BY import_files_owner \
             WHERE tenant = ?1 AND owner = ?2 ORDER BY created DESC LIMIT -1 OFFSET ?3)",
            vec![ctx.tenant.key(), owner.as_str().into(), (MOST - 1).into()],
        ),
        Statement::new(
            "INSERT INTO import_files (tenant, id, owner, created, name, encoding, content) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            vec![
                ctx.tenant.key(),
                id.into(),
                owner.as_str().into(),
                ctx.platform.clock.now().into(),
                file.name.as_str().into(),
                file.encoding.as_str().into(),
                file.content.as_str().into(),
            ],
        ),
    ];
    ctx.platform.db.batch(batch).map(drop)
}

/// Finds a file that the same person sent in the same tenant; `None` when it is too old.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, id: &str) -> Result<Option<ImportFile>, DatabaseError> {
    let statement = Statement::new(
        "SELECT name, encoding, content FROM import_files WHERE tenant = ?1 AND id = ?2 AND owner = ?3 AND created > ?4",
        vec![ctx.tenant.key(), id.into(), actor_text(&ctx.actor).into(), (ctx.platform.clock.now() - KEPT).into()],
    );
    let rows = ctx.platform.query(statement)?;
    let file = |row: &Row| {
        let text = |column: &str| row.read_text(column).map(str::to_owned);
        Ok(ImportFile { name: text("name")?, encoding: text("encoding")?, content: text("content")? })
    };
    rows.first().map(file).transpose()
}

/// Deletes a file that is being imported.
///
/// # Errors
/// The database's.
pub fn forget(ctx: &Context, id: &str) -> Result<(), DatabaseError> {
    let statement =
        Statement::new("DELETE FROM import_files WHERE tenant = ?1 AND id = ?2", vec![ctx.tenant.key(), id.into()]);
    ctx.platform.query(statement).map(drop)
}

/// Deletes the files that are too old: a part of the sweep.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "DELETE FROM import_files INDEXED BY import_files_created WHERE created <= ?1",
        vec![(platform.clock.now() - KEPT).into()],
    );
    platform.query(statement).map(drop)
}
