//! `ses`: Amazon SES, API version 2: <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>.
//!
//! No idempotency keys. `SendBulkEmail` is for templates that Amazon stores: not used. Tracking is switched off for each
//! message (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_TrackingConfigurationOverrides.html>). Amazon
//! replaces `Message-ID` and `Date` (<https://docs.aws.amazon.com/ses/latest/dg/header-fields.html>). Addresses are ASCII,
//! domains punycode, names encoded words (the note on `Destination` in the reference).

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::mail::providers::addressing::{LocalPart, in_ascii};
use crate::mail::providers::call::{self, Answer, OPERATOR, QUOTA, word};
use crate::mail::providers::{Handover, Message, Provider, sigv4};
use crate::model::deployment::{AwsAccess, Deployment};
use crate::ports::{Millis, Platform};

const PATH: &str = "/v2/email/outbound-emails";
const JSON: &str = "application/json";

/// Amazon SES, with the deployment's access key.
pub struct Ses {
    url: String,
    access: AwsAccess,
    timeout: Duration,
}

impl Ses {
    /// Ready to send; `None` without an access key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        let access = deployment.aws.clone()?;
        let url = match deployment.mail_api_base("ses") {
            Some(base) => format!("{base}{PATH}"),
            None => format!("https://email.{}.amazonaws.com{PATH}", access.region),
        };
        Some(Self { url, access, timeout: deployment.mail_timeout() })
    }

    fn request(&self, message: &Message, now: Millis) -> Result<call::Request, Handover> {
        let body = email(message)?.to_string().into_bytes();
        let odd = |what: &str| Handover::Transient(format!("the request cannot be signed: {what}"), Some(OPERATOR));
        let uri: http::Uri = self.url.parse().map_err(|_| odd("MAIL_API_BASE"))?;
        // As HTTP clients write it: with the port unless it is the scheme's own, which nobody writes down.
        let host = uri.authority().ok_or_else(|| odd("MAIL_API_BASE"))?.as_str();
        let date = sigv4::date(now).ok_or_else(|| odd("the date"))?;
        let signed = [("content-type", JSON), ("host", host), ("x-amz-date", &date)];
        let post = sigv4::Post { service: "ses", path: uri.path(), headers: &signed, body: &body };
        let authorization = sigv4::authorization(&post, &self.access, &date);
        // The HTTP client writes the host itself.
        call::post(&self.url, JSON, &[("x-amz-date", &date), ("authorization", &authorization)], body)
    }
}

fn email(message: &Message) -> Result<Json, Handover> {
    let addressed = message.addressed(LocalPart::Ascii)?;
    let text = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    let mut email = json!({
        "FromEmailAddress": in_ascii(&addressed.from),
        "Destination": { "ToAddresses": [addressed.to] },
        "Content": { "Simple": {
            "Subject": text(&message.subject),
            "Body": { "Text": text(&message.text), "Html": text(&message.html) },
            "Headers": [
                { "Name": "Auto-Submitted", "Value": "auto-generated" },
                { "Name": "X-Entity-Ref-ID", "Value": message.message_id() },
            ],
        } },
        "ConfigurationOverrides": {
            "Tracking": { "ClickTrackingEnabled": "DISABLED", "OpenTrackingEnabled": "DISABLED" },
        },
    });
    if let Some(reply_to) = addressed.reply_to {
        email["ReplyToAddresses"] = json!([reply_to]);
    }
    Ok(email)
}
impl Provider for Ses {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        let request = self.request(message, platform.clock.now());
        call::hand_over(platform, request, self.timeout, read)
    }
}

/// What Amazon's answer means: the error's type is in a header, or in the body.
fn read(answer: &Answer) -> Handover {
    // The header may go on after a colon, and the body's begin before a number sign: with the address of a namespace.
    let header = answer.header("x-amzn-errortype").and_then(|text| text.split(':').next());
    let body = answer.body["__type"].as_str().or(answer.body["code"].as_str());
    let kind = header.or_else(|| body?.rsplit('#').next()).map(Json::from).unwrap_or_default();
    let kind = word(&kind);
    let said = answer.body["message"].as_str().or(answer.body["Message"].as_str()).unwrap_or_default();
    match (answer.status, kind) {
        (200, _) => match answer.body["MessageId"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            None => Handover::Unknown(answer.told("without an id")),
        },
        (400 | 429, "LimitExceededException") => answer.later(kind, QUOTA),
        (400 | 429, _) if said.starts_with("Daily message quota") => answer.later(kind, QUOTA),
        (400, "TooManyRequestsException" | "ThrottlingException" | "Throttling") => {
            Handover::Transient(answer.told(kind), answer.retry_after)
        }
        // Our own address, or in Amazon's sandbox any: mended by verifying it.
        (400, "MessageRejected") if said.contains("not verified") => answer.later(kind, OPERATOR),
        (400, "MessageRejected" | "BadRequestException") => Handover::Permanent(answer.told(kind)),
        // An account or a domain that may not send, a signature that does not hold.
        (400, _) => answer.later(kind, OPERATOR),
        _ => answer.by_status(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::providers::call::tests::{answer, common_ground};

    #[test]
    fn answers_are_read_as_amazon_documents_them() {
        let taken = read(&answer(200, &[], r#"{"MessageId":"0102019-7c"}"#));
        assert_eq!(taken, Handover::Accepted(Some("0102019-7c".to_owned())));
        let failed = |status: u16, kind: &str, message: &str| {
            let body = json!({ "message": message }).to_string();
            read(&answer(status, &[("x-amzn-errortype", &format!("{kind}:http://internal.amazon.com/"))], &body))
        };
        let rejected = failed(400, "MessageRejected", "Email contains a virus");
        assert_eq!(rejected, Handover::Permanent("400 MessageRejected".to_owned()));
        let unverified = "Email address is not verified. The following identities failed the check: paul@example.com";
        assert_eq!(
            failed(400, "MessageRejected", unverified),
            Handover::Transient("400 MessageRejected".to_owned(), Some(60))
        );
        assert!(matches!(failed(400, "BadRequestException", "Missing final '@domain'"), Handover::Permanent(_)));
        for operators in [
            "AccountSuspendedException",
            "SendingPausedException",
            "MailFromDomainNotVerifiedException",
            "IncompleteSignatureException",
            "",
        ] {
            assert!(matches!(failed(400, operators, ""), Handover::Transient(_, Some(60))), "{operators}");
        }
        assert!(matches!(failed(403, "SignatureDoesNotMatch", ""), Handover::Transient(_, Some(60))));
        assert!(matches!(failed(404, "NotFoundException", ""), Handover::Transient(_, Some(60))));
        assert!(matches!(failed(429, "TooManyRequestsException", ""), Handover::Transient(_, None)));
        assert!(matches!(
            failed(400, "ThrottlingException", "Maximum sending rate exceeded."),
            Handover::Transient(_, None)
        ));
        let daily = failed(429, "ThrottlingException", "Daily message quota exceeded.");
        assert!(matches!(daily, Handover::Transient(_, Some(900))));
        let in_body = read(&answer(400, &[], r#"{"__type":"com.amazonaws.ses#BadRequestException"}"#));
        assert_eq!(in_body, Handover::Permanent("400 BadRequestException".to_owned()));
        common_ground(read);
    }
}
