//! Texts that only this deployment can read again: encrypted, then authenticated, with keys that are derived from `TOKEN_KEYS`
//! for one use. The key stream is HMAC-SHA256 of a nonce and a counter, which is the one primitive there is already.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::keys::KeyRing;

/// The bytes of a nonce, and those of a tag.
const NONCE: usize = 16;
const TAG: usize = 32;

/// A use of sealed texts.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// Names the use and its version: what the keys are derived with.
    pub label: &'static [u8],
    /// Whose it is: nobody else's opens.
    pub bound_to: &'a [u8],
}

impl Seal<'_> {
    fn keys(&self, ring: &KeyRing) -> Vec<([u8; 32], [u8; 32])> {
        let derived = |purpose: &[u8]| ring.derive(self.label, &[purpose, self.bound_to].concat());
        derived(b"encrypt\0").into_iter().zip(derived(b"authenticate\0")).collect()
    }

    /// Seals a text. A nonce is used once.
    #[must_use]
    pub fn seal(&self, ring: &KeyRing, nonce: [u8; NONCE], text: &[u8]) -> Option<String> {
        let (encrypting, authenticating) = self.keys(ring).into_iter().next()?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(text);
        cover(&encrypting, &nonce, sealed.get_mut(NONCE..)?)?;
        let tag = mac(&authenticating)?.chain_update(&sealed).finalize().into_bytes();
        sealed.extend_from_slice(&tag);
        Some(STANDARD_NO_PAD.encode(sealed))
    }

    /// Opens a text; `None` for one that was not sealed here for this use.
    #[must_use]
    pub fn open(&self, ring: &KeyRing, text: &str) -> Option<Vec<u8>> {
        let sealed = STANDARD_NO_PAD.decode(text).ok()?;
        let (covered, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let (nonce, covered_text) = covered.split_at_checked(NONCE)?;
        let genuine = |key: &[u8; 32]| mac(key).is_some_and(|mac| mac.chain_update(covered).verify_slice(tag).is_ok());
        let (encrypting, _) = self.keys(ring).into_iter().find(|(_, authenticating)| genuine(authenticating))?;
        let mut text = covered_text.to_vec();
        cover(&encrypting, nonce, &mut text)?;
        Some(text)
    }
}

fn mac(key: &[u8; 32]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok()
}

/// Covers a text, or uncovers it.
fn cover(key: &[u8; 32], nonce: &[u8], text: &mut [u8]) -> Option<()> {
    let mac = mac(key)?;
    for (count, block) in text.chunks_mut(32).enumerate() {
        let stream = mac.clone().chain_update(nonce).chain_update((count as u64).to_be_bytes()).finalize().into_bytes();
        block.iter_mut().zip(stream).for_each(|(byte, other)| *byte ^= other);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::keys::Key;

    #[test]
    fn what_was_sealed_opens_for_the_same_use_alone() {
        let ring = |byte: u8| KeyRing::new(vec![Key::new("k1".to_owned(), vec![byte; 32])], "host".to_owned());
        let seal = Seal { label: b"test v1", bound_to: b"zoe" };
        for text in [&b""[..], b"secret", &[7; 100]] {
            let sealed = seal.seal(&ring(1), [3; NONCE], text).expect("a key");
            assert_eq!(seal.open(&ring(1), &sealed).as_deref(), Some(text));
            assert!(seal.open(&ring(2), &sealed).is_none());
            assert!(Seal { bound_to: b"ann", ..seal }.open(&ring(1), &sealed).is_none());
            assert!(Seal { label: b"other", ..seal }.open(&ring(1), &sealed).is_none());
            assert!(
                text.is_empty()
                    || !STANDARD_NO_PAD.decode(&sealed).expect("base64").windows(text.len()).any(|w| w == text)
            );
            for place in 0..sealed.len() {
                let mut other = sealed.clone().into_bytes();
                other[place] = if other[place] == b'A' { b'B' } else { b'A' };
                let other = String::from_utf8(other).expect("ASCII");
                assert!(
                    seal.open(&ring(1), &other).is_none()
                        || STANDARD_NO_PAD.decode(&other) == STANDARD_NO_PAD.decode(&sealed)
                );
            }
        }
        assert!(seal.open(&ring(1), "").is_none());
    }
}
