//! Creating a user, invited or not: the user, its account, its mail and the audit rows in one batch, all or nothing.

use serde_json::{Map, Value as Json};

use super::account::{Account, Lock, Onboarding};
use crate::access::audit::{self, Action, Condition};
use crate::access::password;
use crate::access::policy::{self, Weakness};
use crate::context::{Actor, Context};
use crate::directory::user::{self, INVITATION_SCHEMA, Invitation, User, WSO2_SCHEMA};
use crate::mail::address::Address;
use crate::mail::outbox::{self, Entry};
use crate::mail::template::TemplateType;
use crate::ports::DatabaseError;
use crate::scim::error::Error as ScimError;
use crate::scim::resource::Document;

/// Why a user was not created. Whatever it says, nothing was.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The request is at fault.
    #[error("{0:?}")]
    Refused(ScimError),
    /// Too many passwords wait to be hashed: try again shortly.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The database is.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What a client says about the account rather than about the person; taken out of the document.
#[derive(Debug, Default)]
struct Wishes {
    ask_password: bool,
    verify_email: bool,
    locked: bool,
    disabled: bool,
    email_verified: bool,
    password: Option<String>,
}

/// Creates a user from a document that has been validated against its schema.
///
/// # Errors
/// [`CreateError`]
pub async fn create_user(ctx: &Context, gate: &password::Gate, mut document: Document) -> Result<User, CreateError> {
    let wishes = take_wishes(&mut document);
    let settings = ctx.settings();
    let flagged = settings.enable_email_verification && (wishes.ask_password || wishes.verify_email);
    // Both flags: one mail. verifyEmail keeps the password that was sent; without one, redeeming proves the mailbox too.
    let verify = flagged && wishes.verify_email && (!wishes.ask_password || wishes.password.is_some());
    let ask = flagged && !verify;

    let address = if flagged { Some(invited_address(&document)?) } else { None };
    let mut account = match &address {
        Some(address) if ask => Account::asked_for_password(address.to_string(), settings.lock_on_creation),
        Some(address) => Account {
            onboarding: Onboarding::EmailVerification,
            ..Account::asked_for_password(address.to_string(), settings.lock_on_creation)
        },
        None => Account { email: any_address(&document), ..Account::default() },
    };
    account.disabled = wishes.disabled;
    if wishes.locked {
        account.lock = Lock::Admin;
    }
    account.email_verified = wishes.email_verified && !flagged;

    // An invited account has no usable password until redeemed, and nothing is hashed for it.
    let keep_password = !ask || settings.disable_random_value_for_credentials;
    let password_hash = match wishes.password.filter(|_| keep_password) {
        Some(password) => Some(hash(ctx, gate, &password)?),
        None => None,
    };

    let invitation = address.as_ref().map(|_| Invitation { delivery: "queued".to_owned(), ..Invitation::default() });
    set_schemas(&mut document, invitation.is_some());
    let now = ctx.platform.clock.now();
    let user = User {
        id: ctx.platform.new_id().to_string(),
        document: Json::Object(document).to_string(),
        version: 1,
        created: now,
        modified: now,
        account,
        invitation,
    };

    let operation = ctx.platform.new_id().to_string();
    let mut batch = user::insert(ctx, &user, password_hash.as_deref(), &operation);
    batch.push(audit::record(ctx, &operation, Action::UserCreate, &user.id, Condition::Always));
    if let Some(address) = &address {
        let entry = Entry {
            template: if ask { TemplateType::AskPassword } else { TemplateType::EmailConfirm },
            user_id: &user.id,
            seq: user.account.seq(),
            recipient: address,
            invited_by: match &ctx.actor {
                Actor::Administrator(name) => Some(name),
                _ => None,
            },
        };
        batch.push(outbox::queue(ctx, &operation, &entry, Condition::Always));
        batch.push(audit::record(ctx, &operation, Action::InvitationCreate, &user.id, Condition::Always));
    }
    match ctx.platform.db.batch(batch).await {
        Ok(_) => {}
        Err(DatabaseError::Unique(constraint)) if constraint.contains("name_key") => {
            return Err(CreateError::Refused(ScimError::uniqueness(
                "A user with this userName exists already: choose another, or change that user.",
            )));
        }
        // The error may hide a commit: the operation's own row tells.
        Err(error) => {
            if !audit::was_committed(ctx, &operation).await.unwrap_or(false) {
                return Err(error.into());
            }
        }
    }
    if address.is_some() {
        ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    }
    Ok(user)
}

/// Hashes a password that an administrator or a client sent. They answer for its strength beyond length; people who
/// choose their own are held to the whole policy (`redeem.rs`).
fn hash(ctx: &Context, gate: &password::Gate, password: &str) -> Result<String, CreateError> {
    let minimum = ctx.settings().password_min_length;
    let problem = policy::weaknesses(password, minimum, &[]).into_iter().find_map(|weakness| match weakness {
        Weakness::TooShort(least) => Some(format!("20035 - The password needs at least {least} characters.")),
        Weakness::TooLong => Some(format!("20035 - The password is longer than {} bytes.", password::MAX_BYTES)),
        Weakness::Unprintable => Some("20035 - The password has a control character.".to_owned()),
        Weakness::Empty => Some("20035 - The password is empty.".to_owned()),
        Weakness::Common | Weakness::Obvious(_) => None,
    });
    if let Some(problem) = problem {
        return Err(refused(problem));
    }
    let _place = gate.enter().ok_or(CreateError::Busy)?;
    password::hash(password, &*ctx.platform.entropy).ok_or_else(|| refused("The password cannot be hashed."))
}

fn refused(detail: impl Into<String>) -> CreateError {
    CreateError::Refused(ScimError::invalid_value(detail))
}

/// Where the invitation goes: the primary e-mail address, else the first, whatever its type.
fn invited_address(document: &Document) -> Result<Address, CreateError> {
    let text = any_address(document).ok_or_else(|| {
        refused("An invitation needs an e-mail address: add one to emails, or leave askPassword and verifyEmail out.")
    })?;
    Address::parse(&text).ok_or_else(|| {
        refused(
            "The e-mail address that the invitation would go to is not a single valid address: correct it in emails.",
        )
    })
}

fn any_address(document: &Document) -> Option<String> {
    let emails = document.get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email["primary"] == Json::Bool(true));
    primary.or(emails.first())?["value"].as_str().map(str::to_owned)
}

/// Takes what is about the account out of the document: the password, `active`, and WSO2's attributes from whichever
/// schema carries them (older servers have them in the enterprise extension).
fn take_wishes(document: &mut Document) -> Wishes {
    let mut wishes = Wishes {
        password: document.shift_remove("password").and_then(|value| value.as_str().map(str::to_owned)),
        disabled: document.shift_remove("active") == Some(Json::Bool(false)),
        ..Wishes::default()
    };
    let extensions: Vec<String> = document.keys().filter(|name| name.contains(':')).cloned().collect();
    for urn in extensions {
        let Some(Json::Object(extension)) = document.get_mut(&urn) else { continue };
        let mut take = |name: &str| extension.shift_remove(name) == Some(Json::Bool(true));
        wishes.ask_password |= take("askPassword");
        wishes.verify_email |= take("verifyEmail");
        wishes.locked |= take("accountLocked");
        wishes.disabled |= take("accountDisabled");
        wishes.email_verified |= take("emailVerified");
        if extension.is_empty() {
            document.shift_remove(&urn);
        }
    }
    wishes
}

/// `schemas`, once it is known which extensions the user will show: first in the document, as readers expect it.
fn set_schemas(document: &mut Document, invited: bool) {
    document.shift_remove("schemas");
    let mut schemas = vec!["urn:ietf:params:scim:schemas:core:2.0:User".to_owned()];
    schemas.extend(document.keys().filter(|name| name.contains(':') && *name != WSO2_SCHEMA).cloned());
    schemas.push(WSO2_SCHEMA.to_owned());
    if invited {
        schemas.push(INVITATION_SCHEMA.to_owned());
    }
    let mut ordered = Map::new();
    ordered.insert("schemas".to_owned(), Json::from(schemas));
    ordered.append(document);
    *document = ordered;
}
