//! Which provider takes a mail: the first of the list that has not just refused it and is not failing.
//!
//! A mail moves on only when no attempt at it may have been accepted. What a provider has refused is kept with the mail;
//! that a provider is failing is known to this isolate alone, and forgotten with it.

use std::collections::{BTreeMap, HashSet};

use crate::mail::providers::Handover;
use crate::model::caches::Health;
use crate::model::deployment::Deployment;
use crate::ports::Millis;
use crate::store::outbox::row::QueuedMail;

/// Learns from what came of one call: for how long a failing provider is left alone grows from `MAIL_RETRY_BASE_SECONDS`,
/// or is as long as it asks.
pub fn learn(health: &Health, deployment: &Deployment, provider: &str, handovers: &[Handover], now: Millis) {
    let answered = |one: &Handover| matches!(one, Handover::Accepted(_) | Handover::Permanent(_));
    if handovers.iter().any(answered) {
        return health.succeeded(provider);
    }
    let asked = handovers.iter().map(|one| match one {
        Handover::Transient(_, Some(seconds)) => i64::from(*seconds) * 1000,
        _ => 0,
    });
    let base = i64::from(deployment.mail_retry_base_seconds) * 1000;
    health.failed(provider, base, asked.max().unwrap_or_default(), now);
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
