//! The key under which two strings are the same value (RFC 7643 section 2.2, `caseExact`).
//!
//! The filter evaluator, the de-duplication of values, the uniqueness columns and the SQL filters all compare these
//! keys, so that `Ärger@x` and `ärger@x`, composed or decomposed, are one user name everywhere. SQLite cannot compute
//! them: its NOCASE and lower() fold ASCII only.

use std::borrow::Cow;

use crate::case_folding::{Folded, folded};
use crate::unicode::nfc;

/// The key of a case-insensitive value: NFC, Unicode default case folding, NFC again.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Folding can take a composed string apart (`ŉ` becomes `ʼn`), hence the second composition.
    nfc(&case_folded(&nfc(text))).into_owned()
}

fn case_folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match folded(c) {
            None => out.push(c),
            Some(Folded::One(one)) => out.push(one),
            Some(Folded::Several(several)) => out.push_str(several),
        }
    }
    out
}

/// The key of a case-exact value: NFC only.
#[must_use]
pub fn exact(text: &str) -> Cow<'_, str> {
    nfc(text)
}

/// The key of a value of an attribute whose `caseExact` is given.
#[must_use]
pub fn key(case_exact: bool, text: &str) -> Cow<'_, str> {
    if case_exact { exact(text) } else { Cow::Owned(fold(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn case_and_composition_do_not_matter() {
        let twins = ["Ärger@x", "ärger@X", "A\u{308}rger@x", "a\u{308}RGER@x"];
        for twin in twins {
            assert_eq!(fold(twin), "ärger@x");
        }
    }

    #[test]
    fn folding_is_unicodes_not_lowercasing() {
        assert_eq!(fold("STRASSE"), fold("Straße"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("Σίσυφος"));
        assert_ne!(fold("i"), fold("ı"));
    }

    #[test]
    fn every_character_folds_as_unicode_has_it() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert_eq!(case_folded(&text), caseless::default_case_fold_str(&text), "{c:?}");
        }
    }

    #[test]
    fn a_case_exact_key_keeps_case_and_composes() {
        assert_eq!(exact("A\u{308}"), "Ä");
        assert_ne!(key(true, "A"), key(true, "a"));
        assert_eq!(key(false, "A"), key(false, "a"));
    }

    proptest! {
        #[test]
        fn canonically_equivalent_strings_have_one_key(text in "\\PC{0,24}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold(&text), fold(&decomposed));
            prop_assert_eq!(exact(&text), exact(&decomposed).into_owned());
        }
    }
}
