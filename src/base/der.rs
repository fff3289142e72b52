//! The little of DER (ITU-T X.690) that certificates, public keys and ECDSA signatures are written in.
//!
//! Nothing here allocates by what it reads or goes deeper than it is told, and whatever is not well-formed is `None`.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// The certificate's `version`, which is there in all but the oldest.
const VERSION: u8 = 0xa0;

/// One element: its tag, its contents and the whole of it.
struct Element<'a> {
    tag: u8,
    contents: &'a [u8],
    whole: &'a [u8],
}

/// Takes the first element off `input`.
fn take<'a>(input: &mut &'a [u8]) -> Option<Element<'a>> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        // Two megabytes and more do not occur.
        long @ 0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    let whole = input.get(..input.len() - rest.len())?;
    *input = rest;
    Some(Element { tag: *tag, contents, whole })
}

/// Takes an element of this tag off `input`.
fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<Element<'a>> {
    take(input).filter(|element| element.tag == tag)
}

/// The contents of `input`, which is one element of this tag and nothing more.
fn only(mut input: &[u8], tag: u8) -> Option<&[u8]> {
    let element = expect(&mut input, tag)?;
    input.is_empty().then_some(element.contents)
}

/// The `SubjectPublicKeyInfo` of an X.509 certificate (RFC 5280 section 4.1).
#[must_use]
pub fn public_key_info_of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let mut signed = only(certificate, SEQUENCE)?;
    let mut fields = expect(&mut signed, SEQUENCE)?.contents;
    if fields.first() == Some(&VERSION) {
        take(&mut fields)?;
    }
    // serialNumber, signature, issuer, validity, subject
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        expect(&mut fields, tag)?;
    }
    expect(&mut fields, SEQUENCE).map(|info| info.whole)
}

/// The key in a `SubjectPublicKeyInfo`, without what says which scheme it is for.
#[must_use]
pub fn key_of_public_key_info(info: &[u8]) -> Option<&[u8]> {
    let mut fields = only(info, SEQUENCE)?;
    expect(&mut fields, SEQUENCE)?;
    // The first byte counts the bits unused in the last one: a key has none.
    only(fields, BIT_STRING)?.strip_prefix(&[0])
}

/// An ECDSA signature (RFC 3279 section 2.2.3) on a curve of 256 bits as WebCrypto wants it: `r` and `s`, 32 bytes each.
#[must_use]
pub fn fixed_signature(signature: &[u8]) -> Option<[u8; 64]> {
    let mut numbers = only(signature, SEQUENCE)?;
    let mut fixed = [0; 64];
    for half in fixed.chunks_exact_mut(32) {
        let number = expect(&mut numbers, INTEGER)?.contents;
        // A zero in front keeps a large number from being a negative one.
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        let start = 32_usize.checked_sub(digits.len())?;
        half.get_mut(start..)?.copy_from_slice(digits);
    }
    numbers.is_empty().then_some(fixed)
}

#[cfg(test)]
mod tests {
    use super::{fixed_signature, key_of_public_key_info, public_key_info_of_certificate};
    use proptest::prelude::{any, prop, proptest};

    /// A certificate with a key of three bytes, in the oldest form and in the usual one.
    fn certificate(version: &[u8]) -> Vec<u8> {
        let info = [0x30, 8, 0x30, 0, 0x03, 4, 0, 7, 8, 9];
        let mut fields = version.to_vec();
        fields.extend([0x02, 1, 5, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0]);
        fields.extend(info);
        let mut certificate = vec![0x30, u8::try_from(fields.len() + 2).expect("short"), 0x30];
        certificate.push(u8::try_from(fields.len()).expect("short"));
        certificate.extend(fields);
        certificate
    }

    #[test]
    fn the_key_is_found_in_a_certificate() {
        for version in [&[][..], &[0xa0, 3, 0x02, 1, 2]] {
            let certificate = certificate(version);
            let info = public_key_info_of_certificate(&certificate).expect("a certificate");
            assert_eq!(key_of_public_key_info(info), Some(&[7, 8, 9][..]));
            for end in 0..certificate.len() {
                assert_eq!(public_key_info_of_certificate(&certificate[..end]), None, "cut at {end}");
            }
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
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..30_usize) {
            let mut certificate = certificate(&[]);
            if let (Some(place), Some(byte)) = (certificate.get_mut(at), bytes.first()) {
                *place = *byte;
            }
            for input in [&bytes, &certificate] {
                public_key_info_of_certificate(input).and_then(key_of_public_key_info);
                let _ = fixed_signature(input);
            }
        }
    }
}
