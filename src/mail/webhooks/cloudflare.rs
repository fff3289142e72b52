//! `cloudflare`: the events of Cloudflare's Email Service, which come by the queue `MAIL_EVENTS` and so need no signature:
//! <https://developers.cloudflare.com/email-service/platform/event-subscriptions/>.

use serde_json::Value as Json;

use crate::mail::webhooks::{Event, Outcome, class, digest, text};

/// What `type` begins with.
const TYPE: &str = "cf.email.sending.message.";

/// What a message of the queue says; `None` when it is nothing about the fate of a mail.
#[must_use]
pub fn read(message: &Json) -> Option<Event> {
    let payload = &message["payload"];
    let (bounce, rejection) = (text(&payload["bounce"], "type"), text(&payload["rejection"], "reason"));
    let kind = text(message, "type").strip_prefix(TYPE)?;
    let outcome = match kind {
        "bounced" if bounce == "soft" => Outcome::Delayed,
        "bounced" | "rejected" | "failed" => Outcome::Bounced,
        "deferred" => Outcome::Delayed,
        "complained" => Outcome::Complained,
        _ => return None,
    };
    let id = match text(payload, "eventId") {
        "" => digest(message),
        id => id.to_owned(),
    };
    let words: &[&str] = if kind == "bounced" { &[bounce] } else { &[kind, rejection] };
    let class = if kind == "complained" { String::new() } else { class(words) };
    Some(Event { id, message: text(payload, "messageId").to_owned(), outcome, class })
}
