//! Acceptance: an operator who put a backup back, or who has looked into what was changed, takes the rows as they are.
//!
//! The head is put to a row that is there, and the rows behind it are sealed anew, whatever they say. So nobody can do this
//! who can only write the database, and it leaves a row that names the first of them.

use crate::access::audit_seal::heads;
use crate::access::audit_seal::macs::{self, Proof};
use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::DatabaseError;
use crate::store::audit;
use crate::store::audit::heads as store;

/// Why rows were not taken as they are.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The number is none that the sealing can begin with.
    #[error("{0}")]
    From(String),
    /// KV has not taken the copy of the head. The database has the new one.
    #[error("The copy of the head was not written: send it again.")]
    Copy,
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Has the rows from a number on sealed anew, as they are: without one, from the first that has no seal. Answers the
/// number.
///
/// # Errors
/// [`AcceptError`]
pub fn accept(ctx: &StoreContext, from: Option<i64>) -> Result<i64, AcceptError> {
    let deployment = &ctx.deployment;
    let tenant = ctx.tenant.number();
    let ground = store::ground(ctx)?;
    let removed = ground.anchor.filter(|mark| macs::prove_anchor(deployment, tenant, mark) == Proof::Ours);
    let first = removed.as_ref().map_or(1, |mark| mark.number + 1);
    let end = ground.newest.max(first - 1) + 1;
    let from = from.unwrap_or_else(|| ground.unsealed.unwrap_or(end)).max(first);
    if from > end {
        let detail = format!("There is no row {from} yet: the newest is {}.", ground.newest);
        return Err(AcceptError::From(detail));
    }
    let (number, seal) = match store::before(ctx, from)?.filter(|row| row.number >= first) {
        Some(row) => match row.seal {
            Some(seal) => (row.number, seal),
            None => {
                let detail =
                    format!("The row before, {}, has no seal: begin with it, or with one before it.", row.number);
                return Err(AcceptError::From(detail));
            }
        },
        None => removed.map(|mark| (mark.number, mark.seal)).unwrap_or_default(),
    };
    let kid = deployment.keys.current_kid().unwrap_or_default();
    let Some(head) = macs::head(deployment, kid, ctx.platform.store, tenant, number, seal) else {
        return Err(AcceptError::From("There is no key to seal with.".to_owned()));
    };
    let operation = ctx.platform.new_id().to_string();
    let mut batch = store::put(ctx, &head);
    batch.push(audit::record_plain(ctx, &operation, Action::AuditAccept, &format!("rows from {from} on")));
    ctx.platform.db.batch(batch)?;
    heads::keep_copy(&ctx.platform, tenant, &head).map_err(|_| AcceptError::Copy)?;
    Ok(from)
}
