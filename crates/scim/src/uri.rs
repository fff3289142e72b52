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

/// The path that a `$ref` leads to, in its plain form; a relative reference is one below this service's resources (RFC 7643
/// section 2.3.7), and stays it. `None` for the address of another service than the one at `origin`, `https://example.com`.
#[must_use]
pub fn path_of<'a>(reference: &'a str, origin: &str) -> Option<Cow<'a, str>> {
    let reference = reference.trim().split(['?', '#']).next().unwrap_or_default();
    if is_absolute(reference) {
        return behind(reference, origin).map(normalize_path);
    }
    let mut path = reference;
    while let Some(rest) = ["../", "./"].iter().find_map(|dots| path.strip_prefix(dots)) {
        path = rest;
    }
    Some(normalize_path(path))
}

/// Whether a reference names its service, too.
#[must_use]
pub fn is_absolute(reference: &str) -> bool {
    reference.contains("://")
}

/// The endpoint and the id of the resource at a path below where the resources are; `None` for a path of no resource.
#[must_use]
pub fn resource_at(path: &str) -> Option<(String, String)> {
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
    fn a_reference_leads_to_a_path_of_this_service_or_below_its_resources() {
        let origin = "https://id.example.com";
        for (reference, path) in [
            ("https://id.example.com/scim2/Users/u-1", Some("/scim2/Users/u-1")),
            ("HTTPS://ID.example.com/scim2/Users/u-1/", Some("/scim2/Users/u-1")),
            ("https://id.example.com//scim2//Users/u%2D1?attributes=id#x", Some("/scim2/Users/u-1")),
            ("/scim2/Users/u-1", Some("/scim2/Users/u-1")),
            ("../Users/u-1", Some("Users/u-1")),
            ("./Users/u-1", Some("Users/u-1")),
            (" Users/u-1\n", Some("Users/u-1")),
            ("https://other.example.com/scim2/Users/u-1", None),
            ("https://id.example.com.evil.example/scim2/Users/u-1", None),
            ("https://id.example.com:8443/scim2/Users/u-1", None),
            ("https://id.example.com@evil.example/scim2/Users/u-1", None),
            ("", Some("")),
        ] {
            assert_eq!(path_of(reference, origin).as_deref(), path, "{reference}");
        }
    }

    #[test]
    fn a_resource_is_an_endpoint_and_an_id() {
        let user = Some(("Users".to_owned(), "u-1".to_owned()));
        assert_eq!((resource_at("Users/u-1"), resource_at("/Users/u-1")), (user.clone(), user));
        for path in ["", "u-1", "Users", "Users/u-1/groups", "urn:uuid:u-1"] {
            assert_eq!(resource_at(path), None, "{path}");
        }
    }
}
