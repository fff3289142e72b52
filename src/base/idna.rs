//! Domains in ASCII (IDNA), as the platform has it.
//!
//! A Worker's JavaScript engine carries the tables already, so that the wasm need not carry them again; natively a crate
//! does the same.

/// The domain in ASCII, as a URL has it (UTS 46, and RFC 3492 for what is not ASCII); `None` for what is not a domain.
#[must_use]
pub fn domain_in_ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() { Some(domain.to_owned()) } else { to_ascii(domain) }
}

#[cfg(target_arch = "wasm32")]
fn to_ascii(domain: &str) -> Option<String> {
    let mut message = host::Message::default();
    message.write_text(domain);
    host::ask_for(host::Operation::Domain, &message).optional_text()
}

#[cfg(not(target_arch = "wasm32"))]
fn to_ascii(domain: &str) -> Option<String> {
    idna::domain_to_ascii(domain).ok()
}
