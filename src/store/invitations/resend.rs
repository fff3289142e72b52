//! A new link for one user: one round trip.

use crate::base::limits::Limit;
use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::resource::{Resource, USER};
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::audit::{self, Counted};
use crate::store::invitations::{queue, renewal, target};
use crate::store::operation::{Committed, Operation};
use crate::store::resources::{self, find};

/// How a conditional write to an invitation ended, with its user as they are now.
#[derive(Debug)]
pub enum Changed {
    /// It took place.
    Done(Resource),
    /// It did not, because of what the user is.
    Refused(Resource),
    /// There is no such user.
    NotFound,
}

/// Mails a user a new link, within `limit`. `live_only`: only one who confirms a new address.
///
/// # Errors
/// The database's: nothing was written.
pub fn resend_by_mail(
    ctx: &StoreContext,
    user_id: &str,
    limit: Option<Limit>,
    live_only: bool,
    invited_by: Option<&str>,
) -> Result<Changed, DatabaseError> {
    let operation = Operation::new(ctx);
    let mut also = limit.map_or_else(|| "TRUE".to_owned(), |limit| Counted::RESENDS.within(&[limit], "?4"));
    if live_only {
        also.push_str(" AND onboarding = 'none'");
    }
    let batch = vec![
        renewal(ctx, user_id, operation.id(), &also),
        audit::record(ctx, operation.id(), Action::InvitationResend, user_id),
        queue(ctx, user_id, operation.id(), invited_by, None),
    ];
    run(ctx, user_id, &operation, batch)
}

/// Gives a pending user a new link that goes to the caller. It expires at `confirm_expires_at` where it confirms an
/// address, and at `set_expires_at` where it sets a password: which of them it is, the write decides. `seq`: the number that
/// the user's link must still have, where the caller cares what the user has been made since.
///
/// # Errors
/// The database's: nothing was written.
pub fn resend_by_code(
    ctx: &StoreContext,
    user_id: &str,
    confirm_expires_at: Millis,
    set_expires_at: Millis,
    seq: Option<u32>,
) -> Result<Changed, DatabaseError> {
    let operation = Operation::new(ctx);
    let mut params = target(ctx, user_id, operation.id());
    params.extend([confirm_expires_at.into(), set_expires_at.into(), seq.into()]);
    let batch = vec![
        Statement::new(
            "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = MAX(modified, ?4), operation = ?3, \
                 template = NULL, delivery = 'external', attempts = 0, sent_at = NULL, \
                 expires_at = CASE onboarding WHEN 'EV' THEN ?5 ELSE ?6 END WHERE tenant = ?1 AND id = ?2 \
                 AND type = 'User' AND onboarding <> 'none' AND lock <> 'admin' AND disabled = 0 \
                 AND email IS NOT NULL AND (?7 IS NULL OR seq = ?7) RETURNING id",
            params,
        ),
        audit::record(ctx, operation.id(), Action::InvitationResend, user_id),
        audit::record(ctx, operation.id(), Action::InvitationLink, user_id),
    ];
    run(ctx, user_id, &operation, batch)
}

/// Runs a batch whose first statement is the conditional write, and reads the user with it: as written, or, where nothing
/// was, as they are.
pub(super) fn run(
    ctx: &StoreContext,
    user_id: &str,
    operation: &Operation,
    mut batch: Vec<Statement>,
) -> Result<Changed, DatabaseError> {
    batch.push(find::by_id_statement(ctx, USER, user_id, false));
    let committed = operation.commit(ctx, batch)?;
    let is_written = committed.has_row(0);
    let user = match committed {
        Committed::Answered(outcomes) => {
            let row = outcomes.last().and_then(|outcome| outcome.rows.first());
            row.map(resources::from_row).transpose()?
        }
        Committed::Unanswered => find::by_id(ctx, USER, user_id, false)?,
    };
    Ok(match user {
        Some(user) if is_written => Changed::Done(user),
        Some(user) => Changed::Refused(user),
        None => Changed::NotFound,
    })
}

/// Records in the audit that a link was handed over.
///
/// # Errors
/// The database's: nothing was written.
pub fn record_link(ctx: &StoreContext, user_id: &str) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let row = audit::record_plain(ctx, operation.id(), Action::InvitationLink, user_id);
    ctx.platform.db.batch(vec![row]).map(drop)
}
