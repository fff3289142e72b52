//! `resend`: <https://resend.com/docs/webhooks/emails/bounced>, signed as Svix signs:
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
//!
//! `svix-id` names an event and stays the same when it is told again, `svix-timestamp` is that of the attempt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::mail::webhooks::{Event, Outcome, Refusal, WINDOW, Work, check_time, class, is_hmac, text};

/// The key of a signing secret.
pub fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix("whsec_")?).ok().filter(|key| !key.is_empty())
}

pub fn read(work: &Work<'_>) -> Result<Vec<Event>, Refusal> {
    let forged = || Refusal::Forged("it has no signature of Svix's");
    let header = |name| work.incoming.header(name).ok_or_else(forged);
    let (id, time, signatures) = (header("svix-id")?, header("svix-timestamp")?, header("svix-signature")?);
    let key = key(work.secret).ok_or_else(forged)?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", work.incoming.body];
    // While a secret is being replaced there is a signature by each.
    let right = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|signature| is_hmac(&key, &signed, &signature));
    // A dot in the id would leave open where it ends.
    if !right || id.contains('.') {
        return Err(Refusal::Forged("the signature is wrong"));
    }
    check_time(work.platform, time.parse().ok(), WINDOW)?;

    let body = work.incoming.json()?;
    let data = &body["data"];
    let bounce = &data["bounce"];
    let (outcome, words) = match text(&body, "type") {
        "email.bounced" if matches!(text(bounce, "type"), "Transient" | "Undetermined") => {
            (Outcome::Delayed, vec![text(bounce, "type"), text(bounce, "subType")])
        }
        "email.bounced" => (Outcome::Bounced, vec![text(bounce, "type"), text(bounce, "subType")]),
        "email.suppressed" => (Outcome::Bounced, vec!["suppressed"]),
        "email.failed" => (Outcome::Bounced, vec!["failed"]),
        "email.delivery_delayed" => (Outcome::Delayed, vec![]),
        "email.complained" => (Outcome::Complained, vec![]),
        "" => return Err(Refusal::Malformed("type is missing")),
        _ => return Ok(Vec::new()),
    };
    let message = text(data, "email_id").to_owned();
    Ok(vec![Event { id: id.to_owned(), message, outcome, class: class(&words) }])
}
