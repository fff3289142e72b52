//! The button of an expired link: a new mail, to the address on file, for whoever holds the link (DESIGN 3).
//!
//! The request is a row of its own, written before anybody looks whether there is such a user: the answer, and the time it
//! takes, are the same for everyone. The sweep, which the request wakes, works the rows off.

use crate::base::token::Claims;
use crate::invite::create::inviter;
use crate::model::context::{Actor, Context, StoreContext};
use crate::model::settings::EmailSender;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Platform};
use crate::store::invitations::renewals::{self, RenewalLimits};
use crate::store::tenant_settings;

/// At most a mail a minute, and five in a day (UTC).
const LIMITS: RenewalLimits = RenewalLimits { pause: 60_000, per_day: 5 };
/// How many requests a run works off: each is a batch of its own, and an invocation has a thousand.
const BATCH: i64 = 50;

/// Notes that the holder of an authentic, expired link asks for a new mail. One write, which asks nothing about the user;
/// asking again before it is worked off changes nothing.
///
/// # Errors
/// The database's.
pub fn request(ctx: &Context, claims: &Claims) -> Result<(), DatabaseError> {
    let user_id = claims.user.to_string();
    renewals::request(&ctx.in_store_of(&user_id), &user_id)?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(())
}

/// Works off what was asked for, oldest first. `context` makes the unit of work of a tenant. Answers how many requests it
/// took; of one that fails, the next run takes care.
///
/// # Errors
/// The database's: the last one, after all have been tried.
pub fn run(platform: &Platform, context: &dyn Fn(Tenant) -> Context) -> Result<usize, DatabaseError> {
    let mut taken = 0;
    let mut failure = None;
    for store in platform.all_stores() {
        for (tenant, user_id) in renewals::find_waiting(&store, BATCH)? {
            failure = renew(&context(tenant).in_store_of(&user_id), &user_id).err().or(failure);
            taken += 1;
        }
    }
    failure.map_or(Ok(taken), Err)
}

/// Sends the mail, if the user still has something to do, the invitation was not withdrawn, and the limits allow it.
fn renew(ctx: &StoreContext, user_id: &str) -> Result<(), DatabaseError> {
    // It is the person behind the link who acts.
    let ctx = &ctx.acting_as(Actor::User(user_id.to_owned()));
    let settings = tenant_settings::refresh(ctx)?;
    let mails = settings.is_some_and(|settings| settings.email_sender == EmailSender::Internal);
    renewals::settle(ctx, user_id, LIMITS, mails, inviter(ctx).as_deref())
}
