//! The one conditional write that redeems a link: whoever it answers a row to has won.

use crate::base::account::Cause;
use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::resource::WSO2_SCHEMA;
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
    /// Whether the link was for a user who has a password already.
    pub resets: bool,
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
    let (cause, action) = match redemption.resets {
        true => (Cause::PasswordChanged, Action::PasswordReset),
        false => (Cause::Accepted, Action::InvitationRedeem),
    };
    let mut batch = vec![
        Statement::new(
            if redemption.resets { reset() } else { acceptance() },
            vec![
                ctx.tenant.key(),
                redemption.user_id.into(),
                operation.into(),
                ctx.platform.clock.now().into(),
                redemption.seq.into(),
                cause.as_str().into(),
                redemption.proves_address.into(),
            ],
        ),
        audit::record(ctx, operation, action, redemption.user_id),
    ];
    if !redemption.resets {
        batch.push(daily_figures::count_accepted(ctx, redemption.user_id, operation));
    }
    if let Some(hash) = redemption.password_hash {
        batch.extend(credentials::store_hash(ctx, redemption.user_id, operation, hash));
    }
    batch.extend(redemption.mail.as_ref().map(|entry| outbox::queue(ctx, operation, entry)));
    batch
}

/// The write by which somebody accepts an invitation.
fn acceptance() -> String {
    format!(
        "UPDATE resources SET onboarding = 'none', lock = CASE lock WHEN 'onboarding' THEN 'none' ELSE lock END, \
         email_verified = (email_verified OR COALESCE(?7, delivery IS NOT 'external')), seq_log = seq_log || ?6, \
         version = version + 1, modified = MAX(modified, ?4), operation = ?3 \
         WHERE tenant = ?1 AND id = ?2 AND seq = ?5 AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 \
         AND substr(seq_log, -1) <> 'R' AND {NO_GRANT} RETURNING version"
    )
}

/// The write by which somebody sets a new password. An address that waits to be confirmed does so no longer: whoever asked for
/// it need not be who sets the password. Who has proved their address shows WSO2's attributes, which the document's
/// `schemas` names then, with which every document begins.
fn reset() -> String {
    format!(
        "UPDATE resources SET email_verified = (email_verified OR ?7), pending_email = NULL, \
         keys = CASE WHEN pending_email IS NULL THEN keys ELSE json_remove(keys, '$.\"{WSO2_SCHEMA}\".pendingEmails') END, seq_log = seq_log || ?6, \
         document = CASE WHEN ?7 AND instr(substr(document, 1, instr(document, ']')), '\"{WSO2_SCHEMA}\"') = 0 \
         THEN substr(document, 1, instr(document, ']') - 1) || ',\"{WSO2_SCHEMA}\"' || substr(document, instr(document, ']')) \
         ELSE document END, version = version + 1, modified = MAX(modified, ?4), operation = ?3 \
         WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND seq = ?5 AND onboarding = 'none' AND lock = 'none' \
         AND disabled = 0 AND {NO_GRANT} RETURNING version"
    )
}
