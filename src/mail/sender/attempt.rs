//! Handing leased mails over, and what becomes of them: the four outcomes of DESIGN 4, and the pauses between attempts.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream;

use crate::base::text::{cut, without_values};
use crate::mail::custom::Templates;
use crate::mail::message::message;
use crate::mail::providers::{self, Handover, Message, Provider};
use crate::mail::render;
use crate::mail::sender::failover::{self, Health};
use crate::mail::sender::{CONNECTIONS, LONGEST_FACT};
use crate::model::deployment::Deployment;
use crate::ports::{Millis, Platform};
use crate::store::outbox::{Fixed, Mail, Outcome};

/// The longest pause between two attempts, in milliseconds, unless the provider asks for a longer one.
const MAX_PAUSE: Millis = 15 * 60 * 1000;
/// The longest pause that a provider may ask for, in milliseconds.
const MAX_ASKED: Millis = 24 * 3_600_000;
/// Seconds before the end of its memory from which on a provider's knowledge of a key is not relied upon: our clocks may
/// differ, and a request takes its time.
const MEMORY_MARGIN: u64 = 300;

/// One batch's attempts.
pub struct Attempts<'a> {
    /// The way out, and the clock.
    pub platform: &'a Platform,
    /// Has the providers.
    pub deployment: &'a Deployment,
    /// How they do.
    pub health: &'a Health,
    /// The tenants' own templates that the mails are written by.
    pub templates: &'a Templates,
}

/// A mail before its provider is called.
struct Prepared {
    mail: Mail,
    fixed: Fixed,
    /// Since when an attempt may have been accepted unnoticed.
    in_doubt: Option<Millis>,
    /// When this attempt began.
    began: Millis,
    /// Whether the provider would know the mail again by its key, had it taken an earlier attempt.
    same_key_is_safe: bool,
    step: Step,
}

/// What is to be done with a mail.
enum Step {
    /// To hand its message over.
    Send,
    /// Nothing: this is what came of it.
    Settled(Handover),
    /// Nothing yet: its provider is not to be asked now.
    Wait,
}

impl Attempts<'_> {
    /// Makes an attempt at each of the mails, as many to a call as their provider takes.
    pub async fn of(&self, mails: Vec<Mail>) -> Vec<Outcome> {
        let mut by_provider: BTreeMap<String, Vec<(Mail, Fixed)>> = BTreeMap::new();
        for mail in mails {
            let Some(fixed) = mail.fixed.clone() else { continue };
            by_provider.entry(fixed.provider.clone()).or_default().push((mail, fixed));
        }
        let mut calls = Vec::new();
        for (name, mut mails) in by_provider {
            let limit = self.provider(&name).map_or(1, |provider| provider.batch_limit().max(1));
            while !mails.is_empty() {
                let rest = mails.split_off(limit.min(mails.len()));
                calls.push(self.call(name.clone(), std::mem::replace(&mut mails, rest)));
            }
        }
        let outcomes: Vec<Vec<Outcome>> = stream::iter(calls).buffer_unordered(CONNECTIONS as usize).collect().await;
        outcomes.into_iter().flatten().collect()
    }

    /// The provider if the deployment still has it.
    fn provider(&self, name: &str) -> Option<Box<dyn Provider>> {
        let is_listed = self.deployment.mail_providers.iter().any(|listed| listed == name);
        is_listed.then(|| providers::find(self.deployment, name)).flatten()
    }

    /// One call to a provider.
    async fn call(&self, name: String, mails: Vec<(Mail, Fixed)>) -> Vec<Outcome> {
        let provider = self.provider(&name);
        let now = self.platform.clock.now();
        let mut messages = Vec::new();
        let mut prepare = |(mail, fixed)| self.prepare(provider.as_deref(), mail, fixed, now, &mut messages);
        let prepared: Vec<Prepared> = mails.into_iter().map(&mut prepare).collect();
        let handovers = match (provider, messages.as_slice()) {
            (_, []) | (None, _) => Vec::new(),
            (Some(provider), [message]) => vec![provider.send(self.platform, message).await],
            (Some(provider), several) => provider.send_all(self.platform, several).await,
        };
        let now = self.platform.clock.now();
        if !handovers.is_empty() {
            self.health.learn(self.deployment, &name, &handovers, now);
        }
        let mut handovers = handovers.into_iter();
        let nothing_said = || Handover::Unknown("without an outcome".to_owned());
        let conclude = |mut one: Prepared| {
            let handover = match std::mem::replace(&mut one.step, Step::Wait) {
                Step::Send => Some(handovers.next().unwrap_or_else(nothing_said)),
                Step::Settled(handover) => Some(handover),
                Step::Wait => None,
            };
            self.conclude(one, handover, now)
        };
        prepared.into_iter().map(conclude).collect()
    }

    /// Decides what is to be done with a mail, and adds its message to `messages` if that is to be sent.
    fn prepare(
        &self,
        provider: Option<&dyn Provider>,
        mail: Mail,
        fixed: Fixed,
        now: Millis,
        messages: &mut Vec<Message>,
    ) -> Prepared {
        let in_doubt = mail.in_doubt_since();
        let memory = provider.and_then(Provider::remembers_keys_for);
        // The provider learned the key with the first attempt that it may have accepted.
        let same_key_is_safe = memory.is_some_and(|memory| {
            let age = u64::try_from(now - in_doubt.unwrap_or(now)).unwrap_or_default() / 1000;
            age < memory.saturating_sub(MEMORY_MARGIN)
        });
        let refused_until = if in_doubt.is_some() { 0 } else { mail.refused_until(&fixed.provider) };
        let not_yet = self.health.until(&fixed.provider).max(refused_until);
        let step = if in_doubt.is_some() && !same_key_is_safe {
            let why = "an earlier attempt may have been accepted, and its provider cannot tell any more";
            Step::Settled(Handover::Unknown(why.to_owned()))
        } else if provider.is_none() {
            let why = format!("the provider {} is not configured", fixed.provider);
            Step::Settled(Handover::Transient(why, Some(60)))
        } else if not_yet > now {
            Step::Wait
        } else {
            // A version is never deleted; were it gone all the same, the shipped template has the same link.
            let template = self
                .templates
                .get(mail.tenant, mail.template, fixed.template_version, &fixed.locale)
                .unwrap_or_else(|| render::shipped(mail.template, &fixed.locale));
            match message(self.deployment, &mail, &fixed, template) {
                Some(message) => {
                    messages.push(message);
                    Step::Send
                }
                None => {
                    let why = format!("the key {} has been retired", fixed.kid);
                    // Retired, it may come back; while in doubt, that is what can still tell.
                    Step::Settled(match in_doubt {
                        Some(_) => Handover::Transient(why, Some(60)),
                        None => Handover::Permanent(why),
                    })
                }
            }
        };
        Prepared { mail, fixed, in_doubt, began: now, same_key_is_safe, step }
    }

    /// What becomes of a mail after its handover, or without one.
    fn conclude(&self, prepared: Prepared, handover: Option<Handover>, now: Millis) -> Outcome {
        let Prepared { mut mail, fixed, in_doubt, began, same_key_is_safe, .. } = prepared;
        // One that was put off has been tried no earlier than it was first leased.
        let first = mail.created.max(i64::try_from(fixed.issued_at).unwrap_or_default() * 1000);
        let give_up_at = first + i64::from(self.deployment.mail_give_up_hours) * 3_600_000;
        let given_up = now >= give_up_at;
        let attempts = mail.attempts + u32::from(handover.is_some());
        // Without a doubt the providers take turns, and a pause follows when all have refused.
        let providers = u32::try_from(self.deployment.mail_providers.len()).unwrap_or(1).max(1);
        let retry = if in_doubt.is_some() { mail.attempts } else { mail.attempts / providers };
        // No pause is longer than the time left: the last attempt comes with its end.
        let after = |retry_after| {
            now + pause(self.platform, self.deployment, retry, retry_after).min((give_up_at - now).max(0))
        };
        let (mut state, mut due, mut doubtful, mut sent_at, mut provider_id) = ("deferred", now, in_doubt, None, None);
        let last_error = match handover {
            Some(Handover::Accepted(id)) => {
                state = "sent";
                sent_at = Some(now);
                provider_id = id.map(|id| cut(&id, LONGEST_FACT));
                None
            }
            Some(Handover::Permanent(why)) => {
                state = "failed";
                Some(why)
            }
            Some(Handover::Unknown(why)) => {
                doubtful = in_doubt.or(Some(began));
                if !same_key_is_safe || given_up {
                    state = "unknown";
                }
                due = after(None);
                Some(if same_key_is_safe && given_up { format!("given up: {why}") } else { why })
            }
            Some(Handover::Transient(why, _)) if given_up => {
                state = if in_doubt.is_some() { "unknown" } else { "failed" };
                Some(format!("given up: {why}"))
            }
            Some(Handover::Transient(why, retry_after)) => {
                due = after(retry_after);
                if in_doubt.is_none() {
                    mail.refused.insert(fixed.provider.clone(), due);
                    due = failover::next(self.deployment, self.health, &mail, now);
                }
                Some(if providers > 1 { format!("{}: {why}", fixed.provider) } else { why })
            }
            None => {
                due = match in_doubt {
                    Some(_) => self.health.until(&fixed.provider),
                    None => failover::next(self.deployment, self.health, &mail, now),
                };
                Some(format!("{} is failing, and is left alone for a while", fixed.provider))
            }
        };
        Outcome {
            tenant: mail.tenant,
            id: mail.id,
            user_id: mail.user_id,
            seq: mail.seq,
            state,
            due,
            doubtful,
            attempts,
            refused: mail.refused,
            provider_id,
            last_error: last_error.map(|why| without_values(&why)),
            sent_at,
            expires_at: i64::try_from(fixed.expires_at.saturating_mul(1000)).unwrap_or_default(),
            is_invitation: mail.template.is_invitation(),
            link_kid: mail.template.link_purpose().map(|_| fixed.kid.clone()),
        }
    }
}

/// Milliseconds until retry `retry`, the first being 0: base x 2^retry, give or take a quarter, at most 15 minutes, and
/// never before what the provider asked for, within a day.
fn pause(platform: &Platform, deployment: &Deployment, retry: u32, retry_after: Option<u32>) -> Millis {
    let base = i64::from(deployment.mail_retry_base_seconds) * 1000;
    let planned = base.saturating_mul(1 << retry.min(32)).min(MAX_PAUSE);
    let mut random = [0; 1];
    platform.entropy.fill(&mut random);
    let spread = planned * 3 / 4 + planned / 2 * i64::from(random[0]) / 255;
    let asked = i64::from(retry_after.unwrap_or_default()) * 1000;
    spread.min(MAX_PAUSE).max(asked.min(MAX_ASKED))
}
