//! A tenant's own mail templates, as they are stored.

/// The media type of a template's body and footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// HTML.
    Html,
    /// Plain text.
    Text,
}

impl ContentType {
    /// The type that a media type names, whatever its parameters: `text/html` or `text/plain`.
    #[must_use]
    pub fn parse(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        [Self::Html, Self::Text].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(essence))
    }

    /// The media type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Text => "text/plain",
        }
    }
}

/// A tenant's own template, in the form of WSO2's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantTemplate {
    /// The media type of `body` and `footer`.
    pub content_type: ContentType,
    /// The subject line.
    pub subject: String,
    /// The mail.
    pub body: String,
    /// What follows it; WSO2 keeps it apart.
    pub footer: String,
    /// The text part; empty (WSO2 knows none) when it is made from the body.
    pub text: String,
}

impl TenantTemplate {
    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.subject.len() + self.body.len() + self.footer.len() + self.text.len()
    }
}

/// The version of one of a tenant's templates of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// Its locale.
    pub locale: String,
    /// Its number, 1 or more.
    pub version: u32,
}
