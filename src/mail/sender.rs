//! The sender: takes what is due from the outbox and hands it to a provider (DESIGN 4).
//!
//! Three round trips for up to a hundred mails: read what is due, lease it, record what became of it. The lease is a
//! conditional write, so that two senders never hold one row; a lease that dies with its isolate ends by itself, and
//! the next sender knows that the row's last attempt has an unknown outcome.

mod attempt;
mod failover;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::base::account::{Account, Cause, Lock};
use crate::base::limits::Limit;
use crate::base::text::{cut, without_values};
use crate::base::token::Purpose;
use crate::mail::custom::{self, Templates};
use crate::mail::pace::Pace;
use crate::mail::providers;
use crate::model::deployment::Deployment;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::mail_templates::Offered;
use crate::store::outbox::{self, Due, Ended, Facts, Fixed, Mail, Person, SendingTenant, Waiting};

use attempt::Attempts;
use failover::Choice;

pub use failover::Health;

/// How many rows a lease takes at most: what fits into one invocation's 1,000 subrequests, several times over.
const BATCH: u32 = 100;
/// Connections that a Worker may have open at once.
const CONNECTIONS: u32 = 6;
/// The most characters of each fact that a mail tells.
const LONGEST_FACT: usize = 256;
/// How many tries it may take to find the rows that keep a batch from being leased. Halving finds one row in a hundred
/// with 14; who needs more goes on in the next run.
const LEASE_TRIES: u32 = 40;

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

/// Sends what is due in all user stores, a batch at a time, at most `batches`; what is left then has the sender woken
/// again. The stores take turns, and a run begins with any of them, so that much mail in one holds up no other's. `health`
/// is what this isolate knows of its providers.
///
/// # Errors
/// The first failure of a database; a store that fails keeps no other from its turn. What was leased then stays leased
/// until its lease ends.
pub async fn run(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    batches: u32,
) -> Result<Report, DatabaseError> {
    let (mut report, mut failure) = (Report::default(), None);
    let mut stores: VecDeque<Platform> = platform.all_stores().collect();
    let mut random = [0; 1];
    platform.entropy.fill(&mut random);
    let first = usize::from(random[0]) % stores.len().max(1);
    stores.rotate_left(first);
    let mut left = batches;
    while let Some(store) = stores.pop_front() {
        let pause = health.all_until(deployment) - platform.clock.now();
        if pause > 0 || left == 0 {
            wake(platform, pause.max(0));
            break;
        }
        match send_some(&store, deployment, health, &mut report).await {
            Ok(Some(more)) => {
                left -= 1;
                stores.extend(more.then_some(store));
            }
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(report), Err)
}

/// Sends a batch of one store's mails: whether there may be more of them, or `None` where none was due.
async fn send_some(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    report: &mut Report,
) -> Result<Option<bool>, DatabaseError> {
    let now = platform.clock.now();
    let limit = rows_that_fit(deployment);
    let waiting = outbox::due(platform, deployment, now, limit).await?;
    let found = waiting.due.len() + waiting.unreadable.len();
    if found == 0 {
        return Ok(None);
    }
    let all_taken = send_batch(platform, deployment, health, waiting, now, report).await?;
    Ok(Some(!all_taken || found >= limit as usize))
}

fn wake(platform: &Platform, pause: Millis) {
    platform.mail_queue.wake(Duration::from_millis(u64::try_from(pause).unwrap_or_default()));
}

/// No more rows are leased than can all time out before the lease ends; one round of connections always can. A provider
/// that takes many mails in one call takes them in the time of one.
fn rows_that_fit(deployment: &Deployment) -> u32 {
    let rounds = deployment.mail_lease_seconds / (deployment.mail_timeout_seconds + 1);
    let batch_limit = |name: &String| providers::find(deployment, name).map_or(1, |provider| provider.batch_limit());
    let at_once = deployment.mail_providers.iter().map(batch_limit).min().unwrap_or(1);
    let rows = rounds.saturating_mul(CONNECTIONS).saturating_mul(u32::try_from(at_once).unwrap_or(BATCH));
    rows.clamp(CONNECTIONS, BATCH)
}

/// Answers whether nothing more waits: a lease takes no more bytes than fit, and no more templates are read; a mail that
/// its provider has refused may be due for the next one.
async fn send_batch(
    platform: &Platform,
    deployment: &Deployment,
    health: &Health,
    Waiting { due, unreadable: mut ended, offered }: Waiting,
    now: Millis,
    report: &mut Report,
) -> Result<bool, DatabaseError> {
    let lease = platform.new_id().to_string();
    let mut wanted = Vec::new();
    let mut pace = Pace::default();
    let mut put_off = 0;
    let mut choice = Choice::new(deployment, health, now);
    let mut all_chosen = true;
    for Due { mut mail, person, recent, account, tenant } in due {
        let is_active = tenant.is_some();
        let limit = tenant.as_ref().and_then(|sender| sender.settings.rate_limits.mail_per_address);
        if let Some(why) = why_unwanted(&mail, account.as_ref()) {
            ended.push(Ended::of(&mail, "dropped", why));
        } else if let Some(due) = limit.and_then(|limit| wait_for_room(&mut pace, &mut mail, limit, &recent, now)) {
            ended.push(Ended::until(&mail, due, "its address has had as many mails as it may have for now"));
            put_off += 1;
        } else if let Some(fixed) =
            mail.fixed.clone().or_else(|| fix(deployment, tenant?, &mail, person?, &offered, now))
        {
            // A mail in doubt stays with the provider that may have it.
            let chosen = match mail.in_doubt_since() {
                Some(_) => Some(fixed.provider.as_str()),
                None => choice.of(&mail),
            };
            match chosen.map(str::to_owned) {
                Some(provider) => wanted.push(Mail { fixed: Some(Fixed { provider, ..fixed }), ..mail }),
                None => all_chosen = false,
            }
        } else if !is_active {
            ended.push(Ended::of(&mail, "failed", "the tenant is not active"));
        } else {
            ended.push(Ended::of(&mail, "failed", "what the mail is to say cannot be read from the user"));
        }
    }
    let fit = outbox::that_fit(&wanted).min(offered.that_fit(wanted.iter().filter_map(Mail::template_version)));
    let all_taken = all_chosen && fit == wanted.len();
    wanted.truncate(fit);
    let until = now + i64::from(deployment.mail_lease_seconds) * 1000;
    report.ended += ended.len() - put_off;
    report.deferred += put_off;
    let (leased, templates) = take(platform, &wanted, &ended, &lease, until, report).await?;

    wanted.retain(|mail| leased.contains(&mail.id));
    let outcomes = Attempts { platform, deployment, health, templates: &templates }.of(wanted).await;
    if outcomes.is_empty() {
        return Ok(all_taken);
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
        let pause = next - platform.clock.now();
        if pause <= 0 {
            // For the next provider of the list, at once.
            return Ok(false);
        }
        wake(platform, pause);
    }
    Ok(all_taken)
}

/// When to look again at a mail whose address has had its share, or `None`, with the room that its lease asks for.
fn wait_for_room(pace: &mut Pace, mail: &mut Mail, limit: Limit, recent: &[u64], now: Millis) -> Option<Millis> {
    if mail.fixed.is_some() {
        return None;
    }
    match pace.room(mail, limit, recent, now) {
        Ok(room) => {
            mail.room = Some(room);
            None
        }
        Err(due) => Some(due),
    }
}

/// Leases `wanted` and ends `ended`, in one round trip as a rule; answers the ids leased, and the tenants' own templates
/// that they are written by.
///
/// When that fails, the batch is halved until the row is found that fails alone. It is ended as failed, so that it cannot
/// keep the mails of all others from going out run after run; it stays visible and can be tried again.
async fn take(
    platform: &Platform,
    wanted: &[Mail],
    ended: &[Ended],
    lease: &str,
    until: Millis,
    report: &mut Report,
) -> Result<(HashSet<String>, Templates), DatabaseError> {
    let mut leased = HashSet::new();
    let mut templates = Templates::default();
    let mut rest = vec![wanted];
    let mut ended = ended.to_vec();
    for _ in 0..LEASE_TRIES {
        let Some(mails) = rest.pop() else { break };
        let mut statements = vec![outbox::lease(mails, lease, until)];
        let mut read = crate::store::mail_templates::read(mails.iter().filter_map(Mail::template_version));
        // Templates are PRIMARY's: with its own mails they are read in one round trip.
        if platform.store.is_some()
            && let Some(read) = read.take()
        {
            templates.extend(crate::store::mail_templates::templates(&platform.in_store(None).query(read).await?)?);
        }
        let reads_templates = read.is_some();
        statements.extend(read);
        if !ended.is_empty() {
            statements.extend(outbox::end(&ended));
        }
        match platform.db.batch(statements).await {
            Ok(outcomes) => {
                let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
                leased.extend(rows.iter().filter_map(|row| row.text("id").ok().map(str::to_owned)));
                if let Some(read) = outcomes.get(1).filter(|_| reads_templates) {
                    templates.extend(crate::store::mail_templates::templates(&read.rows)?);
                }
                ended.clear();
            }
            Err(DatabaseError::Unavailable(_)) if !ended.is_empty() => {
                // Apart, so that neither is taken for what keeps the other back.
                platform.db.batch(outbox::end(&ended)).await?;
                ended.clear();
                rest.push(mails);
            }
            Err(error @ DatabaseError::Unavailable(_)) if wanted.len() > 1 => match mails {
                [] => return Err(error),
                [one] => {
                    // Should the database be the one that fails, this fails too, and the row stays as it is.
                    let why = without_values(&error.to_string());
                    platform.db.batch(outbox::end(&[Ended::of(one, "failed", why)])).await?;
                    report.ended += 1;
                }
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    rest.extend([second, first]);
                }
            },
            Err(error) => return Err(error),
        }
    }
    Ok((leased, templates))
}

/// Why a mail is not wanted any more, or `None` while it is.
fn why_unwanted(mail: &Mail, account: Option<&Account>) -> Option<&'static str> {
    let Some(account) = account else { return Some("the user has been deleted") };
    // A mail without a link tells of something that has happened, and stays true.
    let purpose = mail.template.link_purpose()?;
    Some(match account.dead_link(mail.seq, purpose)? {
        Cause::Accepted => "the invitation has been redeemed",
        Cause::Revoked => "the invitation has been revoked",
        Cause::GivenUp => "the change of address has been given up",
        Cause::Replaced => "a newer mail has replaced it",
        Cause::AddressChanged => "the user's address has changed",
        Cause::Locked if account.disabled => "the account is disabled",
        Cause::Locked if account.lock == Lock::Admin => "the account is locked",
        Cause::Locked => "the account was locked or disabled meanwhile",
    })
}

/// Fixes what every attempt will share: the first lease decides.
fn fix(
    deployment: &Deployment,
    sender: SendingTenant,
    mail: &Mail,
    person: Person,
    offered: &Offered,
    now: Millis,
) -> Option<Fixed> {
    let SendingTenant { tenant, settings } = sender;
    let issued_at = u64::try_from(now).unwrap_or_default() / 1000;
    let validity = match mail.template.link_purpose() {
        Some(Purpose::VerifyEmail) => settings.verification_email_validity,
        _ => settings.ask_password_email_validity,
    };
    let own = offered.own(mail.tenant, mail.template);
    let choice = custom::choose(&languages(&person), &settings.default_locale, own);
    let fact = |text: Option<String>| cut(text.as_deref().unwrap_or_default(), LONGEST_FACT);
    Some(Fixed {
        provider: deployment.mail_providers.first()?.clone(),
        kid: deployment.keys.current_kid()?.to_owned(),
        issued_at,
        expires_at: validity.expires_at(issued_at),
        locale: choice.locale,
        template_version: choice.version,
        facts: Facts {
            // Without the user store's name in front (22343): the page behind the link tells it.
            user_name: fact(person.user_name.map(|name| deployment.user_stores.split(&name).1.to_owned())),
            given_name: fact(person.given_name),
            family_name: fact(person.family_name),
            tenant: tenant.domain().to_owned(),
            organization: cut(&settings.organization_name, LONGEST_FACT),
            reply_to: settings.mail_reply_to.clone(),
            new_email: person.new_email,
        },
    })
}

/// The user's languages, best first: `preferredLanguage`, then `locale`.
#[must_use]
pub fn languages(person: &Person) -> Vec<String> {
    [&person.preferred_language, &person.locale]
        .into_iter()
        .flatten()
        // An Accept-Language list: its order is taken for the weights, which clients rarely send otherwise.
        .flat_map(|list| list.split(','))
        .map(|entry| entry.split(';').next().unwrap_or_default().to_owned())
        .collect()
}
