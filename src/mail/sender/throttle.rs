//! How much mail one address gets (`RATE_LIMITS`, `mail-per-address`). A tenant's users may share an address, and whoever can
//! invite could bury somebody in mail: what is above the limit waits until there is room again, and is never lost.
//!
//! A mail counts from its first lease on, whatever becomes of it, and once however often it is tried.

use std::collections::HashMap;

use crate::base::limits::Limit;
use crate::ports::Millis;
use crate::store::outbox::lease::RateCondition;
use crate::store::outbox::row::QueuedMail;

/// The mails that one batch sends to each address.
#[derive(Debug, Default)]
pub struct RecipientThrottle {
    /// The mails of this batch that are to go to an address.
    taken: HashMap<(u64, String), u32>,
}

impl RecipientThrottle {
    /// Counts a mail that has not been leased before; returns what its lease asks for. `recent` are the times in seconds,
    /// latest first, at which mails to its address were first leased.
    ///
    /// # Errors
    /// The time to look again, in milliseconds, if there is no room for it now.
    pub fn admit(
        &mut self,
        mail: &QueuedMail,
        limit: Limit,
        recent: &[u64],
        now: Millis,
    ) -> Result<RateCondition, Millis> {
        let now = u64::try_from(now).unwrap_or_default() / 1000;
        let since = now.saturating_sub(limit.seconds.into());
        let taken = self.taken.entry((mail.tenant, mail.recipient.to_ascii_lowercase())).or_default();
        // The oldest of those that must be out of the time counted before there is room for one more.
        let last_in_the_way = match limit.count.checked_sub(*taken + 1) {
            None => Some(now),
            Some(before) => recent.get(before as usize).copied().filter(|issued_at| *issued_at > since),
        };
        match last_in_the_way {
            Some(issued_at) => Err(i64::try_from((issued_at + u64::from(limit.seconds)) * 1000).unwrap_or(Millis::MAX)),
            None => {
                *taken += 1;
                Ok(RateCondition { since, fewer_than: limit.count + 1 - *taken })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_000_000;
    const SECOND: u64 = 1_000_000;
    const TWO_AN_HOUR: Limit = Limit { count: 2, seconds: 3_600 };

    #[test]
    fn a_batch_takes_no_more_than_there_is_room_for() {
        let mut throttle = RecipientThrottle::default();
        let mut ask = |recipient: &str, recent: &[u64]| {
            throttle.admit(&QueuedMail::example(recipient, NOW), TWO_AN_HOUR, recent, NOW)
        };
        let since = SECOND - 3_600;
        assert_eq!(ask("a@example.com", &[]), Ok(RateCondition { since, fewer_than: 2 }));
        assert_eq!(ask("A@example.com", &[]), Ok(RateCondition { since, fewer_than: 1 }));
        assert_eq!(ask("a@example.com", &[]), Err(NOW + 3_600_000), "when the two of this batch count no more");
        assert_eq!(ask("b@example.com", &[]), Ok(RateCondition { since, fewer_than: 2 }));
    }

    #[test]
    fn a_mail_waits_until_the_one_in_its_way_counts_no_more() {
        let ask = |recent: &[u64]| {
            RecipientThrottle::default().admit(&QueuedMail::example("a@example.com", NOW), TWO_AN_HOUR, recent, NOW)
        };
        let free = |issued_at: u64| Err((issued_at.cast_signed() + 3_600) * 1000);
        assert!(ask(&[SECOND - 10]).is_ok());
        assert_eq!(ask(&[SECOND - 10, SECOND - 20]), free(SECOND - 20));
        assert_eq!(ask(&[SECOND - 10, SECOND - 20, SECOND - 30]), free(SECOND - 20));
        assert!(ask(&[SECOND - 10, SECOND - 3_600]).is_ok(), "an hour ago is out of the hour");
        assert_eq!(ask(&[SECOND - 10, SECOND - 3_599]), free(SECOND - 3_599));
    }
}
