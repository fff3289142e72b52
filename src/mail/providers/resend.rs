//! `resend`: <https://resend.com/docs/api-reference/emails/send-email>.
//!
//! Has idempotency keys that live 24 hours, and wants a `User-Agent`. Click and open tracking are switches of the sending
//! domain there, not of a message: the README tells the deployer to leave them off. Its batch call has one key for the
//! whole batch, so that a retry would have to be the very same batch; it is not used. It gives every mail a Message-ID of
//! its own (Amazon's, by which it sends); `X-Entity-Ref-ID` is what its documentation offers instead. Local parts beyond
//! ASCII are refused: <https://anymail.dev/en/stable/esps/resend/#limitations-and-quirks>, who tried.

use serde_json::json;

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{self, Answer, Api, OPERATOR, QUOTA, Request, word};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.resend.com";
const KEY_LIFETIME: u64 = 24 * 3600;

/// Resend, with the deployment's key.
pub struct Resend(Api);

impl Resend {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "resend", API, "/emails")?))
    }

    fn request(&self, message: &Message) -> Result<Request, Handover> {
        let addressed = message.addressed(LocalPart::Ascii)?;
        let mut body = json!({
            "from": addressed.from.to_string(),
            "to": [addressed.to],
            "subject": message.subject,
            "html": message.html,
            "text": message.text,
            "headers": { "Auto-Submitted": "auto-generated", "X-Entity-Ref-ID": message.message_id() },
        });
        if let Some(reply_to) = addressed.reply_to {
            body["reply_to"] = json!([reply_to]);
        }
        let authorization = format!("Bearer {}", self.0.key.expose());
        let headers = [("authorization", authorization.as_str()), ("idempotency-key", &message.idempotency_key)];
        call::json(&self.0.url, &headers, &body)
    }
}
impl Provider for Resend {
    fn remembers_keys_for(&self) -> Option<u64> {
        Some(KEY_LIFETIME)
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        call::hand_over(platform, self.request(message), self.0.timeout, read)
    }
}

/// What Resend's answer means: <https://resend.com/docs/api-reference/errors>.
fn read(answer: &Answer) -> Handover {
    let name = word(&answer.body["name"]);
    match (answer.status, name) {
        (200..=299, _) => match answer.body["id"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            // The key makes asking again harmless.
            None => Handover::Unknown(answer.told("without an id")),
        },
        // The key was used for this mail before: Resend has it.
        (409, "invalid_idempotent_request") => Handover::Accepted(None),
        (409, "concurrent_idempotent_requests") => Handover::Transient(answer.told(name), answer.retry_after),
        // About our sender, and so about every mail.
        (422, "invalid_from_address") => answer.later(name, OPERATOR),
        (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => answer.later(name, QUOTA),
        _ => answer.by_status(name),
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use crate::mail::providers::call::tests::{answer, common_ground};

    fn told(status: u16, body: &str) -> Handover {
        read(&answer(status, &[], body))
    }

    #[test]
    fn answers_are_read_as_resend_documents_them() {
        assert_eq!(told(200, r#"{"id":"49a3"}"#), Handover::Accepted(Some("49a3".to_owned())));
        assert_eq!(told(409, r#"{"name":"invalid_idempotent_request"}"#), Handover::Accepted(None));
        assert!(matches!(told(409, r#"{"name":"concurrent_idempotent_requests"}"#), Handover::Transient(..)));
        assert!(matches!(told(429, r#"{"name":"rate_limit_exceeded"}"#), Handover::Transient(_, None)));
        assert!(matches!(told(429, r#"{"name":"daily_quota_exceeded"}"#), Handover::Transient(_, Some(900))));
        assert!(matches!(told(422, r#"{"name":"validation_error"}"#), Handover::Permanent(_)));
        assert!(matches!(told(422, r#"{"name":"invalid_from_address"}"#), Handover::Transient(_, Some(60))));
        assert!(matches!(told(403, "error code: 1010"), Handover::Transient(..)));
        common_ground(read);
    }

    #[test]
    fn only_what_is_about_this_mail_ends_it() {
        for status in [400, 413, 422] {
            assert!(matches!(told(status, ""), Handover::Permanent(_)), "{status}");
        }
        for status in [402, 406, 423] {
            assert!(matches!(told(status, ""), Handover::Transient(_, Some(60))), "{status}");
        }
        assert!(matches!(told(425, ""), Handover::Transient(_, None)));
        for status in [408, 409] {
            assert!(matches!(told(status, ""), Handover::Unknown(_)), "{status}");
        }
    }

    #[test]
    fn an_error_is_told_by_its_name_alone() {
        let why = |body: &str| match told(422, body) {
            Handover::Permanent(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(r#"{"name":"validation_error","message":"paul@example.com"}"#), "422 validation_error");
        assert_eq!(why(r#"{"name":"paul@example.com"}"#), "422");
        assert_eq!(why(&format!(r#"{{"name":"{}"}}"#, "x".repeat(100_000))), "422");
    }
}
