//! Sending again, in one call, what one root key has signed: its links die with it when it is retired (docs/token.md).
//!
//! Two round trips for up to [`MANY`] invitations: find them, and write. The write asks again for all that made them
//! be found, so that it cannot fall between another resend, a redeeming or a lock and its effect.

use serde_json::json;

use crate::invite::create::inviter;
use crate::invite::resend::{RENEWABLE, queue_columns, renewed};
use crate::model::context::Context;
use crate::model::resource::USER;
use crate::model::settings::EmailSender;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit::{self, Action};

/// The most invitations of a user store that one call sends again.
pub const MANY: usize = 500;

/// What one call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent {
    /// The invitations sent again.
    pub resent: usize,
    /// Whether there are more, for the next call.
    pub more: bool,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The key signs new links: it would sign these again.
    #[error(
        "This key signs new links, and would sign these again: put another key before it in TOKEN_KEYS first, or leave it out."
    )]
    Signing,
    /// The tenant mails nothing.
    #[error("No mail is sent where EMAIL_SENDER is external: ask for a new code for each user.")]
    External,
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Whose link the key has signed last, and who can still use one.
const SIGNED: &str = "(r.invitation = 'open' OR r.pending_email IS NOT NULL) AND EXISTS (SELECT 1 FROM outbox o \
    INDEXED BY outbox_user WHERE o.tenant = r.tenant AND o.user_id = r.id AND o.seq = r.seq AND o.kid = r.link_kid)";

/// Sends again what is pending (neither accepted nor withdrawn) and was last mailed with a link that the key `kid` has
/// signed, oldest users first; a change of address that waits to be confirmed counts too. Each is a resend like any other.
///
/// # Errors
/// [`Refusal`]
pub async fn signed_by(ctx: &Context, kid: &str) -> Result<Resent, Refusal> {
    if ctx.deployment.keys.current_kid() == Some(kid) {
        return Err(Refusal::Signing);
    }
    if ctx.settings().email_sender == EmailSender::External {
        return Err(Refusal::External);
    }
    let mut done = Resent { resent: 0, more: false };
    for store in ctx.platform.all_stores() {
        let of_store = signed_in(&ctx.in_store(store.store), kid).await?;
        done = Resent { resent: done.resent + of_store.resent, more: done.more || of_store.more };
    }
    Ok(done)
}

/// The same in one user store.
async fn signed_in(ctx: &Context, kid: &str) -> Result<Resent, Refusal> {
    let found = ctx
        .platform
        .query(Statement::new(
            format!(
                "SELECT r.id FROM resources r INDEXED BY resources_link_kid WHERE r.tenant = ?1 AND r.link_kid = ?2 \
                 AND {SIGNED} AND {RENEWABLE} ORDER BY r.id LIMIT ?3"
            ),
            vec![ctx.tenant.key(), kid.into(), i64::try_from(MANY + 1).unwrap_or(i64::MAX).into()],
        ))
        .await?;
    let more = found.len() > MANY;
    let users = found.iter().take(MANY).map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
    if users.is_empty() {
        return Ok(Resent { resent: 0, more });
    }
    let resent = write(ctx, kid, &users).await?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(Resent { resent, more })
}

/// Sends the invitations of these users again, as far as they are still what they were; answers how many that is.
async fn write(ctx: &Context, kid: &str, users: &[&str]) -> Result<usize, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let rows: Vec<_> = users.iter().map(|id| json!({ "id": id, "mail": ctx.platform.new_id().to_string() })).collect();
    let rows = json!(rows).to_string();
    let batch = vec![
        // Each row is there already, so that the insert is always the update that follows it.
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation) \
                 SELECT r.tenant, r.id, r.type, '', '', r.created, ?4, ?3 FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' \
                 WHERE r.type = '{USER}' AND r.link_kid = ?5 AND {SIGNED} AND {RENEWABLE} \
                 ON CONFLICT (tenant, id) DO UPDATE SET {} RETURNING id",
                renewed()
            ),
            vec![
                ctx.tenant.key(),
                rows.as_str().into(),
                operation.as_str().into(),
                ctx.platform.clock.now().into(),
                kid.into(),
            ],
        ),
        audit::record_each(ctx, &operation, Action::InvitationResend, &rows),
        Statement::new(
            format!(
                "{} j.value ->> 'mail' FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
                queue_columns("?4")
            ),
            vec![ctx.tenant.key(), rows.as_str().into(), operation.as_str().into(), inviter(ctx).into()],
        ),
    ];
    match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => Ok(outcomes.first().map_or(0, |outcome| outcome.rows.len())),
        // The error may hide a commit: the operation's own rows tell.
        Err(error) => match audit::targets(ctx, &operation).await {
            Ok(targets) if !targets.is_empty() => Ok(targets.len()),
            _ => Err(error),
        },
    }
}
