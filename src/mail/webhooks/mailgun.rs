//! `mailgun`: <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads>, signed in the body:
//! <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks>.
//!
//! The signature is of a time and a token, and not of what is said. So a token counts once, whatever comes with it, or
//! whoever has seen one webhook could make up others.

use crate::base::hex;
use crate::ports::Millis;

use crate::mail::webhooks::{
    WebhookError, WebhookProvider, WebhookRequest, check_time, classify, is_hmac, is_long_enough, read_text,
};
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of Mailgun.
pub struct Mailgun;
impl WebhookProvider for Mailgun {
    fn secret_form(&self) -> &'static str {
        "the HTTP webhook signing key"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        is_long_enough(secret)
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

/// How far, in milliseconds, the signature's time may be from ours: Mailgun tries again for eight hours, and does not say
/// that it signs anew. Tokens are remembered for longer.
const WINDOW: Millis = 9 * 3_600_000;

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let body = request.incoming.json()?;
    let signature = &body["signature"];
    let (time, token) = (read_text(signature, "timestamp"), read_text(signature, "token"));
    let sent = hex::decode(read_text(signature, "signature")).unwrap_or_default();
    // The two run into each other: were they of any length, a part of one could pass for a part of the other.
    let well_formed = time.len() == 10 && time.bytes().all(|b| b.is_ascii_digit()) && !token.is_empty();
    if !well_formed || !is_hmac(request.secret.as_bytes(), &[time.as_bytes(), token.as_bytes()], &sent) {
        return Err(WebhookError::Forged("the signature is wrong"));
    }
    check_time(request.platform, time.parse().ok(), WINDOW)?;

    let event = &body["event-data"];
    let outcome = match (read_text(event, "event"), read_text(event, "severity")) {
        ("delivered", _) => MailEventKind::Delivered,
        ("failed", "temporary") => MailEventKind::Delayed,
        ("failed" | "rejected", _) => MailEventKind::Bounced,
        ("complained", _) => MailEventKind::Complained,
        _ => MailEventKind::Nothing,
    };
    let message = read_text(&event["message"]["headers"], "message-id").to_owned();
    let class = classify(&[read_text(event, "severity"), read_text(event, "reason")]);
    Ok(vec![MailEvent { id: token.to_owned(), message, kind: outcome, class }])
}
