//! The forms that the values of settings have: how a value is read, and how a form is described to whoever got it wrong.

use std::ops::RangeInclusive;

use crate::base::address::Address;
use crate::base::color::{Color, LEAST_CONTRAST};
use crate::base::limits::RateLimits;
use crate::base::locale::{MAX_LOCALE, normalise};
use crate::base::web_address::{host_in_ascii, is_web_address};

/// The longest value, in bytes.
const LONGEST: usize = 1024;

/// The lifetime of a link, in WSO2's terms: minutes; -1 (any negative) for ever; 0 dead at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// The link never expires.
    Forever,
    /// The link lives this many minutes.
    Minutes(u32),
}

impl Validity {
    /// Returns the time a link issued at `issued_at` (seconds) expires: seconds, 0 for never.
    #[must_use]
    pub fn expires_at(self, issued_at: u64) -> u64 {
        match self {
            Self::Forever => 0,
            Self::Minutes(minutes) => issued_at.saturating_add(u64::from(minutes) * 60).max(1),
        }
    }
}

/// The party that mails the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSender {
    /// Latchkey mails it.
    Internal,
    /// No mail: the code comes back in the answer, and whoever asked hands it on.
    External,
}

impl EmailSender {
    /// The sender of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Internal, Self::External].into_iter().find(|sender| sender.as_str() == name)
    }

    /// Its name as a value of `EMAIL_SENDER`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// The kind of a setting's values, which are stored as text all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Anything.
    Text,
}

impl Kind {
    /// The value in the one spelling that is stored and shown, without spaces around it; `None` if it is of another kind.
    #[must_use]
    pub fn canonical(self, value: &str) -> Option<String> {
        let value = value.trim();
        match self {
            Self::Boolean => Boolean.parse(value).map(|truth| truth.to_string()),
            Self::Integer => value.parse::<i64>().ok().map(|number| number.to_string()),
            Self::Text => Some(value.to_owned()),
        }
    }

    /// What a value of this kind must be: the end of a sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Text => "text",
        }
    }
}

/// A form of values: the column of the table in `settings.rs` that says how a setting is read.
pub trait Form {
    /// What a value is read as: the type of the field of `Settings`.
    type Value;

    /// The kind that values of this form are of.
    const KIND: Kind;

    /// What stands in for a default that is itself malformed. A test proves that none is, so that nobody meets it.
    const FALLBACK: Self::Value;

    /// The value, if it is of this form.
    fn parse(&self, text: &str) -> Option<Self::Value>;

    /// What a value must be: the end of the sentence that reports one of another form.
    fn description(&self) -> String;

    /// What is wrong with a value of another form: all of that sentence but its beginning.
    fn problem(&self, _text: &str) -> String {
        format!("it must be {}", self.description())
    }
}

/// Returns the kind of a form, where a constant needs it.
pub const fn kind_of<F: Form>(_: &F) -> Kind {
    F::KIND
}

/// Any text that may be stored at all, which every setting's value is.
pub struct Text;

impl Form for Text {
    type Value = String;
    const KIND: Kind = Kind::Text;
    const FALLBACK: String = String::new();

    fn parse(&self, text: &str) -> Option<String> {
        (text.len() <= LONGEST && !text.chars().any(char::is_control)).then(|| text.to_owned())
    }

    fn description(&self) -> String {
        "at most 1,024 bytes without control characters".to_owned()
    }
}

/// `true` or `false`, in small letters or capitals.
pub struct Boolean;

impl Form for Boolean {
    type Value = bool;
    const KIND: Kind = Kind::Boolean;
    const FALLBACK: bool = false;

    fn parse(&self, text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn description(&self) -> String {
        Self::KIND.description().to_owned()
    }
}

/// A whole number in this range.
pub struct WholeNumber(pub RangeInclusive<u32>);

impl Form for WholeNumber {
    type Value = u32;
    const KIND: Kind = Kind::Integer;
    const FALLBACK: u32 = 0;

    fn parse(&self, text: &str) -> Option<u32> {
        text.parse().ok().filter(|number| self.0.contains(number))
    }

    fn description(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }
}

/// The lifetime of a link ([`Validity`]).
pub struct LinkValidity;

impl Form for LinkValidity {
    type Value = Validity;
    const KIND: Kind = Kind::Integer;
    const FALLBACK: Validity = Validity::Minutes(0);

    fn parse(&self, text: &str) -> Option<Validity> {
        match text.parse::<i64>().ok()? {
            minutes if minutes < 0 => Some(Validity::Forever),
            minutes => Some(Validity::Minutes(u32::try_from(minutes).unwrap_or(u32::MAX))),
        }
    }

    fn description(&self) -> String {
        "minutes as a whole number, -1 for ever".to_owned()
    }
}

/// The party that mails links ([`EmailSender`]).
pub struct Sender;

impl Form for Sender {
    type Value = EmailSender;
    const KIND: Kind = Kind::Text;
    const FALLBACK: EmailSender = EmailSender::Internal;

    fn parse(&self, text: &str) -> Option<EmailSender> {
        EmailSender::parse(text)
    }

    fn description(&self) -> String {
        format!("{} or {}", EmailSender::Internal.as_str(), EmailSender::External.as_str())
    }
}

/// A locale such as `de` or `pt-BR`, which is read as `pt_BR`.
pub struct Locale;

impl Form for Locale {
    type Value = String;
    const KIND: Kind = Kind::Text;
    const FALLBACK: String = String::new();

    fn parse(&self, text: &str) -> Option<String> {
        normalise(text).filter(|locale| locale.len() <= MAX_LOCALE)
    }

    fn description(&self) -> String {
        "a locale such as en_US or de".to_owned()
    }
}

/// A mail address, or nothing.
pub struct MailAddress;

impl Form for MailAddress {
    type Value = Option<String>;
    const KIND: Kind = Kind::Text;
    const FALLBACK: Option<String> = None;

    fn parse(&self, text: &str) -> Option<Option<String>> {
        parse_optional(text, |text| Address::parse(text).is_some())
    }

    fn description(&self) -> String {
        "an address such as help@example.com".to_owned()
    }
}

/// A web address ([`is_web_address`]), or nothing.
pub struct WebAddress;

impl Form for WebAddress {
    type Value = Option<String>;
    const KIND: Kind = Kind::Text;
    const FALLBACK: Option<String> = None;

    fn parse(&self, text: &str) -> Option<Option<String>> {
        parse_optional(text, is_web_address)
    }

    fn description(&self) -> String {
        "an address such as https://app.example.com/".to_owned()
    }
}

/// A colour that can be read on this one, and be read from with this one on it; or nothing.
pub struct ReadableColor {
    /// The other colour.
    pub back: Color,
    /// What that is called.
    pub name: &'static str,
    /// What a colour that cannot be read should be instead.
    pub advice: &'static str,
}

impl Form for ReadableColor {
    type Value = Option<Color>;
    const KIND: Kind = Kind::Text;
    const FALLBACK: Option<Color> = None;

    fn parse(&self, text: &str) -> Option<Option<Color>> {
        if text.is_empty() {
            return Some(None);
        }
        Color::parse(text).filter(|color| color.contrast(self.back) >= LEAST_CONTRAST).map(Some)
    }

    fn description(&self) -> String {
        "a colour such as #17596a".to_owned()
    }

    fn problem(&self, text: &str) -> String {
        let Some(color) = Color::parse(text) else { return format!("it must be {}", self.description()) };
        // Rounded down: 4.499 is not enough, and is not to be called 4.50.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 100 and 2,100")]
        let hundredths = (color.contrast(self.back) * 100.0) as u32;
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        let Self { name, advice, .. } = self;
        format!("its contrast with {name} is {whole}.{rest:02}:1, and text takes 4.5:1 (WCAG 2.2, AA): choose {advice}")
    }
}

/// Names of hosts, separated by commas or spaces; read as they are in ASCII.
pub struct Hosts;

impl Form for Hosts {
    type Value = Vec<String>;
    const KIND: Kind = Kind::Text;
    const FALLBACK: Vec<String> = Vec::new();

    fn parse(&self, text: &str) -> Option<Vec<String>> {
        let names = text.split([',', ' ']).filter(|name| !name.is_empty());
        names.map(|name| host_in_ascii(name).filter(|host| host.contains('.'))).collect()
    }

    fn description(&self) -> String {
        "names of hosts such as www.example.com, separated by commas".to_owned()
    }
}

/// The IANA name of a time zone. Whether there is such a one, the platform knows.
pub struct TimeZone;

impl Form for TimeZone {
    type Value = String;
    const KIND: Kind = Kind::Text;
    const FALLBACK: String = String::new();

    fn parse(&self, text: &str) -> Option<String> {
        let is_right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-');
        ((1..=64).contains(&text.len()) && text.chars().all(is_right)).then(|| text.to_owned())
    }

    fn description(&self) -> String {
        "the name of a time zone such as Europe/Berlin".to_owned()
    }
}

/// Some days, each later than the one before: whole numbers, separated by commas.
pub struct AscendingDays;

impl AscendingDays {
    /// The most days there are.
    const MOST: usize = 3;
    /// The latest of them.
    const LATEST: u32 = 365;
}

impl Form for AscendingDays {
    type Value = Vec<u32>;
    const KIND: Kind = Kind::Text;
    const FALLBACK: Vec<u32> = Vec::new();

    fn parse(&self, text: &str) -> Option<Vec<u32>> {
        if text.trim().is_empty() {
            return Some(Vec::new());
        }
        let days: Vec<u32> = text.split(',').map(|days| days.trim().parse().ok()).collect::<Option<_>>()?;
        let is_right = days.len() <= Self::MOST
            && days.is_sorted_by(|one, other| one < other)
            && days.iter().all(|days| (1..=Self::LATEST).contains(days));
        is_right.then_some(days)
    }

    fn description(&self) -> String {
        format!("empty, or up to {} rising whole numbers of days from 1 to {}, such as 1,3,5", Self::MOST, Self::LATEST)
    }
}

/// Rate limits ([`RateLimits::parse`]).
pub struct Limits;

impl Form for Limits {
    type Value = RateLimits;
    const KIND: Kind = Kind::Text;
    const FALLBACK: RateLimits = RateLimits::DEFAULT;

    fn parse(&self, text: &str) -> Option<RateLimits> {
        RateLimits::parse(text)
    }

    fn description(&self) -> String {
        RateLimits::FORM.to_owned()
    }
}

/// Reads a value that may be empty, which is `Some(None)`: not set.
fn parse_optional(text: &str, is_right: impl Fn(&str) -> bool) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    is_right(text).then(|| Some(text.to_owned()))
}
