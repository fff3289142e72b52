//! `mailchannels`: <https://docs.mailchannels.com/email-api/webhooks>, signed as HTTP messages are (RFC 9421) over a
//! digest of the body (RFC 9530), with Ed25519.
//!
//! The secret is the account's handle: MailChannels signs the events of all its customers with the same key, and only
//! the handle in an event says whose it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::base::certificate;
use crate::mail::webhooks::{
    KEY_LIFETIME, WINDOW, WebhookError, WebhookProvider, WebhookRequest, check_time, classify, digest, fetch, read_text,
};
use crate::ports::SignatureScheme;
use crate::store::bounces::{MailEvent, MailEventKind};

/// The webhooks of MailChannels.
pub struct MailChannels;
impl WebhookProvider for MailChannels {
    fn secret_form(&self) -> &'static str {
        "the account's handle, and if it is not to be fetched, a colon and the public key in base64"
    }

    fn accepts_secret(&self, secret: &str) -> bool {
        Account::parse(secret).is_some()
    }

    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
        read(request)
    }
}

const API: &str = "https://api.mailchannels.net";
/// Bytes of an Ed25519 key.
const KEY: usize = 32;

/// Whose webhooks are taken, and the key they are signed with where it is not to be fetched.
struct Account<'a> {
    handle: &'a str,
    key: Option<Vec<u8>>,
}

impl<'a> Account<'a> {
    /// Reads `handle` or `handle:key`.
    fn parse(secret: &'a str) -> Option<Self> {
        let (handle, key) = match secret.split_once(':') {
            Some((handle, encoded)) => (handle, Some(key(encoded)?)),
            None => (secret, None),
        };
        (!handle.is_empty()).then_some(Self { handle, key })
    }
}

/// A key in base64 or PEM, by itself or as a `SubjectPublicKeyInfo`.
fn key(encoded: &str) -> Option<Vec<u8>> {
    let lines = encoded.lines().filter(|line| !line.starts_with("-----"));
    let bytes = STANDARD.decode(lines.flat_map(|line| line.trim().chars()).collect::<String>()).ok()?;
    let key = certificate::key_of_public_key_info(&bytes).unwrap_or(&bytes);
    (key.len() == KEY).then(|| key.to_vec())
}

/// A `Signature-Input` of one signature, over the one component that there is to sign: the body's digest.
struct Input<'a> {
    label: &'a str,
    /// All behind the label, as it is signed.
    parameters: &'a str,
    created: Option<i64>,
    key_id: &'a str,
}

impl<'a> Input<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let (label, parameters) = header.trim().split_once('=')?;
        let mut input = Self { label, parameters, created: None, key_id: "" };
        for parameter in parameters.strip_prefix("(\"content-digest\")")?.split(';').skip(1) {
            match parameter.trim().split_once('=')? {
                ("created", time) => input.created = time.parse().ok(),
                ("keyid", id) => input.key_id = quoted(id)?,
                ("alg", algorithm) if quoted(algorithm)? != "ed25519" => return None,
                _ => {}
            }
        }
        Some(input)
    }
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains(['"', '\\']))
}

/// The bytes in a dictionary (RFC 8941 section 3.2) under `label`.
fn bytes_under(header: &str, label: &str) -> Option<Vec<u8>> {
    let mut members = header.split(',').filter_map(|member| member.trim().split_once('='));
    let (_, bytes) = members.find(|(name, _)| *name == label)?;
    STANDARD.decode(bytes.strip_prefix(':')?.strip_suffix(':')?).ok()
}

fn read(request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError> {
    let missing = || WebhookError::Forged("it is not signed");
    let wrong = || WebhookError::Forged("the signature is wrong");
    let header = |name| request.incoming.header(name).ok_or_else(missing);
    let (said, input, signature) = (header("content-digest")?, header("signature-input")?, header("signature")?);
    let account = Account::parse(request.secret).ok_or_else(wrong)?;
    let input = Input::parse(input).ok_or(WebhookError::Forged("it is signed in an unknown way"))?;
    let signature = bytes_under(signature, input.label).ok_or_else(wrong)?;
    // Cheaper than a signature, and so is the time: before a key is fetched for anybody.
    if bytes_under(said, "sha-256").as_deref() != Some(&Sha256::digest(request.incoming.body)[..]) {
        return Err(WebhookError::Forged("the digest is not the body's"));
    }
    check_time(request.platform, input.created, WINDOW)?;
    let key = match account.key {
        Some(key) => key,
        None => fetched(request, input.key_id)?,
    };
    // RFC 9421 section 2.5.
    let signed = format!("\"content-digest\": {}\n\"@signature-params\": {}", said.trim(), input.parameters);
    if !request.platform.signatures.verify(SignatureScheme::Ed25519, &key, signed.as_bytes(), &signature) {
        return Err(wrong());
    }
    let own = |event: &&Json| read_text(event, "customer_handle") == account.handle;
    Ok(request.incoming.objects()?.iter().filter(own).filter_map(event).collect())
}

/// The public key of this id, from MailChannels.
fn fetched(request: &WebhookRequest<'_>, id: &str) -> Result<Vec<u8>, WebhookError> {
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(WebhookError::Forged("it is signed with an unknown key"));
    }
    let place = format!("webhook-key/mailchannels/{id}");
    let cache = &request.platform.cache;
    // A cache that does not answer has forgotten.
    if let Some(kept) = cache.get(&place).ok().flatten().as_deref().and_then(key) {
        return Ok(kept);
    }
    let base = request.deployment.mail_api_base("mailchannels").unwrap_or(API);
    let url = format!("{base}/tx/v1/webhook/public-key?id={id}");
    let unavailable = "MailChannels did not hand out its public key";
    let answer: Json = serde_json::from_slice(&fetch(request.platform, &url, unavailable)?).unwrap_or_default();
    let fresh = key(read_text(&answer, "key")).ok_or(WebhookError::Unavailable(unavailable))?;
    cache.put(&place, &STANDARD.encode(&fresh), KEY_LIFETIME);
    Ok(fresh)
}

fn event(event: &Json) -> Option<MailEvent> {
    let kind = read_text(event, "event");
    let outcome = match kind {
        "delivered" => MailEventKind::Delivered,
        "soft-bounced" => MailEventKind::Delayed,
        "hard-bounced" | "dropped" => MailEventKind::Bounced,
        "complained" => MailEventKind::Complained,
        _ => return None,
    };
    // The mail's Message-ID, which is also what it answered when it took the mail.
    let message = read_text(event, "smtp_id").to_owned();
    Some(MailEvent { id: digest(event), message, kind: outcome, class: classify(&[kind, read_text(event, "status")]) })
}

#[cfg(test)]
mod tests {
    use super::{Input, bytes_under, key};

    #[test]
    fn a_signature_must_cover_the_body_and_nothing_else() {
        let input = Input::parse("sig_1=(\"content-digest\");created=1738775282;alg=\"ed25519\";keyid=\"mckey\"");
        let input = input.expect("well-formed");
        assert_eq!((input.label, input.created, input.key_id), ("sig_1", Some(1_738_775_282), "mckey"));
        for wrong in [
            "",
            "sig",
            "sig=()",
            "sig=();created=1;keyid=\"k\"",
            "sig=(\"@method\");created=1;keyid=\"k\"",
            "sig=(\"content-digest\" \"@method\");created=1;keyid=\"k\"",
            "sig=(\"content-digest\");created=1;keyid=\"k\";alg=\"hmac-sha256\"",
            "sig=(\"content-digest\");created=1;keyid=k",
        ] {
            assert!(Input::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn dictionaries_of_bytes_are_read_by_label() {
        assert_eq!(bytes_under("a=:AQ==:, sig=:Ag==:", "sig"), Some(vec![2]));
        for wrong in ["sig=AQ==", "sig=:AQ==", "sig=:%:", "gis=:AQ==:", ""] {
            assert_eq!(bytes_under(wrong, "sig"), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_comes_bare_or_in_its_wrapping() {
        let bare = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let info = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert!(key(bare).is_some());
        assert_eq!(key(info), key(bare));
        assert_eq!(key(&format!("-----BEGIN PUBLIC KEY-----\n{info}\n-----END PUBLIC KEY-----\n")), key(bare));
        assert_eq!(key("AAAA"), None);
    }
}
