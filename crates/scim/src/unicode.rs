//! Canonical composition (NFC).
//!
//! With the feature `given-nfc`, on wasm, a function of the application's does it, such as one of a JavaScript engine, which
//! carries Unicode's tables already; elsewhere a crate does. NFC is stable: what is composed once stays so in every later version of Unicode.

use std::borrow::Cow;

/// The text in NFC.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { compose(text) }
}

/// What composes. Until it is set, texts stay as they are.
#[cfg(all(target_arch = "wasm32", feature = "given-nfc"))]
pub static COMPOSE: std::sync::OnceLock<fn(&str) -> String> = std::sync::OnceLock::new();

#[cfg(all(target_arch = "wasm32", feature = "given-nfc"))]
fn compose(text: &str) -> Cow<'_, str> {
    COMPOSE.get().map_or(Cow::Borrowed(text), |compose| Cow::Owned(compose(text)))
}

#[cfg(not(all(target_arch = "wasm32", feature = "given-nfc")))]
fn compose(text: &str) -> Cow<'_, str> {
    use unicode_normalization::UnicodeNormalization;
    if unicode_normalization::is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}
