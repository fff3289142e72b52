//! The text of an API token: `lk_`, thirty random characters, and a checksum of six.
//!
//! ```text
//! lk_ <30 characters of 0-9A-Za-z, 178 bits> <CRC-32 of all before it, 6 characters of the same>
//! ```
//!
//! The prefix and the checksum let a scanner of leaked secrets, or a mail gateway, tell one without asking anybody; a
//! mistyped one costs no look-up. All of its strength is in the random characters, so that an unsalted hash is enough to
//! store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::base::secret::Secret;
use crate::ports::Entropy;

/// The prefix of every API token.
pub const PREFIX: &str = "lk_";
const RANDOM: usize = 30;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new token.
#[must_use]
pub fn generate(entropy: &dyn Entropy) -> Secret {
    let mut text = PREFIX.to_owned();
    while text.len() < PREFIX.len() + RANDOM {
        let mut bytes = [0; RANDOM];
        entropy.fill(&mut bytes);
        // 248 is the largest multiple of 62 that a byte holds: what is above would make some characters likelier.
        let drawn = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(drawn.take(PREFIX.len() + RANDOM - text.len()));
    }
    let checksum = checksum(&text);
    text.push_str(&checksum);
    Secret::new(text)
}

/// What is stored of a token, and what it is found by; `None` when the text cannot be one.
#[must_use]
pub fn digest(text: &str) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric();
    if text.len() != PREFIX.len() + RANDOM + CHECKSUM || !text.strip_prefix(PREFIX)?.bytes().all(plain) {
        return None;
    }
    let (signed, sum) = text.split_at(PREFIX.len() + RANDOM);
    (checksum(signed) == sum).then(|| URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}

/// CRC-32 (ISO-HDLC, as in zip and PNG) in six characters, the most significant first.
fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = ['0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(ALPHABET[(rest % 62) as usize]);
        rest /= 62;
    }
    digits.iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::{checksum, digest, generate};
    use crate::ports::Entropy;

    /// Counts up, so that every byte value occurs.
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[test]
    fn the_checksum_is_the_crc_32_that_everybody_has() {
        // 0xCBF43926, the check value of CRC-32/ISO-HDLC, in base 62.
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn a_token_is_known_by_its_prefix_and_checksum_and_has_no_other_spelling() {
        let entropy = Counting(AtomicU8::new(230));
        let token = generate(&entropy).expose().to_owned();
        assert_eq!((token.len(), &token[..3]), (39, "lk_"));
        assert!(digest(&token).is_some_and(|digest| digest.len() == 43));
        for position in 0..token.len() {
            for other in ['0', 'z', '-', '\u{e9}'] {
                let mut mangled: Vec<char> = token.chars().collect();
                if std::mem::replace(&mut mangled[position], other) != other {
                    assert_eq!(digest(&mangled.into_iter().collect::<String>()), None, "{position} {other}");
                }
            }
            assert_eq!(digest(&token[..position]), None);
        }
        for text in [format!("{token}0"), format!(" {token}"), token.to_uppercase(), String::new()] {
            assert_eq!(digest(&text), None, "{text}");
        }
        assert_ne!(generate(&entropy).expose(), token);
    }
}
