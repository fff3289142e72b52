//! Invitations in the database: one conditional write each, with its audit row and its mail in the same batch. What a
//! write depends on is in its own WHERE, so that it cannot fall between another resend, a redeeming, a lock or a deletion
//! and its effect: whichever comes first, the other finds the account as that left it.
//!
//! | module | what it does |
//! |---|---|
//! | `recovery` | the mails to whoever has forgotten their password |
//! | `redemption` | the write that redeems a link |
//! | `resend` | a new link for one user, and the withdrawal of an invitation |
//! | `resend_all` | new links for all whose last one a root key has signed |
//! | `renewals` | the requests of the button of an expired link |
//! | `reminders` | reminders of invitations that nobody has accepted |
//! | `role_grants` | new links for those whom a group has given a role |
//! | `listing` | pages of invitations by cursor |

pub mod listing;
pub mod recovery;
pub mod redemption;
pub mod reminders;
pub mod renewals;
pub mod resend;
pub mod resend_all;
pub mod revoke;
pub mod role_grants;

use crate::model::context::StoreContext;
use crate::model::mail::TemplateType;
use crate::ports::{Statement, Value};

/// Who can be sent a new link: a user who has something to do, or a new address to confirm.
const RENEWABLE: &str = "lock <> 'admin' AND disabled = 0 \
    AND ((onboarding <> 'none' AND email IS NOT NULL) OR pending_email IS NOT NULL)";

/// Whose invitation was not withdrawn: nobody brings such a one back but by sending it again.
const NOT_REVOKED: &str = "(onboarding = 'none' OR substr(seq_log, -1) <> 'R')";

/// What a new link changes in its user's row, in a statement whose `?3` is the operation and `?4` the time.
fn renewed_columns() -> String {
    format!(
        "seq_log = seq_log || 'N', version = version + 1, modified = MAX(modified, ?4), operation = ?3, link_kid = NULL, \
         template = CASE onboarding WHEN 'EV' THEN '{}' WHEN 'AP' THEN '{}' ELSE template END, \
         delivery = CASE onboarding WHEN 'none' THEN delivery ELSE 'queued' END, \
         attempts = CASE onboarding WHEN 'none' THEN attempts ELSE 0 END, \
         expires_at = CASE onboarding WHEN 'none' THEN expires_at END",
        TemplateType::ResendEmailConfirm.name(),
        TemplateType::ResendAskPassword.name(),
    )
}

/// The conditional write of a new link, where `also` holds too.
fn renewal(ctx: &StoreContext, user_id: &str, operation: &str, also: &str) -> Statement {
    Statement::new(
        format!(
            "UPDATE resources SET {} WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND {RENEWABLE} AND {also} \
             RETURNING id",
            renewed_columns()
        ),
        target(ctx, user_id, operation),
    )
}

/// The beginning of the statement that queues the mail of a new link to each of the users `r`, to the address on file, which
/// was one when it was given: what follows is the mail's id, and where `r` comes from. `inviter` is the parameter that
/// says who asked for it. Behind the id stands which reminder the mail is, if it is one.
fn queue_columns(inviter: &str) -> String {
    format!(
        "INSERT INTO outbox (tenant, user_id, template, seq, recipient, invited_by, state, created, due, new_email, id, reminder) \
         SELECT r.tenant, r.id, CASE r.onboarding WHEN 'none' THEN '{}' ELSE r.template END, r.seq, \
         COALESCE(r.pending_email, r.email), CASE r.onboarding WHEN 'none' THEN NULL ELSE {inviter} END, 'queued', \
         r.modified, r.modified, r.pending_email,",
        TemplateType::ResendVerifyEmailOnUpdate.name(),
    )
}

/// The mail of [`renewal`].
fn queue(
    ctx: &StoreContext,
    user_id: &str,
    operation: &str,
    invited_by: Option<&str>,
    reminder: Option<u32>,
) -> Statement {
    Statement::new(
        format!(
            "{} ?4, ?6 FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.operation = ?3",
            queue_columns("?5")
        ),
        vec![
            ctx.tenant.key(),
            user_id.into(),
            operation.into(),
            ctx.platform.new_id().to_string().into(),
            invited_by.into(),
            reminder.into(),
        ],
    )
}

/// The parameters `?1` to `?4` of a write to a user's row: the tenant, the user, the operation and the time.
fn target(ctx: &StoreContext, user_id: &str, operation: &str) -> Vec<Value> {
    vec![ctx.tenant.key(), user_id.into(), operation.into(), ctx.platform.clock.now().into()]
}
