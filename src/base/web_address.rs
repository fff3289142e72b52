//! Addresses on the web that pages and mails lead to: which of them are harmless.

use crate::base::idna::domain_in_ascii;

/// An address to link to, if it is harmless: absolute `http(s)`, or a path of this site.
///
/// Whether another origin is allowed at all is the caller's decision; this only keeps out `javascript:` and its
/// kin, and the spellings browsers read as another host (`//host`, `/\host`).
#[must_use]
pub fn link_target(url: &str) -> Option<&str> {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let absolute = lower.starts_with("https://") || lower.starts_with("http://");
    let clean = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    (clean && (absolute || form_target(url).is_some())).then_some(url)
}

/// A path of this site to send a form to. A form without one posts to the address of its page.
#[must_use]
pub fn form_target(path: &str) -> Option<&str> {
    let clean = !path.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    (clean && path.starts_with('/') && !path.starts_with("//")).then_some(path)
}

/// Whether this is the whole address of a page: of this machine, if it is not `https`.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let safe = match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    };
    safe && link_target(text).is_some() && !uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// Returns a host's name in ASCII and in lower case; `None` for what is none.
#[must_use]
pub fn host_in_ascii(host: &str) -> Option<String> {
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    if host.is_empty() || host.starts_with(['.', '-']) || host.contains("..") || !host.chars().all(is_letter) {
        return None;
    }
    let ascii = domain_in_ascii(host)?.to_ascii_lowercase();
    Some(ascii.strip_suffix('.').map(str::to_owned).unwrap_or(ascii))
}
