//! Reminders (`REMINDER_DAYS`): who was mailed an invitation and has not accepted it is mailed it again after so many days,
//! with a new link. A part of the sweep, a bounded number at a time.

use crate::model::context::{Actor, Context};
use crate::model::settings::EmailSender;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::invitations::reminders::{self, DueReminder, Reminder};
use crate::store::tenant_settings;

/// The most reminders of one run in each user store: each is a batch of its own, and an invocation has a thousand.
const BATCH: u32 = 100;
/// A day, in milliseconds.
const DAY: Millis = 86_400_000;

/// Sends what is due. `context` makes the unit of work of a tenant. Answers how many it took up; of one that fails, the next
/// run takes care.
///
/// # Errors
/// The database's: the last one, after all have been tried.
pub fn run(platform: &Platform, context: &dyn Fn(Tenant) -> Context) -> Result<usize, DatabaseError> {
    let (mut taken, mut failure) = (0, None);
    for store in platform.all_stores() {
        let due = reminders::find_due(&store, BATCH)?;
        if due.is_empty() {
            continue;
        }
        let tenants = reminders::tenants(&platform.in_store(None), &due)?;
        for one in &due {
            if let Some(tenant) = tenants.get(&one.tenant) {
                failure = remind(&context(tenant.clone()), one).err().or(failure);
                taken += 1;
            }
        }
    }
    failure.map_or(Ok(taken), Err)
}

fn remind(ctx: &Context, due: &DueReminder) -> Result<(), DatabaseError> {
    let there = &ctx.in_store_of(&due.user_id).acting_as(Actor::System);
    let settings = tenant_settings::refresh(there)?;
    let days = settings
        .filter(|settings| settings.email_sender == EmailSender::Internal)
        .map_or_else(Vec::new, |settings| settings.reminder_days.clone());
    reminders::settle(there, due, next(&days, due.asked_at, there.platform.clock.now()))
}

/// The reminder that is due `now`, some days after `asked_at`: the last of those whose day has come, so that of several that
/// were missed there is one.
fn next(days: &[u32], asked_at: Millis, now: Millis) -> Option<Reminder> {
    let at = |days: &u32| asked_at + i64::from(*days) * DAY;
    let number = days.iter().filter(|days| at(days) <= now).count();
    (number > 0).then(|| Reminder { number, next: days.get(number).map(at) })
}

#[cfg(test)]
mod tests {
    use super::{DAY, Reminder, next};

    #[test]
    fn of_several_that_were_missed_there_is_one() {
        let days = [1, 3, 5];
        assert_eq!(next(&days, 0, DAY - 1), None);
        assert_eq!(next(&days, 0, DAY), Some(Reminder { number: 1, next: Some(3 * DAY) }));
        assert_eq!(next(&days, 0, 4 * DAY), Some(Reminder { number: 2, next: Some(5 * DAY) }));
        assert_eq!(next(&days, 0, 9 * DAY), Some(Reminder { number: 3, next: None }));
        assert_eq!(next(&[], 0, 9 * DAY), None);
    }
}
