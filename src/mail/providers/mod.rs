//! Mail providers, one file each, behind one trait.

mod addressing;
mod brevo;
mod call;
mod cloudflare;
mod inbox;
mod mailchannels;
mod mailgun;
mod postmark;
mod resend;
mod sendgrid;
mod ses;
mod sigv4;

use std::fmt;

use crate::base::address::Sender;
use crate::model::deployment::Deployment;
use crate::ports::Platform;

/// A mail, rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The deployment's.
    pub from: Sender,
    /// The one recipient.
    pub to: String,
    /// `Reply-To`, if the tenant has one.
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
    /// Under which the provider sends it at most once, where it can.
    pub idempotency_key: String,
}

// The parts hold a link.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("to", &self.to)
            .field("idempotency_key", &self.idempotency_key)
            .finish_non_exhaustive()
    }
}

/// The outcome of handing a message over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The provider has it, under this id if it said so.
    Accepted(Option<String>),
    /// The provider will never take it.
    Permanent(String),
    /// The provider has certainly not taken it, and may later: not before so many seconds, if it said so.
    Transient(String, Option<u32>),
    /// The provider may or may not have it.
    Unknown(String),
}

/// A mail provider.
pub trait Provider: Send + Sync {
    /// How long, in seconds, the provider remembers an idempotency key; `None` if it has none.
    fn remembers_keys_for(&self) -> Option<u64>;

    /// How many messages one call to the provider takes at most; 1 where each needs a call of its own.
    ///
    /// A provider with idempotency keys takes one: a key that is the batch's says nothing about a message once a retry
    /// is another batch.
    fn batch_limit(&self) -> usize {
        1
    }

    /// Hands one message over.
    fn send(&self, platform: &Platform, message: &Message) -> Handover;

    /// Hands over messages, no more than [`Self::batch_limit`], in one call. Answers what came of each, in their order.
    fn send_all(&self, platform: &Platform, messages: &[Message]) -> Vec<Handover> {
        let mut handovers = Vec::with_capacity(messages.len());
        for message in messages {
            handovers.push(self.send(platform, message));
        }
        handovers
    }
}

/// The provider of this name, ready to send; `None` for a name that this build or deployment does not know.
#[must_use]
pub fn find(deployment: &Deployment, name: &str) -> Option<Box<dyn Provider>> {
    Some(match name {
        "inbox" if deployment.is_development() => Box::new(inbox::Inbox),
        "cloudflare" => Box::new(cloudflare::Cloudflare::new(deployment)),
        "resend" => Box::new(resend::Resend::new(deployment)?),
        "postmark" => Box::new(postmark::Postmark::new(deployment)?),
        "sendgrid" => Box::new(sendgrid::SendGrid::new(deployment)?),
        "mailgun" => Box::new(mailgun::Mailgun::new(deployment)?),
        "ses" => Box::new(ses::Ses::new(deployment)?),
        "brevo" => Box::new(brevo::Brevo::new(deployment)?),
        "mailchannels" => Box::new(mailchannels::MailChannels::new(deployment)?),
        _ => return None,
    })
}
