//! Users: the document goes to the directory, the wishes in it to `invite/`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Refusal, password, store, text};
use crate::access::audit::Action;
use crate::access::password::Gate;
use crate::access::policy::{self, Weakness};
use crate::context::{Actor, Context};
use crate::directory::resource::{Invitation, Resource, USER};
use crate::directory::write::{NewMail, NewResource, Riders};
use crate::invite::change;
use crate::invite::create::{invited, inviter, new_user};
use crate::invite::wishes::{self, Wishes};
use crate::scim::error::Error as ScimError;
use crate::scim::resource::{self, Document};
use crate::scim::schema::ResourceType;

/// A user to be created.
pub fn prepare(
    ctx: &Context,
    gate: &Gate,
    rt: &Arc<ResourceType>,
    mut document: Document,
) -> Result<NewResource, Refusal> {
    let ctx = &store::place(ctx, &mut document)?;
    check_name(&document)?;
    let new = new_user(ctx, rt, document)?;
    let password_hash = new.password.map(|password| password::hash(ctx, gate, &password)).transpose()?;
    Ok(NewResource {
        resource_type: rt.clone(),
        resource: new.user,
        password_hash,
        mail: new.mail,
        members: Vec::new(),
        groups: Vec::new(),
    })
}

/// A user as a PUT (`replaced`) or PATCH leaves it, and what rides on the write.
pub fn changed(
    ctx: &Context,
    gate: &Gate,
    rt: &ResourceType,
    before: &Resource,
    mut document: Document,
    replaced: bool,
) -> Result<(Resource, Riders), Refusal> {
    let mut wishes = Wishes::take(rt, &mut document);
    // There is no third state: who does not speak of `active` lets nobody in and puts nobody out. A PATCH that removes it
    // gets what it asks for, an answer without it (RFC 7644 section 3.5.2.2).
    if !document.contains_key("active") {
        wishes.disabled = before.account.disabled;
        if replaced {
            document.insert("active".to_owned(), Json::Bool(!wishes.disabled));
            resource::arrange(rt, &mut document);
        }
    }
    // What was read comes back with the rest, and then says nothing about a new address.
    wishes.email_verified = wishes.email_verified.filter(|verified| *verified != before.account.email_verified);
    store::stay(ctx, before, &mut document)?;
    check_name(&document)?;
    if matches!(ctx.actor, Actor::User(_)) {
        if replaced {
            keep_others(rt, before, &mut document);
        }
        check_own(ctx, before, &document, &wishes)?;
    }
    let change = change::decide(&ctx.settings(), &before.account, &wishes, wishes::address(&document));
    let mail = match change.mail {
        Some(template) => {
            Some(NewMail { template, recipient: invited(change.account.email.as_deref())?, invited_by: inviter(ctx) })
        }
        None => None,
    };
    let password_hash = wishes.password.map(|password| password::hash(ctx, gate, &password)).transpose()?;
    let mut after = Resource { account: change.account, ..before.clone() };
    if mail.is_some() {
        let sent_at = before.invitation.as_ref().and_then(|invitation| invitation.sent_at);
        after.invitation = Some(Invitation { delivery: "queued".to_owned(), sent_at, ..Invitation::default() });
    }
    wishes::set_schemas(&mut document, after.shows_account(), after.invitation.is_some());
    after.document = text(document)?;
    let actions = std::iter::once(Action::update(USER)).chain(change.action).collect();
    Ok((after, Riders { password_hash, mail, actions, ..Riders::default() }))
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
fn check_own(ctx: &Context, before: &Resource, document: &Document, wishes: &Wishes) -> Result<(), Refusal> {
    let current = before.attributes();
    let names = current.keys().chain(document.keys());
    let touched = names.into_iter().find(|name| is_others(name) && current.get(*name) != document.get(*name));
    let account = wishes.locked.is_some_and(|locked| locked != before.account.is_locked())
        || wishes.email_verified.is_some_and(|verified| verified != before.account.email_verified);
    if let Some(name) = touched.map(String::as_str).or(account.then_some("the account's state")) {
        return Err(ScimError::forbidden(format!("Only an administrator changes {name}.")).into());
    }
    if let Some(password) = &wishes.password {
        let user_name = before.user_name();
        let context = [user_name.as_str(), before.account.email.as_deref().unwrap_or_default()];
        let weak = policy::weaknesses(password, ctx.settings().password_min_length, &context);
        if weak.iter().any(|weakness| matches!(weakness, Weakness::Common | Weakness::Obvious(_))) {
            return Err(ScimError::invalid_value("20035 - The password is too easy to guess.").into());
        }
    }
    Ok(())
}
