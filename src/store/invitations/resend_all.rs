//! New links for all whose last one a root key has signed: found in one round trip, written in another. The write asks
//! again for all that made them be found.

use serde_json::json;

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::resource::USER;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit;
use crate::store::invitations::{RENEWABLE, queue_columns, renewed_columns};
use crate::store::operation::Operation;

/// Whose link the key has signed last, and who can still use one.
const SIGNED: &str = "(r.invitation = 'open' OR r.pending_email IS NOT NULL) AND (EXISTS (SELECT 1 FROM outbox o \
    INDEXED BY outbox_user WHERE o.tenant = r.tenant AND o.user_id = r.id AND o.seq = r.seq AND o.kid = r.link_kid) \
    OR EXISTS (SELECT 1 FROM mail_history h WHERE h.tenant = r.tenant AND h.user_id = r.id AND h.seq = r.seq \
    AND h.kid = r.link_kid))";

/// The ids of users whose pending link the key `kid` has signed, oldest first, `limit` at most.
///
/// # Errors
/// The database's.
pub fn find_signed_by(ctx: &StoreContext, kid: &str, limit: usize) -> Result<Vec<String>, DatabaseError> {
    let found = ctx.platform.query(Statement::new(
        format!(
            "SELECT r.id FROM resources r INDEXED BY resources_link_kid WHERE r.tenant = ?1 AND r.link_kid = ?2 \
                 AND {SIGNED} AND {RENEWABLE} ORDER BY r.id LIMIT ?3"
        ),
        vec![ctx.tenant.key(), kid.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    ))?;
    found.iter().map(|row| row.read_text("id").map(str::to_owned)).collect()
}

/// Mails these users new links, as far as the key `kid` still has signed their last; answers how many that is.
///
/// # Errors
/// The database's: nothing was written.
pub fn resend_each(
    ctx: &StoreContext,
    kid: &str,
    users: &[String],
    invited_by: Option<&str>,
) -> Result<usize, DatabaseError> {
    let operation = Operation::new(ctx);
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
                renewed_columns()
            ),
            vec![
                ctx.tenant.key(),
                rows.as_str().into(),
                operation.id().into(),
                ctx.platform.clock.now().into(),
                kid.into(),
            ],
        ),
        audit::record_each(ctx, operation.id(), Action::InvitationResend, &rows),
        Statement::new(
            format!(
                "{} j.value ->> 'mail', NULL FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
                queue_columns("?4")
            ),
            vec![ctx.tenant.key(), rows.as_str().into(), operation.id().into(), invited_by.into()],
        ),
    ];
    operation.commit_each(ctx, batch).map(|written| written.len())
}
