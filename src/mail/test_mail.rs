//! Test mails: what somebody edits, mailed to themselves. They go straight to a provider and are no row of the outbox: there
//! is no user whom they are about, and their links open nothing.

use crate::mail::providers::{self, Handover, Message};
use crate::mail::render::Rendered;
use crate::model::context::{Actor, Context};
use crate::model::resource::USER;
use crate::ports::DatabaseError;
use crate::store::resources::find;

/// Returns the address of whoever calls; `None` where they have none: the first administrator is no user.
///
/// # Errors
/// The database's.
pub fn own_address(ctx: &Context) -> Result<Option<String>, DatabaseError> {
    let (Actor::RoleHolder { id, .. } | Actor::User(id)) = &ctx.actor else { return Ok(None) };
    let user = find::by_id(&ctx.in_store_of(id), USER, id, false)?;
    Ok(user.and_then(|user| user.account.email))
}

/// Sends a mail, marked as a test, by the first provider that takes it; under the same key it is sent once.
///
/// # Errors
/// What the last provider that was asked said.
pub fn send(ctx: &Context, to: &str, mail: Rendered, key: &str) -> Result<(), String> {
    let message = Message {
        from: ctx.deployment.mail_from.clone(),
        to: to.to_owned(),
        reply_to: ctx.settings().mail_reply_to.clone(),
        subject: format!("[Test] {}", mail.subject),
        html: mail.html,
        text: mail.text,
        idempotency_key: key.to_owned(),
    };
    let mut said = "there is no provider".to_owned();
    for name in &ctx.deployment.mail_providers {
        let Some(provider) = providers::find(&ctx.deployment, name) else { continue };
        match provider.send(&ctx.platform, &message) {
            Handover::Accepted(_) => return Ok(()),
            Handover::Transient(why, _) => said = why,
            // It may be on its way, or no other would take it either.
            Handover::Permanent(why) | Handover::Unknown(why) => return Err(why),
        }
    }
    Err(said)
}
