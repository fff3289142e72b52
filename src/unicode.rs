//! What needs Unicode's tables, as the platform has it: canonical composition (NFC), and domains in ASCII (IDNA).
//!
//! A Worker's JavaScript engine carries the tables already, so that the wasm need not carry them again; natively crates do
//! the same. NFC is stable: what is composed once stays so in every later version of Unicode.

use std::borrow::Cow;

/// The text in NFC.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { compose(text) }
}

#[cfg(target_arch = "wasm32")]
fn compose(text: &str) -> Cow<'_, str> {
    Cow::Owned(js_sys::JsString::from(text).normalize("NFC").into())
}

#[cfg(not(target_arch = "wasm32"))]
fn compose(text: &str) -> Cow<'_, str> {
    use unicode_normalization::UnicodeNormalization;
    if unicode_normalization::is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The domain in ASCII, as a URL has it (UTS 46, and RFC 3492 for what is not ASCII); `None` for what is not a domain.
#[must_use]
pub fn domain_in_ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() { Some(domain.to_owned()) } else { to_ascii(domain) }
}

#[cfg(target_arch = "wasm32")]
fn to_ascii(domain: &str) -> Option<String> {
    use js_sys::{Array, Function, Reflect};
    use wasm_bindgen::{JsCast, JsValue};
    let class: Function = Reflect::get(&js_sys::global(), &"URL".into()).ok()?.dyn_into().ok()?;
    let url = Reflect::construct(&class, &Array::of1(&JsValue::from(format!("http://{domain}")))).ok()?;
    Reflect::get(&url, &"hostname".into()).ok()?.as_string()
}

#[cfg(not(target_arch = "wasm32"))]
fn to_ascii(domain: &str) -> Option<String> {
    idna::domain_to_ascii(domain).ok()
}
