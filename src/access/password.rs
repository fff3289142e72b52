//! Hashing and checking passwords: Argon2id with OWASP's parameters, stored as PHC strings.
//!
//! Hashing is synchronous, so that an isolate hashes one password at a time in one block of memory that it keeps:
//! wasm memory never shrinks, and 19 MiB a request would exhaust the isolate's 128.

use std::cell::RefCell;
use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

use crate::ports::Entropy;
use scim::unicode::nfc;

/// 19 MiB, two passes, one lane: OWASP's first choice for Argon2id, 45 to 50 ms in workerd.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const OUTPUT: usize = 32;
/// How what is stored begins: the algorithm, and the only version of it.
const PREFIX: &str = "$argon2id$v=19$";
/// What a stored hash may cost at most: a row that asks for more is not ours.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 8;

/// The longest password that is looked at, in bytes: checked before anything that costs time.
pub const MAX_BYTES: usize = 1024;

thread_local! {
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// A password as it is hashed: NFC and nothing else, so that the same characters typed on another keyboard match.
#[must_use]
pub fn normalized(password: &str) -> String {
    nfc(password).into_owned()
}

/// The PHC string to store for a password; `None` when it is longer than [`MAX_BYTES`].
#[must_use]
pub fn hash(password: &str, entropy: &dyn Entropy) -> Option<String> {
    if password.len() > MAX_BYTES {
        return None;
    }
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(OUTPUT)).ok()?;
    let output = derive(password, &salt, &params, OUTPUT)?;
    Some(Stored { params, salt: salt.to_vec(), output }.to_string())
}

/// What is stored of a password. Its text is a PHC string, of which we read what we write:
/// `$argon2id$v=19$m=19456,t=2,p=1$salt$output`.
struct Stored {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (m, t, p) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let (salt, output) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output));
        write!(f, "{PREFIX}m={m},t={t},p={p}${salt}${output}")
    }
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let [params, salt, output] = *text.strip_prefix(PREFIX)?.split('$').collect::<Vec<_>>() else { return None };
        let [m, t, p] = *params.split(',').collect::<Vec<_>>() else { return None };
        let number = |text: &str, name: &str| text.strip_prefix(name)?.parse().ok();
        let output = STANDARD_NO_PAD.decode(output).ok()?;
        let params = Params::new(number(m, "m=")?, number(t, "t=")?, number(p, "p=")?, Some(output.len())).ok()?;
        Some(Self { params, salt: STANDARD_NO_PAD.decode(salt).ok()?, output })
    }
}

/// Whether `password` is the one that `stored` was made from.
#[must_use]
pub fn verify(password: &str, stored: &str) -> bool {
    check(password, stored).unwrap_or(false)
}

/// Whether a hash was made with the parameters of today: one that was not is made anew when its password is next seen.
#[must_use]
pub fn is_current(stored: &str) -> bool {
    Stored::parse(stored).is_some_and(|Stored { params, .. }| {
        (params.m_cost(), params.t_cost(), params.p_cost(), params.output_len())
            == (MEMORY_KIB, PASSES, 1, Some(OUTPUT))
    })
}

/// Takes as long as [`verify`] does, and fails: for a user who does not exist or has no password.
pub fn pretend_to_verify(password: &str) {
    // A well-formed hash of nobody's password, with the parameters of today.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let _ = verify(password, NOBODY);
}

fn check(password: &str, stored: &str) -> Option<bool> {
    if password.len() > MAX_BYTES {
        return None;
    }
    let Stored { params, salt, output } = Stored::parse(stored)?;
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() != 1 {
        return None;
    }
    let derived = derive(password, &salt, &params, output.len())?;
    Some(derived.ct_eq(&output).into())
}

fn derive(password: &str, salt: &[u8], params: &Params, length: usize) -> Option<Vec<u8>> {
    let mut output = vec![0; length];
    MEMORY
        .with_borrow_mut(|memory| {
            if memory.len() < params.block_count() {
                memory.resize(params.block_count(), Block::default());
            }
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            argon2.hash_password_into_with_memory(
                normalized(password).as_bytes(),
                salt,
                &mut output,
                &mut memory[..params.block_count()],
            )
        })
        .ok()?;
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let stored = hash("correct horse", &Zeros).expect("short enough");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse", &stored));
        assert!(!verify("correct horsf", &stored));
        assert!(!verify("", &stored));
        assert!(is_current(&stored));
        assert!(!is_current(&stored.replace("t=2", "t=1")) && !is_current(&stored.replace("m=19456", "m=8192")));
    }

    #[test]
    fn composed_and_decomposed_characters_are_one_password() {
        let stored = hash("Gr\u{fc}\u{df}e aus K\u{f6}ln", &Zeros).expect("short enough");
        assert!(verify("Gru\u{308}\u{df}e aus Ko\u{308}ln", &stored));
        assert!(!verify("GRU\u{308}\u{df}E AUS KO\u{308}LN", &stored));
    }

    #[test]
    fn a_password_past_the_limit_is_not_hashed() {
        assert_eq!(hash(&"x".repeat(MAX_BYTES + 1), &Zeros), None);
        assert!(!verify(&"\u{301}".repeat(1_000_000), "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA"));
    }

    #[test]
    fn hashes_that_ask_for_too_much_or_are_not_ours_never_verify() {
        for stored in [
            "",
            "plain",
            "$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=200,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
            "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!verify("x", stored), "{stored}");
        }
    }
}
