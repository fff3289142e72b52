//! The withdrawal of an invitation: one round trip.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit;
use crate::store::invitations::resend::{Changed, run};
use crate::store::invitations::target;
use crate::store::operation::Operation;

/// Withdraws a pending user's invitation: its links die, the account stays as it is.
///
/// # Errors
/// The database's: nothing was written.
pub async fn revoke(ctx: &StoreContext, user_id: &str) -> Result<Changed, DatabaseError> {
    let operation = Operation::new(ctx);
    let batch = vec![
        Statement::new(
            "UPDATE resources SET seq_log = seq_log || 'R', version = version + 1, modified = ?4, operation = ?3 \
             WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND onboarding <> 'none' AND substr(seq_log, -1) <> 'R' \
             RETURNING id",
            target(ctx, user_id, operation.id()),
        ),
        audit::record(ctx, operation.id(), Action::InvitationRevoke, user_id),
    ];
    run(ctx, user_id, &operation, batch).await
}
