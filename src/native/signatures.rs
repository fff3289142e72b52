//! The `SignatureVerifier` port over ring.

use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::base::certificate;
use crate::ports::{SignatureScheme, SignatureVerifier};

/// ring.
#[derive(Debug, Default)]
pub struct Signatures;
impl SignatureVerifier for Signatures {
    fn verify(&self, scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        // ring wants the key alone, without the words around it that say which scheme it is for.
        let bare = |key| certificate::key_of_public_key_info(key).unwrap_or_default();
        match scheme {
            SignatureScheme::EcdsaP256Sha256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bare(key)).verify(message, signature)
            }
            SignatureScheme::Ed25519 => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            SignatureScheme::RsaSha256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bare(key)).verify(message, signature)
            }
        }
        .is_ok()
    }
}
