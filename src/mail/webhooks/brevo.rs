//! `brevo`: <https://developers.brevo.com/docs/transactional-webhooks>.
//!
//! No signature: a token, which arrives as a bearer token, or a user and a password in the webhook's URL, which arrive as
//! HTTP Basic (<https://developers.brevo.com/docs/username-and-password-authentication>).

use serde_json::{Value as Json, json};

use crate::mail::webhooks::{Event, Outcome, Refusal, Work, class, digest, text};

pub fn read(work: &Work<'_>) -> Result<Vec<Event>, Refusal> {
    let right = match work.secret.contains(':') {
        true => work.incoming.has_basic(work.secret),
        false => work.incoming.has_bearer(work.secret),
    };
    if !right {
        return Err(Refusal::Forged("it does not carry the webhook's credentials"));
    }
    Ok(work.incoming.objects()?.iter().filter_map(event).collect())
}

fn event(event: &Json) -> Option<Event> {
    let kind = text(event, "event");
    let outcome = match kind {
        "soft_bounce" | "deferred" => Outcome::Delayed,
        "hard_bounce" | "blocked" | "invalid_email" | "error" => Outcome::Bounced,
        "spam" => Outcome::Complained,
        _ => return None,
    };
    let message = text(event, "message-id");
    // Its `id` is the webhook's. Of its times, only this one does not depend on the account's time zone.
    let id = digest(&json!([kind, message, event["ts_epoch"]]));
    Some(Event { id, message: message.to_owned(), outcome, class: class(&[kind]) })
}
