//! Sending an invitation again, and withdrawing it: one conditional write each, in one round trip. What the write depends on
//! is in its own WHERE, so that it cannot fall between another resend, a redeeming, a lock or a deletion and its effect:
//! whichever comes first, the other finds the account as that left it.

use super::code::{Code, EXTERNAL, may_have_code_of, may_have_codes};
use super::create::inviter;
use super::token::Purpose;
use crate::access::audit::{self, Action, OPERATION_HOLDS};
use crate::access::scope::Scope;
use crate::context::Context;
use crate::directory::find;
use crate::directory::resource::{Resource, USER};
use crate::invite::account::{Account, Lock, Onboarding};
use crate::mail::template::TemplateType;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::scim::error::Error as ScimError;
use crate::tenant::{EmailSender, Secret};

/// Why an invitation was neither sent nor withdrawn. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such user.
    #[error("There is no user with this id.")]
    NotFound,
    /// There is nothing to do it to, in words that say what to do instead.
    #[error("{0}")]
    Nothing(&'static str),
    /// The answer would carry a code, which the caller may not have.
    #[error("{}", .0.detail)]
    Forbidden(ScimError),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An invitation sent again.
#[derive(Debug)]
pub struct Resent {
    /// The user as it is now.
    pub user: Resource,
    /// The new code, where the caller sends it on.
    pub code: Option<Secret>,
}

/// Mails a pending user a new link; older ones die as replaced. Works after expiry and after a withdrawal, as often as it is
/// asked for. A live user whose new address waits to be confirmed gets that mail again. Answers the user as it is now.
///
/// # Errors
/// [`Refusal`]
pub async fn resend(ctx: &Context, user_id: &str) -> Result<Resent, Refusal> {
    let external = ctx.settings().email_sender == EmailSender::External;
    if external {
        match hand_over(ctx, user_id).await {
            // What is left is a new address to be confirmed, which is no invitation: that is mailed all the same.
            Err(Refusal::Nothing(_)) => {}
            handed => return handed,
        }
    }
    let operation = ctx.platform.new_id().to_string();
    let batch = vec![
        renewal(ctx, user_id, &operation, if external { "onboarding = 'none'" } else { "TRUE" }),
        audit::record(ctx, &operation, Action::InvitationResend, user_id),
        queue(ctx, user_id, &operation),
    ];
    let user = run(ctx, user_id, &operation, batch, why_not_sent).await?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(Resent { user, code: None })
}

/// The same where the caller sends the code on (`EMAIL_SENDER=external`).
async fn hand_over(ctx: &Context, user_id: &str) -> Result<Resent, Refusal> {
    may_have_codes(ctx).map_err(Refusal::Forbidden)?;
    if !ctx.scopes.has(Scope::Roles) {
        let user = find::by_id(ctx, USER, user_id, true).await?.ok_or(Refusal::NotFound)?;
        may_have_code_of(ctx, &user).map_err(Refusal::Forbidden)?;
    }
    let operation = ctx.platform.new_id().to_string();
    // Which of them it is, the write decides.
    let confirm = Code::new(ctx, Purpose::VerifyEmail);
    let set = Code::new(ctx, Purpose::AskPassword);
    let mut params = target(ctx, user_id, &operation);
    params.extend([confirm.expires_at().into(), set.expires_at().into()]);
    let batch = vec![
        Statement::new(
            format!(
                "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = ?4, operation = ?3, \
                 template = NULL, delivery = '{EXTERNAL}', attempts = 0, sent_at = NULL, \
                 expires_at = CASE onboarding WHEN 'EV' THEN ?5 ELSE ?6 END WHERE tenant = ?1 AND id = ?2 \
                 AND type = 'User' AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 \
                 AND email IS NOT NULL RETURNING id"
            ),
            params,
        ),
        audit::record(ctx, &operation, Action::InvitationResend, user_id),
        audit::record(ctx, &operation, Action::InvitationLink, user_id),
    ];
    let user = run(ctx, user_id, &operation, batch, why_not_sent).await?;
    let code = if user.account.onboarding == Onboarding::EmailVerification { confirm } else { set };
    Ok(Resent { code: code.mint(ctx, &user), user })
}

/// Withdraws a pending user's invitation: its links die, the account stays as it is. Answers the user as it is now.
///
/// # Errors
/// [`Refusal`]
pub async fn revoke(ctx: &Context, user_id: &str) -> Result<Resource, Refusal> {
    let operation = ctx.platform.new_id().to_string();
    let batch = vec![
        Statement::new(
            "UPDATE resources SET seq_log = seq_log || 'R', version = version + 1, modified = ?4, operation = ?3 \
             WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND onboarding <> 'none' AND substr(seq_log, -1) <> 'R' \
             RETURNING id",
            target(ctx, user_id, &operation),
        ),
        audit::record(ctx, &operation, Action::InvitationRevoke, user_id),
    ];
    run(ctx, user_id, &operation, batch, why_not_withdrawn).await
}

/// The conditional write of a new link, where `also` holds too: to a user who has something to do, or a new address to
/// confirm.
pub(super) fn renewal(ctx: &Context, user_id: &str, operation: &str, also: &str) -> Statement {
    Statement::new(
        format!(
            "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = ?4, operation = ?3, \
             template = CASE onboarding WHEN 'EV' THEN '{}' WHEN 'AP' THEN '{}' ELSE template END, \
             delivery = CASE onboarding WHEN 'none' THEN delivery ELSE 'queued' END, \
             attempts = CASE onboarding WHEN 'none' THEN attempts ELSE 0 END, \
             expires_at = CASE onboarding WHEN 'none' THEN expires_at END \
             WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND lock <> 'admin' AND disabled = 0 \
             AND ((onboarding <> 'none' AND email IS NOT NULL) OR pending_email IS NOT NULL) AND {also} RETURNING id",
            TemplateType::ResendEmailConfirm.name(),
            TemplateType::ResendAskPassword.name(),
        ),
        target(ctx, user_id, operation),
    )
}

/// The mail of [`renewal`], to the address on file, which was one when it was given.
pub(super) fn queue(ctx: &Context, user_id: &str, operation: &str) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, created, due, \
             new_email) SELECT ?1, ?4, ?2, CASE onboarding WHEN 'none' THEN '{}' ELSE r.template END, r.seq, \
             COALESCE(r.pending_email, r.email), CASE onboarding WHEN 'none' THEN NULL ELSE ?5 END, 'queued', \
             r.modified, r.modified, r.pending_email FROM resources r \
             WHERE r.tenant = ?1 AND r.id = ?2 AND {OPERATION_HOLDS}",
            TemplateType::ResendVerifyEmailOnUpdate.name(),
        ),
        vec![
            ctx.tenant.key(),
            user_id.into(),
            operation.into(),
            ctx.platform.new_id().to_string().into(),
            inviter(ctx).into(),
        ],
    )
}

fn target(ctx: &Context, user_id: &str, operation: &str) -> Vec<Value> {
    vec![ctx.tenant.key(), user_id.into(), operation.into(), ctx.platform.clock.now().into()]
}

/// Runs a batch whose first statement is the conditional write, and reads the user with it: as written, or, where nothing
/// was, as it is, from which `why_not` tells the reason.
async fn run(
    ctx: &Context,
    user_id: &str,
    operation: &str,
    mut batch: Vec<Statement>,
    why_not: fn(&Resource) -> &'static str,
) -> Result<Resource, Refusal> {
    batch.push(find::by_id_statement(ctx, USER, user_id, false));
    match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => {
            let row = |outcome: Option<&Outcome>| outcome.and_then(|outcome| outcome.rows.first().cloned());
            let user = row(outcomes.last()).ok_or(Refusal::NotFound)?;
            let user = Resource::from_row(&user)?;
            if row(outcomes.first()).is_some() { Ok(user) } else { Err(Refusal::Nothing(why_not(&user))) }
        }
        // The error may hide a commit: the operation's own row tells.
        Err(error) => match audit::was_committed(ctx, operation).await {
            Ok(true) => find::by_id(ctx, USER, user_id, false).await?.ok_or(Refusal::NotFound),
            _ => Err(error.into()),
        },
    }
}

fn why_not_sent(user: &Resource) -> &'static str {
    match &user.account {
        Account { onboarding: Onboarding::None, pending_email: None, .. } if user.invitation.is_some() => {
            "The invitation has been accepted: there is nothing to send again."
        }
        Account { onboarding: Onboarding::None, pending_email: None, .. } => {
            "This user was never invited: there is nothing to send again."
        }
        Account { disabled: true, .. } => {
            "The account is disabled: set active to true first, which sends a new invitation by itself unless it was revoked."
        }
        Account { lock: Lock::Admin, .. } => {
            "An administrator has locked the account: set accountLocked to false first, which sends a new invitation by \
             itself unless it was revoked."
        }
        Account { email: None, .. } => {
            "The user has no e-mail address: add one to emails, which sends a new invitation."
        }
        _ => "Another request was faster: read the invitation and try again.",
    }
}

fn why_not_withdrawn(user: &Resource) -> &'static str {
    match (user.account.onboarding, &user.invitation) {
        (Onboarding::None, Some(_)) => "The invitation has been accepted: there is nothing to revoke.",
        (Onboarding::None, None) => "This user was never invited: there is nothing to revoke.",
        _ => "The invitation has been revoked already.",
    }
}
