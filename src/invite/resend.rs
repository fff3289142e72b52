//! Sending an invitation again, and withdrawing it: one conditional write each, in one round trip. What the write depends on
//! is in its own WHERE, so that it cannot fall between another resend, a redeeming, a lock or a deletion and its effect:
//! whichever comes first, the other finds the account as that left it.

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::limits::Limit;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::base::token::Purpose;
use crate::invite::code::{Code, may_have_code_of, may_have_codes};
use crate::invite::create::inviter;
use crate::model::context::Context;
use crate::model::mail::TemplateType;
use crate::model::resource::{Resource, USER};
use crate::model::settings::EmailSender;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::store::audit::{self, Action};
use crate::store::find;
use scim::error::Error as ScimError;

/// Why an invitation was neither sent nor withdrawn. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such user.
    #[error("There is no user with this id.")]
    NotFound,
    /// There is nothing to do it to, in words that say what to do instead.
    #[error("{0}")]
    Nothing(&'static str),
    /// It was sent again as often as `RATE_LIMITS` allows for now.
    #[error(
        "This invitation was sent again {count} times lately, and no more are allowed: try again in {seconds} seconds."
    )]
    TooMany {
        /// How often.
        count: u32,
        /// Seconds until it may be sent again.
        seconds: u32,
    },
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

/// Mails a pending user a new link; older ones die as replaced. Works after expiry and after a withdrawal, as often as
/// the limit allows. A live user whose new address waits to be confirmed gets that mail again. Answers the user as it is now.
///
/// # Errors
/// [`Refusal`]
pub async fn resend(ctx: &Context, user_id: &str) -> Result<Resent, Refusal> {
    let ctx = &ctx.in_store_of(user_id);
    let external = ctx.settings().email_sender == EmailSender::External;
    if external {
        match hand_over(ctx, user_id).await {
            // What is left is a new address to be confirmed, which is no invitation: that is mailed all the same.
            Err(Refusal::Nothing(_)) => {}
            handed => return handed,
        }
    }
    let operation = ctx.platform.new_id().to_string();
    let limit = ctx.settings().rate_limits.resends;
    let mut also = limit.map_or_else(|| "TRUE".to_owned(), allowed);
    if external {
        also.push_str(" AND onboarding = 'none'");
    }
    let batch = vec![
        renewal(ctx, user_id, &operation, &also),
        audit::record(ctx, &operation, Action::InvitationResend, user_id),
        queue(ctx, user_id, &operation),
    ];
    let user = match (run(ctx, user_id, &operation, batch, why_not_sent).await, limit) {
        (Err(Refusal::Nothing(FASTER)), Some(limit)) => return Err(limited(ctx, user_id, limit).await?),
        (done, _) => done?,
    };
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
            "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = ?4, operation = ?3, \
             template = NULL, delivery = 'external', attempts = 0, sent_at = NULL, \
             expires_at = CASE onboarding WHEN 'EV' THEN ?5 ELSE ?6 END WHERE tenant = ?1 AND id = ?2 \
             AND type = 'User' AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 \
             AND email IS NOT NULL RETURNING id",
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
    let ctx = &ctx.in_store_of(user_id);
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

/// The resends of the user `?2` that a limit counts: not those that the person asked for by the button of an expired link,
/// which has limits of its own.
const COUNTED: &str = "FROM audit INDEXED BY audit_resends WHERE tenant = ?1 AND target = ?2 \
    AND action = 'invitation.resend' AND actor <> 'user:' || ?2";

/// The condition that the limit lets one more through, in a statement whose `?4` is the time.
fn allowed(limit: Limit) -> String {
    format!("(SELECT count(*) {COUNTED} AND time > ?4 - {} * 1000) < {}", limit.seconds, limit.count)
}

/// What a resend was refused for: the limit, or else somebody who was faster.
async fn limited(ctx: &Context, user_id: &str, limit: Limit) -> Result<Refusal, DatabaseError> {
    let now = ctx.platform.clock.now();
    let period = i64::from(limit.seconds) * 1000;
    let statement = Statement::new(
        format!("SELECT time {COUNTED} AND time > ?3 ORDER BY time DESC LIMIT 1 OFFSET ?4"),
        vec![ctx.tenant.key(), user_id.into(), (now - period).into(), (limit.count - 1).into()],
    );
    let rows = ctx.platform.query(statement).await?;
    let Some(oldest) = rows.first() else { return Ok(Refusal::Nothing(FASTER)) };
    let left = (oldest.integer("time")? + period - now).max(1);
    let seconds = u32::try_from(u64::try_from(left).unwrap_or(1).div_ceil(1000)).unwrap_or(limit.seconds);
    Ok(Refusal::TooMany { count: limit.count, seconds })
}

/// Who can be sent a new link: a user who has something to do, or a new address to confirm.
pub(super) const RENEWABLE: &str = "lock <> 'admin' AND disabled = 0 \
    AND ((onboarding <> 'none' AND email IS NOT NULL) OR pending_email IS NOT NULL)";

/// What a new link changes in its user's row, in a statement whose `?3` is the operation and `?4` the time.
pub(super) fn renewed() -> String {
    format!(
        "seq_log = seq_log || 'N', version = version + 1, modified = ?4, operation = ?3, link_kid = NULL, \
         template = CASE onboarding WHEN 'EV' THEN '{}' WHEN 'AP' THEN '{}' ELSE template END, \
         delivery = CASE onboarding WHEN 'none' THEN delivery ELSE 'queued' END, \
         attempts = CASE onboarding WHEN 'none' THEN attempts ELSE 0 END, \
         expires_at = CASE onboarding WHEN 'none' THEN expires_at END",
        TemplateType::ResendEmailConfirm.name(),
        TemplateType::ResendAskPassword.name(),
    )
}

/// The conditional write of a new link, where `also` holds too.
pub(super) fn renewal(ctx: &Context, user_id: &str, operation: &str, also: &str) -> Statement {
    Statement::new(
        format!(
            "UPDATE resources SET {} WHERE tenant = ?1 AND id = ?2 AND type = 'User' AND {RENEWABLE} AND {also} \
             RETURNING id",
            renewed()
        ),
        target(ctx, user_id, operation),
    )
}

/// The beginning of the statement that queues the mail of a new link to each of the users `r`, to the address on file, which
/// was one when it was given: what follows is the mail's id, and where `r` comes from. `inviter` is the parameter that
/// says who asked for it.
pub(super) fn queue_columns(inviter: &str) -> String {
    format!(
        "INSERT INTO outbox (tenant, user_id, template, seq, recipient, invited_by, state, created, due, new_email, id) \
         SELECT r.tenant, r.id, CASE r.onboarding WHEN 'none' THEN '{}' ELSE r.template END, r.seq, \
         COALESCE(r.pending_email, r.email), CASE r.onboarding WHEN 'none' THEN NULL ELSE {inviter} END, 'queued', \
         r.modified, r.modified, r.pending_email,",
        TemplateType::ResendVerifyEmailOnUpdate.name(),
    )
}

/// The mail of [`renewal`].
pub(super) fn queue(ctx: &Context, user_id: &str, operation: &str) -> Statement {
    Statement::new(
        format!("{} ?4 FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.operation = ?3", queue_columns("?5")),
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

/// Why a resend was refused that nothing about the user stands against.
const FASTER: &str = "Another request was faster: read the invitation and try again.";

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
        _ => FASTER,
    }
}

fn why_not_withdrawn(user: &Resource) -> &'static str {
    match (user.account.onboarding, &user.invitation) {
        (Onboarding::None, Some(_)) => "The invitation has been accepted: there is nothing to revoke.",
        (Onboarding::None, None) => "This user was never invited: there is nothing to revoke.",
        _ => "The invitation has been revoked already.",
    }
}
