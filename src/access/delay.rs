//! Failed sign-ins, counted for each account and address, and how long the next attempt has to wait.
//!
//! From the sixth attempt on, an address waits 1, 2, 4 ... 60 seconds between attempts on one account; after a hundred
//! failures on whichever accounts it waits for all of them. Nobody else waits: whoever knows the password and comes from
//! another address gets in, so that no stranger can lock anybody out. D1 is written only when an attempt fails, for names
//! that exist and names that do not alike. The isolate counts too, at once: a hundred guesses that are sent at the same time
//! have all read D1 before the first of them has failed.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::caches::FailureCount;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::sign_in_failures::{self, COUNTED, FailureKey, StoredFailures};
use scim::fold::fold;

/// Failures before the first delay: of one account from one address, and of all accounts from it.
const FREE: i64 = 5;
const FREE_OF_ADDRESS: i64 = 100;
/// The longest delay, in milliseconds.
const LONGEST: Millis = 60_000;
/// The label that the key of the digests of names is derived with.
const LABEL: &[u8] = b"latchkey/signin/v1";

/// An attempt to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt(FailureKey);

impl Attempt {
    /// The attempt of the context's address on this user name; `None` where nobody has to wait (`RATE_LIMITS=off`).
    #[must_use]
    pub fn new(ctx: &Context, user_name: &str) -> Option<Self> {
        // The first administrator may sign in anywhere: those failures are counted in one place, and no tenant decides.
        let is_first = ctx.deployment.is_administrators_name(user_name);
        let limited = if is_first {
            ctx.deployment.settings.rate_limits.requests
        } else {
            ctx.last_known_settings().rate_limits.requests
        };
        if !limited {
            return None;
        }
        let tenant = if is_first { 0 } else { ctx.tenant.number().cast_signed() };
        let key = ctx.deployment.keys.derive(LABEL, b"").into_iter().next().unwrap_or_default();
        let account = Hmac::<Sha256>::new_from_slice(&key)
            .map(|mac| mac.chain_update(fold(user_name)).finalize().into_bytes())
            .map(|digest| URL_SAFE_NO_PAD.encode(&digest[..16]))
            .unwrap_or_default();
        Some(Self(FailureKey { tenant, account, address: network(ctx.address.as_deref().unwrap_or_default()) }))
    }

    /// Seconds that this attempt has to wait, as far as the isolate knows.
    #[must_use]
    pub fn known_wait(&self, ctx: &Context) -> Option<u32> {
        let now = ctx.platform.clock.now();
        let wait = |(key, is_of_all): (String, bool)| {
            let known = ctx.caches.sign_in_failures.get(&key, now)?;
            seconds(known.last + delay(is_of_all, known.failures) - now)
        };
        self.keys().into_iter().zip([false, true]).filter_map(wait).max()
    }

    /// Where the isolate counts the failures of the account, and those of the address.
    fn keys(&self) -> [String; 2] {
        let FailureKey { tenant, account, address } = &self.0;
        [format!("{tenant} {account} {address}"), address.clone()]
    }

    /// The statement that reads what has failed, to be run with the one that reads the user.
    #[must_use]
    pub fn statement(&self) -> Statement {
        sign_in_failures::find(&self.0)
    }

    /// Judges by the answer of [`Attempt::statement`], and by what has failed here while it was on its way.
    #[must_use]
    pub fn judge(&self, ctx: &Context, stored: &[StoredFailures]) -> Verdict {
        let now = ctx.platform.clock.now();
        let mut verdict = Verdict { wait: self.known_wait(ctx), ..Verdict::default() };
        for StoredFailures { is_of_all, failures, last } in stored.iter().copied() {
            verdict.has_failed |= !is_of_all;
            if now - last < COUNTED {
                let wait = seconds(last + delay(is_of_all, failures) - now);
                if wait > verdict.wait {
                    // Failed elsewhere: the next attempt here need not ask.
                    let key = &self.keys()[usize::from(is_of_all)];
                    ctx.caches.sign_in_failures.keep(key, FailureCount { failures, last });
                }
                verdict.wait = verdict.wait.max(wait);
                verdict.failures[usize::from(is_of_all)] = failures;
            }
        }
        verdict
    }

    /// Counts a failure: here at once, and in the database in one batch with the row that records it.
    ///
    /// # Errors
    /// The database's.
    pub fn failed(&self, ctx: &Context, verdict: &Verdict, record: Statement) -> Result<(), DatabaseError> {
        let now = ctx.platform.clock.now();
        let keys = self.keys();
        let known = &ctx.caches.sign_in_failures;
        let failures_here = |key: &str| known.get(key, now).map_or(0, |known| known.failures);
        for (key, failures) in keys.iter().zip(verdict.failures) {
            known.keep(key, FailureCount { failures: failures_here(key).max(failures) + 1, last: now });
        }
        for counted in sign_in_failures::count(&ctx.platform, &self.0, now, record)? {
            let key = &keys[usize::from(counted.is_of_all)];
            known.keep(key, FailureCount { failures: failures_here(key).max(counted.failures), last: now });
        }
        Ok(())
    }

    /// Forgets the failures of this account from this address: somebody there has got it right.
    ///
    /// # Errors
    /// The database's.
    pub fn succeeded(&self, ctx: &Context) -> Result<(), DatabaseError> {
        ctx.caches.sign_in_failures.forget(&self.keys()[0]);
        ctx.platform.query(sign_in_failures::delete(&self.0)).map(|_| ())
    }
}

/// The state of an attempt before the password is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Seconds that it has to wait.
    pub wait: Option<u32>,
    /// Whether there are failures that a success forgets.
    pub has_failed: bool,
    /// The failures of the account and of the address that still count.
    failures: [i64; 2],
}

/// The delay after so many failures, in milliseconds.
fn delay(is_of_all: bool, failures: i64) -> Millis {
    let beyond = failures - if is_of_all { FREE_OF_ADDRESS } else { FREE };
    if beyond < 0 { 0 } else { (1_000 << beyond.min(6)).min(LONGEST) }
}

/// Whole seconds, rounded up; `None` where there is nothing to wait for.
fn seconds(millis: Millis) -> Option<u32> {
    u32::try_from(millis).ok().filter(|millis| *millis > 0).map(|millis| millis.div_ceil(1000))
}

/// What counts as one address: one of IPv4, or what a household gets of IPv6, which is 64 bits.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{delay, network, seconds};

    #[test]
    fn delays_double_from_the_fifth_failure_to_a_minute() {
        let delays: Vec<_> = (4..13).map(|failures| delay(false, failures) / 1000).collect();
        assert_eq!(delays, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!((delay(true, 99), delay(true, 100), delay(true, i64::MAX)), (0, 1_000, 60_000));
        assert_eq!((seconds(0), seconds(-5), seconds(1), seconds(60_000)), (None, None, Some(1), Some(60)));
    }

    #[test]
    fn an_address_is_one_of_ipv4_or_64_bits_of_ipv6() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("somewhere"), "");
    }
}
