//! `postmark`: <https://postmarkapp.com/developer/webhooks/bounce-webhook>,
//! <https://postmarkapp.com/developer/webhooks/spam-complaint-webhook>.
//!
//! No signature: the webhook's URL carries a user and a password, which arrive as HTTP Basic.

use crate::mail::webhooks::{
    WebhookError, WebhookProvider, WebhookRequest, classify, digest, is_long_enough, read_text,
};
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of Postmark.
pub struct Postmark;
impl WebhookProvider for Postmark {
    fn secret_form(&self) -> &'static str {
        "user:password with a password of 16 characters or more, as in the webhook's URL"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        secret.split_once(':').is_some_and(|(user, password)| !user.is_empty() && is_long_enough(password))
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    if !request.incoming.has_basic(request.secret) {
        return Err(WebhookError::Forged("it does not carry the user and password of the webhook's URL"));
    }
    let body = request.incoming.json()?;
    let kind = read_text(&body, "Type");
    let outcome = match (read_text(&body, "RecordType"), kind) {
        ("Delivery", _) => MailEventKind::Delivered,
        ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => MailEventKind::Complained,
        // <https://postmarkapp.com/developer/api/bounce-api#bounce-types>
        ("Bounce", "SoftBounce" | "Transient" | "DnsError" | "Unknown") => MailEventKind::Delayed,
        (
            "Bounce",
            "HardBounce"
            | "BadEmailAddress"
            | "ManuallyDeactivated"
            | "Blocked"
            | "DMARCPolicy"
            | "SpamNotification"
            | "VirusNotification"
            | "Unconfirmed"
            | "SMTPApiError"
            | "TemplateRenderingFailed",
        ) => MailEventKind::Bounced,
        // Opened; automatic answers.
        ("", _) => return Err(WebhookError::Malformed("RecordType is missing")),
        _ => return Ok(Vec::new()),
    };
    // A number; one bounce may become another.
    let id = if body["ID"].is_number() { format!("{kind}/{}", body["ID"]) } else { digest(&body) };
    Ok(vec![MailEvent {
        id,
        message: read_text(&body, "MessageID").to_owned(),
        kind: outcome,
        class: classify(&[kind]),
    }])
}
