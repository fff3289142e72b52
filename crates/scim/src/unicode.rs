//! Canonical composition (NFC).
//!
//! With the feature `js`, on wasm, the JavaScript engine does it, which carries Unicode's tables already; elsewhere a crate
//! does. NFC is stable: what is composed once stays so in every later version of Unicode.

use std::borrow::Cow;

/// The text in NFC.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { compose(text) }
}

#[cfg(all(target_arch = "wasm32", feature = "js"))]
fn compose(text: &str) -> Cow<'_, str> {
    Cow::Owned(js_sys::JsString::from(text).normalize("NFC").into())
}

#[cfg(not(all(target_arch = "wasm32", feature = "js")))]
fn compose(text: &str) -> Cow<'_, str> {
    use unicode_normalization::UnicodeNormalization;
    if unicode_normalization::is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}
