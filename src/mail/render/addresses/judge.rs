//! One address of a template's HTML: a link that people follow, or what a mail program loads by itself.

use crate::mail::render::addresses::marks::{Kind, Mark, Marks, is_mark};
use crate::mail::render::addresses::policy::{LinkPolicy, Origin};
use crate::mail::render::addresses::words::{continues_address, keeps_host};

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal<'t> {
    /// It would carry the value of this placeholder, by which its reader can redeem.
    Leak(Mark<'t>),
    /// It leads where templates lead nobody, or is spelt so that this is not sure.
    Foreign,
}

/// An address as browsers read it: without white space and control characters around it, without tabs and line ends in it.
pub(super) fn trimmed(address: &str) -> String {
    let is_outside = |c: char| c <= ' ' || c == '\u{7f}' || (c.is_whitespace() && !is_mark(c));
    address.trim_matches(is_outside).replace(['\t', '\n', '\r'], "")
}

/// Judges where a link leads.
pub(super) fn judge_link<'t>(address: &str, marks: &Marks<'t>, policy: &LinkPolicy) -> Result<(), Refusal<'t>> {
    let address = trimmed(address);
    let first = address.chars().next().and_then(|c| marks.find(c).map(|mark| (mark, &address[c.len_utf8()..])));
    let rest = first.map_or(address.as_str(), |(_, rest)| rest);
    let secret = marks.among(rest).find(Mark::is_secret);
    let leads_right = match first {
        None => {
            if let Some(secret) = secret {
                return Err(Refusal::Leak(secret));
            }
            leads_right(&address, marks, policy)
        }
        Some((first, _)) => {
            // The link stands at the start of an address, the code behind our own endpoint.
            if let Some(secret) = secret
                && !(first.kind() == Kind::Endpoint && secret.kind() == Kind::Code && continues_address(rest))
            {
                return Err(Refusal::Leak(secret));
            }
            let is_base = first.name != "confirmation-code"
                && matches!(first.kind(), Kind::Link | Kind::Code | Kind::Endpoint | Kind::SignIn);
            if first.is_secret() && !is_base {
                return Err(Refusal::Leak(first));
            }
            // Any of them may be empty in some mail: what follows must be harmless alone, too.
            let is_in_query = first.kind() == Kind::Link && rest.starts_with('&');
            is_base && (rest.is_empty() || is_in_query || keeps_host(rest))
        }
    };
    if leads_right { Ok(()) } else { Err(Refusal::Foreign) }
}

/// Whether an address that begins with no placeholder and holds no secret leads where it may.
fn leads_right(address: &str, marks: &Marks<'_>, policy: &LinkPolicy) -> bool {
    if address.contains('\\') {
        return false;
    }
    if address.chars().take(7).collect::<String>().eq_ignore_ascii_case("mailto:") {
        return is_to_support(&address[7..], marks, policy);
    }
    if let Some((origin, _)) = Origin::parse(address) {
        return policy.allows(&origin);
    }
    is_relative(address)
}

/// Whether an address is relative, however a browser reads it, and holds no value that could make it another.
fn is_relative(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    !address.chars().any(is_mark) && !path.contains([':', '\\']) && !path.starts_with("//")
}

/// Whether a `mailto:` writes to the support address and to nobody else.
fn is_to_support(address: &str, marks: &Marks<'_>, policy: &LinkPolicy) -> bool {
    let (to, query) = address.split_once('?').unwrap_or((address, ""));
    let mark = to.chars().next().and_then(|c| marks.find(c).filter(|_| to.len() == c.len_utf8()));
    let is_right = mark.map_or_else(|| policy.is_support(to), |mark| mark.kind() == Kind::Support);
    is_right
        && query.split(['&', ';']).filter(|header| !header.is_empty()).all(|header| says_no_recipient(header, marks))
}

fn says_no_recipient(header: &str, marks: &Marks<'_>) -> bool {
    let (name, value) = header.split_once('=').unwrap_or((header, ""));
    let is_known = ["subject", "body"].iter().any(|known| name.eq_ignore_ascii_case(known));
    is_known && marks.among(value).all(|mark| mark.kind() == Kind::Other { is_encoded: true })
}

/// Whether a mail program may load what is there: from any `https` host, or from nowhere, and telling nobody's values.
pub(super) fn may_be_loaded(address: &str, marks: &Marks<'_>) -> bool {
    let address = trimmed(address);
    if marks.among(&address).any(|mark| mark.kind() != Kind::Branding) {
        return false;
    }
    if address.chars().next().is_some_and(is_mark) {
        return true;
    }
    let lower = address.to_ascii_lowercase();
    let is_inline = ["cid:", "data:image/", "data:font/"].iter().any(|start| lower.starts_with(start));
    is_inline || Origin::parse(&address).is_some_and(|(origin, _)| origin.is_https()) || is_relative(&address)
}

/// Whether all of the addresses of a `srcset` may be loaded.
pub(super) fn all_may_be_loaded(list: &str, marks: &Marks<'_>) -> bool {
    list.split_ascii_whitespace().map(|part| part.trim_matches(',')).all(|part| may_be_loaded(part, marks))
}
