//! `ses`: Amazon SES's events by way of an SNS topic:
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>,
//! <https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html>, signed as SNS signs:
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>.
//!
//! The secret is the topic's ARN: SNS signs the messages of everybody's topics with the same key, and anybody can point a
//! topic at our address. The certificate is taken over TLS from the host of the topic's own region, whatever a message
//! says. Signature version 1 is SHA-1, and not taken: the topic's `SignatureVersion` must be 2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::base::certificate;
use crate::mail::webhooks::{
    KEY_LIFETIME, WebhookError, WebhookProvider, WebhookRequest, check_time, classify, fetch, read_text,
};
use crate::ports::{Millis, SignatureScheme};
use crate::store::bounces::{MailEvent, MailEventKind};
use scim::datetime::Instant;

/// The webhooks of Amazon SES.
pub struct Ses;
impl WebhookProvider for Ses {
    fn secret_form(&self) -> &'static str {
        "the ARN of the SNS topic, arn:aws:sns:<region>:<account>:<name>"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        host(secret).is_some()
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

/// How far, in milliseconds, a message's time may be from ours: it is when the message was published, and SNS tries again
/// for up to an hour.
const WINDOW: Millis = 65 * 60_000;
/// The beginning of the path of SNS's certificates.
const CERTIFICATE: &str = "/SimpleNotificationService-";

/// SNS's host in the region of a topic.
fn host(topic: &str) -> Option<String> {
    let mut parts = topic.split(':');
    let (arn, partition, service, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let account = parts.next()?;
    let fine = arn == "arn" && service == "sns" && is_word(region) && is_word(account) && !parts.next()?.is_empty();
    match partition {
        _ if !fine || parts.next().is_some() => None,
        "aws" | "aws-us-gov" => Some(format!("sns.{region}.amazonaws.com")),
        "aws-cn" => Some(format!("sns.{region}.amazonaws.com.cn")),
        _ => None,
    }
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let message = request.incoming.json()?;
    let signed: &[&str] = match read_text(&message, "Type") {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
            &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        }
        _ => return Err(WebhookError::Malformed("it is no message of SNS's")),
    };
    // What costs nothing first: nobody but the topic's owner has us fetch a certificate.
    if read_text(&message, "TopicArn") != request.secret {
        return Err(WebhookError::Forged("it is of another topic"));
    }
    let published = Instant::parse(read_text(&message, "Timestamp")).map(|time| time.seconds);
    check_time(request.platform, published, WINDOW)?;
    if read_text(&message, "SignatureVersion") != "2" {
        return Err(WebhookError::Forged("it is signed with SHA-1: set the topic's SignatureVersion to 2"));
    }
    let wrong = || WebhookError::Forged("the signature is wrong");
    let signature = STANDARD.decode(read_text(&message, "Signature")).map_err(|_| wrong())?;
    let key = key(request, read_text(&message, "SigningCertURL"))?;
    let pairs = signed.iter().filter_map(|name| Some(format!("{name}\n{}\n", message[*name].as_str()?)));
    let signed: String = pairs.collect();
    if !request.platform.signatures.verify(SignatureScheme::RsaSha256, &key, signed.as_bytes(), &signature) {
        return Err(wrong());
    }
    match read_text(&message, "Type") {
        "Notification" => {
            // SES's first message is a sentence.
            let said: Json = serde_json::from_str(read_text(&message, "Message")).unwrap_or_default();
            Ok(event(&said, read_text(&message, "MessageId")).into_iter().collect())
        }
        "SubscriptionConfirmation" => {
            let url = read_text(&message, "SubscribeURL");
            path_at_sns(request, url).ok_or(WebhookError::Malformed("SubscribeURL is not SNS's"))?;
            fetch(request.platform, url, "SNS did not confirm the subscription")?;
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// The path of an address that is SNS's in the topic's region, or at `MAIL_API_BASE` on a development machine.
fn path_at_sns<'u>(request: &WebhookRequest<'_>, url: &'u str) -> Option<&'u str> {
    let sns = format!("https://{}", host(request.secret)?);
    let instead = request.deployment.mail_api_base("ses").filter(|_| request.deployment.is_development());
    url.strip_prefix(instead.unwrap_or(&sns)).filter(|path| path.starts_with('/'))
}

/// The public key of the certificate at `url`.
fn key(request: &WebhookRequest<'_>, url: &str) -> Result<Vec<u8>, WebhookError> {
    let elsewhere = || WebhookError::Forged("its certificate is not at SNS's host");
    let path = path_at_sns(request, url).ok_or_else(elsewhere)?;
    let name = path.strip_prefix(CERTIFICATE).and_then(|name| name.strip_suffix(".pem")).ok_or_else(elsewhere)?;
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(elsewhere());
    }
    let place = format!("webhook-key/ses/{}/{name}", host(request.secret).unwrap_or_default());
    // A cache that does not answer has forgotten.
    let kept = request.platform.cache.get(&place).ok().flatten();
    if let Some(kept) = kept.and_then(|kept| STANDARD.decode(kept).ok()) {
        return Ok(kept);
    }
    let unavailable = "SNS did not hand out its certificate";
    let pem = fetch(request.platform, url, unavailable)?;
    let key = key_in_pem(&pem).ok_or(WebhookError::Unavailable(unavailable))?;
    request.platform.cache.put(&place, &STANDARD.encode(&key), KEY_LIFETIME);
    Ok(key)
}

/// The public key of a certificate in PEM (RFC 7468).
fn key_in_pem(pem: &[u8]) -> Option<Vec<u8>> {
    let (_, rest) = std::str::from_utf8(pem).ok()?.split_once("-----BEGIN CERTIFICATE-----")?;
    let (encoded, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let der = STANDARD.decode(encoded.split_ascii_whitespace().collect::<String>()).ok()?;
    certificate::public_key_info_of_certificate(&der)
}

/// The event in a message: event publishing says `eventType`, feedback notifications `notificationType`.
fn event(said: &Json, id: &str) -> Option<MailEvent> {
    let kind = said["eventType"].as_str().or(said["notificationType"].as_str())?;
    let (bounce, complaint) = (&said["bounce"], &said["complaint"]);
    let bounce_words = [read_text(bounce, "bounceType"), read_text(bounce, "bounceSubType")];
    let (outcome, class) = match kind {
        "Bounce" if read_text(bounce, "bounceType") == "Permanent" => (MailEventKind::Bounced, classify(&bounce_words)),
        "Bounce" => (MailEventKind::Delayed, classify(&bounce_words)),
        "Reject" | "Rendering Failure" => (MailEventKind::Bounced, classify(&[kind])),
        "Delivery" => (MailEventKind::Delivered, String::new()),
        "DeliveryDelay" => (MailEventKind::Delayed, classify(&[read_text(&said["deliveryDelay"], "delayType")])),
        // Such a mail was never sent: somebody had complained before.
        "Complaint" if read_text(complaint, "complaintSubType") == "OnAccountSuppressionList" => {
            (MailEventKind::Bounced, classify(&[read_text(complaint, "complaintSubType")]))
        }
        "Complaint" => (MailEventKind::Complained, classify(&[read_text(complaint, "complaintFeedbackType")])),
        _ => return None,
    };
    Some(MailEvent {
        id: id.to_owned(),
        message: read_text(&said["mail"], "messageId").to_owned(),
        kind: outcome,
        class,
    })
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_that_of_the_topics_region() {
        let arn = |text: &str| host(text);
        assert_eq!(arn("arn:aws:sns:eu-west-1:123456789012:mail").as_deref(), Some("sns.eu-west-1.amazonaws.com"));
        let china = arn("arn:aws-cn:sns:cn-north-1:123456789012:mail");
        assert_eq!(china.as_deref(), Some("sns.cn-north-1.amazonaws.com.cn"));
        for wrong in [
            "",
            "arn:aws:sns:eu-west-1:123456789012",
            "arn:aws:sns:eu-west-1:123456789012:",
            "arn:aws:sns:eu-west-1:123456789012:mail:subscription",
            "arn:aws:sqs:eu-west-1:123456789012:mail",
            "arn:evil:sns:eu-west-1:123456789012:mail",
            "arn:aws:sns:x.evil.example/:123456789012:mail",
        ] {
            assert_eq!(arn(wrong), None, "{wrong}");
        }
    }
}
