//! Rate limits (DESIGN 7): which there are, what a tenant sets them to, and whom a request is counted for.
//!
//! Requests are counted by Cloudflare's bindings, which cost no round trip and are exact for no one: they keep a flood
//! away. What must be exact, mail to one address and resends of one invitation, is counted in the database, by the
//! statement that sends.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::access::authenticate;
use crate::model::context::Context;
use crate::ports::RequestKind;

/// Seconds after which a refused request may be tried again: the `period` of the bindings in `wrangler.toml`.
pub const REQUEST_PERIOD: u32 = 60;

/// The most that a limit lets through in its time: counting reads as many rows.
pub const MAX_COUNT: u32 = 100;

/// The longest time that a limit is about, in seconds.
pub const LONGEST_PERIOD: u32 = 86_400;

/// So many in so much time, any stretch of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many, 1 to [`MAX_COUNT`].
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

/// Counts a request; answers whether it may go on. `credentials` are those it came with, where it is counted for them
/// instead of for the address: nobody's requests then stand in the way of another's. Asks no database.
pub async fn admits(ctx: &Context, kind: RequestKind, credentials: Option<&str>) -> bool {
    if !ctx.settings().rate_limits.requests {
        return true;
    }
    let key = match (credentials, &ctx.address) {
        (Some(credentials), _) => credentials_key(credentials),
        (None, Some(address)) => network(address),
        // Cloudflare always tells the address. Whoever came without one would be counted together with all others.
        (None, None) => return true,
    };
    if !ctx.platform.limiter.allow(kind, &key).await {
        return false;
    }
    // Each invented token would be another caller, and a question to the database: the address answers for them.
    match (credentials, &ctx.address) {
        (Some(credentials), Some(address)) if authenticate::is_unproven_token(ctx, credentials) => {
            ctx.platform.limiter.allow(kind, &network(address)).await
        }
        _ => true,
    }
}

/// What stands for credentials: nothing from which they could be had again.
fn credentials_key(credentials: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("latchkey caller\0{credentials}")))
}

/// What stands for an address: itself, or of IPv6 the /64, which is what one customer has at least.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string(),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
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

    #[test]
    fn an_ipv6_customer_is_counted_once_for_the_whole_network() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:0DB8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn the_key_of_credentials_does_not_hold_them() {
        let key = credentials_key("Bearer lk_secret");
        assert!(!key.contains("secret") && key.len() == 43, "{key}");
        assert_ne!(key, credentials_key("Bearer lk_secret2"));
    }
}
