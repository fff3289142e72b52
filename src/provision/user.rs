//! Users: the document goes to the directory, the wishes in it to `invite/`.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::access::password::HashLimiter;
use crate::access::policy::{self, Weakness};
use crate::access::role;
use crate::base::account::Onboarding;
use crate::base::address::Address;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::invite::account_request::{self, Named, Wishes};
use crate::invite::change::{self, MailToQueue};
use crate::invite::create::{invitation, invited, made, new_user};
use crate::model::context::{Actor, Context};
use crate::model::mail::TemplateType;
use crate::model::resource::{Invitation, Resource, USER};
use crate::provision::{Refusal, check_may_appoint, password, store, text};
use crate::store::audit::Action;
use crate::store::write::{NewMail, NewResource, Riders};
use scim::error::Error as ScimError;
use scim::patch::Patch;
use scim::resource::{self, Document};
use scim::schema::ResourceType;

/// A user to be created.
pub fn prepare(
    ctx: &Context,
    gate: &HashLimiter,
    rt: &Arc<ResourceType>,
    mut document: Document,
) -> Result<NewResource, Refusal> {
    let ctx = &store::place(ctx, &mut document)?;
    check_name(&document)?;
    if document.contains_key("roles") {
        check_may_appoint(ctx)?;
    }
    let new = new_user(ctx, rt, document)?;
    let password_hash = new.password.map(|password| password::hash(ctx, gate, password.expose())).transpose()?;
    Ok(NewResource {
        resource_type: rt.clone(),
        resource: new.user,
        password_hash,
        mail: new.mail,
        code: new.code,
        members: Vec::new(),
        groups: Vec::new(),
    })
}

/// A user as a PUT, or a PATCH, leaves it, and what rides on the write. `passwords` are the hashes of the last passwords,
/// which a user may not choose again.
pub fn changed(
    ctx: &Context,
    gate: &HashLimiter,
    rt: &ResourceType,
    before: &Resource,
    passwords: &[String],
    mut document: Document,
    patch: Option<&Patch>,
) -> Result<(Resource, Riders), Refusal> {
    let replaced = patch.is_none();
    let mut wishes = Wishes::take(rt, &mut document);
    wishes.named = patch.map(Named::of).unwrap_or_default();
    // Without its addresses a pending user could not be invited: a PUT that leaves them out leaves them as they are.
    if replaced && before.account.onboarding != Onboarding::None && !document.contains_key("emails") {
        document.extend(before.attributes().remove_entry("emails"));
        resource::arrange(rt, &mut document);
    }
    // There is no third state: who does not speak of `active` lets nobody in and puts nobody out. A PATCH that removes it
    // gets what it asks for, an answer without it (RFC 7644 section 3.5.2.2).
    if !document.contains_key("active") {
        wishes.disabled = before.account.disabled;
        if replaced {
            document.insert("active".to_owned(), Json::Bool(!wishes.disabled));
            resource::arrange(rt, &mut document);
        }
    }
    store::stay(ctx, before, &mut document)?;
    check_name(&document)?;
    let stored = before.attributes();
    if matches!(ctx.actor, Actor::User(_)) {
        if replaced {
            keep_others(rt, before, &mut document);
        }
        check_own(ctx, gate, before, passwords, &document, &wishes)?;
        // Nobody vouches for his own address.
        wishes.named.email_verified = false;
    } else {
        check_roles(ctx, rt, &stored, &mut document, replaced)?;
    }
    // A PATCH that sets the address to what it is gives up a change of it; one that changes other addresses does not.
    wishes.named.emails &= document.get("emails") == stored.get("emails");
    let change = change::decide(&ctx.settings(), &before.account, &wishes, account_request::address(&document));
    if change.account.onboarding != Onboarding::None && change.account.email != before.account.email {
        // Whenever the next invitation is due, it has somewhere to go.
        invited(change.account.email.as_deref())?;
    }
    let waiting = change.account.pending_email.as_deref();
    let mut mails = Vec::with_capacity(change.mails.len());
    let mut code = None;
    for MailToQueue { template, to } in &change.mails {
        if template.is_invitation() {
            let (mail, handed) = invitation(ctx, *template, Some(to))?;
            mails.extend(mail);
            code = handed;
            continue;
        }
        // An address that never was one gets no notice.
        if *template == TemplateType::NotifyExistingEmailOnUpdate && Address::parse(to).is_none() {
            continue;
        }
        let new_email = waiting.map(|new| invited(Some(new))).transpose()?;
        mails.push(NewMail { template: *template, recipient: invited(Some(to))?, invited_by: None, new_email });
    }
    if let Some(address) = before.account.email.as_deref().filter(|_| change.holds_back) {
        account_request::set_address(&mut document, address);
    }
    // Whoever sets such a user's password, or has a link sent to an address of his choice, could sign in as that user.
    let moved =
        change.account.email != before.account.email || change.account.pending_email != before.account.pending_email;
    let takes_over = wishes.password.is_some() || !mails.is_empty() || code.is_some() || moved;
    if takes_over && role::has_any(before) && !matches!(ctx.actor, Actor::User(_)) {
        check_may_appoint(ctx)?;
    }
    let password_hash = wishes.password.map(|password| password::hash(ctx, gate, password.expose())).transpose()?;
    let mut after = Resource { account: change.account, ..before.clone() };
    let mailed = mails.iter().find(|mail| mail.template.is_invitation());
    if let Some(made) = made(mailed, code.as_ref()) {
        // Until a new mail has been sent, the one before is the one that was.
        let sent_at = before.invitation.as_ref().and_then(|invitation| invitation.sent_at).filter(|_| code.is_none());
        after.invitation = Some(Invitation { sent_at, ..made });
    }
    account_request::set_schemas(&mut document, after.shows_account(), after.invitation.is_some());
    let is_shut_out = before.account.may_sign_in() && !after.account.may_sign_in();
    let ends_sessions = is_shut_out || stored.get("roles") != document.get("roles");
    after.document = text(document)?;
    let linked = code.as_ref().map(|_| Action::InvitationLink);
    let actions = std::iter::once(Action::update(USER)).chain(change.action).chain(linked).collect();
    Ok((after, Riders { password_hash, ends_sessions, mails, code, actions, ..Riders::default() }))
}

/// Holds whoever may not appoint anybody to leaving `roles` as it is. A PUT that does not speak of it does so.
fn check_roles(
    ctx: &Context,
    rt: &ResourceType,
    stored: &Document,
    document: &mut Document,
    replaced: bool,
) -> Result<(), Refusal> {
    if ctx.scopes.has(Scope::Roles) {
        return Ok(());
    }
    let current = stored.get("roles");
    if let (true, false, Some(roles)) = (replaced, document.contains_key("roles"), current) {
        document.insert("roles".to_owned(), roles.clone());
        resource::arrange(rt, document);
    }
    if current == document.get("roles") { Ok(()) } else { check_may_appoint(ctx) }
}

/// The longest user name, in characters: the longest e-mail address fits.
const MAX_USER_NAME: usize = 256;

/// A user name goes into mails, pages and index keys.
fn check_name(document: &Document) -> Result<(), Refusal> {
    let name = document.get("userName").and_then(Json::as_str).unwrap_or_default();
    if name.chars().count() > MAX_USER_NAME {
        let detail = format!("The userName has more than {MAX_USER_NAME} characters.");
        return Err(ScimError::invalid_value(detail).into());
    }
    if name.chars().any(char::is_control) {
        return Err(ScimError::invalid_value("The userName has a control character.").into());
    }
    Ok(())
}

/// What a user may not change about himself: who he is to others, and what he may do.
const NOT_OWN: &[&str] = &["userName", "externalId", "active", "userType", "roles", "entitlements", "x509Certificates"];

fn is_others(name: &str) -> bool {
    NOT_OWN.contains(&name) || name.contains(':')
}

/// What a user's PUT leaves out of what is not his to write stays as it is, like what is read-only.
fn keep_others(rt: &ResourceType, before: &Resource, document: &mut Document) {
    let others = before.attributes().into_iter().filter(|(name, _)| is_others(name));
    for (name, value) in others {
        document.entry(name).or_insert(value);
    }
    resource::arrange(rt, document);
}

/// Holds a user to his own profile and password (`/Me`).
fn check_own(
    ctx: &Context,
    gate: &HashLimiter,
    before: &Resource,
    passwords: &[String],
    document: &Document,
    wishes: &Wishes,
) -> Result<(), Refusal> {
    let current = before.attributes();
    let names = current.keys().chain(document.keys());
    let touched = names.into_iter().find(|name| is_others(name) && current.get(*name) != document.get(*name));
    let account = wishes.locked.is_some_and(|locked| locked != before.account.is_locked())
        || wishes.email_verified.is_some_and(|verified| verified != before.account.email_verified);
    if let Some(name) = touched.map(String::as_str).or(account.then_some("the account's state")) {
        return Err(ScimError::forbidden(format!("Only an administrator changes {name}.")).into());
    }
    if let Some(password) = wishes.password.as_ref().map(Secret::expose) {
        let minimum = ctx.settings().password_min_length;
        let weak = policy::weaknesses(password, minimum, &policy::obvious_words(ctx, before));
        let guessable = |weakness: &Weakness| {
            matches!(weakness, Weakness::Common | Weakness::Obvious(_) | Weakness::Repeated | Weakness::Blank)
        };
        if weak.iter().any(guessable) {
            return Err(ScimError::invalid_value("20035 - The password is too easy to guess.").into());
        }
        let _place = gate.enter().ok_or(Refusal::Busy)?;
        if policy::is_among(password, passwords) {
            let detail = "22001 - The password has been used before: choose one that is new to this account.";
            return Err(ScimError::invalid_value(detail).into());
        }
    }
    Ok(())
}
