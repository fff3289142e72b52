//! Links by which users set a new password: until when the last one works, which is what a role that is given meanwhile ends.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::audit;
use crate::store::operation::Operation;
use crate::store::role_holders::NO_ROLE;

/// When a link ends that has no end.
const NEVER: Millis = 9_000_000_000_000_000;

/// The end of a link in milliseconds, as it is stored, of one in seconds, of which 0 means never.
#[must_use]
pub fn end_of_link(expires_at: u64) -> Millis {
    match i64::try_from(expires_at.saturating_mul(1000)) {
        Ok(at) if at > 0 => at,
        _ => NEVER,
    }
}

/// Records that a user's link of this `seq`, which ends at `ends`, is handed over; answers whether the user still has that
/// `seq` and, unless `may_have_role`, no role. One round trip.
///
/// # Errors
/// The database's: nothing was written.
pub async fn record_link(
    ctx: &StoreContext,
    user_id: &str,
    seq: u32,
    ends: Millis,
    may_have_role: bool,
) -> Result<bool, DatabaseError> {
    let operation = Operation::new(ctx);
    let allowed = if may_have_role { "TRUE" } else { NO_ROLE };
    let noted = Statement::new(
        format!(
            "INSERT INTO resets (tenant, user_id, ends) SELECT tenant, id, ?3 FROM resources \
             WHERE tenant = ?1 AND id = ?2 AND seq = ?4 AND {allowed} \
             ON CONFLICT (tenant, user_id) DO UPDATE SET ends = MAX(ends, excluded.ends) RETURNING user_id"
        ),
        vec![ctx.tenant.key(), user_id.into(), ends.into(), seq.into()],
    );
    let row = audit::record_plain(ctx, operation.id(), Action::InvitationLink, user_id);
    let outcomes = ctx.platform.db.batch(vec![noted, row]).await?;
    Ok(outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty()))
}

/// The statement that ends the links of those of the users `ids`, which is a list in SQL, who have one at the time that is the
/// parameter `now`, in a statement whose `?1` is the tenant.
#[must_use]
pub fn end_links_of(ids: &str, now: &str) -> String {
    format!(
        "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = MAX(modified, {now}) \
         WHERE tenant = ?1 AND id IN ({ids}) AND type = 'User' AND EXISTS (SELECT 1 FROM resets x \
         WHERE x.tenant = ?1 AND x.user_id = resources.id AND x.ends > {now})"
    )
}
