//! A way back in for whoever has forgotten their password: they type an address or a name, and what is on file there gets a
//! mail.
//!
//! What was typed is a row of its own, written before anybody looks whether there is such a user: the answer, and the time it
//! takes, are the same for everyone. The queue, which the request wakes, works the rows off.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::base::account::{Lock, Onboarding};
use crate::base::address::Address;
use crate::model::context::{Actor, Context, StoreContext, UnitOfWork};
use crate::model::mail::Delivery;
use crate::model::resource::Resource;
use crate::model::settings::{EmailSender, Settings};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Platform};
use crate::store::invitations::recovery::{self, Candidate, Instead};
use crate::store::recoveries::{self, Waiting};
use crate::store::{resets, tenant_settings};
use scim::fold::{exact, fold};

/// How many rows a run works off: each takes a few round trips, and an invocation has a thousand.
const BATCH: i64 = 50;
/// The most accounts whose links are in one mail.
const MOST_ACCOUNTS: usize = 10;
/// The longest text that is taken, in bytes: names and addresses are shorter.
pub const MAX_TYPED: usize = 1_024;

/// Notes what was typed; answers the tenant's settings. One round trip, which asks nothing about users.
///
/// # Errors
/// The database's.
pub fn request(ctx: &Context, typed: &str) -> Result<Option<Arc<Settings>>, DatabaseError> {
    let typed = typed.trim();
    let key = match ctx.deployment.user_stores.locate(typed) {
        Ok(located) => fold(&located.name),
        Err(_) => fold(typed),
    };
    let limited = ctx.last_known_settings().rate_limits.requests;
    let (_, settings) = tenant_settings::batch(&ctx.primary(), vec![recoveries::request(ctx, &key, typed, limited)])?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(settings)
}

/// Works off what was typed, oldest first. `context` makes the unit of work of a tenant. Answers how many rows it took; of one
/// that fails, the next run takes care.
///
/// # Errors
/// The database's: the last one, after all have been tried.
pub fn run(platform: &Platform, context: &dyn Fn(Tenant) -> Context) -> Result<usize, DatabaseError> {
    let primary = platform.in_store(None);
    let (mut taken, mut failure) = (0, None);
    for waiting in recoveries::find_waiting(&primary, BATCH)? {
        let ctx = context(waiting.tenant.clone()).acting_as(Actor::Anyone);
        match recover(&ctx, &waiting) {
            Ok(()) => failure = recoveries::finish(&primary, &waiting).err().or(failure),
            Err(error) => failure = Some(error),
        }
        taken += 1;
    }
    failure.map_or(Ok(taken), Err)
}

/// Mails those whom the text means, in every user store.
fn recover(ctx: &Context, waiting: &Waiting) -> Result<(), DatabaseError> {
    let Some(settings) = tenant_settings::refresh(ctx)? else { return Ok(()) };
    if !settings.password_recovery || settings.email_sender != EmailSender::Internal {
        return Ok(());
    }
    let ctx = &ctx.with_settings(settings);
    let typed = waiting.typed.as_str();
    let (named, name) = ctx.in_store_of_name(typed);
    let (name_key, address_key) = (fold(&name), fold(typed));
    for store in ctx.platform.all_stores() {
        let there = &ctx.in_store(store.store);
        let name_key = Some(name_key.as_str()).filter(|_| named.platform.store == store.store);
        let mut candidates = recovery::find_candidates(there, name_key, &address_key)?;
        candidates.retain(|candidate| is_meant(&candidate.user, name_key, typed));
        mail(there, &candidates)?;
    }
    Ok(())
}

/// Whether the text is a user's name, or one of their addresses.
fn is_meant(user: &Resource, name_key: Option<&str>, typed: &str) -> bool {
    let document = user.attributes();
    let name = document.get("userName").and_then(Json::as_str).unwrap_or_default();
    let emails = document.get("emails").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    name_key.is_some_and(|key| fold(name) == key)
        || emails.iter().filter_map(|email| email["value"].as_str()).any(|address| is_same_address(typed, address))
}

/// Whether two spellings are one address: in other cases, composed or not, but not with letters that only look alike or that
/// fold to each other.
fn is_same_address(typed: &str, stored: &str) -> bool {
    // A sign whose composed form is a letter of ASCII, such as the one for kelvins.
    let is_disguised = |c: &char| !c.is_ascii() && exact(c.encode_utf8(&mut [0; 4])).is_ascii();
    if typed.chars().any(|c| is_disguised(&c)) {
        return false;
    }
    let (typed, stored) = (exact(typed), exact(stored.trim()));
    let mut others = stored.chars();
    let is_same = |one: char, other: char| {
        one == other || (one.is_ascii() == other.is_ascii() && one.to_lowercase().eq(other.to_lowercase()))
    };
    typed.chars().all(|one| others.next().is_some_and(|other| is_same(one, other))) && others.next().is_none()
}

/// Mails the accounts what their states have them get: those who are live and have one address, one mail.
fn mail(ctx: &StoreContext, candidates: &[Candidate]) -> Result<(), DatabaseError> {
    let settings = ctx.settings();
    let mut groups: Vec<(String, Vec<&Resource>)> = Vec::new();
    for Candidate { user, has_password } in candidates {
        let account = &user.account;
        let Some(address) = account.email.as_deref().filter(|address| Address::parse(address).is_some()) else {
            continue;
        };
        if account.is_live() && *has_password {
            let mailbox = address.to_ascii_lowercase();
            match groups.iter_mut().find(|(known, _)| *known == mailbox) {
                Some((_, users)) => users.push(user),
                None => groups.push((mailbox, vec![user])),
            }
        } else if let Some(instead) = instead_of_link(ctx, &settings, user) {
            recovery::mail_instead(ctx, user, instead)?;
        }
    }
    let expires_at = settings.recovery_email_validity.expires_at(ctx.now_seconds());
    // The link ends so long after its mail was first tried.
    let ends = resets::end_of_link(expires_at) + i64::from(ctx.deployment.mail_give_up_hours) * 3_600_000;
    for (_, mut users) in groups {
        users.truncate(MOST_ACCOUNTS);
        recovery::mail_links(ctx, &users, ends)?;
    }
    Ok(())
}

/// What a user who is not live gets.
fn instead_of_link(ctx: &StoreContext, settings: &Settings, user: &Resource) -> Option<Instead> {
    let account = &user.account;
    if account.disabled {
        return None;
    }
    if account.lock == Lock::Admin {
        return settings.recovery_notify_failure.then_some(Instead::Locked);
    }
    let invitation = user.invitation.as_ref().filter(|invitation| matches!(invitation.delivery, Delivery::Mail(_)))?;
    // One whose mail has not gone out yet has no end, and its mail is on its way.
    let ends = invitation.expires_at?;
    let is_alive = ends == 0 || ends > ctx.platform.clock.now();
    (account.onboarding != Onboarding::None && !account.is_revoked() && is_alive).then_some(Instead::Invitation(ends))
}

#[cfg(test)]
mod tests {
    use super::is_same_address;

    #[test]
    fn letters_that_look_alike_are_no_address_of_anybodys() {
        for typed in ["kim@example.com", "KIM@Example.COM"] {
            assert!(is_same_address(typed, "Kim@example.com"), "{typed}");
        }
        assert!(is_same_address("A\u{308}rger@example.com", "\u{e4}rger@example.com"));
        for typed in ["\u{212a}im@example.com", "k\u{131}m@example.com", "kim@example.com.", "kim@example.co", "ki"] {
            assert!(!is_same_address(typed, "kim@example.com"), "{typed}");
        }
        assert!(!is_same_address("\u{17f}am@example.com", "sam@example.com"));
        assert!(!is_same_address("sam@example.com", "\u{17f}am@example.com"));
    }
}
