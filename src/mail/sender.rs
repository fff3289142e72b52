//! The sender: takes what is due from the outbox and hands it to a provider (DESIGN 4).
//!
//! Three round trips for up to a hundred mails: read what is due, lease it, record what became of it. The lease is a
//! conditional write, so that two senders never hold one row; a lease that dies with its isolate ends by itself, and
//! the next sender knows that the row's last attempt has an unknown outcome.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value as Json;

use super::message::{message, purpose};
use super::outbox::{self, Due, Facts, Fixed, Mail, Outcome};
use super::providers::{self, Handover};
use crate::invite::token::{MAX_LOCALE, Purpose};
use crate::pages::locale::Language;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::tenant::{Deployment, SUPER_TENANT};

/// How many rows a lease takes at most: what fits into one invocation's 1,000 subrequests, several times over.
const BATCH: u32 = 100;
/// Connections that a Worker may have open at once.
const CONNECTIONS: u32 = 6;
/// The longest pause between two attempts, in seconds.
const MAX_PAUSE: u64 = 15 * 60;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Mails a provider accepted.
    pub sent: usize,
    /// Mails to be tried again later.
    pub deferred: usize,
    /// Mails that will not be sent: refused for good, given up, in doubt, or no longer wanted.
    pub ended: usize,
}

/// Sends what is due, a batch at a time, at most `batches`.
///
/// # Errors
/// The database's. What was leased then stays leased until its lease ends.
pub async fn run(platform: &Platform, deployment: &Deployment, batches: u32) -> Result<Report, DatabaseError> {
    let mut report = Report::default();
    for _ in 0..batches {
        let now = platform.clock.now();
        let limit = rows_that_fit(deployment);
        let due = outbox::due(platform, now, limit).await?;
        let full = due.len() == limit as usize;
        if !due.is_empty() {
            send_batch(platform, deployment, due, now, &mut report).await?;
        }
        if !full {
            break;
        }
    }
    Ok(report)
}

/// No more rows are leased than can all time out before the lease ends.
fn rows_that_fit(deployment: &Deployment) -> u32 {
    let rounds = deployment.mail_lease_seconds / (deployment.mail_timeout_seconds + 1);
    (rounds * CONNECTIONS).clamp(1, BATCH)
}

async fn send_batch(
    platform: &Platform,
    deployment: &Deployment,
    due: Vec<Due>,
    now: Millis,
    report: &mut Report,
) -> Result<(), DatabaseError> {
    let lease = platform.new_id().to_string();
    let mut unwanted = Vec::new();
    let mut wanted = Vec::new();
    for Due { mail, document, seq, pending } in due {
        match why_unwanted(&mail, document.is_some(), seq, pending) {
            Some(why) => unwanted.push((mail, why)),
            None => {
                let fixed = mail.fixed.clone().or_else(|| fix(deployment, &mail, document.as_deref(), now));
                wanted.push(Mail { fixed, ..mail });
            }
        }
    }
    let until = now + i64::from(deployment.mail_lease_seconds) * 1000;
    let mut statements = vec![outbox::lease(&wanted, &lease, until)];
    if !unwanted.is_empty() {
        report.ended += unwanted.len();
        statements.push(outbox::drop_unwanted(&unwanted));
    }
    let outcomes = platform.db.batch(statements).await?;
    let leased: HashSet<String> = outcomes
        .first()
        .map(|outcome| outcome.rows.iter().filter_map(|row| row.text("id").ok().map(str::to_owned)).collect())
        .unwrap_or_default();

    let attempts = wanted
        .into_iter()
        .filter(|mail| leased.contains(&mail.id))
        .filter_map(|mail| mail.fixed.clone().map(|fixed| attempt(platform, deployment, mail, fixed)));
    let outcomes: Vec<Outcome> = stream::iter(attempts).buffer_unordered(CONNECTIONS as usize).collect().await;
    if outcomes.is_empty() {
        return Ok(());
    }
    for outcome in &outcomes {
        match outcome.state {
            "sent" => report.sent += 1,
            "deferred" => report.deferred += 1,
            _ => report.ended += 1,
        }
    }
    platform.db.batch(outbox::record(&outcomes, &lease)).await?;
    let next = outcomes.iter().filter(|outcome| outcome.state == "deferred").map(|outcome| outcome.due).min();
    if let Some(next) = next {
        let pause = u64::try_from(next - platform.clock.now()).unwrap_or_default();
        platform.mail_queue.wake(Duration::from_millis(pause));
    }
    Ok(())
}

/// Why a mail is not wanted any more, or `None` while it is.
fn why_unwanted(mail: &Mail, exists: bool, seq: Option<u32>, pending: bool) -> Option<&'static str> {
    if !exists {
        return Some("the user has been deleted");
    }
    // A mail without a link tells of something that has happened, and stays true.
    purpose(mail.template)?;
    if seq != Some(mail.seq) {
        return Some("the invitation has been redeemed, revoked or replaced");
    }
    (!pending).then_some("the account is locked, disabled or live")
}

/// Fixes what every attempt will share: the first lease decides.
fn fix(deployment: &Deployment, mail: &Mail, document: Option<&str>, now: Millis) -> Option<Fixed> {
    let document: Json = serde_json::from_str(document?).ok()?;
    let text = |pointer: &str| document.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    let settings = &deployment.settings;
    let issued_at = u64::try_from(now).unwrap_or_default() / 1000;
    let validity = match purpose(mail.template) {
        Some(Purpose::VerifyEmail) => settings.verification_email_validity,
        _ => settings.ask_password_email_validity,
    };
    Some(Fixed {
        provider: deployment.mail_providers.first()?.clone(),
        kid: deployment.keys.current_kid()?.to_owned(),
        issued_at,
        expires_at: validity.expires_at(issued_at),
        locale: locale(&document, &settings.default_locale),
        facts: Facts {
            user_name: text("/userName"),
            given_name: text("/name/givenName"),
            family_name: text("/name/familyName"),
            tenant: SUPER_TENANT.to_owned(),
            organization: settings.organization_name.clone(),
        },
    })
}

/// The user's `preferredLanguage`, else `locale`, else the tenant's, as one of the languages that mails are written in.
fn locale(document: &Json, default: &str) -> String {
    let preferred = ["preferredLanguage", "locale"]
        .into_iter()
        .find_map(|name| document[name].as_str().filter(|text| !text.trim().is_empty()))
        .unwrap_or(default);
    // preferredLanguage may be an Accept-Language list (RFC 7643 section 4.1.1): its first entry.
    let first = preferred.split([',', ';']).next().unwrap_or_default().trim().replace('-', "_");
    if first.is_ascii() && !first.is_empty() && first.len() <= MAX_LOCALE {
        first
    } else {
        Language::of(default).locale().to_owned()
    }
}

/// One attempt at one leased mail.
async fn attempt(platform: &Platform, deployment: &Deployment, mail: Mail, fixed: Fixed) -> Outcome {
    let now = platform.clock.now();
    let attempts = mail.attempts + 1;
    let provider = providers::find(deployment, &fixed.provider);
    let memory = provider.as_ref().and_then(|provider| provider.remembers_keys_for());
    let age = (u64::try_from(now).unwrap_or_default() / 1000).saturating_sub(fixed.issued_at);
    let same_key_is_safe = memory.is_some_and(|memory| age < memory);
    // The row was leased before, and its holder died without a word: the mail may be out.
    let in_doubt = mail.state == "sending";

    let handover = match provider {
        _ if in_doubt && !same_key_is_safe => Handover::Unknown("the sender died while sending".to_owned()),
        None => Handover::Transient(format!("the provider {} is not configured", fixed.provider), Some(60)),
        Some(provider) => match message(deployment, &mail, &fixed) {
            None => Handover::Permanent(format!("the key {} has been retired", fixed.kid)),
            Some(message) => provider.send(platform, &message).await,
        },
    };

    let now = platform.clock.now();
    let given_up = now - mail.created > i64::from(deployment.mail_give_up_hours) * 3_600_000;
    let mut outcome = Outcome {
        tenant: mail.tenant,
        id: mail.id.clone(),
        user_id: mail.user_id.clone(),
        seq: mail.seq,
        state: "sent",
        due: now,
        attempts,
        provider_id: None,
        last_error: None,
        sent_at: None,
        expires_at: i64::try_from(fixed.expires_at.saturating_mul(1000)).unwrap_or_default(),
        is_invitation: purpose(mail.template).is_some(),
    };
    match handover {
        Handover::Accepted(provider_id) => {
            outcome.provider_id = provider_id;
            outcome.sent_at = Some(now);
        }
        Handover::Permanent(why) => {
            outcome.state = "failed";
            outcome.last_error = Some(why);
        }
        Handover::Unknown(why) if !same_key_is_safe => {
            outcome.state = "unknown";
            outcome.last_error = Some(why);
        }
        Handover::Transient(why, _) | Handover::Unknown(why) if given_up => {
            outcome.state = "failed";
            outcome.last_error = Some(format!("given up: {why}"));
        }
        Handover::Transient(why, retry_after) => {
            outcome.state = "deferred";
            outcome.due = now + pause(platform, deployment, attempts, retry_after);
            outcome.last_error = Some(why);
        }
        Handover::Unknown(why) => {
            outcome.state = "deferred";
            outcome.due = now + pause(platform, deployment, attempts, None);
            outcome.last_error = Some(why);
        }
    }
    outcome
}

/// Milliseconds until the attempt after this one: base x 2^k, give or take a quarter, at most 15 minutes, and never
/// before what the provider asked for.
fn pause(platform: &Platform, deployment: &Deployment, attempts: u32, retry_after: Option<u32>) -> Millis {
    let base = u64::from(deployment.mail_retry_base_seconds) * 1000;
    let factor = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    let planned = base.saturating_mul(factor).min(MAX_PAUSE * 1000);
    let mut random = [0; 1];
    platform.entropy.fill(&mut random);
    let spread = planned * 3 / 4 + planned / 2 * u64::from(random[0]) / 255;
    let asked = u64::from(retry_after.unwrap_or_default()) * 1000;
    i64::try_from(spread.min(MAX_PAUSE * 1000).max(asked)).unwrap_or(i64::MAX)
}
