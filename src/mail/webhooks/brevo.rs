//! `brevo`: <https://developers.brevo.com/docs/transactional-webhooks>.
//!
//! No signature: a token, which arrives as a bearer token, or a user and a password in the webhook's URL, which arrive as
//! HTTP Basic (<https://developers.brevo.com/docs/username-and-password-authentication>).

use serde_json::{Value as Json, json};

use crate::mail::webhooks::{
    WebhookError, WebhookProvider, WebhookRequest, classify, digest, is_long_enough, read_text,
};
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of Brevo.
pub struct Brevo;
impl WebhookProvider for Brevo {
    fn secret_form(&self) -> &'static str {
        "a token of 16 characters or more, or user:password with such a password"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        is_long_enough(secret.split_once(':').map_or(secret, |(_, password)| password))
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let right = match request.secret.contains(':') {
        true => request.incoming.has_basic(request.secret),
        false => request.incoming.has_bearer(request.secret),
    };
    if !right {
        return Err(WebhookError::Forged("it does not carry the webhook's credentials"));
    }
    Ok(request.incoming.objects()?.iter().filter_map(event).collect())
}

fn event(event: &Json) -> Option<MailEvent> {
    let kind = read_text(event, "event");
    let outcome = match kind {
        "delivered" => MailEventKind::Delivered,
        "soft_bounce" | "deferred" => MailEventKind::Delayed,
        "hard_bounce" | "blocked" | "invalid_email" | "error" => MailEventKind::Bounced,
        "spam" => MailEventKind::Complained,
        _ => return None,
    };
    let message = read_text(event, "message-id");
    // Its `id` is the webhook's. Of its times, only this one does not depend on the account's time zone.
    let id = digest(&json!([kind, message, event["ts_epoch"]]));
    Some(MailEvent { id, message: message.to_owned(), kind: outcome, class: classify(&[kind]) })
}
