//! The deployment's root keys, and the keys that are derived from them, one for each use.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

/// A root key.
#[derive(Clone)]
pub struct Key {
    kid: String,
    bytes: Vec<u8>,
}

impl Key {
    /// A key of at least 32 bytes under a name of at most 8 characters (the deployment checks both).
    #[must_use]
    pub fn new(kid: String, bytes: Vec<u8>) -> Self {
        Self { kid, bytes }
    }

    /// Its name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.kid)
    }
}

/// The deployment's keys: the first signs, all verify. Bound to the host that links lead to, so that a token of one
/// deployment means nothing to another that shares the root key.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<Key>,
    host: String,
}

impl KeyRing {
    /// The ring of these keys for links to `host`.
    #[must_use]
    pub fn new(keys: Vec<Key>, host: String) -> Self {
        Self { keys, host }
    }

    /// The name of the key that signs now.
    #[must_use]
    pub fn current_kid(&self) -> Option<&str> {
        self.keys.first().map(Key::kid)
    }

    /// Keys for another use, one from each root key, the current one first: `label` names the use and its version,
    /// `context` what the key is bound to. Tokens are made with labels of their own.
    #[must_use]
    pub fn derive(&self, label: &[u8], context: &[u8]) -> Vec<[u8; 32]> {
        self.keys.iter().filter_map(|key| self.expand(key, label, context)).collect()
    }

    /// The same from the root key of this id; `None` when it has been retired.
    #[must_use]
    pub fn derive_from(&self, kid: &str, label: &[u8], context: &[u8]) -> Option<[u8; 32]> {
        self.keys.iter().find(|key| key.kid == kid).and_then(|key| self.expand(key, label, context))
    }

    fn expand(&self, key: &Key, label: &[u8], context: &[u8]) -> Option<[u8; 32]> {
        let mut derived = [0; 32];
        let info: [&[u8]; 4] = [label, b"\0", context, self.host.as_bytes()];
        Hkdf::<Sha256>::new(None, &key.bytes).expand_multi_info(&info, &mut derived).ok()?;
        Some(derived)
    }
}
