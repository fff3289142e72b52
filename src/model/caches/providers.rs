//! What an isolate has seen of its mail providers.

use crate::base::bounded_cache::BoundedCache;
use crate::model::deployment::Deployment;
use crate::ports::Millis;

/// How many calls in a row must fail for a provider to be left alone for a while. More than one: what one mail is refused
/// for may yet be its own fault, and must not hold up the others.
const STREAK: u32 = 3;
/// The longest time a failing provider is left alone, in milliseconds.
const LONGEST_BREAK: Millis = 60 * 1000;
/// The most providers there may be.
const CAPACITY: usize = 64;

/// The providers whose last calls have failed, by name.
#[derive(Debug)]
pub struct Health(BoundedCache<String, Failing>);

/// A provider whose last calls have all failed.
#[derive(Clone, Copy, Debug, Default)]
struct Failing {
    in_a_row: u32,
    breaks: u32,
    until: Millis,
}

impl Default for Health {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl Health {
    /// Until when the provider is left alone: in the past for one that is not.
    #[must_use]
    pub fn until(&self, provider: &str) -> Millis {
        self.0.get(provider).map_or(0, |failing| failing.until)
    }

    /// Until when all of the deployment's providers are left alone: in the past unless they all are.
    #[must_use]
    pub fn all_until(&self, deployment: &Deployment) -> Millis {
        deployment.mail_providers.iter().map(|provider| self.until(provider)).min().unwrap_or_default()
    }

    /// Whether the provider's last calls have all failed, so that the next mail is one to try it with.
    #[must_use]
    pub fn on_trial(&self, provider: &str) -> bool {
        self.0.get(provider).is_some_and(|failing| failing.breaks > 0)
    }

    /// A call that the provider has answered, whatever it said of the mail.
    pub fn succeeded(&self, provider: &str) {
        self.0.remove(provider);
    }

    /// A call that has failed. After three in a row the provider is left alone: for `base` milliseconds, and twice as long
    /// with each failure after that, or for as long as it `asked`; at most a minute.
    pub fn failed(&self, provider: &str, base: Millis, asked: Millis, now: Millis) {
        self.0.update(provider.to_owned(), |before| {
            let mut failing = before.copied().unwrap_or_default();
            failing.in_a_row += 1;
            // Calls that were under way when the break began say nothing new.
            if failing.in_a_row >= STREAK && failing.until <= now {
                let planned = base << failing.breaks.min(6);
                failing.breaks += 1;
                failing.until = now + planned.max(asked).min(LONGEST_BREAK);
            }
            Some(failing)
        });
    }
}
