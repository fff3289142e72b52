//! One user on the console.
//!
//! | module | what it answers |
//! |---|---|
//! | this | the page |
//! | `attributes` | the attributes that can be changed, and changing them |
//! | `actions` | the buttons |
//! | `forms` | the pages that lead from it: address, password |

mod actions;
mod attributes;
mod forms;

pub use actions::{delete, disable, enable, link, lock, resend, revoke, set_roles, undo, unlock};
pub use attributes::save;
pub use forms::{address, correct_address, password, set_password};

use ::http::StatusCode;
use serde_json::Value as Json;

use crate::base::account::{Account, Onboarding};
use crate::base::scope::Scope;
use crate::base::text::rfc3339;
use crate::http::console::user::attributes::Typed;
use crate::http::console::{Console, user_type};
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::context::Context;
use crate::model::mail::{Delivery, MailState};
use crate::model::resource::{Resource, USER};
use crate::model::role::{Role, Roles};
use crate::pages::console::form::Problem;
use crate::pages::console::user::{self as pages, Allowed, Event, Standing, UserPage};
use crate::pages::console::user_attributes::Attributes;
use crate::pages::console::{Section, page, words};
use crate::store::resources::find;
use crate::store::user_history::{self, UserHistory};

/// `GET /console/users/{id}`.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let user = find_user(&console.ctx, input.params.raw("id"))?;
    user_page(&console, &user, StatusCode::OK, None, &[])
}

/// The path of a user's page.
fn path_of(user: &Resource) -> String {
    format!("/console/users/{}", user.id)
}

/// Finds a user with their groups.
///
/// # Errors
/// 404
fn find_user(ctx: &Context, id: &str) -> Result<Resource, ApiError> {
    let found = find::by_id(&ctx.in_store_of(id), USER, id, true)?;
    found.ok_or_else(|| ApiError::missing("There is no user with this id."))
}

/// The page of a user, with what was typed into its form, and what is wrong with that.
fn user_page(
    console: &Console,
    user: &Resource,
    status: StatusCode,
    typed: Option<&Typed<'_>>,
    problems: &[Problem],
) -> Result<Response, ApiError> {
    let ctx = &console.ctx;
    let there = &ctx.in_store_of(&user.id);
    let rt = user_type(ctx)?;
    let history = user_history::read(there, &user.id)?;
    let may_write = ctx.scopes.has(Scope::ScimWrite) && user.account.deletion.is_none();
    let (groups, others) = attributes::shown(&rt, &user.whole(there, &rt), may_write, typed);
    let delivery = user.invitation.as_ref().map(|invitation| invitation.delivery);
    let expires_at = user.invitation.as_ref().and_then(|invitation| invitation.expires_at).filter(|at| *at != 0);
    let expires = expires_at.map(|at| words(&rfc3339(at)));
    let standing = Standing {
        account: &user.account,
        delivery,
        expires: expires.as_deref(),
        is_expired: expires_at.is_some_and(|at| at <= ctx.platform.clock.now()),
        has_password: history.has_password,
    };
    let own = Roles::of_document(USER, &user.attributes());
    let roles: Vec<(&'static str, bool)> = Role::ALL.into_iter().map(|role| (role.name(), own.has(role))).collect();
    let operation = console.new_submission();
    let audit = ctx.scopes.has(Scope::Audit).then(|| audit(&history));
    let body = pages::user(
        &console.frame(),
        &UserPage {
            id: &user.id,
            account: &user.account,
            state: pages::state(&standing),
            why: pages::why(&standing).as_deref(),
            allowed: allowed(ctx, user),
            timeline: &timeline(&history),
            attributes: Attributes {
                groups: &groups,
                others: &others,
                version: user.version,
                operation: &operation,
                problems,
            },
            groups: &groups_of(user),
            roles: &roles,
            audit: audit.as_deref(),
        },
        &|| console.new_submission(),
    );
    Ok(console.html(status, page(&console.frame(), &user.user_name(), problems, &body)))
}

/// What whoever has signed in may do to this user now.
fn allowed(ctx: &Context, user: &Resource) -> Allowed {
    let Account { onboarding, pending_email, email, .. } = &user.account;
    let account = &user.account;
    let has = |scope| ctx.scopes.has(scope);
    let is_pending = *onboarding != Onboarding::None;
    let barred = account.is_barred();
    if account.deletion.is_some() {
        let keep_out = has(Scope::ScimWrite) && !ctx.actor.is_user(&user.id);
        return Allowed { keep_out, ..Allowed::default() };
    }
    Allowed {
        resend: has(Scope::Invitations)
            && !barred
            && (is_pending && email.is_some() || !is_pending && pending_email.is_some()),
        revoke: has(Scope::Invitations) && is_pending && !account.is_revoked(),
        correct: has(Scope::ScimWrite) && is_pending,
        link: has(Scope::Links) && *onboarding == Onboarding::AskPassword && !barred && !account.is_revoked(),
        password: has(Scope::ScimWrite),
        keep_out: has(Scope::ScimWrite) && !ctx.actor.is_user(&user.id),
        roles: has(Scope::ScimWrite) && has(Scope::Roles),
    }
}

/// The groups of a user, each with its id and its name.
fn groups_of(user: &Resource) -> Vec<(String, String)> {
    let listed: Vec<Json> = user.groups.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut groups: Vec<(String, String)> = Vec::new();
    for group in listed {
        let text = |name: &str| group[name].as_str().unwrap_or_default().to_owned();
        if !groups.iter().any(|(id, _)| *id == group["value"]) {
            groups.push((text("value"), text("display")));
        }
    }
    groups
}

/// What became of the invitation, oldest first.
fn timeline(history: &UserHistory) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for entry in history.entries.iter().rev() {
        let text = pages::invitation_step(&entry.action, &pages::who(&entry.actor), entry.outcome == "success");
        events.extend(text.map(|text| Event { time: entry.time, text }));
    }
    for mail in history.mails.iter().rev() {
        let to = mail.to.as_deref().unwrap_or("nobody any more");
        events.push(Event { time: mail.queued, text: format!("Mail {} to {to} queued", mail.template) });
        let time = mail.due.max(mail.queued);
        let mut tell = |time, text: &str| events.push(Event { time, text: format!("{text} ({to})") });
        let is_reported = matches!(mail.state, MailState::Bounced | MailState::Complained);
        if is_reported {
            tell(time, &pages::sent(mail.provider.as_deref()));
        }
        if let Some(delivered_at) = mail.delivered_at {
            tell(delivered_at.max(time), "Delivered, says the provider");
        }
        let ended = mail.reported_at.filter(|_| is_reported).unwrap_or(time);
        if let Some(text) = pages::mail_step(mail.state, mail.provider.as_deref(), mail.last_error.as_deref()) {
            tell(ended, &text);
        }
    }
    let started = history.started_at.map(|time| Event { time, text: "Started: a password was typed".to_owned() });
    events.extend(started);
    events.sort_by_key(|event| event.time);
    events
}

/// The rows of the audit about the user, newest first.
fn audit(history: &UserHistory) -> Vec<Event> {
    let text = |outcome: &str| if outcome == "success" { String::new() } else { format!(": {outcome}") };
    let entries = history.entries.iter();
    entries
        .map(|entry| Event {
            time: entry.time,
            text: format!("{} by {}{}", entry.action, pages::who(&entry.actor), text(&entry.outcome)),
        })
        .collect()
}

/// What a write has set going, as its message says it; `None` where no mail goes out.
fn mails_said(before: &Resource, after: &Resource) -> Option<String> {
    let (old, new) = (&before.account, &after.account);
    if let (Some(address), true) = (&new.pending_email, new.pending_email != old.pending_email) {
        let text = format!("A mail asks {address} to confirm itself; until then the present address stays.");
        return Some(text);
    }
    let is_queued = after.invitation.as_ref().is_some_and(|invitation| invitation.delivery == Delivery::QUEUED);
    let waits = new.onboarding != Onboarding::None && !new.is_barred() && !new.is_revoked();
    let address = new.email.as_deref().filter(|_| is_queued && waits && new.seq() != old.seq())?;
    Some(format!("The invitation to {address} is on its way."))
}
