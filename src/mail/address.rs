//! E-mail addresses: exactly one recipient, or none.

use std::fmt;

/// One address, `local@domain`, that no header and no provider can take for two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Accepts what RFC 5321 calls a mailbox with an unquoted local part; Unicode is allowed in both parts (RFC 6531).
    /// Refuses lists, display names, comments, quoted local parts, white space and control characters: each is a way
    /// of smuggling in a second recipient or a header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let plain =
            |c: char| c.is_alphanumeric() || (!c.is_ascii() && !c.is_control() && !c.is_whitespace() && !invisible(c));
        let local_fine = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| plain(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let domain_fine = domain.len() <= 253
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| plain(c) || c == '-')
            });
        (local_fine && domain_fine).then(|| Self(text.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that do not show, or that change how their neighbours do.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn single_addresses_are_accepted() {
        for good in [
            "paul@somemail.com",
            "a+b@x.example",
            "o'neil@example.co.uk",
            "jörg@müller.example",
            "x@localhost",
            "$a@b.c",
        ] {
            assert_eq!(Address::parse(good).expect(good).as_str(), good);
        }
        assert_eq!(Address::parse(" paul@somemail.com ").expect("trimmed").as_str(), "paul@somemail.com");
    }

    #[test]
    fn whatever_could_be_two_recipients_or_a_header_is_refused() {
        for bad in [
            "",
            "paul",
            "@x.com",
            "a@",
            "a@b,c@d",
            "a@b@c",
            "a@x b@y",
            "a@b\r\nBcc: c@d",
            "a@b\u{0}",
            "\"a b\"@c.d",
            "a(comment)@b.c",
            "Paul <a@b.c>",
            "a@b;c@d",
            "a@b..c",
            ".a@b.c",
            "a\u{202e}b@c.d",
            "a@b\u{2028}c.d",
            "a%0d%0aBcc:x@y z",
            "a@[127.0.0.1]",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad:?}");
        }
    }
}
