//! `resend`: <https://resend.com/docs/webhooks/emails/bounced>, signed as Svix signs:
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
//!
//! `svix-id` names an event and stays the same when it is told again, `svix-timestamp` is that of the attempt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::mail::webhooks::{
    WINDOW, WebhookError, WebhookProvider, WebhookRequest, check_time, classify, is_hmac, read_text,
};
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of Resend.
pub struct Resend;
impl WebhookProvider for Resend {
    fn secret_form(&self) -> &'static str {
        "the signing secret, whsec_ and base64"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        key(secret).is_some()
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

/// The key of a signing secret.
fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix("whsec_")?).ok().filter(|key| !key.is_empty())
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let forged = || WebhookError::Forged("it has no signature of Svix's");
    let header = |name| request.incoming.header(name).ok_or_else(forged);
    let (id, time, signatures) = (header("svix-id")?, header("svix-timestamp")?, header("svix-signature")?);
    let key = key(request.secret).ok_or_else(forged)?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", request.incoming.body];
    // While a secret is being replaced there is a signature by each.
    let right = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|signature| is_hmac(&key, &signed, &signature));
    // A dot in the id would leave open where it ends.
    if !right || id.contains('.') {
        return Err(WebhookError::Forged("the signature is wrong"));
    }
    check_time(request.platform, time.parse().ok(), WINDOW)?;

    let body = request.incoming.json()?;
    let data = &body["data"];
    let bounce = &data["bounce"];
    let (outcome, words) = match read_text(&body, "type") {
        "email.bounced" if matches!(read_text(bounce, "type"), "Transient" | "Undetermined") => {
            (MailEventKind::Delayed, vec![read_text(bounce, "type"), read_text(bounce, "subType")])
        }
        "email.bounced" => (MailEventKind::Bounced, vec![read_text(bounce, "type"), read_text(bounce, "subType")]),
        "email.suppressed" => (MailEventKind::Bounced, vec!["suppressed"]),
        "email.failed" => (MailEventKind::Bounced, vec!["failed"]),
        "email.delivered" => (MailEventKind::Delivered, vec![]),
        "email.delivery_delayed" => (MailEventKind::Delayed, vec![]),
        "email.complained" => (MailEventKind::Complained, vec![]),
        "" => return Err(WebhookError::Malformed("type is missing")),
        _ => return Ok(Vec::new()),
    };
    let message = read_text(data, "email_id").to_owned();
    Ok(vec![MailEvent { id: id.to_owned(), message, kind: outcome, class: classify(&words) }])
}
