//! Handing leased mails over, and what becomes of them: the four outcomes of DESIGN 4.

use std::collections::{BTreeMap, VecDeque};

use futures_util::StreamExt;
use futures_util::stream;

use crate::base::text::{cut, without_values};
use crate::mail::message::{ComposeError, compose};
use crate::mail::providers::{self, Handover, Message, Provider};
use crate::mail::sender::failover;
use crate::mail::sender::pause::pause;
use crate::mail::sender::{CONNECTIONS, LONGEST_FACT};
use crate::mail::templates::Templates;
use crate::model::caches::Health;
use crate::model::deployment::Deployment;
use crate::model::mail::MailState;
use crate::ports::{Millis, Platform};
use crate::store::outbox::outcome::Attempted;
use crate::store::outbox::row::LeasedMail;

/// Seconds before the end of its memory from which on a provider's knowledge of a key is not relied upon: our clocks may
/// differ, and a request takes its time.
const MEMORY_MARGIN: u64 = 300;

/// The bytes of rendered mails from which on a call takes no further one: with the largest mails, those of all calls at once
/// and their copies in requests are a third of an isolate's memory.
const CALL_BYTES: usize = 1024 * 1024;

/// The dependencies of the attempts of one batch.
pub struct Attempts<'a> {
    /// The outside world.
    pub platform: &'a Platform,
    /// The deployment, which has the providers.
    pub deployment: &'a Deployment,
    /// This isolate's record of their failures.
    pub health: &'a Health,
    /// The tenants' own templates that the mails are written by.
    pub templates: &'a Templates,
}

/// A day, in milliseconds.
const DAY: Millis = 86_400_000;

/// An attempt at a mail.
struct Attempt {
    leased: LeasedMail,
    /// The time since which an earlier attempt may have been accepted unnoticed.
    in_doubt: Option<Millis>,
    /// The time this attempt began.
    began: Millis,
    /// Whether the provider would know the mail again by its key, had it taken an earlier attempt.
    same_key_is_safe: bool,
    /// Why the shipped template is used, where the tenant has its own.
    why_shipped: Option<String>,
}

/// A call to a provider, ready to be made.
struct Call {
    name: String,
    provider: Option<Box<dyn Provider>>,
    messages: Vec<Message>,
    turns: Vec<(Attempt, Turn)>,
}

/// The next step for a mail.
enum Step {
    /// To hand this message over.
    HandOver(Message),
    /// Nothing: this is what comes of it.
    Conclude(Handover),
    /// Nothing yet: its provider is not to be asked now.
    Wait,
}

/// Where the handover of a mail is to be found, once its provider has been called.
enum Turn {
    /// It is the next one of the call.
    InCall,
    /// It is known without a call.
    Known(Handover),
    /// There is none.
    None,
}

impl Attempts<'_> {
    /// Makes an attempt at each of the mails, as many to a call as their provider takes and its bytes allow. A mail is
    /// rendered when there is a connection for it, and dropped when it has been handed over.
    pub async fn attempt_all(&self, mails: Vec<LeasedMail>) -> Vec<Attempted> {
        let mut by_provider: BTreeMap<String, VecDeque<LeasedMail>> = BTreeMap::new();
        for leased in mails {
            by_provider.entry(leased.content.provider.clone()).or_default().push_back(leased);
        }
        let calls = std::iter::from_fn(|| {
            let (name, mails) = by_provider.iter_mut().find(|(_, mails)| !mails.is_empty())?;
            Some(self.hand_over(self.prepare(name.clone(), mails)))
        });
        let attempted: Vec<Vec<Attempted>> = stream::iter(calls).buffer_unordered(CONNECTIONS as usize).collect().await;
        attempted.into_iter().flatten().collect()
    }

    /// The provider if the deployment still has it.
    fn provider(&self, name: &str) -> Option<Box<dyn Provider>> {
        let is_listed = self.deployment.mail_providers.iter().any(|listed| listed == name);
        is_listed.then(|| providers::find(self.deployment, name)).flatten()
    }

    /// Takes mails for one call to a provider, and renders those that are to be handed over now.
    fn prepare(&self, name: String, mails: &mut VecDeque<LeasedMail>) -> Call {
        let provider = self.provider(&name);
        let limit = provider.as_ref().map_or(1, |provider| provider.batch_limit().max(1));
        let now = self.platform.clock.now();
        let (mut messages, mut turns, mut bytes) = (Vec::new(), Vec::new(), 0);
        while turns.len() < limit && bytes < CALL_BYTES {
            let Some(leased) = mails.pop_front() else { break };
            let mut attempt = begin(leased, provider.as_deref(), now);
            let turn = match self.next_step(&mut attempt, provider.is_some()) {
                Step::HandOver(message) => {
                    bytes += message.html.len() + message.text.len();
                    messages.push(message);
                    Turn::InCall
                }
                Step::Conclude(handover) => Turn::Known(handover),
                Step::Wait => Turn::None,
            };
            turns.push((attempt, turn));
        }
        Call { name, provider, messages, turns }
    }

    /// Makes a call.
    async fn hand_over(&self, call: Call) -> Vec<Attempted> {
        let Call { name, provider, messages, turns } = call;
        let handovers = match (provider, messages.as_slice()) {
            (_, []) | (None, _) => Vec::new(),
            (Some(provider), [message]) => vec![provider.send(self.platform, message).await],
            (Some(provider), several) => provider.send_all(self.platform, several).await,
        };
        drop(messages);
        let now = self.platform.clock.now();
        if !handovers.is_empty() {
            failover::learn(self.health, self.deployment, &name, &handovers, now);
        }
        let mut handovers = handovers.into_iter();
        let nothing_said = || Handover::Unknown("without an outcome".to_owned());
        let conclude = |(attempt, turn)| {
            let handover = match turn {
                Turn::InCall => Some(handovers.next().unwrap_or_else(nothing_said)),
                Turn::Known(handover) => Some(handover),
                Turn::None => None,
            };
            self.conclude(attempt, handover, now)
        };
        turns.into_iter().map(conclude).collect()
    }

    /// Decides what is to be done with a mail, whose provider the deployment may have no more.
    fn next_step(&self, attempt: &mut Attempt, has_provider: bool) -> Step {
        let Attempt { leased, in_doubt, began: now, same_key_is_safe, why_shipped } = attempt;
        let leased = &*leased;
        let LeasedMail { mail, content } = leased;
        if in_doubt.is_some() && !*same_key_is_safe {
            let why = "an earlier attempt may have been accepted, and its provider cannot tell any more";
            return Step::Conclude(Handover::Unknown(why.to_owned()));
        }
        if !has_provider {
            let why = format!("the provider {} is not configured", content.provider);
            return Step::Conclude(Handover::Transient(why, Some(60)));
        }
        let refused_until = if in_doubt.is_some() { 0 } else { mail.refused_until(&content.provider) };
        if self.health.until(&content.provider).max(refused_until) > *now {
            return Step::Wait;
        }
        let chosen = self.templates.choose(leased.template_version(), &content.locale);
        *why_shipped = chosen.why_shipped.map(str::to_owned);
        match compose(self.deployment, leased, chosen.template) {
            Ok(message) => Step::HandOver(message),
            Err(ComposeError::KeyRetired) => {
                let why = format!("the key {} has been retired", content.kid);
                // Retired, it may come back; while in doubt, that is what can still tell.
                Step::Conclude(match in_doubt {
                    Some(_) => Handover::Transient(why, Some(60)),
                    None => Handover::Permanent(why),
                })
            }
            Err(ComposeError::TooLarge(why)) => Step::Conclude(match in_doubt {
                Some(_) => Handover::Unknown(why.to_string()),
                None => Handover::Permanent(why.to_string()),
            }),
        }
    }

    /// What becomes of a mail after its handover, or without one.
    fn conclude(&self, attempt: Attempt, handover: Option<Handover>, now: Millis) -> Attempted {
        let Attempt { leased: LeasedMail { mail, content }, in_doubt, began, same_key_is_safe, why_shipped } = attempt;
        // One that was put off has been tried no earlier than it was first leased.
        let first = mail.created.max(i64::try_from(content.issued_at).unwrap_or_default() * 1000);
        let give_up_at = first + i64::from(self.deployment.mail_give_up_hours) * 3_600_000;
        let given_up = now >= give_up_at;
        // Without a doubt the providers take turns, and a pause follows when all have refused.
        let providers = u32::try_from(self.deployment.mail_providers.len()).unwrap_or(1).max(1);
        let retry = if in_doubt.is_some() { mail.attempts } else { mail.attempts / providers };
        // No pause is longer than the time left: the last attempt comes with its end.
        let after = |retry_after| {
            now + pause(self.platform, self.deployment, retry, retry_after).min((give_up_at - now).max(0))
        };
        let said = |why: &str| Some(without_values(why));
        // What the person asked for, and a reminder, leave the times as they are.
        let schedule = (mail.template.is_invitation() && mail.reminder.is_none())
            .then(|| content.facts.remind_after.map(|days| now + i64::from(days) * DAY));
        let deferred = Attempted {
            tenant: mail.tenant,
            id: mail.id,
            user_id: mail.user_id,
            seq: mail.seq,
            state: MailState::Deferred,
            due: now,
            doubtful: in_doubt,
            attempts: mail.attempts + u32::from(handover.is_some()),
            refused: mail.refused,
            provider_id: None,
            last_error: None,
            sent_at: None,
            expires_at: i64::try_from(content.expires_at.saturating_mul(1000)).unwrap_or_default(),
            is_invitation: mail.template.is_invitation(),
            schedule: None,
            link_kid: mail.template.link_purpose().filter(|purpose| !purpose.resets_password()).map(|_| content.kid),
        };
        match handover {
            Some(Handover::Accepted(id)) => Attempted {
                state: MailState::Sent,
                sent_at: Some(now),
                schedule,
                provider_id: id.map(|id| cut(&id, LONGEST_FACT)),
                last_error: why_shipped.as_deref().and_then(said),
                ..deferred
            },
            Some(Handover::Permanent(why)) => {
                Attempted { state: MailState::Failed, last_error: said(&why), ..deferred }
            }
            // Asked again under the same key, the provider would tell.
            Some(Handover::Unknown(why)) if same_key_is_safe && !given_up => {
                Attempted { due: after(None), doubtful: in_doubt.or(Some(began)), last_error: said(&why), ..deferred }
            }
            Some(Handover::Unknown(why)) => Attempted {
                state: MailState::Unknown,
                due: after(None),
                doubtful: in_doubt.or(Some(began)),
                last_error: if same_key_is_safe { said(&format!("given up: {why}")) } else { said(&why) },
                ..deferred
            },
            Some(Handover::Transient(why, _)) if given_up => Attempted {
                state: if in_doubt.is_some() { MailState::Unknown } else { MailState::Failed },
                last_error: said(&format!("given up: {why}")),
                ..deferred
            },
            Some(Handover::Transient(why, retry_after)) => {
                let again = after(retry_after);
                let last_error = if providers > 1 { said(&format!("{}: {why}", content.provider)) } else { said(&why) };
                if in_doubt.is_some() {
                    return Attempted { due: again, last_error, ..deferred };
                }
                let mut refused = deferred.refused;
                refused.insert(content.provider, again);
                let due = failover::next_attempt(self.deployment, self.health, &refused, now);
                Attempted { due, refused, last_error, ..deferred }
            }
            None => Attempted {
                due: match in_doubt {
                    Some(_) => self.health.until(&content.provider),
                    None => failover::next_attempt(self.deployment, self.health, &deferred.refused, now),
                },
                last_error: said(&format!("{} is failing, and is left alone for a while", content.provider)),
                ..deferred
            },
        }
    }
}

/// An attempt at a mail, as of `now`; `provider` is its provider, if the deployment still has it.
fn begin(leased: LeasedMail, provider: Option<&dyn Provider>, now: Millis) -> Attempt {
    let in_doubt = leased.mail.in_doubt_since();
    // The provider learned the key with the first attempt that it may have accepted.
    let same_key_is_safe = provider.and_then(Provider::remembers_keys_for).is_some_and(|memory| {
        let age = u64::try_from(now - in_doubt.unwrap_or(now)).unwrap_or_default() / 1000;
        age < memory.saturating_sub(MEMORY_MARGIN)
    });
    Attempt { leased, in_doubt, began: now, same_key_is_safe, why_shipped: None }
}
