//! Rate limits (DESIGN 7) as values: which there are, and what a setting makes of them.
//!
//! Requests are counted by Cloudflare's bindings, which cost no round trip and are exact for no one: they keep a flood
//! away. What must be exact, mail to one address and resends of one invitation, is counted in the database, by the
//! statement that sends.

/// Seconds after which a refused request may be tried again: the `period` of the bindings in `wrangler.toml`.
pub const REQUEST_PERIOD: u32 = 60;

/// The most that a limit lets through in its time: counting reads as many rows.
pub const MAX_COUNT: u32 = 100;

/// The longest time that a limit is about, in seconds.
pub const LONGEST_PERIOD: u32 = 86_400;

/// So many in so much time, any stretch of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The number of times, 1 to [`MAX_COUNT`].
    pub count: u32,
    /// The time, in seconds.
    pub seconds: u32,
}

impl Limit {
    /// Reads `20/day`, `5/hour`, `1/minute`.
    fn parse(text: &str) -> Option<Self> {
        let (count, period) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))?;
        let seconds = match period.trim() {
            "minute" => 60,
            "hour" => 3_600,
            "day" => LONGEST_PERIOD,
            _ => return None,
        };
        Some(Self { count, seconds })
    }
}

/// How often users may ask for another address of their own, whatever `RATE_LIMITS` says: each time we mail whoever has it.
pub const ADDRESS_CHANGES: &[Limit] =
    &[Limit { count: 3, seconds: 3_600 }, Limit { count: 10, seconds: LONGEST_PERIOD }];

/// How many test mails somebody may send themselves, whatever `RATE_LIMITS` says.
pub const TEST_MAILS: &[Limit] = &[Limit { count: 10, seconds: 3_600 }];

/// `RATE_LIMITS`, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Whether requests are counted; how many may come stands with the bindings in `wrangler.toml`.
    pub requests: bool,
    /// Mails to one address: what is above waits.
    pub mail_per_address: Option<Limit>,
    /// Resends of one invitation that callers may ask for: what is above is refused.
    pub resends: Option<Limit>,
}

impl RateLimits {
    /// No limits.
    pub const OFF: Self = Self { requests: false, mail_per_address: None, resends: None };

    /// What holds where nothing else is set; a list may leave a name out.
    pub const DEFAULT: Self = Self {
        requests: true,
        mail_per_address: Some(Limit { count: 20, seconds: LONGEST_PERIOD }),
        resends: Some(Limit { count: 10, seconds: LONGEST_PERIOD }),
    };

    /// How [`Self::parse`] reads a value, for whoever got it wrong.
    pub const FORM: &str = "on, off, or a list such as requests=on, mail-per-address=20/day, resends=10/day, where a limit is 1 \
        to 100 per minute, hour or day, or off";

    /// Reads a value of `RATE_LIMITS`: `on`, `off`, or `name=limit` with commas between.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "off" {
            return Some(Self::OFF);
        }
        if text == "on" {
            return Some(Self::DEFAULT);
        }
        let mut limits = Self::DEFAULT;
        for entry in text.split(',') {
            let (name, value) = entry.split_once('=')?;
            let value = value.trim();
            let limit = || if value == "off" { Some(None) } else { Limit::parse(value).map(Some) };
            match name.trim() {
                "requests" => {
                    limits.requests = match value {
                        "on" => true,
                        "off" => false,
                        _ => return None,
                    }
                }
                "mail-per-address" => limits.mail_per_address = limit()?,
                "resends" => limits.resends = limit()?,
                _ => return None,
            }
        }
        Some(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_changes_what_it_names_and_leaves_the_rest() {
        assert_eq!(RateLimits::parse("off"), Some(RateLimits::OFF));
        let day = |count| Some(Limit { count, seconds: 86_400 });
        assert_eq!(
            RateLimits::parse("mail-per-address = 50/day"),
            Some(RateLimits { mail_per_address: day(50), ..RateLimits::DEFAULT })
        );
        assert_eq!(
            RateLimits::parse("requests=off,resends=5/hour, mail-per-address=off"),
            Some(RateLimits {
                requests: false,
                mail_per_address: None,
                resends: Some(Limit { count: 5, seconds: 3_600 })
            })
        );
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "none",
            "resends",
            "resends=",
            "resends=0/day",
            "resends=101/day",
            "resends=5",
            "resends=5/week",
            "resends=on",
            "requests=5/day",
            "requests=",
            "links=5/day",
            "resends=5/day,",
            "resends=-1/day",
            "OFF",
        ] {
            assert_eq!(RateLimits::parse(text), None, "{text:?}");
        }
    }
}
