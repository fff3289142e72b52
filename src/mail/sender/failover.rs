//! Which provider takes a mail: the first of the list that has not just refused it and is not failing.
//!
//! A mail moves on only when no attempt at it may have been accepted. What a provider has refused is kept with the mail;
//! that a provider is failing is known to this isolate alone, and forgotten with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::mail::providers::Handover;
use crate::model::deployment::Deployment;
use crate::ports::Millis;
use crate::store::outbox::row::QueuedMail;

/// How many calls in a row must fail for a provider to be left alone for a while. More than one: what one mail is refused
/// for may yet be its own fault, and must not hold up the others.
const STREAK: u32 = 3;
/// How long a failing provider is left alone at most, in milliseconds.
const LONGEST_BREAK: Millis = 60 * 1000;

/// What this isolate has seen of its providers.
#[derive(Debug, Default)]
pub struct Health(Mutex<HashMap<String, Failing>>);

/// A provider whose last calls have all failed.
#[derive(Clone, Copy, Debug, Default)]
struct Failing {
    in_a_row: u32,
    breaks: u32,
    until: Millis,
}

impl Health {
    fn failing(&self) -> MutexGuard<'_, HashMap<String, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the provider is left alone: in the past for one that is not.
    #[must_use]
    pub fn until(&self, provider: &str) -> Millis {
        self.failing().get(provider).map_or(0, |failing| failing.until)
    }

    /// Until when all of the deployment's providers are left alone: in the past unless they all are.
    #[must_use]
    pub fn all_until(&self, deployment: &Deployment) -> Millis {
        deployment.mail_providers.iter().map(|provider| self.until(provider)).min().unwrap_or_default()
    }

    /// Whether the provider's last calls have all failed, so that the next mail is one to try it with.
    fn on_trial(&self, provider: &str) -> bool {
        self.failing().get(provider).is_some_and(|failing| failing.breaks > 0)
    }

    /// Learns from what came of one call. After three failures in a row the provider is left alone: for
    /// `MAIL_RETRY_BASE_SECONDS`, and twice as long with each failure after that, or for as long as it asks; at most a
    /// minute.
    pub fn learn(&self, deployment: &Deployment, provider: &str, handovers: &[Handover], now: Millis) {
        let answered = |one: &Handover| matches!(one, Handover::Accepted(_) | Handover::Permanent(_));
        let mut all = self.failing();
        if handovers.iter().any(answered) {
            all.remove(provider);
            return;
        }
        let failing = all.entry(provider.to_owned()).or_default();
        failing.in_a_row += 1;
        // Calls that were under way when the break began say nothing new.
        if failing.in_a_row < STREAK || failing.until > now {
            return;
        }
        let base = i64::from(deployment.mail_retry_base_seconds) * 1000;
        let planned = base << failing.breaks.min(6);
        let asked = handovers.iter().map(|one| match one {
            Handover::Transient(_, Some(seconds)) => i64::from(*seconds) * 1000,
            _ => 0,
        });
        failing.breaks += 1;
        failing.until = now + asked.fold(planned, Ord::max).min(LONGEST_BREAK);
    }
}

/// Chooses the providers of one batch.
#[derive(Debug)]
pub struct ProviderChoice<'a> {
    deployment: &'a Deployment,
    health: &'a Health,
    now: Millis,
    tried: HashSet<&'a str>,
}

impl<'a> ProviderChoice<'a> {
    /// Chooses as of `now`.
    #[must_use]
    pub fn new(deployment: &'a Deployment, health: &'a Health, now: Millis) -> Self {
        Self { deployment, health, now, tried: HashSet::new() }
    }

    /// The provider of a mail that no attempt has left a doubt about; `None` if it has to wait for what comes of the one
    /// mail with which a provider is tried.
    pub fn choose(&mut self, mail: &QueuedMail) -> Option<&'a str> {
        let providers = &self.deployment.mail_providers;
        let ready = |provider: &&String| mail.refused_until(provider) <= self.now;
        let works = |provider: &&String| self.health.until(provider) <= self.now;
        let free = |provider: &&String| !self.tried.contains(provider.as_str());
        let best = providers.iter().find(|provider| ready(provider) && works(provider) && free(provider));
        // With none that may be asked now, the attempt only finds out for when to put the mail off.
        let chosen = best.or_else(|| providers.iter().find(ready)).or(providers.first())?;
        if works(&chosen) && self.health.on_trial(chosen) && !self.tried.insert(chosen) {
            return None;
        }
        Some(chosen)
    }
}

/// When a mail without a doubt may be tried again: as soon as one provider may be asked. `refused` says until when which of
/// them is not, for having refused it.
#[must_use]
pub fn next_attempt(
    deployment: &Deployment,
    health: &Health,
    refused: &BTreeMap<String, Millis>,
    now: Millis,
) -> Millis {
    let refused_until = |provider: &String| refused.get(provider).copied().unwrap_or_default();
    let ready = |provider: &String| refused_until(provider).max(health.until(provider));
    deployment.mail_providers.iter().map(ready).min().unwrap_or(now).max(now)
}
