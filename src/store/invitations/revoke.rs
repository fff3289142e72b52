//! The withdrawal of an invitation: one round trip.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit;
use crate::store::invitations::resend::{Changed, run};
use crate::store::invitations::target;
use crate::store::operation::Operation;
use crate::store::role_holders::NO_ROLE;

/// Withdraws a pending user's invitation: its links die, the account stays as it is. `without_role`: only of a user who
/// holds no role.
///
/// # Errors
/// The database's: nothing was written.
pub fn revoke(ctx: &StoreContext, user_id: &str, without_role: bool) -> Result<Changed, DatabaseError> {
    let condition = if without_role { NO_ROLE } else { "TRUE" };
    let operation = Operation::new(ctx);
    let batch = vec![
        Statement::new(
            format!(
                "UPDATE resources SET seq_log = seq_log || 'R', version = version + 1, modified = MAX(modified, ?4), operation = ?3 \
                 WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND onboarding <> 'none' \
                 AND substr(seq_log, -1) <> 'R' AND deletion_at IS NULL AND {condition} RETURNING id"
            ),
            target(ctx, user_id, operation.id()),
        ),
        audit::record(ctx, operation.id(), Action::InvitationRevoke, user_id),
    ];
    run(ctx, user_id, &operation, batch)
}
