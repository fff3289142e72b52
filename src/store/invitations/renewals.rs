//! The requests of the button of an expired link: a row for each user who has pressed it, with what limits them.

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};
use crate::store::audit::{self, OPERATION_HOLDS};
use crate::store::invitations::{NOT_REVOKED, queue, renewal};
use crate::store::operation::Operation;

/// The limits of the mails that one user may get by the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalLimits {
    /// The least time between two mails, in milliseconds.
    pub pause: Millis,
    /// The most mails in a day (UTC).
    pub per_day: i64,
}

/// Notes that a user asks for a new mail. One write, which asks nothing about the user; asking again before it is worked
/// off changes nothing.
///
/// # Errors
/// The database's.
pub fn request(ctx: &StoreContext, user_id: &str) -> Result<(), DatabaseError> {
    let row = Statement::new(
        "INSERT INTO renewals (tenant, user_id, domain, requested) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, user_id) DO UPDATE SET requested = excluded.requested",
        vec![ctx.tenant.key(), user_id.into(), ctx.tenant.domain().into(), ctx.platform.clock.now().into()],
    );
    ctx.platform.query(row).map(drop)
}

/// The tenants and user ids of the requests in one user store that wait, oldest first.
///
/// # Errors
/// The database's.
pub fn find_waiting(store: &Platform, limit: i64) -> Result<Vec<(Tenant, String)>, DatabaseError> {
    let waiting = Statement::new(
        "SELECT n.user_id, n.domain FROM renewals n INDEXED BY renewals_waiting \
             WHERE n.requested IS NOT NULL ORDER BY n.requested LIMIT ?1",
        vec![limit.into()],
    );
    let rows = store.query(waiting)?;
    rows.iter()
        .map(|row| Ok((Tenant::from_domain(row.read_text("domain")?), row.read_text("user_id")?.to_owned())))
        .collect()
}

/// Works off a user's request: with `mails` sends the mail, if the user still has something to do, the invitation was not
/// withdrawn, and the limits allow it.
///
/// # Errors
/// The database's.
pub fn settle(
    ctx: &StoreContext,
    user_id: &str,
    limits: RenewalLimits,
    mails: bool,
    invited_by: Option<&str>,
) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let RenewalLimits { pause, per_day } = limits;
    // D1 binds doubles: without the cast, today would have a fraction.
    let today = "CAST(?4 / 86400000 AS INTEGER)";
    let allowed = format!(
        "{NOT_REVOKED} AND EXISTS (SELECT 1 FROM renewals n WHERE n.tenant = ?1 \
         AND n.user_id = ?2 AND n.requested IS NOT NULL AND n.sent <= ?4 - {pause} \
         AND (n.day <> {today} OR n.count < {per_day}))"
    );
    let mut batch = Vec::new();
    if mails {
        batch.push(renewal(ctx, user_id, operation.id(), &allowed));
        batch.push(audit::record(ctx, operation.id(), Action::InvitationResend, user_id));
        batch.push(queue(ctx, user_id, operation.id(), invited_by, Some(0)));
    }
    batch.push(Statement::new(
        format!(
            "UPDATE renewals SET requested = NULL, sent = CASE WHEN {OPERATION_HOLDS} THEN ?4 ELSE sent END, \
             count = CASE WHEN {OPERATION_HOLDS} THEN CASE day WHEN {today} THEN count + 1 ELSE 1 END ELSE count END, \
             day = CASE WHEN {OPERATION_HOLDS} THEN {today} ELSE day END WHERE tenant = ?1 AND user_id = ?2"
        ),
        vec![ctx.tenant.key(), user_id.into(), operation.id().into(), ctx.platform.clock.now().into()],
    ));
    // A commit behind an error has taken the request with it: the next run finds nothing to do twice.
    ctx.platform.db.batch(batch).map(drop)
}
