//! E-mail addresses: exactly one recipient, or none.

use std::fmt;

use crate::base::characters::{is_invisible, is_punctuation_in_disguise};
use crate::base::idna;
use scim::fold::fold;

/// One address, `local@domain`, that no header and no provider can take for two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// The longest local part beyond ASCII, in bytes (RFC 5321 section 4.5.3.1.1). In ASCII, WHATWG has no limit.
const MAX_LOCAL: usize = 64;

/// The longest address, in bytes.
pub const MAX_ADDRESS: usize = 320;

impl Address {
    /// Accepts in ASCII what WHATWG's e-mail state allows, dots wherever they stand among them: such addresses exist, and
    /// what a provider will not send to is told by the mail's state. Unicode is allowed in both parts (RFC 6531), with
    /// dots as RFC 5321 has them. Refuses lists, display names, comments, quoted local parts, white space, control characters, and characters that
    /// a later step may turn into one of those: each is a way of smuggling in a second recipient or a header. Refuses
    /// invisible characters too: such an address is not the one it shows as.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let plain = |c: char| {
            if c.is_ascii() {
                c.is_ascii_alphanumeric()
            } else {
                !(c.is_control() || c.is_whitespace() || is_invisible(c) || is_punctuation_in_disguise(c))
            }
        };
        let dots_fine = local.is_ascii() || !(local.starts_with('.') || local.ends_with('.') || local.contains(".."));
        let local_fine = !local.is_empty()
            && (local.is_ascii() || local.len() <= MAX_LOCAL)
            && text.len() <= MAX_ADDRESS
            && dots_fine
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

    /// Returns the part before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// Returns the part after the @.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The mailbox that this address is one of many names of, for counting what is sent to it: case-folded, with the domain as DNS
    /// has it, and without what follows the first `+` of the local part, which may be empty then. Dots count: not everybody ignores
    /// them.
    #[must_use]
    pub fn mailbox(&self) -> String {
        let local = self.local().split('+').next().unwrap_or_default();
        let domain = idna::domain_in_ascii(self.domain()).unwrap_or_else(|| self.domain().to_owned());
        format!("{}@{}", fold(local), fold(&domain))
    }

    /// The same address with its domain as DNS has it (RFC 5890); `None` if it has no such form.
    #[must_use]
    pub fn with_ascii_domain(&self) -> Option<Self> {
        if self.domain().is_ascii() {
            return Some(self.clone());
        }
        let domain = idna::domain_in_ascii(self.domain())?;
        // Digits of another script may have become an IP address, which is no domain: no top level one is a number.
        let numeric = domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if numeric { None } else { Self::parse(&format!("{}@{domain}", self.local())) }
    }
}

/// A sender: one address, with or without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The name as it is read, without quotes; empty if there is none.
    pub name: String,
    /// The address.
    pub address: Address,
}

impl Sender {
    /// Reads `Name <local@domain>`, or the address alone. A name with characters that separate addresses must be in
    /// double quotes, as RFC 5322 wants it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some(rest) = text.strip_suffix('>') else {
            return Some(Self { name: String::new(), address: Address::parse(text)? });
        };
        let (name, address) = rest.rsplit_once('<')?;
        let name = name.trim_matches(' ');
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let sober = |c: char| !c.is_control() && !matches!(c, '"' | '\\' | '<' | '>');
        let fine = match quoted {
            Some(inner) => inner.chars().all(sober),
            None => name.chars().all(|c| sober(c) && !separates(c)),
        };
        if !fine || address.trim() != address {
            return None;
        }
        Some(Self { name: quoted.unwrap_or(name).to_owned(), address: Address::parse(address)? })
    }
}

/// Whether this character in a name would end it, had the name no quotes (RFC 5322 section 3.2.3).
fn separates(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '(' | ')' | '[' | ']' | '@')
}

/// As it stands in a header, its name in quotes where it must be.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => self.address.fmt(f),
            name if name.contains(separates) => write!(f, "\"{name}\" <{}>", self.address),
            name => write!(f, "{name} <{}>", self.address),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, MAX_ADDRESS, Sender};

    #[test]
    fn single_addresses_are_accepted() {
        for good in [
            "paul@somemail.com",
            "a+b@x.example",
            "o'neil@example.co.uk",
            "jörg@müller.example",
            "x@localhost",
            "$a@b.c",
            "a..b@docomo.example",
            "a.@docomo.example",
            ".a@b.c",
            "...@b.c",
            "a..b@müller.example",
            "!#$%&'*+/=?^_`{|}~-.@b.c",
        ] {
            assert_eq!(Address::parse(good).expect(good).as_str(), good);
        }
        let long = |local: usize| format!("{}@example.com", "a".repeat(local));
        assert!([65, MAX_ADDRESS - 12].iter().all(|local| Address::parse(&long(*local)).is_some()));
        assert_eq!(Address::parse(&long(MAX_ADDRESS - 11)), None);
        let (fits, longer) = (format!("{}@example.com", "é".repeat(32)), format!("{}@example.com", "é".repeat(33)));
        assert!(Address::parse(&fits).is_some() && Address::parse(&longer).is_none());
        assert_eq!(Address::parse(" paul@somemail.com ").expect("trimmed").as_str(), "paul@somemail.com");
    }

    #[test]
    fn a_mailbox_has_many_addresses() {
        let mailbox = |address: &str| Address::parse(address).expect(address).mailbox();
        for (mailbox_of, addresses) in [
            ("paul@example.com", ["PAUL@Example.COM", "paul+1@example.com", "Paul+a+b@example.com"]),
            (
                "j\u{f6}rg@xn--mller-kva.example",
                [
                    "J\u{d6}RG@m\u{fc}ller.example",
                    "jo\u{308}rg+x@XN--MLLER-KVA.example",
                    "J\u{f6}rg@M\u{dc}LLER.example",
                ],
            ),
            ("strasse@example.com", ["stra\u{df}e@example.com", "STRASSE+@example.com", "STRASSE@example.com"]),
            ("@example.com", ["+a@example.com", "+b+c@example.com", "+@EXAMPLE.com"]),
        ] {
            for address in addresses {
                assert_eq!(mailbox(address), mailbox_of, "{address}");
            }
        }
        for (one, other) in
            [("a.b@x.example", "ab@x.example"), ("a-b@x.example", "a@x.example"), ("a@x.example", "a@y.example")]
        {
            assert_ne!(mailbox(one), mailbox(other));
        }
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
            "a@.b.c",
            "a@b.c.",
            "ö..b@c.d",
            ".ö@c.d",
            "ö.@c.d",
            "\"a..b\"@c.d",
            "\"a\"@c.d",
            "a@-b.c",
            "a@b_c.d",
            "a\u{202e}b@c.d",
            "a@b\u{2028}c.d",
            "a%0d%0aBcc:x@y z",
            "a@[127.0.0.1]",
            "a@b.c，d@e.f",
            "a@b.c＜d@e.f＞",
            "a＠b@c.d",
            "a@b。c",
            "a@b․c",
            "a@b\u{ff0e}c",
            "a\u{37e}b@c.d",
            "a\u{180e}b@c.d",
            "a\u{34f}b@c.d",
            "a\u{fe0f}b@c.d",
            "a\u{115f}b@c.d",
            "a\u{1160}b@c.d",
            "a@\u{3164}b.c",
            "a\u{e0061}b@c.d",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_sender_is_one_address_with_or_without_a_name() {
        for (good, name, shown) in [
            ("a@b.c", "", "a@b.c"),
            ("Acme <a@b.c>", "Acme", "Acme <a@b.c>"),
            ("<a@b.c>", "", "a@b.c"),
            ("\"Acme, Inc.\" <a@b.c>", "Acme, Inc.", "\"Acme, Inc.\" <a@b.c>"),
            ("\"Acme\" <a@b.c>", "Acme", "Acme <a@b.c>"),
            ("Größe & Söhne <a@b.c>", "Größe & Söhne", "Größe & Söhne <a@b.c>"),
        ] {
            let sender = Sender::parse(good).expect(good);
            assert_eq!((sender.name.as_str(), sender.address.as_str()), (name, "a@b.c"));
            assert_eq!(sender.to_string(), shown);
        }
        for bad in [
            "",
            "Acme",
            "Acme <>",
            "Acme <a>",
            "Acme, Inc. <a@b.c>",
            "a@b.c <d@e.f>",
            "<x> <a@b.c>",
            "\"A\" \"B\" <a@b.c>",
            "Acme\n <a@b.c>",
            "Acme < a@b.c>",
            "Acme <a@b.c>, d@e.f",
        ] {
            assert_eq!(Sender::parse(bad), None, "{bad:?}");
        }
    }
}
