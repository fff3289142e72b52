//! `brevo`: <https://developers.brevo.com/reference/sendtransacemail>.
//!
//! Idempotency keys are UUIDs in the body's `headers`. Its changelog says that they live 15 minutes, its guide 30
//! (<https://developers.brevo.com/changelog/email-api-now-supports-idempotency>,
//! <https://developers.brevo.com/docs/heterogenous-versions-batch-emails>): the shorter holds. Its batch form shares one
//! key among all messages, so that a retry would have to be the very same batch; it is not used. Click and open tracking
//! are no switches of a message (<https://anymail.dev/en/stable/esps/brevo/#limitations-and-quirks>): the operator turns
//! them off. Message-ID is Brevo's own. Local parts beyond ASCII are delivered, says the same page.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::mail::providers::addressing::{LocalPart, encoded};
use crate::mail::providers::call::{self, Answer, Api, OPERATOR, QUOTA, seconds, word};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.brevo.com";
const KEY_LIFETIME: u64 = 15 * 60;

/// Brevo, with the deployment's key.
pub struct Brevo(Api);

impl Brevo {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "brevo", API, "/v3/smtp/email")?))
    }

    fn request(&self, message: &Message) -> Result<call::Request, Handover> {
        let addressed = message.addressed(LocalPart::Any)?;
        let mut sender = addressed.sender();
        // It drops a name that has both a comma or the like and characters beyond ASCII, unless they are encoded.
        if !addressed.from.name.is_ascii() && addressed.from.to_string().starts_with('"') {
            sender["name"] = encoded(&addressed.from.name).into();
        }
        let mut body = json!({
            "sender": sender,
            "to": [{ "email": addressed.to }],
            "subject": message.subject,
            "htmlContent": message.html,
            "textContent": message.text,
            "headers": {
                "Auto-Submitted": "auto-generated",
                "X-Entity-Ref-ID": message.message_id(),
                "idempotencyKey": uuid_of(&message.idempotency_key),
            },
        });
        if let Some(reply_to) = addressed.reply_to {
            body["replyTo"] = json!({ "email": reply_to });
        }
        call::json(&self.0.url, &[("api-key", self.0.key.expose())], &body)
    }
}

/// The key as the UUID that Brevo wants: version 8 (RFC 9562), of the key's SHA-256.
fn uuid_of(key: &str) -> String {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha256::digest(key)[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid().to_string()
}
impl Provider for Brevo {
    fn remembers_keys_for(&self) -> Option<u64> {
        Some(KEY_LIFETIME)
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        call::hand_over(platform, self.request(message), self.0.timeout, read)
    }
}

/// What Brevo's answer means: `{"code","message"}` where it is an error.
fn read(answer: &Answer) -> Handover {
    let code = word(&answer.body["code"]);
    match (answer.status, code) {
        (200..=299, _) => match answer.body["messageId"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            // The key makes asking again harmless.
            None => Handover::Unknown(answer.told("without an id")),
        },
        // The key was used for this mail before: Brevo has it.
        (400, "duplicate_parameter") => Handover::Accepted(None),
        // "the sender you used ... is not valid": about every mail.
        (400, _) if answer.body["message"].as_str().is_some_and(|said| said.contains("sender")) => {
            answer.later(code, OPERATOR)
        }
        (402, _) => answer.later(code, QUOTA),
        (429, _) => {
            // <https://developers.brevo.com/docs/limit-headers>
            let reset = answer.header("x-sib-ratelimit-reset").and_then(seconds);
            Handover::Transient(answer.told(code), answer.retry_after.or(reset))
        }
        _ => answer.by_status(code),
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
    fn answers_are_read_as_brevo_documents_them() {
        let taken = Handover::Accepted(Some("<2026.1@smtp-relay.mailin.fr>".to_owned()));
        assert_eq!(told(201, r#"{"messageId":"<2026.1@smtp-relay.mailin.fr>"}"#), taken);
        assert_eq!(told(400, r#"{"code":"duplicate_parameter","message":"..."}"#), Handover::Accepted(None));
        let recipient = told(400, r#"{"code":"invalid_parameter","message":"email is not valid in to: paul@x"}"#);
        assert_eq!(recipient, Handover::Permanent("400 invalid_parameter".to_owned()));
        let sender = r#"{"code":"invalid_parameter","message":"the sender you used a@b.c is not valid"}"#;
        assert!(matches!(told(400, sender), Handover::Transient(_, Some(60))));
        assert!(matches!(told(402, r#"{"code":"not_enough_credits"}"#), Handover::Transient(_, Some(900))));
        assert!(matches!(told(401, r#"{"code":"unauthorized"}"#), Handover::Transient(_, Some(60))));
        let busy = read(&answer(429, &[("x-sib-ratelimit-reset", "42")], ""));
        assert_eq!(busy, Handover::Transient("429".to_owned(), Some(42)));
        common_ground(read);
    }

    #[test]
    fn a_key_has_one_uuid() {
        assert_eq!(uuid_of("AskPassword/1/0"), uuid_of("AskPassword/1/0"));
        assert_ne!(uuid_of("AskPassword/1/0"), uuid_of("AskPassword/1/1"));
        assert_eq!(uuid_of("AskPassword/1/0").parse::<uuid::Uuid>().expect("a UUID").get_version_num(), 8);
    }
}
