//! The button of an expired link: a new mail, to the address on file, for whoever holds the link (DESIGN 3).
//!
//! The request is a row of its own, written before anybody looks whether there is such a user: the answer, and the time it
//! takes, are the same for everyone. The sweep, which the request wakes, works the rows off.

use crate::base::token::Claims;
use crate::invite::resend;
use crate::model::context::{Actor, Context};
use crate::model::settings::EmailSender;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Platform, Statement};
use crate::store::audit::{self, Action, OPERATION_HOLDS};
use crate::store::tenant_settings;

/// The least time between two mails that one user gets by the button, in milliseconds.
const PAUSE: i64 = 60_000;
/// The most mails that one user gets by the button in a day (UTC).
const PER_DAY: i64 = 5;
/// How many requests a run works off: each is a batch of its own, and an invocation has a thousand.
const BATCH: i64 = 50;

/// Notes that the holder of an authentic, expired link asks for a new mail. One write, which asks nothing about the user;
/// asking again before it is worked off changes nothing.
///
/// # Errors
/// The database's.
pub async fn request(ctx: &Context, claims: &Claims) -> Result<(), DatabaseError> {
    let user_id = claims.user.to_string();
    let ctx = &ctx.in_store_of(&user_id);
    let row = Statement::new(
        "INSERT INTO renewals (tenant, user_id, domain, requested) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, user_id) DO UPDATE SET requested = excluded.requested",
        vec![ctx.tenant.key(), user_id.into(), ctx.tenant.domain().into(), ctx.platform.clock.now().into()],
    );
    ctx.platform.query(row).await?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(())
}

/// Works off what was asked for, oldest first. `context` makes the unit of work of a tenant. Answers how many requests it
/// took; of one that fails, the next run takes care.
///
/// # Errors
/// The database's: the last one, after all have been tried.
pub async fn run(platform: &Platform, context: &dyn Fn(Tenant) -> Context) -> Result<usize, DatabaseError> {
    let mut taken = 0;
    let mut failure = None;
    for store in platform.all_stores() {
        let waiting = Statement::new(
            "SELECT n.user_id, n.domain FROM renewals n INDEXED BY renewals_waiting \
             WHERE n.requested IS NOT NULL ORDER BY n.requested LIMIT ?1",
            vec![BATCH.into()],
        );
        for row in &store.query(waiting).await? {
            let user_id = row.text("user_id")?;
            let ctx = context(Tenant::of(row.text("domain")?)).in_store_of(user_id);
            failure = renew(&ctx, user_id).await.err().or(failure);
            taken += 1;
        }
    }
    failure.map_or(Ok(taken), Err)
}

/// Sends the mail, if the user still has something to do, the invitation was not withdrawn, and the limits allow it.
async fn renew(ctx: &Context, user_id: &str) -> Result<(), DatabaseError> {
    // It is the person behind the link who acts.
    let ctx = &Context { actor: Actor::User(user_id.to_owned()), ..ctx.clone() };
    let settings = tenant_settings::refresh(ctx).await?;
    let mails = settings.is_some_and(|settings| settings.email_sender == EmailSender::Internal);
    let operation = ctx.platform.new_id().to_string();
    // D1 binds doubles: without the cast, today would have a fraction.
    let today = "CAST(?4 / 86400000 AS INTEGER)";
    let allowed = format!(
        "(onboarding = 'none' OR substr(seq_log, -1) <> 'R') AND EXISTS (SELECT 1 FROM renewals n WHERE n.tenant = ?1 \
         AND n.user_id = ?2 AND n.requested IS NOT NULL AND n.sent <= ?4 - {PAUSE} \
         AND (n.day <> {today} OR n.count < {PER_DAY}))"
    );
    let mut batch = Vec::new();
    if mails {
        batch.push(resend::renewal(ctx, user_id, &operation, &allowed));
        batch.push(audit::record(ctx, &operation, Action::InvitationResend, user_id));
        batch.push(resend::queue(ctx, user_id, &operation));
    }
    batch.push(Statement::new(
        format!(
            "UPDATE renewals SET requested = NULL, sent = CASE WHEN {OPERATION_HOLDS} THEN ?4 ELSE sent END, \
             count = CASE WHEN {OPERATION_HOLDS} THEN CASE day WHEN {today} THEN count + 1 ELSE 1 END ELSE count END, \
             day = CASE WHEN {OPERATION_HOLDS} THEN {today} ELSE day END WHERE tenant = ?1 AND user_id = ?2"
        ),
        vec![ctx.tenant.key(), user_id.into(), operation.as_str().into(), ctx.platform.clock.now().into()],
    ));
    // A commit behind an error has taken the request with it: the next run finds nothing to do twice.
    ctx.platform.db.batch(batch).await.map(drop)
}
