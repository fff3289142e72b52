//! `sendgrid`: <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>.
//!
//! No idempotency keys (the reference names none). Its batch form, many `personalizations`, shares one body among all
//! recipients and has one outcome for all of them: not used. Tracking is switched off for each message, `Message-ID` is
//! not among the headers it reserves. Local parts beyond ASCII are refused: its support knows no other way than to
//! misspell them (<https://powered-by-caffeine.blogspot.com/2025/01>).

use serde_json::{Value as Json, json};

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{self, Answer, Api, OPERATOR};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.sendgrid.com";

/// SendGrid, with the deployment's key.
pub struct SendGrid(Api);

impl SendGrid {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "sendgrid", API, "/v3/mail/send")?))
    }

    fn request(&self, message: &Message) -> Result<call::Request, Handover> {
        let addressed = message.addressed(LocalPart::Ascii)?;
        let mut body = json!({
            "personalizations": [{ "to": [{ "email": addressed.to }] }],
            "from": addressed.sender(),
            "subject": message.subject,
            "content": [
                { "type": "text/plain", "value": message.text },
                { "type": "text/html", "value": message.html },
            ],
            "headers": { "Auto-Submitted": "auto-generated", "Message-ID": message.message_id() },
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false },
                "open_tracking": { "enable": false },
                "subscription_tracking": { "enable": false },
                "ganalytics": { "enable": false },
            },
        });
        if let Some(reply_to) = addressed.reply_to {
            body["reply_to"] = json!({ "email": reply_to });
        }
        call::json(&self.0.url, &[("authorization", &format!("Bearer {}", self.0.key.expose()))], &body)
    }
}
impl Provider for SendGrid {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        call::hand_over(platform, self.request(message), self.0.timeout, read)
    }
}

/// What SendGrid's answer means: <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors>.
fn read(answer: &Answer) -> Handover {
    match answer.status {
        202 => match answer.header("x-message-id") {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            None => Handover::Unknown(answer.told("without an id")),
        },
        400 => {
            let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
            let field = |error: &Json| error["field"].as_str().unwrap_or_default().to_owned();
            // Where it is about the recipient, it is about this mail; the sender and the form are those of every mail.
            match errors.iter().map(field).find(|field| field.starts_with("personalizations")) {
                Some(_) => Handover::Permanent(answer.told("personalizations")),
                None => answer.later("", OPERATOR),
            }
        }
        _ => answer.by_status(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::providers::call::tests::{answer, common_ground};

    #[test]
    fn answers_are_read_as_sendgrid_documents_them() {
        let taken = read(&answer(202, &[("x-message-id", "14c5d75ce93.dfd.64b469")], ""));
        assert_eq!(taken, Handover::Accepted(Some("14c5d75ce93.dfd.64b469".to_owned())));
        let refused = |field: &str| {
            let errors =
                json!({ "errors": [{ "field": field, "message": "Does not contain a valid address: paul@x" }] });
            read(&answer(400, &[], &errors.to_string()))
        };
        let recipient = refused("personalizations.0.to.0.email");
        assert_eq!(recipient, Handover::Permanent("400 personalizations".to_owned()));
        for operators in ["from.email", "reply_to.email", "headers.Message-ID", "content.0.value", ""] {
            assert!(matches!(refused(operators), Handover::Transient(_, Some(60))), "{operators}");
        }
        assert!(matches!(read(&answer(400, &[], "")), Handover::Transient(_, Some(60))));
        // The sandbox's answer: looked at and not sent.
        assert!(matches!(read(&answer(200, &[], "")), Handover::Unknown(_)));
        common_ground(read);
    }
}
