//! The port that checks public-key signatures.

/// A public-key signature scheme that somebody else's events are signed with, and the form of its key and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256: the key a `SubjectPublicKeyInfo`, the signature `r` and `s` of 32 bytes each.
    EcdsaP256Sha256,
    /// Ed25519 (RFC 8032): the key's 32 bytes, the signature's 64.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2): the key a `SubjectPublicKeyInfo`.
    RsaSha256,
}

/// Checks public-key signatures. The platform's own code does it: the Worker need not carry any.
pub trait SignatureVerifier: Send + Sync {
    /// Whether `signature` is one of `message` by the owner of `key`; false too when either is not well-formed.
    fn verify(&self, scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}
