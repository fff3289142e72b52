//! What mail providers report of a mail after they have accepted it, such as that it has bounced: one file each, which
//! checks that it is the provider who speaks and reads the events. `store::bounces` applies them to the mails.
//!
//! Nothing is taken from a request before its sender has proved who it is. No part of what a person is called or where
//! they live is kept: of a bounce, the provider's word for its kind.

mod brevo;
pub mod cloudflare;
mod mailchannels;
mod mailgun;
mod postmark;
mod resend;
mod sendgrid;
mod ses;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::authenticate::Basic;
use crate::base::hex;
use crate::base::secret::Secret;
use crate::model::deployment::Deployment;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::bounces::{self, MailEvent, MailEventKind};

/// How far, in milliseconds, a signature's time may be from ours.
const WINDOW: Millis = 5 * 60_000;
/// The fewest characters of a secret that goes over the wire itself.
const MIN_SHARED_SECRET: usize = 16;
/// The time a provider has to hand out its public key or confirm a subscription.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds that a provider's public key is kept.
const KEY_LIFETIME: u32 = 24 * 3600;

/// Why a webhook is not accepted.
#[derive(Clone, Debug)]
pub enum WebhookError {
    /// There is no such provider, or no secret to check it with.
    Unknown,
    /// Whoever sent it has not shown to be the provider.
    Forged(&'static str),
    /// Its signature is not of now.
    Stale,
    /// The provider's, or so it seems, but not as documented.
    Malformed(&'static str),
    /// The provider did not answer when it was asked for its key or to confirm.
    Unavailable(&'static str),
    /// The database's failure.
    Database(DatabaseError),
}

impl From<DatabaseError> for WebhookError {
    fn from(failure: DatabaseError) -> Self {
        Self::Database(failure)
    }
}

/// A webhook as it has come in, from whoever.
pub struct Incoming<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte: that is what is signed.
    pub body: &'a [u8],
}

impl Incoming<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body; only to be called once the sender is known, or where the signature is in the body.
    fn json(&self) -> Result<Json, WebhookError> {
        serde_json::from_slice(self.body).map_err(|_| WebhookError::Malformed("the body is not JSON"))
    }

    /// The body as a list of objects, which some providers send one of without the list.
    fn objects(&self) -> Result<Vec<Json>, WebhookError> {
        let list = match self.json()? {
            Json::Array(list) => list,
            one => vec![one],
        };
        if list.iter().all(Json::is_object) {
            Ok(list)
        } else {
            Err(WebhookError::Malformed("an event is not an object"))
        }
    }

    /// Whether it carries these credentials as HTTP Basic, which is how a URL's `user:password@` arrives.
    fn has_basic(&self, credentials: &str) -> bool {
        let sent = self.header("authorization").and_then(Basic::parse);
        sent.is_some_and(|sent| is_same_secret(&format!("{}:{}", sent.username, sent.password), credentials))
    }

    /// Whether it carries this token as a bearer token (RFC 6750 section 2.1).
    fn has_bearer(&self, token: &str) -> bool {
        let sent = self.header("authorization").and_then(|header| header.split_once(' '));
        sent.is_some_and(|(scheme, sent)| scheme.eq_ignore_ascii_case("bearer") && is_same_secret(sent.trim(), token))
    }
}

/// A webhook, and what a provider's file needs to check and to read it.
struct WebhookRequest<'a> {
    platform: &'a Platform,
    deployment: &'a Deployment,
    incoming: &'a Incoming<'a>,
    secret: &'a str,
}

/// A provider that sends webhooks.
trait WebhookProvider: Sync {
    /// The form that the secret must have, as a sentence ends that begins with "It must be".
    fn secret_form(&self) -> &'static str;

    /// Whether the secret has that form.
    fn accepts_secret(&self, secret: &str) -> bool;

    /// Checks who has sent the webhook, and reads its events.
    fn read(&self, request: &WebhookRequest<'_>) -> Result<Vec<MailEvent>, WebhookError>;
}

/// The providers that send webhooks, by the names of `model::deployment::mail::WEBHOOK_PROVIDERS`.
const PROVIDERS: &[(&str, &dyn WebhookProvider)] = &[
    ("resend", &resend::Resend),
    ("postmark", &postmark::Postmark),
    ("sendgrid", &sendgrid::SendGrid),
    ("mailgun", &mailgun::Mailgun),
    ("ses", &ses::Ses),
    ("brevo", &brevo::Brevo),
    ("mailchannels", &mailchannels::MailChannels),
];

fn find(name: &str) -> Option<&'static dyn WebhookProvider> {
    PROVIDERS.iter().find(|(known, _)| *known == name).map(|(_, provider)| *provider)
}

/// Takes a webhook of the provider `name`: checks who speaks and records the events. Returns how many of them were about
/// the fate of a mail, ours or not, other than that it arrived.
///
/// # Errors
/// [`WebhookError`]; nothing was changed, unless the database leaves that open. Sending it again does no harm.
pub fn receive(
    platform: &Platform,
    deployment: &Deployment,
    name: &str,
    incoming: &Incoming<'_>,
) -> Result<usize, WebhookError> {
    let secret = deployment.mail_webhook_secret(name).ok_or(WebhookError::Unknown)?;
    let provider = find(name).ok_or(WebhookError::Unknown)?;
    let events = provider.read(&WebhookRequest { platform, deployment, incoming, secret: secret.expose() })?;
    bounces::record(platform, name, &events)?;
    let counts = |event: &&MailEvent| !matches!(event.kind, MailEventKind::Nothing | MailEventKind::Delivered);
    Ok(events.iter().filter(counts).count())
}

/// What the secret of a provider's webhooks must be, where it is not that.
#[must_use]
pub fn problem_with(provider: &str, secret: &Secret) -> Option<&'static str> {
    match find(provider) {
        None => Some("of a provider that has webhooks"),
        Some(provider) => (!provider.accepts_secret(secret.expose())).then(|| provider.secret_form()),
    }
}

/// Whether a secret that goes over the wire itself is long enough.
fn is_long_enough(secret: &str) -> bool {
    secret.len() >= MIN_SHARED_SECRET
}

/// Whether two secrets are the same, compared in a time that tells nothing of either.
fn is_same_secret(sent: &str, secret: &str) -> bool {
    // Digests have one length.
    Sha256::digest(sent).ct_eq(&Sha256::digest(secret)).into()
}

/// Whether `signature` is the HMAC-SHA256 of `parts`, one after the other.
fn is_hmac(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

/// Refuses a signature of `seconds` since the epoch that is further from now than `window`.
fn check_time(platform: &Platform, seconds: Option<i64>, window: Millis) -> Result<(), WebhookError> {
    let signed = seconds.and_then(|seconds| seconds.checked_mul(1000)).ok_or(WebhookError::Stale)?;
    if platform.clock.now().abs_diff(signed) <= window.unsigned_abs() { Ok(()) } else { Err(WebhookError::Stale) }
}

/// The text in a member of an event; empty when there is none.
fn read_text<'j>(event: &'j Json, member: &str) -> &'j str {
    event[member].as_str().unwrap_or_default()
}

/// A provider's words for a kind of bounce, fit to be kept: what is no short word could be anything, even a person's
/// address.
fn classify(words: &[&str]) -> String {
    let is_word = |word: &&&str| {
        !word.is_empty()
            && word.len() <= 40
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b' ' | b'.'))
    };
    words.iter().filter(is_word).copied().collect::<Vec<_>>().join("/")
}

/// An id for an event that has none: what it says.
fn digest(said: &Json) -> String {
    hex::encode(Sha256::digest(said.to_string()))
}

/// Fetches `url` from a provider; returns the body of its 200.
fn fetch(platform: &Platform, url: &str, what: &'static str) -> Result<Vec<u8>, WebhookError> {
    let request = http::Request::get(url)
        .header("user-agent", concat!("latchkey/", env!("CARGO_PKG_VERSION")))
        .body(Vec::new())
        .map_err(|_| WebhookError::Unavailable(what))?;
    match platform.http.send(request, PATIENCE) {
        Ok(response) if response.status() == 200 => Ok(response.into_body()),
        _ => Err(WebhookError::Unavailable(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, classify, problem_with};
    use crate::base::secret::Secret;
    use crate::model::deployment::WEBHOOK_PROVIDERS;

    #[test]
    fn only_short_words_are_kept_of_what_a_provider_says() {
        assert_eq!(classify(&["Permanent", "General"]), "Permanent/General");
        assert_eq!(classify(&["", "hard"]), "hard");
        assert_eq!(classify(&["paul@example.com", "<b>", &"x".repeat(41)]), "");
    }

    #[test]
    fn each_provider_whose_secret_is_read_has_a_reader() {
        assert!(PROVIDERS.iter().map(|(name, _)| name).eq(WEBHOOK_PROVIDERS), "in one order");
    }

    #[test]
    fn a_secret_of_the_wrong_kind_is_named() {
        for (provider, fine) in [
            ("resend", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("postmark", "hook:sixteen-or-more!"),
            ("mailgun", "key-0123456789abcdef"),
            ("ses", "arn:aws:sns:eu-central-1:123456789012:mail"),
            ("ses", "arn:aws-cn:sns:cn-north-1:123456789012:mail"),
            ("brevo", "sixteen-or-more!"),
            ("brevo", "hook:sixteen-or-more!"),
            ("mailchannels", "acme"),
            ("mailchannels", "acme:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        ] {
            assert_eq!(problem_with(provider, &Secret::new(fine)), None, "{provider} {fine}");
        }
        for (provider, wrong) in [
            ("resend", "re_123"),
            ("resend", "whsec_"),
            ("resend", "whsec_%%%%"),
            ("postmark", "nothing-but-a-password"),
            ("postmark", "user:short"),
            ("sendgrid", "not base64"),
            ("sendgrid", "AAAA"),
            ("mailgun", "short"),
            ("ses", "arn:aws:sqs:eu-central-1:123456789012:mail"),
            ("ses", "arn:aws:sns:evil.example/:123456789012:mail"),
            ("brevo", "user:short"),
            ("mailchannels", ""),
            ("mailchannels", "acme:AAAA"),
            ("inbox", "sixteen-or-more!"),
        ] {
            assert!(problem_with(provider, &Secret::new(wrong)).is_some(), "{provider} {wrong}");
        }
    }
}
