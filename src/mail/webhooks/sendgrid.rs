//! `sendgrid`: <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>, signed with ECDSA:
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::base::certificate;
use crate::mail::webhooks::{
    WINDOW, WebhookError, WebhookProvider, WebhookRequest, check_time, classify, digest, read_text,
};
use crate::ports::SignatureScheme;
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of SendGrid.
pub struct SendGrid;
impl WebhookProvider for SendGrid {
    fn secret_form(&self) -> &'static str {
        "the verification key, base64"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        key(secret).is_some()
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// The verification key, a `SubjectPublicKeyInfo` in base64.
fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret).ok().filter(|info| certificate::key_of_public_key_info(info).is_some())
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let missing = || WebhookError::Forged("it is not signed: switch on the Signed Event Webhook");
    let wrong = || WebhookError::Forged("the signature is wrong");
    let time = request.incoming.header(TIMESTAMP).ok_or_else(missing)?;
    let signature = request.incoming.header(SIGNATURE).ok_or_else(missing)?;
    let signature = STANDARD.decode(signature).ok().and_then(|signature| certificate::fixed_signature(&signature));
    let signature = signature.ok_or_else(wrong)?;
    let key = key(request.secret).ok_or_else(wrong)?;
    let signed = [time.as_bytes(), request.incoming.body].concat();
    if !request.platform.signatures.verify(SignatureScheme::EcdsaP256Sha256, &key, &signed, &signature) {
        return Err(wrong());
    }
    check_time(request.platform, time.parse().ok(), WINDOW)?;
    Ok(request.incoming.objects()?.iter().filter_map(event).collect())
}

fn event(event: &Json) -> Option<MailEvent> {
    let outcome = match (read_text(event, "event"), read_text(event, "type")) {
        ("delivered", _) => MailEventKind::Delivered,
        ("bounce", "blocked" | "expired") | ("deferred", _) => MailEventKind::Delayed,
        ("bounce" | "dropped", _) => MailEventKind::Bounced,
        ("spamreport", _) => MailEventKind::Complained,
        _ => return None,
    };
    let id = match read_text(event, "sg_event_id") {
        "" => digest(event),
        id => id.to_owned(),
    };
    let message = message(read_text(event, "sg_message_id")).to_owned();
    Some(MailEvent {
        id,
        message,
        kind: outcome,
        class: classify(&[read_text(event, "event"), read_text(event, "type")]),
    })
}

/// The `X-Message-Id` that an event's message id begins with: what follows names the machine that has sent it.
fn message(id: &str) -> &str {
    let end = id.find(".filter").or_else(|| id.find(".recv")).or_else(|| id.find('.'));
    end.and_then(|end| id.get(..end)).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_message_is_known_by_what_its_id_begins_with() {
        assert_eq!(message("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"), "14c5d75ce93.dfd.64b469");
        assert_eq!(message("6Rq7UPlyRzmZ7m7ByTfFBg.recvd-canary-5d4.0"), "6Rq7UPlyRzmZ7m7ByTfFBg");
        assert_eq!(message("6Rq7UPlyRzmZ7m7ByTfFBg.other.0"), "6Rq7UPlyRzmZ7m7ByTfFBg");
        assert_eq!(message("6Rq7UPlyRzmZ7m7ByTfFBg"), "6Rq7UPlyRzmZ7m7ByTfFBg");
    }
}
