//! `cloudflare`: the events of Cloudflare's Email Service, which come by the queue `MAIL_EVENTS` and so need no signature:
//! <https://developers.cloudflare.com/email-service/platform/event-subscriptions/>.

use serde_json::Value as Json;

use crate::mail::webhooks::{classify, digest, read_text};
use crate::store::bounces::{MailEvent, MailEventKind};

/// The prefix of `type`.
const TYPE: &str = "cf.email.sending.message.";

/// What a message of the queue says; `None` when it is nothing about the fate of a mail.
#[must_use]
pub fn read(message: &Json) -> Option<MailEvent> {
    let payload = &message["payload"];
    let (bounce, rejection) = (read_text(&payload["bounce"], "type"), read_text(&payload["rejection"], "reason"));
    let kind = read_text(message, "type").strip_prefix(TYPE)?;
    let outcome = match kind {
        "delivered" => MailEventKind::Delivered,
        "bounced" if bounce == "soft" => MailEventKind::Delayed,
        "bounced" | "rejected" | "failed" => MailEventKind::Bounced,
        "deferred" => MailEventKind::Delayed,
        "complained" => MailEventKind::Complained,
        _ => return None,
    };
    let id = match read_text(payload, "eventId") {
        "" => digest(message),
        id => id.to_owned(),
    };
    let words: &[&str] = if kind == "bounced" { &[bounce] } else { &[kind, rejection] };
    let class = if kind == "complained" { String::new() } else { classify(words) };
    Some(MailEvent { id, message: read_text(payload, "messageId").to_owned(), kind: outcome, class })
}
