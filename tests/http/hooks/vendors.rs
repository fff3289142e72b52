//! Webhooks as each provider sends them, signed for real: with ring, and by what the providers document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::support::basic;

pub const CERTIFICATE: &str = include_str!("../../fixtures/sns-certificate.pem");
const PRIVATE_KEY: &str = include_str!("../../fixtures/sns-key.pem");
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:mail";
pub const CERTIFICATE_URL: &str = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem";
pub const SUBSCRIBE_URL: &str =
    "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn&Token=2336412f37fb";
pub const KEY_URL: &str = "https://api.mailchannels.net/tx/v1/webhook/public-key?id=mckey";
const SHARED: &str = "sixteen-or-more-characters";
/// A P-256 `SubjectPublicKeyInfo` up to the point.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An Ed25519 one up to the key (RFC 8410).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Resend,
    Postmark,
    SendGrid,
    Mailgun,
    Ses,
    Brevo,
    MailChannels,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Delivered,
    Soft,
    Hard,
    Complaint,
}

/// One event: its number makes its id.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    pub kind: Kind,
    pub user: &'a str,
    pub number: u32,
}

/// A request's headers and body.
#[derive(Clone, Debug)]
pub struct Hook {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Vendor {
    pub const ALL: [Self; 7] =
        [Self::Resend, Self::Postmark, Self::SendGrid, Self::Mailgun, Self::Ses, Self::Brevo, Self::MailChannels];
    /// Those whose signature has a time.
    pub const TIMED: [Self; 5] = [Self::Resend, Self::SendGrid, Self::Mailgun, Self::Ses, Self::MailChannels];
    /// Those whose signature covers the body.
    pub const SEALED: [Self; 4] = [Self::Resend, Self::SendGrid, Self::Ses, Self::MailChannels];

    pub fn name(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Postmark => "postmark",
            Self::SendGrid => "sendgrid",
            Self::Mailgun => "mailgun",
            Self::Ses => "ses",
            Self::Brevo => "brevo",
            Self::MailChannels => "mailchannels",
        }
    }

    pub fn variable(self) -> String {
        format!("MAIL_WEBHOOK_SECRET_{}", self.name().to_uppercase())
    }

    pub fn secret(self) -> String {
        match self {
            Self::Resend => format!("whsec_{}", STANDARD.encode(SHARED)),
            Self::Postmark => format!("hook:{SHARED}"),
            Self::SendGrid => STANDARD.encode([&P256, sendgrid_keys(true).public_key().as_ref()].concat()),
            Self::Mailgun | Self::Brevo => SHARED.to_owned(),
            Self::Ses => TOPIC.to_owned(),
            Self::MailChannels => "acme".to_owned(),
        }
    }

    /// The id that the provider answered when it took the mail to `user`.
    pub fn answered(self, user: &str) -> String {
        match self {
            Self::Mailgun | Self::Brevo | Self::MailChannels => format!("<{user}@mail.example.com>"),
            _ => user.to_owned(),
        }
    }

    /// The event as the provider writes it.
    pub fn body(self, told: Told<'_>, at: i64) -> Value {
        let Told { kind, user, number } = told;
        let pick = |delivered: &'static str, soft: &'static str, hard: &'static str, complaint: &'static str| match kind
        {
            Kind::Delivered => delivered,
            Kind::Soft => soft,
            Kind::Hard => hard,
            Kind::Complaint => complaint,
        };
        let recipient = "paul@example.com";
        match self {
            Self::Resend => {
                let name = pick("email.delivered", "email.delivery_delayed", "email.bounced", "email.complained");
                let mut data = json!({ "email_id": user, "from": "a@b.c", "to": [recipient], "subject": "Hello" });
                if kind == Kind::Hard {
                    data["bounce"] =
                        json!({ "message": "550 paul@example.com", "type": "Permanent", "subType": "General" });
                }
                json!({ "type": name, "created_at": "2026-11-22T10:00:00.000Z", "data": data })
            }
            Self::Postmark => match kind {
                Kind::Delivered => json!({ "RecordType": "Delivery", "MessageID": user, "Recipient": recipient }),
                _ => json!({
                    "RecordType": if kind == Kind::Complaint { "SpamComplaint" } else { "Bounce" }, "ID": number,
                    "Type": pick("", "SoftBounce", "HardBounce", "SpamComplaint"), "MessageID": user,
                    "Email": recipient, "Description": "for paul@example.com",
                }),
            },
            Self::SendGrid => json!([{
                "email": recipient, "timestamp": at, "event": pick("delivered", "deferred", "bounce", "spamreport"),
                "type": if kind == Kind::Hard { json!("bounce") } else { Value::Null },
                "sg_event_id": format!("event-{number}"), "sg_message_id": format!("{user}.recvd-7c8c-1-6A-16.0"),
                "reason": "550 paul@example.com",
            }]),
            Self::Mailgun => json!({ "event-data": {
                "id": "CPgfbmQMTCKtHW6uIWtuVe", "event": pick("delivered", "failed", "failed", "complained"),
                "severity": if kind == Kind::Hard { "permanent" } else { "temporary" }, "reason": "bounce",
                "recipient": recipient, "message": { "headers": { "message-id": format!("{user}@mail.example.com") } },
            }}),
            Self::Ses => {
                let mut said = json!({
                    "eventType": pick("Delivery", "Bounce", "Bounce", "Complaint"), "mail": { "messageId": user, "destination": [recipient] },
                });
                match kind {
                    Kind::Soft => said["bounce"] = json!({ "bounceType": "Transient", "bounceSubType": "MailboxFull" }),
                    Kind::Hard => said["bounce"] = json!({ "bounceType": "Permanent", "bounceSubType": "General" }),
                    Kind::Complaint => said["complaint"] = json!({ "complaintFeedbackType": "abuse" }),
                    Kind::Delivered => {}
                }
                sns(json!({ "Type": "Notification", "Message": said.to_string() }), number, at)
            }
            Self::Brevo => json!({
                "event": pick("delivered", "soft_bounce", "hard_bounce", "spam"), "email": recipient, "id": 26224,
                "message-id": format!("<{user}@mail.example.com>"), "ts_epoch": at * 1000 + i64::from(number),
            }),
            Self::MailChannels => json!([{
                "email": "a@b.c", "customer_handle": "acme", "timestamp": at, "request_id": format!("request-{number}"),
                "event": pick("delivered", "soft-bounced", "hard-bounced", "complained"),
                "smtp_id": format!("<{user}@mail.example.com>"), "recipients": [recipient], "status": "5.1.1",
            }]),
        }
    }

    /// The event as it arrives, signed at `at`.
    pub fn hook(self, told: Told<'_>, at: i64) -> Hook {
        self.sign(&self.body(told, at), &format!("event-{}", told.number), at, true)
    }

    /// A body, signed with the right key or with somebody else's.
    pub fn sign(self, body: &Value, id: &str, at: i64, right: bool) -> Hook {
        let shared = if right { SHARED } else { "sixteen-or-more-charlatans" };
        let bytes = body.to_string();
        let (headers, body) = match self {
            Self::Resend => {
                let signature = STANDARD.encode(mac(shared, &format!("{id}.{at}.{bytes}")));
                let others = format!("v1,{} v1a,{}", STANDARD.encode("another"), STANDARD.encode("scheme"));
                let signatures = format!("{others} v1,{signature}");
                (
                    vec![
                        ("svix-id", id.to_owned()),
                        ("svix-timestamp", at.to_string()),
                        ("svix-signature", signatures),
                    ],
                    bytes,
                )
            }
            Self::Postmark => (vec![("authorization", basic("hook", shared))], bytes),
            Self::Brevo => (vec![("authorization", format!("Bearer {shared}"))], bytes),
            Self::SendGrid => {
                let signed = format!("{at}{bytes}");
                let signature = sendgrid_keys(right).sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                let headers = vec![
                    ("x-twilio-email-event-webhook-signature", STANDARD.encode(signature)),
                    ("x-twilio-email-event-webhook-timestamp", at.to_string()),
                ];
                (headers, bytes)
            }
            Self::Mailgun => {
                let signature = mac(shared, &format!("{at}{id}"));
                let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
                let mut body = body.clone();
                body["signature"] = json!({ "timestamp": at.to_string(), "token": id, "signature": signature });
                (vec![], body.to_string())
            }
            Self::Ses => (vec![], sns_signed(body.clone(), right).to_string()),
            Self::MailChannels => {
                let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, bytes.as_bytes()));
                let parameters = format!("(\"content-digest\");created={at};alg=\"ed25519\";keyid=\"mckey\"");
                let said = format!("sha-256=:{sha256}:");
                let signed = format!("\"content-digest\": {said}\n\"@signature-params\": {parameters}");
                let signature = STANDARD.encode(mailchannels_keys(right).sign(signed.as_bytes()));
                let headers = vec![
                    ("content-digest", said),
                    ("signature-input", format!("sig_{at}={parameters}")),
                    ("signature", format!("sig_{at}=:{signature}:")),
                ];
                (headers, bytes)
            }
        };
        Hook { headers, body: body.into_bytes() }
    }
}

fn mac(key: &str, message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), message.as_bytes()).as_ref().to_vec()
}

/// One pair of keys for all tests, and one that is not SendGrid's.
fn sendgrid_keys(right: bool) -> EcdsaKeyPair {
    static PAIRS: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
    let generate = |_| {
        let generated = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        generated.as_ref().to_vec()
    };
    let pairs = PAIRS.get_or_init(|| [0, 1].map(generate));
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pairs[usize::from(right)], &SystemRandom::new()).unwrap()
}

fn mailchannels_keys(right: bool) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[u8::from(right); 32]).unwrap()
}

/// As MailChannels hands it out.
pub fn mailchannels_key() -> String {
    let info = STANDARD.encode([&ED25519, mailchannels_keys(true).public_key().as_ref()].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{info}\n-----END PUBLIC KEY-----\n")
}

/// The same by itself, as it may be configured.
pub fn bare_mailchannels_key() -> String {
    STANDARD.encode(mailchannels_keys(true).public_key())
}

/// What is in every message of SNS's.
pub fn sns(mut message: Value, number: u32, at: i64) -> Value {
    let time = time::OffsetDateTime::from_unix_timestamp(at).unwrap();
    message["MessageId"] = json!(format!("event-{number}"));
    message["TopicArn"] = json!(TOPIC);
    message["Timestamp"] = json!(time.format(&time::format_description::well_known::Rfc3339).unwrap());
    message["SignatureVersion"] = json!("2");
    message["SigningCertURL"] = json!(CERTIFICATE_URL);
    message
}

/// Signs a message as SNS does, or as somebody does who has another message's signature.
pub fn sns_signed(mut message: Value, right: bool) -> Value {
    let names: &[&str] = match message["Type"].as_str() {
        Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let mut signed = String::new();
    for name in names {
        if let Some(value) = message[*name].as_str() {
            signed.push_str(&format!("{name}\n{value}\n"));
        }
    }
    if !right {
        signed.push_str("another message's");
    }
    let encoded: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let keys = RsaKeyPair::from_pkcs8(&STANDARD.decode(encoded).unwrap()).unwrap();
    let mut signature = vec![0; keys.public().modulus_len()];
    keys.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    message["Signature"] = json!(STANDARD.encode(signature));
    message
}
