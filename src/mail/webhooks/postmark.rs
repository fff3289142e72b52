//! `postmark`: <https://postmarkapp.com/developer/webhooks/bounce-webhook>,
//! <https://postmarkapp.com/developer/webhooks/spam-complaint-webhook>.
//!
//! No signature: the webhook's URL carries a user and a password, which arrive as HTTP Basic.

use crate::mail::webhooks::{Event, Outcome, Refusal, Work, class, digest, text};

pub fn read(work: &Work<'_>) -> Result<Vec<Event>, Refusal> {
    if !work.incoming.has_basic(work.secret) {
        return Err(Refusal::Forged("it does not carry the user and password of the webhook's URL"));
    }
    let body = work.incoming.json()?;
    let kind = text(&body, "Type");
    let outcome = match (text(&body, "RecordType"), kind) {
        ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => Outcome::Complained,
        // <https://postmarkapp.com/developer/api/bounce-api#bounce-types>
        ("Bounce", "SoftBounce" | "Transient" | "DnsError" | "Unknown") => Outcome::Delayed,
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
        ) => Outcome::Bounced,
        // Delivered, opened; automatic answers.
        ("", _) => return Err(Refusal::Malformed("RecordType is missing")),
        _ => return Ok(Vec::new()),
    };
    // A number; one bounce may become another.
    let id = if body["ID"].is_number() { format!("{kind}/{}", body["ID"]) } else { digest(&body) };
    Ok(vec![Event { id, message: text(&body, "MessageID").to_owned(), outcome, class: class(&[kind]) }])
}
