//! The paths of resources: as requests, Bulk operations and references write them.

use std::borrow::Cow;

/// A path in its plain form: percent-encoded unreserved characters are decoded (RFC 3986 section 6.2.2.2), a doubled slash
/// is one, and there is none at the end. What is plain already is borrowed.
#[must_use]
pub fn normalize_path(path: &str) -> Cow<'_, str> {
    let ends_plain = path.len() < 2 || !path.ends_with('/');
    if ends_plain && !path.contains('%') && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let decoded = if first == '%' { unreserved(rest) } else { None };
        let (char, length) = decoded.map_or((first, first.len_utf8()), |char| (char, 3));
        if char != '/' || !plain.ends_with('/') {
            plain.push(char);
        }
        rest = &rest[length..];
    }
    if plain.len() > 1 && plain.ends_with('/') {
        plain.pop();
    }
    Cow::Owned(plain)
}

/// The character that an escape at the beginning of a text stands for, if it is one that needs none.
fn unreserved(text: &str) -> Option<char> {
    let digits = text.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let char = char::from(u8::from_str_radix(digits, 16).ok()?);
    (char.is_ascii_alphanumeric() || "-._~".contains(char)).then_some(char)
}

/// The endpoint and the id that a `$ref` leads to, such as `Users` and the user's id. `base` is where this service's
/// resources are, `https://example.com/scim2`; a relative reference is one to it (RFC 7643 section 2.3.7). `None` for the
/// address of another service, or of no resource.
#[must_use]
pub fn resource_of(reference: &str, base: &str) -> Option<(String, String)> {
    let reference = reference.trim().split(['?', '#']).next().unwrap_or_default();
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    let base_path = authority.find('/').map_or("", |start| &authority[start..]);
    let path = if reference.contains("://") {
        behind(reference, base)?
    } else {
        behind(reference, base_path).unwrap_or_else(|| {
            let mut path = reference;
            while let Some(rest) = ["../", "./"].iter().find_map(|dots| path.strip_prefix(dots)) {
                path = rest;
            }
            path
        })
    };
    let path = normalize_path(path);
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let found = (segments.next()?.to_owned(), segments.next()?.to_owned());
    segments.next().is_none().then_some(found)
}

/// What follows a prefix, in any case, as a path of its own.
fn behind<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len()).filter(|head| !head.is_empty() && head.eq_ignore_ascii_case(prefix))?;
    text[head.len()..].starts_with('/').then(|| &text[head.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_any_spelling_is_one_path() {
        for (written, plain) in [
            ("/scim2/Users", "/scim2/Users"),
            ("/scim2/Users/", "/scim2/Users"),
            ("/scim2/Users//", "/scim2/Users"),
            ("//scim2///Users//a", "/scim2/Users/a"),
            ("/scim2/Users/a%2Db%2d%41%5F%7e", "/scim2/Users/a-b-A_~"),
            ("/scim2/Users/a%2Fb%20%C3%A9", "/scim2/Users/a%2Fb%20%C3%A9"),
            ("/scim2/%zz%2", "/scim2/%zz%2"),
            // A percent sign stays encoded: one layer is taken off.
            ("/%25%32%44", "/%252D"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(normalize_path(written), plain, "{written}");
        }
    }

    #[test]
    fn a_reference_leads_to_a_resource_of_this_service_or_to_none() {
        let base = "https://id.example.com/t/acme/scim2";
        let of = |reference: &str| resource_of(reference, base);
        let user = Some(("Users".to_owned(), "u-1".to_owned()));
        for reference in [
            "https://id.example.com/t/acme/scim2/Users/u-1",
            "HTTPS://ID.example.com/t/acme/scim2/Users/u-1/",
            "https://id.example.com/t/acme/scim2//Users/u%2D1?attributes=id#x",
            "/t/acme/scim2/Users/u-1",
            "../Users/u-1",
            "./Users/u-1",
            "Users/u-1",
            "/Users/u-1",
            " Users/u-1\n",
        ] {
            assert_eq!(of(reference), user, "{reference}");
        }
        for reference in [
            "",
            "u-1",
            "https://other.example.com/t/acme/scim2/Users/u-1",
            "https://id.example.com/t/acme/scim2evil/Users/u-1",
            "https://id.example.com/t/other/scim2/Users/u-1",
            "/t/other/scim2/Users/u-1",
            "/scim2/Users/u-1",
            "https://id.example.com/t/acme/scim2/Users",
            "https://id.example.com/t/acme/scim2/Users/u-1/groups",
            "urn:uuid:u-1",
        ] {
            assert_eq!(of(reference), None, "{reference}");
        }
    }
}
