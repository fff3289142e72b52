//! What can be wrong with a template, in words for whoever edits it.

use std::fmt;

/// The most bytes of a template's body, footer and text part together.
pub const MAX_TEMPLATE: usize = 64 * 1024;
/// The most bytes of its subject line.
pub const MAX_SUBJECT: usize = 1024;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// subject line
    Subject,
    /// HTML part
    Html,
    /// text part
    Text,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Html => "body",
            Self::Text => "text part",
        })
    }
}

/// Something wrong with a template. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A part that must not be empty is.
    Empty(Part),
    /// The subject is longer than one may be.
    LongSubject,
    /// Body, footer and text part are together longer than a template may be.
    TooLong,
    /// The mail would have no link; one of these placeholders is needed.
    NoLink(Part, &'static [&'static str]),
    /// This address, or what reads as one, would carry the value of this placeholder, by which its reader can redeem.
    Leak(Part, String, String),
    /// A link leads to this address, where templates lead nobody.
    Foreign(Part, String),
    /// A mail program would load this address, which is not `https` or holds a value.
    Loads(Part, String),
    /// An element or attribute that no template has.
    Forbidden(Part, String),
    /// A value stands where mail programs may disagree about what it is.
    Ambiguous(Part, String),
    /// Nobody knows this placeholder; it would stay in the mail as written.
    Unknown(Part, String),
    /// A value is not put into such a place (inside a script, among attribute names; a link, into what is loaded); it will be
    /// left out.
    NotThere(Part, String),
    /// No user can have this claim; nothing will stand there.
    NoClaim(Part, String),
    /// This claim is known, and no mail carries it; nothing will stand there.
    NotCarried(Part, String),
}

impl Problem {
    /// The part that it is about; `None` where it is about the whole.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        match self {
            Self::LongSubject => Some(Part::Subject),
            Self::TooLong => None,
            Self::Empty(part)
            | Self::NoLink(part, _)
            | Self::Leak(part, ..)
            | Self::Foreign(part, _)
            | Self::Loads(part, _)
            | Self::Forbidden(part, _)
            | Self::Ambiguous(part, _)
            | Self::Unknown(part, _)
            | Self::NotThere(part, _)
            | Self::NoClaim(part, _)
            | Self::NotCarried(part, _) => Some(*part),
        }
    }

    /// Whether the template must not be stored. The others are warnings.
    #[must_use]
    pub fn refuses(&self) -> bool {
        matches!(self, Self::Empty(_) | Self::LongSubject | Self::TooLong | Self::NoLink(..)) || self.is_unsafe()
    }

    /// Whether a mail must not be written by the template, even though it is stored.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        matches!(self, Self::Leak(..) | Self::Foreign(..) | Self::Loads(..) | Self::Forbidden(..) | Self::Ambiguous(..))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(part) => write!(f, "The {part} is empty."),
            Self::LongSubject => write!(f, "The subject is longer than {MAX_SUBJECT} bytes."),
            Self::TooLong => {
                write!(f, "Body, footer and text part are together longer than {MAX_TEMPLATE} bytes.")
            }
            Self::NoLink(part, names) => {
                write!(f, "The {part} has no link: it needs {{{{{}}}}}.", names.join("}} or {{"))
            }
            Self::Leak(part, name, address) => write!(
                f,
                "The {part} puts {{{{{name}}}}} into the address {address}, whose reader could redeem it. In an address a link \
                 stands at the start, and the code behind {{{{account.recovery.endpoint-url}}}}, \
                 {{{{product-url-with-user-tenant}}}} or {{{{carbon.product-url}}}}; as text, keep a space between it and what \
                 could be read as an address."
            ),
            Self::Foreign(part, address) => write!(
                f,
                "The {part} leads to {address}. Links lead to placeholders of addresses, to mailto: with the support address, to \
                 PUBLIC_ORIGIN, SIGN_IN_URL, the hosts of TEMPLATE_LINK_HOSTS, or are relative without placeholders."
            ),
            Self::Loads(part, address) => write!(
                f,
                "The {part} loads {address}. Pictures, styles and fonts come from https addresses without placeholders, but for \
                 those of the branding ({{{{organization...}}}})."
            ),
            Self::Forbidden(part, what) => write!(f, "The {part} has {what}, which no template may have."),
            Self::Ambiguous(part, name) => write!(
                f,
                "The {part} uses {{{{{name}}}}} where mail programs may read the HTML differently: close tags, quotation marks \
                 and comments before it."
            ),
            Self::Unknown(part, name) => {
                write!(f, "The {part} names {{{{{name}}}}}, which has no value and will be left as it is.")
            }
            Self::NoClaim(part, claim) => {
                write!(
                    f,
                    "The {part} names {{{{user.claim.{claim}}}}}, which is no attribute of a user: nothing will stand there."
                )
            }
            Self::NotCarried(part, claim) => {
                write!(
                    f,
                    "The {part} names {{{{user.claim.{claim}}}}}, which a mail does not carry: nothing will stand there."
                )
            }
            Self::NotThere(part, name) => {
                write!(f, "The {part} uses {{{{{name}}}}} where no value may stand, and it will be left out.")
            }
        }
    }
}
