//! Why a password was refused, as the person who typed it reads it.

use crate::access::password;
use crate::access::password_policy::Weakness;
use crate::i18n::fill::fill;
use crate::i18n::pages::PageTexts;

/// Returns a sentence for each weakness.
pub fn reasons(weaknesses: &[Weakness], texts: &PageTexts) -> Vec<String> {
    weaknesses.iter().map(|weakness| reason(weakness, texts)).collect()
}

fn reason(weakness: &Weakness, texts: &PageTexts) -> String {
    match weakness {
        Weakness::Empty => texts.weak_empty.to_owned(),
        Weakness::TooShort(least) => fill(texts.weak_short, &[("n", &least.to_string())]),
        Weakness::TooLong => fill(texts.weak_long, &[("n", &password::MAX_BYTES.to_string())]),
        Weakness::Common => texts.weak_common.to_owned(),
        Weakness::Obvious(word) => fill(texts.weak_obvious, &[("word", word)]),
        Weakness::Unprintable => texts.weak_untypable.to_owned(),
        Weakness::Repeated => texts.weak_repeated.to_owned(),
        Weakness::Blank => texts.weak_blank.to_owned(),
        Weakness::Used => texts.weak_used.to_owned(),
    }
}
