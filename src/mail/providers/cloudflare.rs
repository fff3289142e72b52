//! `cloudflare`: the binding of Cloudflare's Email Service,
//! <https://developers.cloudflare.com/email-service/api/send-emails/workers-api/>.
//!
//! No idempotency keys and no batch in its interface, and no tracking either. `Auto-Submitted` and names that begin with
//! `X-` are among the headers it allows, Message-ID is its own
//! (<https://developers.cloudflare.com/email-service/reference/headers/>).

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{OPERATOR, QUOTA, word_of};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::{EmailError, Platform};

/// Cloudflare's Email Service.
pub struct Cloudflare {
    timeout: Duration,
}

impl Cloudflare {
    /// Ready to send.
    pub fn new(deployment: &Deployment) -> Self {
        Self { timeout: deployment.mail_timeout() }
    }
}

fn email(message: &Message) -> Result<Json, Handover> {
    let addressed = message.addressed(LocalPart::Any)?;
    // An object must have a name there.
    let from = if addressed.from.name.is_empty() { addressed.from.to_string().into() } else { addressed.sender() };
    let mut email = json!({
        "to": addressed.to,
        "from": from,
        "subject": message.subject,
        "html": message.html,
        "text": message.text,
        "headers": { "Auto-Submitted": "auto-generated", "X-Entity-Ref-ID": message.message_id() },
    });
    if let Some(reply_to) = addressed.reply_to {
        email["replyTo"] = reply_to.into();
    }
    Ok(email)
}
impl Provider for Cloudflare {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        let Some(binding) = &platform.email else {
            return Handover::Transient("the Worker has no binding EMAIL".to_owned(), Some(OPERATOR));
        };
        let email = match email(message) {
            Ok(email) => email,
            Err(handover) => return handover,
        };
        match binding.send(&email, self.timeout) {
            None => Handover::Unknown("no answer in time".to_owned()),
            Some(Ok(id)) => Handover::Accepted(Some(id).filter(|id| !id.is_empty())),
            Some(Err(error)) => read(&error),
        }
    }
}

/// Returns the outcome that an error of the binding stands for.
fn read(error: &EmailError) -> Handover {
    let code = word_of(&error.0);
    let told = code.to_owned();
    match code {
        "E_VALIDATION_ERROR"
        | "E_FIELD_MISSING"
        | "E_TOO_MANY_RECIPIENTS"
        | "E_RECIPIENT_SUPPRESSED"
        | "E_CONTENT_TOO_LARGE"
        | "E_DELIVERY_FAILED" => Handover::Permanent(told),
        "E_RATE_LIMIT_EXCEEDED" => Handover::Transient(told, None),
        "E_DAILY_LIMIT_EXCEEDED" => Handover::Transient(told, Some(QUOTA)),
        // Our domain, the binding's own restrictions, or headers that are those of every mail.
        "E_SENDER_NOT_VERIFIED" | "E_SENDER_DOMAIN_NOT_AVAILABLE" | "E_RECIPIENT_NOT_ALLOWED" => {
            Handover::Transient(told, Some(OPERATOR))
        }
        header if header.starts_with("E_HEADER") => Handover::Transient(told, Some(OPERATOR)),
        "" => Handover::Unknown("the binding EMAIL failed without a code".to_owned()),
        _ => Handover::Unknown(told),
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_as_cloudflare_documents_them() {
        let told = |code: &str| read(&EmailError(code.to_owned()));
        for ended in [
            "E_VALIDATION_ERROR",
            "E_FIELD_MISSING",
            "E_TOO_MANY_RECIPIENTS",
            "E_RECIPIENT_SUPPRESSED",
            "E_CONTENT_TOO_LARGE",
            "E_DELIVERY_FAILED",
        ] {
            assert_eq!(told(ended), Handover::Permanent(ended.to_owned()));
        }
        for (later, least) in [
            ("E_RATE_LIMIT_EXCEEDED", None),
            ("E_DAILY_LIMIT_EXCEEDED", Some(900)),
            ("E_SENDER_NOT_VERIFIED", Some(60)),
            ("E_SENDER_DOMAIN_NOT_AVAILABLE", Some(60)),
            ("E_RECIPIENT_NOT_ALLOWED", Some(60)),
            ("E_HEADER_NOT_ALLOWED", Some(60)),
            ("E_HEADERS_TOO_LARGE", Some(60)),
        ] {
            assert_eq!(told(later), Handover::Transient(later.to_owned(), least));
        }
        for doubtful in ["E_INTERNAL_SERVER_ERROR", "E_WHATEVER_COMES", "", "paul@example.com"] {
            let Handover::Unknown(why) = told(doubtful) else { panic!("{doubtful}") };
            assert!(!why.contains('@'), "{why}");
        }
    }
}
