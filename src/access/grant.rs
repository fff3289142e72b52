//! Access tokens: what an API token is exchanged for by OAuth's client credentials (RFC 6749 section 4.4).
//!
//! They are signed (`signed`) with the prefix `lk_at_`; the payload is the digest of the API token (32 bytes), the scopes
//! (2) and the expiry in seconds (8), integers big-endian.
//!
//! Nothing is stored: with each request the API token behind it is looked up as if it had been sent itself, so that
//! revoking that one ends them all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::keys::KeyRing;
use crate::base::scope::Scopes;
use crate::base::secret::Secret;
use crate::base::signing::Use;

const ACCESS_TOKEN: Use<'static> = Use { prefix: "lk_at_", label: b"latchkey/access-token/v1", bound_to: b"" };
/// The longest life, in seconds.
pub const LIFETIME: u64 = 3_600;

/// The contents of an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The digest of the API token it was made for.
    pub parent: String,
    /// What it allows, of what that one allows.
    pub scopes: Scopes,
    /// The time it expires, in seconds.
    pub expires_at: u64,
}

impl Grant {
    /// The text of this access token.
    #[must_use]
    pub fn sign(&self, keys: &KeyRing) -> Option<Secret> {
        let mut payload = URL_SAFE_NO_PAD.decode(&self.parent).ok()?;
        payload.extend_from_slice(&self.scopes.bits().to_be_bytes());
        payload.extend_from_slice(&self.expires_at.to_be_bytes());
        ACCESS_TOKEN.sign(keys, &payload)
    }

    /// Reads an access token; `None` for what is none, was not signed here, or is over at `now`, in seconds.
    #[must_use]
    pub fn verify(text: &str, keys: &KeyRing, now: u64) -> Option<Self> {
        let payload = ACCESS_TOKEN.verify(keys, text)?;
        let (parent, rest) = payload.split_first_chunk::<32>()?;
        let (scopes, rest) = rest.split_first_chunk::<2>()?;
        let expires_at = u64::from_be_bytes(rest.try_into().ok()?);
        let scopes = Scopes::from_bits_truncate(u16::from_be_bytes(*scopes));
        (now < expires_at).then(|| Self { parent: URL_SAFE_NO_PAD.encode(parent), scopes, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::Grant;
    use crate::base::keys::{Key, KeyRing};
    use crate::base::scope::{Scope, Scopes};

    fn ring(kids: &[&str]) -> KeyRing {
        let key = |kid: &&str| Key::new((*kid).to_owned(), kid.repeat(32).into_bytes());
        KeyRing::new(kids.iter().map(key).collect(), "id.example.com".to_owned())
    }

    fn grant() -> Grant {
        let scopes: Scopes = [Scope::ScimRead, Scope::Tenants].into_iter().collect();
        Grant { parent: "A".repeat(42) + "E", scopes, expires_at: 1_000 }
    }

    #[test]
    fn an_access_token_says_what_was_signed_until_it_expires() {
        let text = grant().sign(&ring(&["a"])).expect("a key");
        let verify = |keys: &[&str], now| Grant::verify(text.expose(), &ring(keys), now);
        assert_eq!(verify(&["a"], 999), Some(grant()));
        assert_eq!(verify(&["b", "a"], 0), Some(grant()));
        assert_eq!((verify(&["a"], 1_000), verify(&["b"], 0)), (None, None));
    }

    #[test]
    fn no_other_text_passes_for_it() {
        let keys = ring(&["a"]);
        let text = grant().sign(&keys).expect("a key").expose().to_owned();
        for position in 0..text.len() {
            for other in ["A", "B", "-", ".", "="] {
                let mut mangled = text.clone();
                mangled.replace_range(position..=position, other);
                assert!(mangled == text || Grant::verify(&mangled, &keys, 0).is_none(), "{mangled}");
            }
            assert_eq!(Grant::verify(&text[..position], &keys, 0), None);
        }
        assert_eq!(Grant::verify(&format!("{text}A"), &keys, 0), None);
    }
}
