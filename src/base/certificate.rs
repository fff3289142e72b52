//! Keys, certificates and signatures as mail providers send them, in DER (ITU-T X.690). What is not well-formed is `None`.

use der::asn1::{BitStringRef, UintRef};
use der::{Decode, Error, Reader, SliceReader};

/// Returns the `SubjectPublicKeyInfo` of an X.509 certificate (RFC 5280 section 4.1), in DER. What else stands in the
/// certificate is passed over, as long as it is DER.
#[must_use]
pub fn public_key_info_of_certificate(certificate: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(certificate).ok()?;
    let info: Result<&[u8], Error> = reader.sequence(|certificate| {
        let info = certificate.sequence(|signed| {
            // The version, which may lack, is the only part in brackets before the key.
            let brackets = 0xa0;
            if signed.tlv_bytes()?.first() == Some(&brackets) {
                signed.tlv_bytes()?;
            }
            for _ in ["signature", "issuer", "validity", "subject"] {
                signed.tlv_bytes()?;
            }
            let info = signed.tlv_bytes()?;
            while !signed.is_finished() {
                signed.tlv_bytes()?;
            }
            Ok::<_, Error>(info)
        })?;
        for _ in ["signatureAlgorithm", "signatureValue"] {
            certificate.tlv_bytes()?;
        }
        Ok(info)
    });
    let info = info.ok()?;
    reader.finish().ok()?;
    key_of_public_key_info(info).map(|_| info.to_vec())
}

/// Returns the key in a `SubjectPublicKeyInfo`, without the algorithm that it is for.
#[must_use]
pub fn key_of_public_key_info(info: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(info).ok()?;
    let key = reader.sequence(|info| {
        info.sequence(|algorithm| {
            while !algorithm.is_finished() {
                algorithm.tlv_bytes()?;
            }
            Ok::<_, Error>(())
        })?;
        BitStringRef::decode(info)
    });
    let key = key.ok()?;
    reader.finish().ok()?;
    key.as_bytes()
}

/// Returns an ECDSA signature (RFC 3279 section 2.2.3) on a curve of 256 bits as WebCrypto takes it: `r` and `s`, 32
/// bytes each.
#[must_use]
pub fn fixed_signature(signature: &[u8]) -> Option<[u8; 64]> {
    let mut reader = SliceReader::new(signature).ok()?;
    let numbers =
        reader.sequence(|numbers| Ok::<_, Error>([UintRef::decode(numbers)?, UintRef::decode(numbers)?])).ok()?;
    reader.finish().ok()?;
    let mut fixed = [0; 64];
    for (half, number) in fixed.chunks_exact_mut(32).zip(numbers) {
        let digits = number.as_bytes();
        let start = 32_usize.checked_sub(digits.len())?;
        half.get_mut(start..)?.copy_from_slice(digits);
    }
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::{fixed_signature, key_of_public_key_info, public_key_info_of_certificate};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, prop, proptest};

    /// An RSA certificate in DER.
    fn certificate() -> Vec<u8> {
        let pem = include_str!("../../tests/fixtures/sns-certificate.pem");
        STANDARD.decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).expect("base64")
    }

    #[test]
    fn the_key_is_found_in_a_certificate() {
        let certificate = certificate();
        let info = public_key_info_of_certificate(&certificate).expect("a certificate");
        assert!(certificate.windows(info.len()).any(|part| part == info));
        let key = key_of_public_key_info(&info).expect("a key");
        assert_eq!(key.first(), Some(&0x30), "an RSA key is a sequence of two numbers");
        assert!(info.ends_with(key));
        for end in 0..certificate.len() {
            assert_eq!(public_key_info_of_certificate(&certificate[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn a_signature_becomes_two_halves() {
        let mut wide = vec![0x30, 38, 0x02, 33, 0];
        wide.extend([0xff; 32]);
        wide.extend([0x02, 1, 9]);
        let fixed = fixed_signature(&wide).expect("well-formed");
        assert_eq!((&fixed[..32], fixed[63], &fixed[32..63]), (&[0xff; 32][..], 9, &[0; 31][..]));
        for wrong in [
            &[][..],
            &[0x30, 0],
            &[0x30, 3, 0x02, 1, 1],
            &[0x30, 6, 0x02, 1, 1, 0x02, 1, 1, 0],
            &[0x30, 9, 0x02, 1, 1, 0x02, 1, 1, 0x02, 1, 1],
            &[0x30, 0x84, 0, 0, 0, 0],
            &[0x30, 0x80, 0, 0],
        ] {
            assert_eq!(fixed_signature(wrong), None, "{wrong:?}");
        }
        let mut too_wide = vec![0x30, 38, 0x02, 33, 1];
        too_wide.extend([0xff; 32]);
        too_wide.extend([0x02, 1, 9]);
        assert_eq!(fixed_signature(&too_wide), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..600_usize) {
            let mut certificate = certificate();
            if let (Some(place), Some(byte)) = (certificate.get_mut(at), bytes.first()) {
                *place = *byte;
            }
            for input in [&bytes, &certificate] {
                if let Some(info) = public_key_info_of_certificate(input) {
                    let _ = key_of_public_key_info(&info);
                }
                let _ = fixed_signature(input);
            }
        }
    }
}
