//! A user to be created, invited or not: what the request in the document makes of the account and the mail.

use std::sync::Arc;

use serde_json::json;

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::address::Address;
use crate::base::secret::Secret;
use crate::invite::account_request::{self, AccountRequest};
use crate::invite::code::check_may_have_codes;
use crate::invite::emails;
use crate::model::code::Code;
use crate::model::context::{StoreContext, UnitOfWork, Work};
use crate::model::mail::{Delivery, TemplateType};
use crate::model::new_resource::{NewMail, NewResource};
use crate::model::resource::{Invitation, Resource, stored_text};
use crate::model::settings::EmailSender;
use scim::error::Error as ScimError;
use scim::resource::Document;
use scim::schema::ResourceType;

/// Makes a user, who will be in the store of `ctx`, of a document that has been validated against its schema. `hash` makes
/// the hash of the password to keep, if there is one.
///
/// # Errors
/// 400 `invalidValue` when an invitation has nowhere to go; 403 when the caller may not have its code; those of `hash`.
pub fn build_user<E: From<ScimError>>(
    ctx: &StoreContext,
    resource_type: &Arc<ResourceType>,
    mut document: Document,
    hash: impl FnOnce(&Secret) -> Result<String, E>,
) -> Result<NewResource, E> {
    if !document.contains_key("active") {
        document.insert("active".to_owned(), json!(true));
        scim::resource::arrange(resource_type, &mut document);
    }
    let request = AccountRequest::take(resource_type, &mut document);
    let settings = ctx.settings();
    let flagged = settings.enable_email_verification && (request.ask_password || request.verify_email);
    // Both flags: one mail. verifyEmail keeps the password that was sent; without one, redeeming proves the mailbox too.
    let verify = flagged && request.verify_email && (!request.ask_password || request.password.is_some());
    let ask = flagged && !verify;

    let email = emails::find_address(&document);
    let (mail, code) = if flagged {
        let template = if ask { TemplateType::AskPassword } else { TemplateType::EmailConfirm };
        prepare_invitation(ctx, template, email.as_deref())?
    } else {
        (None, None)
    };
    let account = Account {
        onboarding: match (ask, verify) {
            (true, _) => Onboarding::AskPassword,
            (_, true) => Onboarding::EmailVerification,
            _ => Onboarding::None,
        },
        lock: match (request.locked, flagged && settings.lock_on_creation) {
            (Some(true), _) => Lock::Admin,
            (_, true) => Lock::Onboarding,
            _ => Lock::None,
        },
        disabled: request.disabled,
        email,
        email_verified: request.email_verified == Some(true) && !flagged,
        pending_email: None,
        seq_log: String::new(),
        deletion: None,
    };
    // An invited account has no usable password until redeemed, and nothing is hashed for it.
    let keep_password = !ask || settings.disable_random_value_for_credentials;

    let now = ctx.platform.clock.now();
    let mut user = Resource {
        id: ctx.platform.new_id().to_string(),
        document: String::new(),
        version: 1,
        created: now,
        modified: now,
        account,
        invitation: invitation_state(mail.as_ref(), code.as_ref()),
        groups: None,
    };
    account_request::set_schemas(&mut document, user.shows_account(), user.invitation.is_some());
    user.document = stored_text(document, None)?;
    let password_hash = request.password.filter(|_| keep_password).map(|password| hash(&password)).transpose()?;
    Ok(NewResource {
        store: ctx.platform.store,
        resource_type: resource_type.clone(),
        resource: user,
        password_hash,
        mail,
        code,
        members: Vec::new(),
        groups: Vec::new(),
        import: None,
    })
}

/// An invitation to `email`, as a mail or, with `EMAIL_SENDER=external`, as a code.
///
/// # Errors
/// 400 `invalidValue` when it has nowhere to go; 403 when the caller may not have its code.
pub fn prepare_invitation(
    ctx: &impl UnitOfWork,
    template: TemplateType,
    email: Option<&str>,
) -> Result<(Option<NewMail>, Option<Code>), ScimError> {
    let recipient = parse_recipient(email)?;
    if ctx.settings().email_sender == EmailSender::Internal {
        return Ok((
            Some(NewMail { template, recipient, invited_by: inviter(ctx), new_email: None, ends_at: None }),
            None,
        ));
    }
    check_may_have_codes(ctx)?;
    Ok((None, template.link_purpose().map(|purpose| Code::new(ctx, purpose))))
}

/// The state of an invitation that has just been made, as its user shows it.
#[must_use]
pub fn invitation_state(mail: Option<&NewMail>, code: Option<&Code>) -> Option<Invitation> {
    if let Some(code) = code {
        let expires_at = Some(code.expires_at_millis());
        return Some(Invitation { delivery: Delivery::External, expires_at, ..Invitation::default() });
    }
    mail.map(|mail| Invitation { template: Some(mail.template), delivery: Delivery::QUEUED, ..Invitation::default() })
}

/// Returns the inviter, as the mail names them.
#[must_use]
pub fn inviter(ctx: &Work) -> Option<String> {
    ctx.actor.inviter().map(str::to_owned)
}

/// The address an invitation goes to, which must be one and valid.
///
/// # Errors
/// 400 `invalidValue`
pub fn parse_recipient(email: Option<&str>) -> Result<Address, ScimError> {
    let email = email.ok_or_else(|| {
        ScimError::invalid_value(
            "An invitation needs an e-mail address: add one to emails, or leave askPassword and verifyEmail out.",
        )
    })?;
    Address::parse(email).ok_or_else(|| {
        ScimError::invalid_value(
            "The e-mail address that the link would be mailed to is not a single valid address: correct it in emails.",
        )
    })
}
