//! Test mails: what somebody edits, mailed to themselves. They go straight to a provider and are no row of the outbox: there
//! is no user whom they are about, and their links open nothing.

use thiserror::Error;

use crate::base::limits::TEST_MAILS;
use crate::base::text::rfc3339;
use crate::mail::providers::{self, Handover, Message};
use crate::mail::render::Rendered;
use crate::model::context::{Actor, Context};
use crate::model::resource::USER;
use crate::ports::{DatabaseError, Millis};
use crate::store::audit::Counted;
use crate::store::resources::find;
use crate::store::test_mails;

/// Why no test mail is sent.
#[derive(Debug, Error)]
pub enum TestMailError {
    /// The caller has no address: the first administrator is no user.
    #[error("You have no e-mail address that a test mail could go to: sign in as a user who has one.")]
    NoAddress,
    /// The caller has sent as many as they may: they may again then, in milliseconds.
    #[error("You have sent 10 test mails within an hour. The next one can be sent from {} on.", rfc3339(*.0))]
    TooMany(Millis),
    /// What the last provider that was asked said.
    #[error("The test mail was not sent: {0}.")]
    Refused(String),
    /// The database's.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Mails a template to the caller, marked as a test, by the first provider that takes it; under the same key it is sent once.
/// It is recorded before, and counted there. Returns the address.
///
/// # Errors
/// [`TestMailError`]
pub fn send(ctx: &Context, mail: Rendered, key: &str) -> Result<String, TestMailError> {
    let (Actor::RoleHolder { id, .. } | Actor::User(id)) = &ctx.actor else { return Err(TestMailError::NoAddress) };
    let there = ctx.in_store_of(id);
    let user = find::by_id(&there, USER, id, false)?;
    let to = user.and_then(|user| user.account.email).ok_or(TestMailError::NoAddress)?;
    if !test_mails::record(&there, id)? {
        let seconds = Counted::TEST_MAILS.seconds_left(&there, id, TEST_MAILS)?.unwrap_or(1);
        return Err(TestMailError::TooMany(ctx.platform.clock.now() + i64::from(seconds) * 1000));
    }
    let message = Message {
        from: ctx.deployment.mail_from.clone(),
        to: to.clone(),
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
            Handover::Accepted(_) => return Ok(to),
            Handover::Transient(why, _) => said = why,
            // It may be on its way, or no other would take it either.
            Handover::Permanent(why) | Handover::Unknown(why) => return Err(TestMailError::Refused(why)),
        }
    }
    Err(TestMailError::Refused(said))
}
