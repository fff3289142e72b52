//! The one conditional write that redeems a link: whoever it answers a row to has won.

use crate::base::account::Cause;
use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit;
use crate::store::credentials;
use crate::store::daily_figures;
use crate::store::invitations::role_grants::NO_GRANT;
use crate::store::operation::Operation;
use crate::store::outbox::{self, OutboxEntry};

/// A link to be redeemed.
#[derive(Clone, Debug)]
pub struct Redemption<'a> {
    /// The user it is for.
    pub user_id: &'a str,
    /// The user's `seq` that it must still have.
    pub seq: u32,
    /// Whether it proves that the user reads the mailbox; `None`: it does unless the invitation's code went to a caller.
    pub proves_address: Option<bool>,
    /// The hash of the password that was chosen.
    pub password_hash: Option<&'a str>,
    /// The mail that follows.
    pub mail: Option<OutboxEntry<'a>>,
}

/// The statement that notes when a person began to set a password by a link that works: once for each link.
#[must_use]
pub fn start(ctx: &StoreContext, user_id: &str, seq: u32) -> Statement {
    Statement::new(
        "UPDATE resources SET started_at = ?3, started_seq = ?4 WHERE tenant = ?1 AND id = ?2 AND type = 'User' \
         AND seq = ?4 AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 AND substr(seq_log, -1) <> 'R' \
         AND started_seq IS NOT ?4",
        vec![ctx.tenant.key(), user_id.into(), ctx.platform.clock.now().into(), seq.into()],
    )
}

/// Redeems a link; answers whether this was the one that did.
///
/// # Errors
/// The database's: nothing was written.
pub async fn redeem(ctx: &StoreContext, redemption: &Redemption<'_>) -> Result<bool, DatabaseError> {
    let operation = Operation::new(ctx);
    Ok(operation.commit(ctx, batch(ctx, redemption, operation.id())).await?.has_row(0))
}

/// The batch that redeems: its first statement answers a row for the one winner, and everything else depends on it.
fn batch(ctx: &StoreContext, redemption: &Redemption<'_>, operation: &str) -> Vec<Statement> {
    let mut batch = vec![
        Statement::new(
            format!(
                "UPDATE resources SET onboarding = 'none', lock = CASE lock WHEN 'onboarding' THEN 'none' ELSE lock END, \
             email_verified = (email_verified OR COALESCE(?7, delivery IS NOT 'external')), seq_log = seq_log || ?6, version = version + 1, modified = MAX(modified, ?4), operation = ?3 \
             WHERE tenant = ?1 AND id = ?2 AND seq = ?5 AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 \
             AND substr(seq_log, -1) <> 'R' AND {NO_GRANT} \
             RETURNING version"
            ),
            vec![
                ctx.tenant.key(),
                redemption.user_id.into(),
                operation.into(),
                ctx.platform.clock.now().into(),
                redemption.seq.into(),
                Cause::Accepted.as_str().into(),
                redemption.proves_address.into(),
            ],
        ),
        audit::record(ctx, operation, Action::InvitationRedeem, redemption.user_id),
        daily_figures::count_accepted(ctx, redemption.user_id, operation),
    ];
    if let Some(hash) = redemption.password_hash {
        batch.extend(credentials::store_hash(ctx, redemption.user_id, operation, hash));
    }
    batch.extend(redemption.mail.as_ref().map(|entry| outbox::queue(ctx, operation, entry)));
    batch
}
