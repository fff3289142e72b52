//! The tenants' logos, as rows in PRIMARY: the one that is shown, and one at most that may yet be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::context::Context;
use crate::model::logo::Logo;
use crate::model::settings::LOGO;
use crate::ports::{DatabaseError, Statement};

/// The version that is shown.
const SHOWN: &str = "(SELECT value FROM settings WHERE tenant = ?1 AND name = ?2)";

/// Stores a logo that is not shown yet, in the place of any other such.
///
/// # Errors
/// The database's.
pub fn keep(ctx: &Context, logo: &Logo, bytes: &[u8]) -> Result<(), DatabaseError> {
    let batch = vec![
        Statement::new(
            format!("DELETE FROM logos WHERE tenant = ?1 AND version IS NOT {SHOWN}"),
            vec![ctx.tenant.key(), LOGO.into()],
        ),
        Statement::new(
            "INSERT INTO logos (tenant, version, bytes) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            vec![ctx.tenant.key(), logo.version.as_str().into(), STANDARD.encode(bytes).into()],
        ),
    ];
    ctx.platform.db.batch(batch).map(drop)
}

/// Finds the logo of a version; the one that is shown where there is no such version.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, version: &str) -> Result<Option<(Logo, Vec<u8>)>, DatabaseError> {
    let statement = Statement::new(
        format!(
            "SELECT version, bytes FROM logos WHERE tenant = ?1 AND version IN (?3, {SHOWN}) \
             ORDER BY version = ?3 DESC LIMIT 1"
        ),
        vec![ctx.tenant.key(), LOGO.into(), version.into()],
    );
    let rows = ctx.platform.query(statement)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let shape = || DatabaseError::Shape("logos".to_owned());
    let logo = Logo::parse(row.read_text("version")?).ok_or_else(shape)?;
    let bytes = STANDARD.decode(row.read_text("bytes")?).map_err(|_| shape())?;
    Ok(Some((logo, bytes)))
}
