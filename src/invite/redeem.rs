//! Opening a link and redeeming it. Looking changes nothing; redeeming is one conditional write that decides the winner,
//! with the audit row and the follow-up mail in the same batch.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::access::hash_limiter::HashLimiter;
use crate::access::password;
use crate::access::password_policy::{self, Weakness};
use crate::base::account::{Cause, Onboarding};
use crate::base::address::Address;
use crate::base::token::{Claims, Purpose, Refused};
use crate::invite::emails;
use crate::model::attempts::Attempts;
use crate::model::audit::Action;
use crate::model::context::{Actor, Context, StoreContext, UnitOfWork};
use crate::model::mail::TemplateType;
use crate::model::resource::{Resource, USER};
use crate::model::settings::{EmailSender, Settings};
use crate::ports::{DatabaseError, Outcome, Statement};
use crate::store::invitations::redemption::{self, Redemption};
use crate::store::invitations::role_grants;
use crate::store::operation::Operation;
use crate::store::outbox::OutboxEntry;
use crate::store::resources::{self, SideEffects, Written, find};
use crate::store::{credentials, registrations, tenant_settings};

/// The purposes that let somebody set a password.
pub const SETS_PASSWORD: &[Purpose] = &[Purpose::AskPassword, Purpose::Offline, Purpose::Reset, Purpose::OfflineReset];
/// Those of them by which somebody accepts an invitation.
pub const ACCEPTS_INVITATION: &[Purpose] = &[Purpose::AskPassword, Purpose::Offline];
/// Those of them that are for somebody who has accepted.
pub const RESETS_PASSWORD: &[Purpose] = &[Purpose::Reset, Purpose::OfflineReset];
/// The purpose that lets somebody confirm an address.
pub const CONFIRMS_ADDRESS: &[Purpose] = &[Purpose::VerifyEmail];

/// The state of a link.
#[derive(Debug)]
pub enum Link {
    /// It works: for this user.
    Live(Claims, Box<Resource>),
    /// Authentic, but its time is over.
    Expired(Claims),
    /// Authentic and in time, but dead.
    Dead {
        /// The contents of the token.
        claims: Claims,
        /// Why.
        cause: Cause,
        /// Whether its holder may ask for a new mail: another link is what works now, or would.
        renewable: bool,
    },
    /// Authentic, but of another tenant.
    OtherTenant,
    /// Mangled, forged, or of a key or a user that is no more.
    Invalid,
}

/// What came of a link, and the tenant's settings, which are read in the same round trip; `None` where there is no such
/// tenant any more, whose links are [`Link::Invalid`].
pub type WithSettings<T> = (T, Option<Arc<Settings>>);

/// Verifies a link's token: what an authentic one in its time says. Costs no round trip.
///
/// # Errors
/// What is wrong with the token.
pub fn verify(ctx: &Context, token: &str, purposes: &[Purpose]) -> Result<Claims, Refused> {
    ctx.deployment.keys.verify(token, purposes, ctx.tenant.number(), ctx.now_seconds())
}

impl From<Refused> for Link {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid => Self::Invalid,
            Refused::OtherTenant => Self::OtherTenant,
            Refused::Expired(claims) => Self::Expired(*claims),
        }
    }
}

/// Looks up whom verified claims are for, and whether they still hold; their time does not matter here. One round trip.
///
/// # Errors
/// The database's.
pub async fn open(ctx: &Context, claims: Claims) -> Result<WithSettings<Link>, DatabaseError> {
    let (outcomes, is_given_role, settings) = look(ctx, &claims.user.to_string(), |_, _| Vec::new()).await?;
    Ok((judge(claims, outcomes.first().filter(|_| settings.is_some()), is_given_role)?, settings))
}

/// Reads a user together with what `more` asks for, in one round trip: the outcomes, whether a group has given the user a
/// role without their having been sent another link since, and the settings. For a user of another store than PRIMARY that
/// takes one more, and the settings, where they are not in memory, another.
async fn look(
    ctx: &Context,
    id: &str,
    more: impl FnOnce(&StoreContext, &str) -> Vec<Statement>,
) -> Result<(Vec<Outcome>, bool, Option<Arc<Settings>>), DatabaseError> {
    let there = &ctx.in_store_of(id);
    let mut statements = vec![find::by_id_statement(there, USER, id, false)];
    statements.extend(more(there, id));
    let waits = role_grants::waits_statement(ctx, id);
    if there.platform.store.is_some() {
        // Beforehand: a role that is given after this look is given to somebody who has used the link.
        let is_given_role = !ctx.platform.query(waits).await?.is_empty();
        let (outcomes, settings) = tenant_settings::batch(there, statements).await?;
        return Ok((outcomes, is_given_role, settings));
    }
    statements.push(waits);
    let (mut outcomes, settings) = tenant_settings::batch(there, statements).await?;
    let is_given_role = outcomes.pop().is_some_and(|outcome| !outcome.rows.is_empty());
    Ok((outcomes, is_given_role, settings))
}

/// Notes that somebody has begun to type a password on the page of verified claims. One round trip.
///
/// # Errors
/// The database's.
pub async fn start(ctx: &Context, claims: &Claims) -> Result<(), DatabaseError> {
    let id = claims.user.to_string();
    let there = &ctx.in_store_of(&id);
    there.platform.query(redemption::start(there, &id, claims.seq)).await.map(drop)
}

/// Opens a link together with the hashes of the user's last passwords, and notes that the person has begun, in one round
/// trip.
async fn open_with_passwords(
    ctx: &Context,
    claims: Claims,
    starts: bool,
) -> Result<(WithSettings<Link>, Vec<String>), DatabaseError> {
    let seq = claims.seq;
    let last = |there: &StoreContext, id: &str| {
        let starts = starts.then(|| redemption::start(there, id, seq));
        std::iter::once(credentials::last(there, id)).chain(starts).collect()
    };
    let (outcomes, is_given_role, settings) = look(ctx, &claims.user.to_string(), last).await?;
    let Some(settings) = settings else { return Ok(((Link::Invalid, None), Vec::new())) };
    let passwords = credentials::hashes(&settings, outcomes.get(1))?;
    Ok(((judge(claims, outcomes.first(), is_given_role)?, Some(settings)), passwords))
}

/// What a link is, by its user's row. One that was made before a role was given is replaced, though its `seq` may not say
/// so yet.
fn judge(claims: Claims, outcome: Option<&Outcome>, is_given_role: bool) -> Result<Link, DatabaseError> {
    let row = outcome.and_then(|outcome| outcome.rows.first());
    Ok(match row.map(resources::from_row).transpose()? {
        None => Link::Invalid,
        Some(user) => {
            match user.account.dead_link(claims.seq, claims.purpose).or(is_given_role.then_some(Cause::Replaced)) {
                None => Link::Live(claims, Box::new(user)),
                Some(cause) => {
                    let superseded = matches!(cause, Cause::Replaced | Cause::AddressChanged);
                    let renewable = superseded && user.account.waits_for_a_link() && !claims.purpose.resets_password();
                    Link::Dead { claims, cause, renewable }
                }
            }
        }
    })
}

/// The result of redeeming a link.
#[derive(Debug)]
pub enum Redeemed {
    /// The account is live, with the password or the address that the link was for.
    Done(Claims, Box<Resource>),
    /// The password is refused, for these reasons; the link still works.
    Refused(Claims, Box<Resource>, Vec<Weakness>),
    /// The two entries differ; the link still works.
    Mismatch(Claims, Box<Resource>),
    /// The link does not work.
    NotLive(Link),
    /// Too many passwords wait to be hashed; the link, which is authentic, may still work.
    Busy(Claims),
}

/// Sets the password of the user that verified claims ([`SETS_PASSWORD`]) are for. `confirm` is the second entry, where the form asks for one.
///
/// # Errors
/// The database's: nothing was changed, and the link still works.
pub async fn set_password(
    ctx: &Context,
    gate: &HashLimiter,
    claims: Claims,
    password: &str,
    confirm: Option<&str>,
) -> Result<WithSettings<Redeemed>, DatabaseError> {
    let Some(_place) = gate.enter() else { return Ok((Redeemed::Busy(claims), None)) };
    // Invitations alone are shown with when somebody began.
    let starts = !password.is_empty() && !claims.purpose.resets_password();
    let ((link, settings), passwords) = open_with_passwords(ctx, claims, starts).await?;
    match (link, settings) {
        (Link::Live(claims, user), Some(settings)) => {
            let ctx = ctx.with_settings(settings.clone());
            let redeemed = set_live_password(&ctx, claims, user, &passwords, password, confirm).await?;
            Ok((redeemed, Some(settings)))
        }
        (other, settings) => Ok((Redeemed::NotLive(other), settings)),
    }
}

/// Sets the password of the user of a live link, unless it is refused or was used before: `last_passwords` are the hashes.
async fn set_live_password(
    ctx: &Context,
    claims: Claims,
    user: Box<Resource>,
    last_passwords: &[String],
    password: &str,
    confirm: Option<&str>,
) -> Result<Redeemed, DatabaseError> {
    let minimum = ctx.settings().password_min_length;
    let weaknesses = password_policy::weaknesses(password, minimum, &password_policy::obvious_words(ctx, &user));
    if !weaknesses.is_empty() {
        return Ok(Redeemed::Refused(claims, user, weaknesses));
    }
    // As they are hashed: a person who types twice may do so on two keyboards.
    let normalized = password::normalized(password);
    if confirm.is_some_and(|confirm| password::normalized(confirm) != normalized) {
        return Ok(Redeemed::Mismatch(claims, user));
    }
    // Last, because it costs most.
    if password_policy::is_among(password, last_passwords) {
        return Ok(Redeemed::Refused(claims, user, vec![Weakness::Used]));
    }
    let Some(hash) = password::hash(password, &*ctx.platform.entropy) else {
        return Ok(Redeemed::Refused(claims, user, vec![Weakness::TooLong]));
    };

    redeem(ctx, claims, user, Some(&hash)).await
}

/// Confirms the e-mail address of the user that verified claims ([`CONFIRMS_ADDRESS`]) are for; the password stays what it
/// was.
///
/// # Errors
/// The database's: nothing was changed, and the link still works.
pub async fn confirm_email(ctx: &Context, claims: Claims) -> Result<WithSettings<Redeemed>, DatabaseError> {
    match open(ctx, claims).await? {
        (Link::Live(claims, user), Some(settings)) => {
            let ctx = &ctx.with_settings(settings.clone());
            let redeemed = if user.account.onboarding == Onboarding::None {
                confirm_change(ctx, claims, user).await?
            } else {
                redeem(ctx, claims, user, None).await?
            };
            Ok((redeemed, Some(settings)))
        }
        (other, settings) => Ok((Redeemed::NotLive(other), settings)),
    }
}

/// Puts the address that waits into the place of the present one. The user is written as it was read, so that the write
/// depends on the version, and with it on the link's `seq`.
async fn confirm_change(ctx: &Context, claims: Claims, user: Box<Resource>) -> Result<Redeemed, DatabaseError> {
    let there = &ctx.in_store_of(&user.id).acting_as(Actor::User(user.id.clone()));
    let registry = registrations::load_registry(ctx).await?;
    let Some(rt) = registry.resource_type(USER) else { return Ok(Redeemed::NotLive(Link::Invalid)) };
    let mut before = user;
    let mut attempts = Attempts::at_once(there);
    loop {
        let mut after = with_confirmed_address(&before);
        let operation = Operation::new(there);
        let effects = SideEffects {
            actions: vec![Action::UserUpdate],
            condition: Some(role_grants::NO_GRANT),
            ..SideEffects::default()
        };
        match resources::update(there, rt, &before, &mut after, &operation, effects).await? {
            Written::Done(_) => return Ok(Redeemed::Done(claims, Box::new(after))),
            Written::Taken | Written::LastAdministrator => return Err(DatabaseError::Unique("emails".to_owned())),
            Written::Conflict if attempts.again(there).await => match open(ctx, claims.clone()).await?.0 {
                Link::Live(_, user) => before = user,
                other => return Ok(Redeemed::NotLive(other)),
            },
            Written::Conflict => {
                return Err(DatabaseError::Unavailable("the user is changed all the time".to_owned()));
            }
        }
    }
}

/// The user with the address that waits in the place of the present one.
fn with_confirmed_address(before: &Resource) -> Resource {
    let mut account = before.account.clone();
    let mut document = before.attributes();
    if let Some(address) = account.pending_email.take() {
        emails::put_confirmed(&mut document, &address);
        account.email = Some(address);
    }
    account.email_verified = true;
    account.seq_log.push_str(Cause::Accepted.as_str());
    Resource { document: Json::Object(document).to_string(), account, ..before.clone() }
}

/// The one conditional write: whoever it answers a row to has won.
async fn redeem(
    ctx: &Context,
    claims: Claims,
    user: Box<Resource>,
    hash: Option<&str>,
) -> Result<Redeemed, DatabaseError> {
    let there = &ctx.in_store_of(&user.id).acting_as(Actor::User(user.id.clone()));
    // Whoever was handed a link need not have read the mailbox. To confirm the address is what the other link is for.
    let proves_address = match claims.purpose {
        Purpose::AskPassword => None,
        Purpose::VerifyEmail | Purpose::Reset => Some(true),
        Purpose::Offline | Purpose::OfflineReset => Some(false),
    };
    let resets = claims.purpose.resets_password();
    let address = user.account.email.as_deref().and_then(Address::parse);
    let settings = there.settings();
    let (template, is_told) = match resets {
        true => (TemplateType::PasswordResetSuccess, settings.recovery_notify_success),
        false => (TemplateType::AccountActivationSuccess, settings.ask_password_account_activation),
    };
    let mails = is_told && settings.email_sender == EmailSender::Internal;
    let recipient = address.filter(|_| hash.is_some() && mails);
    let mail = recipient.as_ref().map(|recipient| OutboxEntry {
        template,
        user_id: &user.id,
        seq: claims.seq + 1,
        recipient,
        invited_by: None,
        new_email: None,
    });
    let redemption =
        Redemption { user_id: &user.id, seq: claims.seq, proves_address, password_hash: hash, resets, mail };
    if redemption::redeem(there, &redemption).await? {
        there.platform.mail_queue.wake(std::time::Duration::ZERO);
        return Ok(Redeemed::Done(claims, user));
    }
    // Somebody was faster: what the link is now says who.
    Ok(Redeemed::NotLive(match open(ctx, claims).await?.0 {
        Link::Live(claims, _) => Link::Dead { claims, cause: Cause::Replaced, renewable: false },
        other => other,
    }))
}
