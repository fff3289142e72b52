//! Mail providers, one file each, behind one trait.

mod inbox;
mod resend;

use async_trait::async_trait;

use crate::ports::Platform;
use crate::tenant::Deployment;

/// A mail, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `Name <a@b>` or `a@b`, from the deployment.
    pub from: String,
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

/// What came of handing a message over.
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
#[async_trait]
pub trait Provider: Send + Sync {
    /// How long, in seconds, the provider remembers an idempotency key; `None` if it has none.
    fn remembers_keys_for(&self) -> Option<u64>;

    /// Hands one message over.
    async fn send(&self, platform: &Platform, message: &Message) -> Handover;
}

/// The provider of this name, ready to send; `None` for a name that this build or deployment does not know.
#[must_use]
pub fn find(deployment: &Deployment, name: &str) -> Option<Box<dyn Provider>> {
    match name {
        "inbox" if deployment.is_development() => Some(Box::new(inbox::Inbox)),
        "resend" => Some(Box::new(resend::Resend::new(deployment)?)),
        _ => None,
    }
}
