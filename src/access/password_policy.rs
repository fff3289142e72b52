//! What a password must be: long enough, not among the commonest, not the user's own name. No rules about character
//! classes (NIST 800-63B), every character of Unicode allowed, and each refusal said in words.

use serde_json::Value as Json;

use crate::access::password::{self, MAX_BYTES};
use crate::base::characters::is_invisible;
use crate::base::ordered;
use crate::model::context::Work;
use crate::model::resource::Resource;
use scim::fold::fold;

/// The commonest passwords of eight characters and more; a longer list belongs to a breached-password service.
const COMMON: &str = include_str!("common_passwords.txt");

/// Why a password is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is empty.
    Empty,
    /// It has fewer characters than the tenant asks for.
    TooShort(u32),
    /// It is longer than [`MAX_BYTES`] bytes.
    TooLong,
    /// It is among the commonest passwords.
    Common,
    /// It is, or all but consists of, this word that anyone would try first.
    Obvious(String),
    /// It has a control character, which no keyboard types.
    Unprintable,
    /// It is one character, again and again.
    Repeated,
    /// It has nothing but spaces and characters that do not show.
    Blank,
    /// It is among the user's last passwords.
    Used,
}

/// The words that anyone would try first for a user: the names, the address, what the tenant is called.
#[must_use]
pub fn obvious_words(ctx: &Work, user: &Resource) -> Vec<String> {
    let mut words = vec![user.user_name(), ctx.settings().organization_name.clone()];
    words.extend(user.account.email.clone());
    let attributes = Json::Object(user.attributes());
    let names = [&attributes["name"]["givenName"], &attributes["name"]["familyName"], &attributes["displayName"]];
    words.extend(names.into_iter().filter_map(|name| name.as_str().map(str::to_owned)));
    // The super tenant's domain is the same everywhere, and nobody's name.
    if !ctx.tenant.is_super() {
        words.push(ctx.tenant.domain().to_owned());
    }
    words
}

/// Whether `password` is one of those that `hashes` were made from. Costs an Argon2id for each, until one is.
#[must_use]
pub fn is_among(password: &str, hashes: &[String]) -> bool {
    hashes.iter().any(|hash| password::verify(password, hash))
}

/// Checks `password` against a minimal length in characters and the words that anyone would try first
/// ([`obvious_words`]), whole and in parts. Empty result: it may be used, unless it was used before ([`is_among`]).
#[must_use]
pub fn weaknesses(password: &str, min_length: u32, context: &[String]) -> Vec<Weakness> {
    if password.is_empty() {
        return vec![Weakness::Empty];
    }
    // Before anything that costs time.
    if password.len() > MAX_BYTES {
        return vec![Weakness::TooLong];
    }
    let mut found = Vec::new();
    let normalized = password::normalized(password);
    if normalized.chars().count() < min_length as usize {
        found.push(Weakness::TooShort(min_length));
    }
    if normalized.chars().any(char::is_control) {
        found.push(Weakness::Unprintable);
    }
    let mut characters = normalized.chars();
    let first = characters.next();
    if normalized.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        found.push(Weakness::Blank);
    } else if normalized.chars().count() > 1 && characters.all(|c| Some(c) == first) {
        found.push(Weakness::Repeated);
    }
    let folded = fold(&normalized);
    if COMMON.lines().any(|common| common == folded) {
        found.push(Weakness::Common);
    }
    found.extend(obvious(&folded, context).map(Weakness::Obvious));
    found
}

/// The word of the context, if there is one, that leaves little of a folded password together with the others. Short
/// words occur in good passwords by chance; what counts is how little is left without them.
fn obvious(folded: &str, context: &[String]) -> Option<String> {
    let between = ['@', '.', ' ', '/', '-', '_', '+'];
    let parts = context.iter().flat_map(|word| std::iter::once(word.as_str()).chain(word.split(between)));
    let mut words: Vec<(&str, String)> = parts.map(|word| (word, fold(word))).collect();
    words.retain(|(_, word)| word.chars().count() >= 3 && folded.contains(word));
    let (first, _) = *words.first()?;
    // The longest first: a part of it would leave the rest.
    ordered::sort_by(&mut words, |(_, one), (_, other)| other.len().cmp(&one.len()));
    let left = words.iter().fold(folded.to_owned(), |left, (_, word)| left.replace(word.as_str(), ""));
    (left.chars().filter(|c| c.is_alphabetic()).count() < 4).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Vec<String> {
        ["Paul", "paul@somemail.com", "Acme", "Smith"].map(str::to_owned).to_vec()
    }

    #[test]
    fn good_passwords_pass_whatever_they_are_made_of() {
        for good in [
            "correct horse battery",
            "Pässwörter für alle",
            "パスワードは長い方がいい",
            "paul likes long walks",
            &"x7".repeat(64),
        ] {
            assert_eq!(weaknesses(good, 8, &context()), [], "{good}");
        }
    }

    #[test]
    fn each_weakness_is_named() {
        assert_eq!(weaknesses("", 8, &context()), [Weakness::Empty]);
        assert_eq!(weaknesses("kurz", 8, &context()), [Weakness::TooShort(8)]);
        assert_eq!(weaknesses(&"x".repeat(2000), 8, &context()), [Weakness::TooLong]);
        assert_eq!(weaknesses("PassWord123", 8, &context()), [Weakness::Common]);
        assert_eq!(weaknesses("pAUL2024", 8, &context()), [Weakness::Obvious("Paul".to_owned())]);
        assert_eq!(weaknesses("paul@somemail.com", 8, &context()).len(), 1);
        for names in ["paulsmith1", "Smith.Paul.2024", "paul-acme-paul", "smithsmith!"] {
            assert!(matches!(weaknesses(names, 8, &context())[..], [Weakness::Obvious(_)]), "{names}");
        }
        assert_eq!(weaknesses("long\u{0}enough", 8, &context()), [Weakness::Unprintable]);
        for repeated in ["~~~~~~~~~~", "ßßßßßßßßßß", "🔑🔑🔑🔑🔑🔑🔑🔑", "e\u{301}e\u{301}é\u{e9}ééééé"]
        {
            assert_eq!(weaknesses(repeated, 8, &context()), [Weakness::Repeated], "{repeated}");
        }
        for blank in [
            "            ",
            "\u{200b}\u{200b}\u{2060}\u{feff}\u{200b}\u{200b}\u{200b}\u{200b}",
            "\u{3164} \u{a0}\u{2003}\u{3000}\u{2800}\u{e0020}\u{ad}",
        ] {
            assert_eq!(weaknesses(blank, 8, &context()), [Weakness::Blank], "{blank:?}");
        }
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(weaknesses("äöüß", 8, &context()), [Weakness::TooShort(8)]);
        assert_eq!(weaknesses("äöüÄÖÜßé", 8, &context()), []);
    }

    #[test]
    fn a_million_combining_marks_are_refused_unread() {
        assert_eq!(weaknesses(&"\u{301}".repeat(1_000_000), 8, &context()), [Weakness::TooLong]);
    }
}
