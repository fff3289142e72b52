//! `mailgun`: <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads>, signed in the body:
//! <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks>.
//!
//! The signature is of a time and a token, and not of what is said. So a token counts once, whatever comes with it, or
//! whoever has seen one webhook could make up others.

use crate::base::hex;
use crate::ports::Millis;

use crate::mail::webhooks::{Event, Outcome, Refusal, Work, check_time, class, is_hmac, text};

/// How far, in milliseconds, the signature's time may be from ours: Mailgun tries again for eight hours, and does not say
/// that it signs anew. Tokens are remembered for longer.
const WINDOW: Millis = 9 * 3_600_000;

pub fn read(work: &Work<'_>) -> Result<Vec<Event>, Refusal> {
    let body = work.incoming.json()?;
    let signature = &body["signature"];
    let (time, token) = (text(signature, "timestamp"), text(signature, "token"));
    let sent = hex::decode(text(signature, "signature")).unwrap_or_default();
    // The two run into each other: were they of any length, a part of one could pass for a part of the other.
    let well_formed = time.len() == 10 && time.bytes().all(|b| b.is_ascii_digit()) && !token.is_empty();
    if !well_formed || !is_hmac(work.secret.as_bytes(), &[time.as_bytes(), token.as_bytes()], &sent) {
        return Err(Refusal::Forged("the signature is wrong"));
    }
    check_time(work.platform, time.parse().ok(), WINDOW)?;

    let event = &body["event-data"];
    let outcome = match (text(event, "event"), text(event, "severity")) {
        ("failed", "temporary") => Outcome::Delayed,
        ("failed" | "rejected", _) => Outcome::Bounced,
        ("complained", _) => Outcome::Complained,
        _ => Outcome::Nothing,
    };
    let message = text(&event["message"]["headers"], "message-id").to_owned();
    let class = class(&[text(event, "severity"), text(event, "reason")]);
    Ok(vec![Event { id: token.to_owned(), message, outcome, class }])
}
