//! `mailchannels`: <https://docs.mailchannels.com/api-reference/send/send-an-email>, and the OpenAPI document in its SDKs
//! (`codegen/spec/email-api.yaml` of mailchannels/mailchannels-email-api-sdk-rust).
//!
//! No idempotency keys in either. Many `personalizations` share one body among all recipients: not used as a batch. The
//! sending domain must name the account in DNS (`_mailchannels`, Domain Lockdown). Tracking is switched off for each
//! message; Message-ID is among the headers that it reserves.

use serde_json::json;

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{self, Answer, Api, OPERATOR};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.mailchannels.net";

/// MailChannels, with the deployment's key.
pub struct MailChannels(Api);

impl MailChannels {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "mailchannels", API, "/tx/v1/send")?))
    }

    fn request(&self, message: &Message) -> Result<call::Request, Handover> {
        let addressed = message.addressed(LocalPart::Any)?;
        let mut body = json!({
            "personalizations": [{ "to": [{ "email": addressed.to }] }],
            "from": addressed.sender(),
            "subject": message.subject,
            "content": [
                { "type": "text/plain", "value": message.text },
                { "type": "text/html", "value": message.html },
            ],
            "headers": { "Auto-Submitted": "auto-generated", "X-Entity-Ref-ID": message.message_id() },
            "tracking_settings": {
                "click_tracking": { "enable": false },
                "open_tracking": { "enable": false },
            },
            "transactional": true,
        });
        if let Some(reply_to) = addressed.reply_to {
            body["reply_to"] = json!({ "email": reply_to });
        }
        call::json(&self.0.url, &[("x-api-key", self.0.key.expose())], &body)
    }
}
impl Provider for MailChannels {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        call::hand_over(platform, self.request(message), self.0.timeout, read)
    }
}

/// What MailChannels' answer means: 202 has a result for each personalization, of which there is one.
fn read(answer: &Answer) -> Handover {
    let result = &answer.body["results"][0];
    match (answer.status, result["status"].as_str()) {
        (202, Some("sent")) => Handover::Accepted(result["message_id"].as_str().map(str::to_owned)),
        // Certainly not sent, for a reason in words that no program reads.
        (202, Some("failed")) => answer.later("failed", OPERATOR),
        _ => answer.by_status(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::providers::call::tests::{answer, common_ground};

    fn told(status: u16, body: &str) -> Handover {
        read(&answer(status, &[], body))
    }

    #[test]
    fn answers_are_read_as_mailchannels_documents_them() {
        let sent = r#"{"request_id":"r","results":[{"index":0,"message_id":"20260101-1@host","status":"sent"}]}"#;
        assert_eq!(told(202, sent), Handover::Accepted(Some("20260101-1@host".to_owned())));
        let failed = r#"{"results":[{"index":0,"status":"failed","reason":"paul@example.com: no such user"}]}"#;
        assert_eq!(told(202, failed), Handover::Transient("202 failed".to_owned(), Some(60)));
        // The answer to a dry run.
        assert!(matches!(told(200, r#"{"data":["MIME"]}"#), Handover::Unknown(_)));
        assert!(matches!(told(400, r#"{"errors":["bad"]}"#), Handover::Permanent(_)));
        common_ground(read);
    }
}
