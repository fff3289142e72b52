//! `resend`: <https://resend.com/docs/api-reference/emails/send-email>.
//!
//! Has idempotency keys that live 24 hours, and wants a `User-Agent`. Click and open tracking are switches of the sending
//! domain there, not of a message: the README tells the deployer to leave them off.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{Handover, Message, Provider, retry_after};
use crate::ports::{HttpError, Millis, Platform};
use crate::tenant::{Deployment, Secret};

const API: &str = "https://api.resend.com";
const KEY_LIFETIME: u64 = 24 * 3600;

/// Resend, with the deployment's key.
pub struct Resend {
    url: String,
    key: Secret,
    timeout: Duration,
}

impl Resend {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self {
            url: format!("{}/emails", deployment.mail_api_base("resend").unwrap_or(API)),
            key: deployment.mail_api_key("resend")?.clone(),
            timeout: Duration::from_secs(deployment.mail_timeout_seconds.into()),
        })
    }

    fn request(&self, message: &Message) -> Result<http::Request<Vec<u8>>, http::Error> {
        let mut body = json!({
            "from": message.from.to_string(),
            "to": [message.to],
            "subject": message.subject,
            "html": message.html,
            "text": message.text,
            "headers": { "Auto-Submitted": "auto-generated" },
        });
        if let Some(reply_to) = &message.reply_to {
            body["reply_to"] = json!([reply_to]);
        }
        http::Request::post(&self.url)
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header("content-type", "application/json")
            .header("user-agent", concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .header("idempotency-key", &message.idempotency_key)
            .body(body.to_string().into_bytes())
    }
}

#[async_trait]
impl Provider for Resend {
    fn remembers_keys_for(&self) -> Option<u64> {
        Some(KEY_LIFETIME)
    }

    async fn send(&self, platform: &Platform, message: &Message) -> Handover {
        let request = match self.request(message) {
            Ok(request) => request,
            Err(error) => return Handover::Permanent(format!("the request cannot be built: {error}")),
        };
        match platform.http.send(request, self.timeout).await {
            Ok(response) => read(&response, platform.clock.now()),
            Err(error @ (HttpError::Timeout | HttpError::Failed(_))) => Handover::Unknown(error.to_string()),
        }
    }
}

/// Seconds to wait where only an operator can mend what is wrong.
const OPERATOR: u32 = 60;
/// Seconds to wait for a quota, which is over for hours.
const QUOTA: u32 = 900;

/// What Resend's answer means. Only what is about this one mail ends it: a wrong key, domain or address of the API is
/// mended by an operator, and no mail is lost meanwhile.
fn read(response: &http::Response<Vec<u8>>, now: Millis) -> Handover {
    let status = response.status().as_u16();
    let body: Json = serde_json::from_slice(response.body()).unwrap_or_default();
    let name = body["name"].as_str().unwrap_or_default();
    // A name is a word; anything else is not Resend's, and could be anything.
    let is_word = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let name = if is_word { name } else { "" };
    let why = format!("{status} {name}").trim().to_owned();
    let retry_after = retry_after(response.headers(), now);
    let later = |least: u32| Some(retry_after.unwrap_or(least));
    match (status, name) {
        (200..=299, _) => match body["id"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            // A 2xx that is not Resend's: a proxy's, perhaps. The key makes asking again harmless.
            None => Handover::Unknown(format!("{status} without an id")),
        },
        // The key was used for this mail before: Resend has it.
        (409, "invalid_idempotent_request") => Handover::Accepted(None),
        (409, "concurrent_idempotent_requests") => Handover::Transient(why, retry_after),
        (400 | 413 | 422, _) => Handover::Permanent(why),
        (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => Handover::Transient(why, later(QUOTA)),
        (425 | 429, _) => Handover::Transient(why, retry_after),
        // It gave up on the request, or something is in conflict with it: what became of it is not said.
        (408 | 409, _) => Handover::Unknown(why),
        (300..=499, _) => Handover::Transient(why, later(OPERATOR)),
        _ => Handover::Unknown(why),
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, retry_after: Option<&str>) -> Handover {
        let mut response = http::Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        read(&response.body(body.as_bytes().to_vec()).expect("well-formed"), 0)
    }

    #[test]
    fn answers_are_read_as_resend_documents_them() {
        assert_eq!(answer(200, r#"{"id":"49a3"}"#, None), Handover::Accepted(Some("49a3".to_owned())));
        assert_eq!(answer(409, r#"{"name":"invalid_idempotent_request"}"#, None), Handover::Accepted(None));
        assert!(matches!(answer(409, r#"{"name":"concurrent_idempotent_requests"}"#, None), Handover::Transient(..)));
        assert!(matches!(answer(429, r#"{"name":"rate_limit_exceeded"}"#, Some("7")), Handover::Transient(_, Some(7))));
        assert!(matches!(answer(429, r#"{"name":"daily_quota_exceeded"}"#, None), Handover::Transient(_, Some(900))));
        assert!(matches!(answer(422, r#"{"name":"validation_error"}"#, None), Handover::Permanent(_)));
        assert!(matches!(answer(403, "error code: 1010", None), Handover::Transient(..)));
        assert!(matches!(answer(500, "", None), Handover::Unknown(_)));
        assert!(matches!(answer(200, "<html>garbage", None), Handover::Unknown(_)));
    }

    #[test]
    fn only_what_is_about_this_mail_ends_it() {
        for status in [400, 413, 422] {
            assert!(matches!(answer(status, "", None), Handover::Permanent(_)), "{status}");
        }
        for status in [301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 406, 410, 421, 423, 451] {
            assert!(matches!(answer(status, "", None), Handover::Transient(_, Some(60))), "{status}");
        }
        for status in [425, 429] {
            assert!(matches!(answer(status, "", None), Handover::Transient(_, None)), "{status}");
        }
        for status in [408, 409, 500, 502, 503, 504, 599] {
            assert!(matches!(answer(status, "", Some("5")), Handover::Unknown(_)), "{status}");
        }
    }

    #[test]
    fn an_error_is_told_by_its_name_alone() {
        let told = |body: &str| match answer(422, body, None) {
            Handover::Permanent(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(told(r#"{"name":"validation_error","message":"paul@example.com"}"#), "422 validation_error");
        assert_eq!(told(r#"{"name":"paul@example.com"}"#), "422");
        assert_eq!(told(&format!(r#"{{"name":"{}"}}"#, "x".repeat(100_000))), "422");
    }
}
