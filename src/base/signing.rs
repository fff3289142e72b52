//! Texts that say what was signed here and nothing else: `<prefix><base64url payload>.<base64url tag>`.
//!
//! The tag is HMAC-SHA256 over everything before the dot, with a key derived from `TOKEN_KEYS` for one use alone. Any root
//! key verifies; a retired one ends what it signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::keys::KeyRing;
use crate::base::secret::Secret;

/// A use of such texts.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The prefix of its texts.
    pub prefix: &'static str,
    /// Names the use and its version: what the key is derived with.
    pub label: &'static [u8],
    /// What the key is bound to besides; a change of it ends all that was signed.
    pub bound_to: &'a [u8],
}

impl Use<'_> {
    /// The text that says `payload`; `None` without a key.
    #[must_use]
    pub fn sign(&self, keys: &KeyRing, payload: &[u8]) -> Option<Secret> {
        let signed = format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(payload));
        let key = keys.derive(self.label, self.bound_to).into_iter().next()?;
        let tag = URL_SAFE_NO_PAD.encode(mac(&key, &signed)?.finalize().into_bytes());
        Some(Secret::new(format!("{signed}.{tag}")))
    }

    /// What a text says; `None` for what is of another use, or was not signed here.
    #[must_use]
    pub fn verify(&self, keys: &KeyRing, text: &str) -> Option<Vec<u8>> {
        let (signed, tag) = text.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(signed.strip_prefix(self.prefix)?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let genuine = |key: &[u8; 32]| mac(key, signed).is_some_and(|mac| mac.verify_slice(&tag).is_ok());
        keys.derive(self.label, self.bound_to).iter().any(genuine).then_some(payload)
    }
}

fn mac(key: &[u8; 32], signed: &str) -> Option<Hmac<Sha256>> {
    Some(Hmac::<Sha256>::new_from_slice(key).ok()?.chain_update(signed))
}
