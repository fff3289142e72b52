//! Users: the document goes to the store, what it asks of the account to `invite/`.

use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use crate::access::hash_limiter::HashLimiter;
use crate::access::password_policy::{self, Weakness};
use crate::base::account::{Account, Deletion, Onboarding};
use crate::base::address::Address;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::invite::account_request::{self, AccountRequest, ExplicitFields};
use crate::invite::change::{self, Change, MailToQueue};
use crate::invite::create::{build_user, invitation_state, parse_recipient, prepare_invitation};
use crate::invite::emails;
use crate::model::audit::Action;
use crate::model::code::Code;
use crate::model::context::{Actor, Context, StoreContext, Work};
use crate::model::mail::{Delivery, TemplateType};
use crate::model::new_resource::{NewMail, NewResource};
use crate::model::resource::{Invitation, Resource, USER, WSO2_SCHEMA, is_others_to_write, stored_text};
use crate::model::role::{Role, Roles};
use crate::provision::{ProvisionError, check_may_appoint, check_visible, password, user_store};
use crate::store::resources::SideEffects;
use crate::store::role_holders::NO_ROLE;
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
) -> Result<NewResource, ProvisionError> {
    let there = &user_store::resolve_store(ctx, &mut document)?;
    check_name(&document)?;
    if document.contains_key("roles") {
        check_may_appoint(there)?;
    }
    build_user(there, rt, document, |password| password::hash(there, gate, password.expose()))
}

/// A PUT or PATCH of a user.
pub struct WriteRequest<'a> {
    /// The context, at the user's store.
    pub ctx: &'a StoreContext,
    /// The limiter of password hashing.
    pub gate: &'a HashLimiter,
    /// The hash of the password, once an attempt has made it.
    pub hashed: &'a OnceLock<String>,
    /// The resource type of users.
    pub rt: &'a ResourceType,
    /// The user as read.
    pub before: &'a Resource,
    /// The user's stored document.
    pub stored: &'a Document,
    /// The hashes of the last passwords, where the user acts on themselves: they may not choose one again.
    pub passwords: &'a [String],
    /// The user's document as the client would have it.
    pub document: Document,
    /// The PATCH; none for a PUT.
    pub patch: Option<&'a Patch>,
    /// The deletion that the user awaits after it.
    pub deletion: Option<Deletion>,
}

impl WriteRequest<'_> {
    /// The user as the request leaves them, and what is written besides.
    ///
    /// # Errors
    /// Those of the request; `Busy`.
    pub fn apply(mut self) -> Result<(Resource, SideEffects), ProvisionError> {
        let request = self.directives()?;
        let change = self.decide(&request)?;
        self.effects(request, change)
    }

    /// Whether users act on themselves (`/Me`).
    fn is_own(&self) -> bool {
        matches!(self.ctx.actor, Actor::User(_))
    }

    /// Takes what is said about the account out of the document, and holds the rest to what the caller may change.
    fn directives(&mut self) -> Result<AccountRequest, ProvisionError> {
        let is_own = self.is_own();
        let Self { ctx, rt, before, document, .. } = self;
        let replaced = self.patch.is_none();
        let mut request = AccountRequest::take(rt, document);
        request.explicit = self.patch.map(ExplicitFields::from_patch).unwrap_or_default();
        // A PUT that leaves out an address that may not go leaves it as it is.
        let keeps_address = change::keeps_address(&ctx.settings(), &before.account, is_own);
        if replaced && keeps_address && !document.contains_key("emails") {
            document.extend(self.stored.get_key_value("emails").map(|(name, emails)| (name.clone(), emails.clone())));
            resource::arrange(rt, document);
        }
        // There is no third state: who does not speak of `active` lets nobody in and puts nobody out. A PATCH that removes
        // it gets what it asks for, an answer without it (RFC 7644 section 3.5.2.2).
        if !document.contains_key("active") {
            request.disabled = before.account.disabled;
            if replaced {
                document.insert("active".to_owned(), Json::Bool(!request.disabled));
                resource::arrange(rt, document);
            }
        }
        user_store::check_same_store(ctx, before, document)?;
        if document.get("userName") != self.stored.get("userName") {
            check_name(document)?;
        }
        emails::keep_stored_addresses(self.stored, document);
        if is_own {
            if replaced {
                keep_others(rt, self.stored, document);
            }
            self.check_own(&request)?;
            // Nobody vouches for their own address.
            request.explicit.email_verified = false;
        } else {
            check_roles(ctx, rt, self.stored, document, replaced)?;
        }
        // A PATCH that sets the address to what it is gives up a change of it; one that changes other addresses does not.
        request.explicit.emails &= self.document.get("emails") == self.stored.get("emails");
        // So does whoever takes the one that waits out of the list.
        let pending = self.before.account.pending_email.as_deref();
        request.explicit.emails |= pending.is_some_and(|address| {
            emails::has_address(self.stored, address) && !emails::has_address(&self.document, address)
        });
        Ok(request)
    }

    /// Returns the change of the account that the request calls for.
    fn decide(&self, request: &AccountRequest) -> Result<Change, ProvisionError> {
        let before = &self.before.account;
        let email = emails::find_address(&self.document);
        let roles = self.roles();
        let mut change =
            change::decide(&self.ctx.settings(), before, request, email, roles.exceeds(Roles::of_user(self.before)));
        change.account.deletion = self.deletion;
        if change.account.onboarding != Onboarding::None && change.account.email != before.email {
            // Whenever the next invitation is due, it has somewhere to go.
            parse_recipient(change.account.email.as_deref())?;
        }
        let is_removed = before.email.is_some() && change.account.email.is_none();
        if is_removed && change::keeps_address(&self.ctx.settings(), before, self.is_own()) {
            let detail = "A confirmed address gives way only to one that is confirmed: set emails to the new address \
                instead of removing the present one.";
            return Err(ScimError::invalid_value(detail).into());
        }
        Ok(change)
    }

    /// Returns the roles of the user after the request.
    fn roles(&self) -> Roles {
        Roles::of_document(USER, &self.document).and(Roles::by_groups(self.before))
    }

    /// Whether the request lets the user in, or keeps them out, in another way than before.
    fn concerns_sign_in(&self, request: &AccountRequest, change: &Change) -> bool {
        let differs = |name: &str| self.document.get(name) != self.stored.get(name);
        let is_forced = |document: &Document| document.get(WSO2_SCHEMA).map(|wso2| wso2["forcePasswordReset"] == true);
        request.password.is_some()
            || request.ask_password
            || request.verify_email
            || !change.mails.is_empty()
            || change.account != self.before.account
            || differs("userName")
            || differs("emails")
            || is_forced(&self.document).unwrap_or_default() != is_forced(self.stored).unwrap_or_default()
    }

    /// Whether the request takes an administrator from the tenant who could sign in, and the tenant needs one: nobody else
    /// is sure to.
    fn puts_out_administrator(&self, after: &Account) -> bool {
        let before = self.before;
        self.ctx.deployment.administrator.is_none()
            && before.account.is_live()
            && Roles::of_user(before).has(Role::Admin)
            && !(after.is_live() && self.roles().has(Role::Admin))
    }

    /// The mails of a change, or the code that takes their place.
    fn mails(&self, change: &Change) -> Result<(Vec<NewMail>, Option<Code>), ProvisionError> {
        let waiting = change.account.pending_email.as_deref();
        let mut mails = Vec::with_capacity(change.mails.len());
        let mut code = None;
        for MailToQueue { template, to } in &change.mails {
            if template.is_invitation() {
                let (mail, handed) = prepare_invitation(self.ctx, *template, Some(to))?;
                mails.extend(mail);
                code = handed;
                continue;
            }
            // An address that never was one gets no notice.
            if *template == TemplateType::NotifyExistingEmailOnUpdate && Address::parse(to).is_none() {
                continue;
            }
            let new_email = waiting.map(|new| parse_recipient(Some(new))).transpose()?;
            let recipient = parse_recipient(Some(to))?;
            mails.push(NewMail { template: *template, recipient, invited_by: None, new_email, ends_at: None });
        }
        Ok((mails, code))
    }

    /// The user after the change, and what is written besides.
    fn effects(mut self, request: AccountRequest, change: Change) -> Result<(Resource, SideEffects), ProvisionError> {
        let is_own = self.is_own();
        let Self { ctx, before, .. } = self;
        let may_appoint = ctx.scopes.has(Scope::Roles) || is_own;
        let guarded = !may_appoint && self.concerns_sign_in(&request, &change);
        if guarded && Roles::of_user(before).is_any() {
            check_may_appoint(ctx)?;
        }
        let (mails, code) = self.mails(&change)?;
        if change.holds_back {
            emails::hold_back(self.stored, &mut self.document);
        }
        let keeps_administrator = self.puts_out_administrator(&change.account).then(Vec::new);
        let moved = change.account.email != before.account.email
            || change.account.pending_email != before.account.pending_email;
        // To give a change up mails nobody.
        let gives_up = change.account.email == before.account.email && change.account.pending_email.is_none();
        let asks_for_address = is_own && (!mails.is_empty() || (moved && !gives_up));
        let hash = |password: Secret| match self.hashed.get() {
            Some(hash) => Ok(hash.clone()),
            None => password::hash(ctx, self.gate, password.expose()).inspect(|hash| {
                let _ = self.hashed.set(hash.clone());
            }),
        };
        let password_hash = request.password.map(hash).transpose()?;
        let mut after = Resource { account: change.account, ..before.clone() };
        let mailed = mails.iter().find(|mail| mail.template.is_invitation());
        if let Some(state) = invitation_state(mailed, code.as_ref()) {
            // Until a new mail has been sent, the one before is the one that was.
            let last = before.invitation.as_ref().filter(|_| code.is_none());
            let sent_at = last.and_then(|invitation| invitation.sent_at);
            let delivered_at = last.and_then(|invitation| invitation.delivered_at);
            after.invitation = Some(Invitation { sent_at, delivered_at, ..state });
        }
        if change.ends_invitation {
            let expires_at = Some(ctx.platform.clock.now());
            after.invitation = Some(Invitation { delivery: Delivery::External, expires_at, ..Invitation::default() });
        }
        account_request::set_schemas(&mut self.document, after.shows_account(), after.invitation.is_some());
        let is_shut_out = before.account.may_sign_in() && !after.account.may_sign_in();
        let ends_sessions = is_shut_out || self.stored.get("roles") != self.document.get("roles");
        after.document = stored_text(self.document, Some(&before.document))?;
        let linked = code.as_ref().map(|_| Action::InvitationLink);
        let deletion = match (before.account.deletion, self.deletion) {
            (None, Some(_)) => Action::UserDeletion,
            (Some(_), None) => Action::UserDeletionUndo,
            _ => Action::update(USER),
        };
        let actions = std::iter::once(deletion).chain(change.action).chain(linked).collect();
        let effects = SideEffects {
            password_hash,
            ends_sessions,
            mails,
            asks_for_address,
            code,
            actions,
            // A role that is given meanwhile counts.
            condition: guarded.then_some(NO_ROLE),
            keeps_administrator,
            ends_invitation: change.ends_invitation,
            ..SideEffects::default()
        };
        Ok((after, effects))
    }

    /// Holds users to their own profile and password (`/Me`).
    fn check_own(&self, request: &AccountRequest) -> Result<(), ProvisionError> {
        let (before, current, document) = (self.before, self.stored, &self.document);
        let names = current.keys().chain(document.keys());
        let touched =
            names.into_iter().find(|name| is_others_to_write(name) && current.get(*name) != document.get(*name));
        let account = request.locked.is_some_and(|locked| locked != before.account.is_locked())
            || request.email_verified.is_some_and(|verified| verified != before.account.email_verified);
        if let Some(name) = touched.map(String::as_str).or(account.then_some("the account's state")) {
            return Err(ScimError::forbidden(format!("Only an administrator changes {name}.")).into());
        }
        request.password.as_ref().map_or(Ok(()), |password| self.check_own_password(password.expose()))
    }

    /// Holds a password that a user chooses over SCIM to what no pattern or habit gives away.
    fn check_own_password(&self, password: &str) -> Result<(), ProvisionError> {
        let minimum = self.ctx.settings().password_min_length;
        let weak =
            password_policy::weaknesses(password, minimum, &password_policy::obvious_words(self.ctx, self.before));
        let guessable = |weakness: &Weakness| {
            matches!(weakness, Weakness::Common | Weakness::Obvious(_) | Weakness::Repeated | Weakness::Blank)
        };
        if weak.iter().any(guessable) {
            return Err(ScimError::invalid_value("20035 - The password is too easy to guess.").into());
        }
        let _place = self.gate.enter().ok_or(ProvisionError::Busy)?;
        if password_policy::is_among(password, self.passwords) {
            let detail = "22001 - The password has been used before: choose one that is new to this account.";
            return Err(ScimError::invalid_value(detail).into());
        }
        Ok(())
    }
}

/// Holds whoever may not appoint anybody to leaving `roles` as it is. A PUT that does not speak of it does so.
fn check_roles(
    ctx: &Work,
    rt: &ResourceType,
    stored: &Document,
    document: &mut Document,
    replaced: bool,
) -> Result<(), ProvisionError> {
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
fn check_name(document: &Document) -> Result<(), ProvisionError> {
    let name = document.get("userName").and_then(Json::as_str).unwrap_or_default();
    if name.chars().count() > MAX_USER_NAME {
        let detail = format!("The userName has more than {MAX_USER_NAME} characters.");
        return Err(ScimError::invalid_value(detail).into());
    }
    check_visible(document, "userName")
}

/// What a user's PUT leaves out of what is not theirs to write stays as it is, like what is read-only.
fn keep_others(rt: &ResourceType, stored: &Document, document: &mut Document) {
    let others = stored.iter().filter(|(name, _)| is_others_to_write(name));
    for (name, value) in others {
        document.entry(name.clone()).or_insert_with(|| value.clone());
    }
    resource::arrange(rt, document);
}
