//! The sender: takes what is due from the outbox and hands it to a provider (DESIGN 4).
//!
//! Three round trips for up to a hundred mails: read what is due, lease it, record what became of it. The lease is a
//! conditional write, so that two senders never hold one row; a lease that dies with its isolate ends by itself, and
//! the next sender knows that the row's last attempt has an unknown outcome.

mod attempt;
mod failover;
mod lease;
mod pause;
pub(in crate::mail) mod plan;
mod throttle;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::mail::providers;
use crate::mail::render::addresses::LinkPolicy;
use crate::model::caches::Health;
use crate::model::deployment::Deployment;
use crate::model::mail::MailState;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::outbox::due::{DueBatch, find_due};
use crate::store::outbox::lease::{MailToLease, count_within_byte_limit};
use crate::store::outbox::outcome::{Unattempted, record_attempts};
use crate::store::outbox::row::FrozenContent;

use crate::mail::sender::attempt::Attempts;
use crate::mail::sender::failover::ProviderChoice;
use crate::mail::sender::lease::lease_batch;
use crate::mail::sender::plan::{Plan, Planner};

/// How many rows a lease takes at most: what fits into one invocation's 1,000 subrequests, several times over.
const BATCH: u32 = 100;
/// Connections that a Worker may have open at once.
const CONNECTIONS: u32 = 6;
/// The most characters of each fact that a mail tells.
const LONGEST_FACT: usize = 256;

/// The number of mails that a run sent, put off or ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Mails a provider accepted.
    pub sent: usize,
    /// Mails to be tried again later.
    pub deferred: usize,
    /// Mails that will not be sent: refused for good, given up, in doubt, or no longer wanted.
    pub ended: usize,
}

impl Report {
    /// Counts a mail by the state that the run leaves it in.
    fn count(&mut self, state: MailState) {
        match state {
            MailState::Sent => self.sent += 1,
            MailState::Deferred => self.deferred += 1,
            _ => self.ended += 1,
        }
    }
}

/// Sends what is due in all user stores, a batch at a time, at most `batches`; what is left then has the sender woken
/// again. The stores take turns, and within them the tenants; a run begins with any of them, so that much mail of one holds up no
/// other's. `health` is what this isolate knows of its providers.
///
/// # Errors
/// The first failure of a database; a store that fails keeps no other from its turn. What was leased then stays leased
/// until its lease ends.
pub fn run(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    batches: u32,
) -> Result<Report, DatabaseError> {
    let (mut report, mut failure) = (Report::default(), None);
    let mut random = [0; 8];
    platform.entropy.fill(&mut random);
    let random = u64::from_be_bytes(random);
    // Tenants' numbers are hashes of less than 53 bits.
    let mut stores: VecDeque<_> = platform.all_stores().map(|store| (store, random >> 11)).collect();
    let first_store = usize::try_from(random % 251).unwrap_or_default() % stores.len().max(1);
    stores.rotate_left(first_store);
    let mut left = batches;
    while let Some((store, first_tenant)) = stores.pop_front() {
        let pause = health.all_until(deployment) - platform.clock.now();
        if pause > 0 || left == 0 {
            wake(platform, pause.max(0));
            break;
        }
        match send_some(&store, deployment, health, first_tenant, &mut report) {
            Ok(Some(next)) => {
                left -= 1;
                stores.extend(next.map(|first_tenant| (store, first_tenant)));
            }
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(report), Err)
}

/// Sends a batch of one store's mails, beginning with the tenant `first`; returns the tenant to go on with if there may be more
/// of them, or `None` where none was due.
fn send_some(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    first: u64,
    report: &mut Report,
) -> Result<Option<Option<u64>>, DatabaseError> {
    let now = platform.clock.now();
    let limit = rows_that_fit(deployment);
    let batch = find_due(platform, deployment, now, limit, first)?;
    if batch.due.is_empty() && batch.unreadable.is_empty() {
        return Ok(None);
    }
    let (has_more, next) = (batch.has_more, batch.next_first.unwrap_or(first));
    let is_complete = send_batch(platform, deployment, health, batch, now, report)?;
    Ok(Some((has_more || !is_complete).then_some(next)))
}

fn wake(platform: &Platform, pause: Millis) {
    platform.mail_queue.wake(Duration::from_millis(u64::try_from(pause).unwrap_or_default()));
}

/// No more rows are leased than can all time out before the lease ends; one round of connections always can. A provider
/// that takes many mails in one call takes them in the time of one, as long as they are not so large that they need more.
fn rows_that_fit(deployment: &Deployment) -> u32 {
    let rounds = deployment.mail_lease_seconds / (deployment.mail_timeout_seconds + 1);
    let batch_limit = |name: &String| providers::find(deployment, name).map_or(1, |provider| provider.batch_limit());
    let at_once = deployment.mail_providers.iter().map(batch_limit).min().unwrap_or(1);
    let rows = rounds.saturating_mul(CONNECTIONS).saturating_mul(u32::try_from(at_once).unwrap_or(BATCH));
    rows.clamp(CONNECTIONS, BATCH)
}

/// The selection of mails in a batch, before it is leased.
struct Selection {
    to_lease: Vec<MailToLease>,
    unattempted: Vec<Unattempted>,
    /// Where the links of the tenants' own templates may lead.
    policies: HashMap<u64, LinkPolicy>,
    /// Whether no mail that is due was left for later: a lease takes no more bytes than fit, and no more templates are
    /// read; a mail may have to wait for another with which its provider is tried.
    is_complete: bool,
}

/// Decides what is to be done with each mail, and chooses its provider.
fn select(deployment: &Deployment, health: &Health, batch: DueBatch, now: Millis) -> Selection {
    let DueBatch { due, unreadable, templates, .. } = batch;
    let mut planner = Planner::new(deployment, &templates, now);
    let mut providers = ProviderChoice::new(deployment, health, now);
    let (mut to_lease, mut unattempted, mut is_complete) = (Vec::new(), unreadable, true);
    let mut policies = HashMap::new();
    for due in due {
        let plan = planner.plan(&due);
        if let Some(sender) = &due.tenant {
            policies.entry(due.mail.tenant).or_insert_with(|| LinkPolicy::new(deployment, &sender.settings));
        }
        let mail = due.mail;
        match plan {
            Plan::Drop(why) => unattempted.push(Unattempted::ended(&mail, MailState::Dropped, why)),
            Plan::Fail(why) => unattempted.push(Unattempted::ended(&mail, MailState::Failed, why)),
            Plan::Send { content, mailbox, condition } => {
                // A mail in doubt stays with the provider that may have it.
                let provider = match mail.in_doubt_since() {
                    Some(_) => Some(content.provider.clone()),
                    None => providers.choose(&mail).map(str::to_owned),
                };
                match provider {
                    Some(provider) => {
                        let content = FrozenContent { provider, ..content };
                        to_lease.push(MailToLease { mail, content, mailbox, condition });
                    }
                    None => is_complete = false,
                }
            }
        }
    }
    let versions = to_lease.iter().map(MailToLease::template_version);
    let fit = count_within_byte_limit(&to_lease).min(templates.count_within_byte_limit(versions));
    is_complete &= fit == to_lease.len();
    to_lease.truncate(fit);
    Selection { to_lease, unattempted, policies, is_complete }
}

/// Sends a batch; returns whether nothing more is due now: a mail that its provider has refused may be due for the next
/// one.
fn send_batch(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    batch: DueBatch,
    now: Millis,
    report: &mut Report,
) -> Result<bool, DatabaseError> {
    let lease_id = platform.new_id().to_string();
    let Selection { to_lease, unattempted, policies, is_complete } = select(deployment, health, batch, now);
    unattempted.iter().for_each(|mail| report.count(mail.new_state));
    let until = now + i64::from(deployment.mail_lease_seconds) * 1000;
    // A tenant that is no more leads nowhere but to us.
    let policy = |tenant| policies.get(&tenant).cloned().unwrap_or_default();
    let (leased, templates) = lease_batch(platform, to_lease, unattempted, &lease_id, until, policy, report)?;

    let attempted = Attempts { platform, deployment, health, templates: &templates }.attempt_all(leased);
    if attempted.is_empty() {
        return Ok(is_complete);
    }
    attempted.iter().for_each(|mail| report.count(mail.state));
    platform.db.batch(record_attempts(&attempted, &lease_id))?;
    let deferred = attempted.iter().filter(|mail| mail.state == MailState::Deferred);
    if let Some(next) = deferred.map(|mail| mail.due).min() {
        let pause = next - platform.clock.now();
        if pause <= 0 {
            // For the next provider of the list, at once.
            return Ok(false);
        }
        wake(platform, pause);
    }
    Ok(is_complete)
}
