//! What mail providers tell of a mail after they have accepted it: one file each, which checks that it is the provider
//! who speaks and reads what is said; [`events`] writes it down.
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

pub use crate::store::mail_events::{Event, Outcome};

/// How far, in milliseconds, a signature's time may be from ours.
const WINDOW: Millis = 5 * 60_000;
/// The fewest characters of a secret that goes over the wire itself.
const MIN_SHARED_SECRET: usize = 16;
/// How long a provider has to hand out its public key or confirm a subscription.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds that a provider's public key is kept.
const KEY_LIFETIME: u32 = 24 * 3600;

/// Why a webhook is not taken.
#[derive(Clone, Debug)]
pub enum Refusal {
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

impl From<DatabaseError> for Refusal {
    fn from(failure: DatabaseError) -> Self {
        Self::Database(failure)
    }
}

/// A webhook as it has come in.
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
    fn json(&self) -> Result<Json, Refusal> {
        serde_json::from_slice(self.body).map_err(|_| Refusal::Malformed("the body is not JSON"))
    }

    /// The body as a list of objects, which some providers send one of without the list.
    fn objects(&self) -> Result<Vec<Json>, Refusal> {
        let list = match self.json()? {
            Json::Array(list) => list,
            one => vec![one],
        };
        if list.iter().all(Json::is_object) { Ok(list) } else { Err(Refusal::Malformed("an event is not an object")) }
    }

    /// Whether it carries these credentials as HTTP Basic, which is how a URL's `user:password@` arrives.
    fn has_basic(&self, credentials: &str) -> bool {
        let sent = self.header("authorization").and_then(Basic::parse);
        sent.is_some_and(|sent| same(&format!("{}:{}", sent.username, sent.password), credentials))
    }

    /// Whether it carries this token as a bearer token (RFC 6750 section 2.1).
    fn has_bearer(&self, token: &str) -> bool {
        let sent = self.header("authorization").and_then(|header| header.split_once(' '));
        sent.is_some_and(|(scheme, sent)| scheme.eq_ignore_ascii_case("bearer") && same(sent.trim(), token))
    }
}

/// What a provider's file works with.
struct Work<'a> {
    platform: &'a Platform,
    deployment: &'a Deployment,
    incoming: &'a Incoming<'a>,
    secret: &'a str,
}

/// Takes a webhook of `provider`: checks who speaks and writes down what is said. Answers how many of its events were
/// about the fate of a mail, ours or not.
///
/// # Errors
/// [`Refusal`]; nothing was changed, unless the database leaves that open. Sending it again does no harm.
pub async fn receive(
    platform: &Platform,
    deployment: &Deployment,
    provider: &str,
    incoming: &Incoming<'_>,
) -> Result<usize, Refusal> {
    let Some(secret) = deployment.mail_webhook_secret(provider) else { return Err(Refusal::Unknown) };
    let work = Work { platform, deployment, incoming, secret: secret.expose() };
    let told = match provider {
        "resend" => resend::read(&work),
        "postmark" => postmark::read(&work),
        "sendgrid" => sendgrid::read(&work).await,
        "mailgun" => mailgun::read(&work),
        "ses" => ses::read(&work).await,
        "brevo" => brevo::read(&work),
        "mailchannels" => mailchannels::read(&work).await,
        _ => Err(Refusal::Unknown),
    }?;
    crate::store::mail_events::record(platform, provider, &told).await?;
    Ok(told.iter().filter(|event| event.outcome != Outcome::Nothing).count())
}

/// What is wrong with a provider's secret, if anything.
#[must_use]
pub fn problem_with(provider: &str, secret: &Secret) -> Option<&'static str> {
    let secret = secret.expose();
    let long_enough = |secret: &str| secret.len() >= MIN_SHARED_SECRET;
    let (fine, wanted) = match provider {
        "resend" => (resend::key(secret).is_some(), "the signing secret, whsec_ and base64"),
        "postmark" => (
            secret.split_once(':').is_some_and(|(user, password)| !user.is_empty() && long_enough(password)),
            "user:password with a password of 16 characters or more, as in the webhook's URL",
        ),
        "sendgrid" => (sendgrid::key(secret).is_some(), "the verification key, base64"),
        "mailgun" => (long_enough(secret), "the HTTP webhook signing key"),
        "ses" => (ses::host(secret).is_some(), "the ARN of the SNS topic, arn:aws:sns:<region>:<account>:<name>"),
        "brevo" => (
            long_enough(secret.split_once(':').map_or(secret, |(_, password)| password)),
            "a token of 16 characters or more, or user:password with such a password",
        ),
        "mailchannels" => (
            mailchannels::Account::parse(secret).is_some(),
            "the account's handle, and if it is not to be fetched, a colon and the public key in base64",
        ),
        _ => (false, "of a provider that has webhooks"),
    };
    (!fine).then_some(wanted)
}

/// Compares two secrets in a time that tells nothing of either.
fn same(sent: &str, secret: &str) -> bool {
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
fn check_time(platform: &Platform, seconds: Option<i64>, window: Millis) -> Result<(), Refusal> {
    let signed = seconds.and_then(|seconds| seconds.checked_mul(1000)).ok_or(Refusal::Stale)?;
    if platform.clock.now().abs_diff(signed) <= window.unsigned_abs() { Ok(()) } else { Err(Refusal::Stale) }
}

/// The text in a member of an event; empty when there is none.
fn text<'j>(event: &'j Json, member: &str) -> &'j str {
    event[member].as_str().unwrap_or_default()
}

/// A provider's words for a kind of bounce, fit to be kept: what is no short word could be anything, even a person's
/// address.
fn class(words: &[&str]) -> String {
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

/// Asks a provider at `url`; the body of its 200.
async fn ask(platform: &Platform, url: &str, what: &'static str) -> Result<Vec<u8>, Refusal> {
    let request = http::Request::get(url)
        .header("user-agent", concat!("latchkey/", env!("CARGO_PKG_VERSION")))
        .body(Vec::new())
        .map_err(|_| Refusal::Unavailable(what))?;
    match platform.http.send(request, PATIENCE).await {
        Ok(response) if response.status() == 200 => Ok(response.into_body()),
        _ => Err(Refusal::Unavailable(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::{class, problem_with};
    use crate::base::secret::Secret;

    #[test]
    fn only_short_words_are_kept_of_what_a_provider_says() {
        assert_eq!(class(&["Permanent", "General"]), "Permanent/General");
        assert_eq!(class(&["", "hard"]), "hard");
        assert_eq!(class(&["paul@example.com", "<b>", &"x".repeat(41)]), "");
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
