//! The settings a tenant's administrator may override (DESIGN 2.2, `tenant = y`), by the names the variables have.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::base::address::Address;
use crate::base::limits::RateLimits;
use crate::base::locale::{DEFAULT_LOCALE, MAX_LOCALE, normalise};
use crate::base::web_address::is_web_address;

/// How long a link lives, in WSO2's terms: minutes; -1 (any negative) for ever; 0 dead at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// The link never expires.
    Forever,
    /// The link lives this many minutes.
    Minutes(u32),
}

impl Validity {
    /// When a link issued at `issued_at` (seconds) expires: seconds, 0 for never.
    #[must_use]
    pub fn expires_at(self, issued_at: u64) -> u64 {
        match self {
            Self::Forever => 0,
            Self::Minutes(minutes) => issued_at.saturating_add(u64::from(minutes) * 60).max(1),
        }
    }
}

/// Who mails the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSender {
    /// Latchkey mails it.
    Internal,
    /// No mail: the code comes back in the answer, and whoever asked hands it on.
    External,
}

/// The settings a tenant may override, with their defaults. An empty default: not set.
pub const SETTINGS: &[(&str, &str)] = &[
    ("ENABLE_EMAIL_VERIFICATION", "true"),
    ("ASK_PASSWORD_EMAIL_VALIDITY", "1440"),
    ("VERIFICATION_EMAIL_VALIDITY", "1440"),
    ("LOCK_ON_CREATION", "true"),
    ("EMAIL_SENDER", "internal"),
    ("EMAIL_UPDATE_VERIFICATION", "true"),
    ("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "false"),
    ("ASK_PASSWORD_ACCOUNT_ACTIVATION", "true"),
    ("PASSWORD_MIN_LENGTH", "8"),
    ("PASSWORD_HISTORY", "0"),
    ("ORGANIZATION_NAME", "Latchkey"),
    ("DEFAULT_LOCALE", DEFAULT_LOCALE),
    ("MAIL_REPLY_TO", ""),
    ("SIGN_IN_URL", ""),
    (AUDIT_RETENTION_DAYS, "0"),
    ("SESSION_IDLE_SECONDS", "1800"),
    ("SESSION_MAX_SECONDS", "43200"),
    (RATE_LIMITS, "requests=on, mail-per-address=20/day, resends=10/day"),
];

/// The setting that the sweep reads for each tenant.
pub const AUDIT_RETENTION_DAYS: &str = "AUDIT_RETENTION_DAYS";

/// The setting that a development machine has another default for.
pub const RATE_LIMITS: &str = "RATE_LIMITS";

/// The name in [`SETTINGS`] that is spelled like `name`, whatever its case.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(name))
}

/// The values of settings by name, as text.
pub type Values = BTreeMap<&'static str, String>;

/// The most that `PASSWORD_HISTORY` may be. Each of the last passwords costs a whole Argon2id to compare with, 45 ms in
/// which the isolate does nothing else: six of them, the new one's hash included, are what one request may take.
const MAX_PASSWORD_HISTORY: u32 = 5;

/// The longest that a console session may last, in seconds: 30 days.
const MOST_SESSION_SECONDS: u32 = 2_592_000;

/// The longest value, in bytes.
const LONGEST: usize = 1024;

/// What holds for a tenant.
#[derive(Clone, Debug)]
pub struct Settings {
    /// All of [`SETTINGS`] as text, defaults included.
    pub values: Values,
    /// `ENABLE_EMAIL_VERIFICATION`: the switch of both flows.
    pub enable_email_verification: bool,
    /// `ASK_PASSWORD_EMAIL_VALIDITY`.
    pub ask_password_email_validity: Validity,
    /// `VERIFICATION_EMAIL_VALIDITY`.
    pub verification_email_validity: Validity,
    /// `LOCK_ON_CREATION`: invited accounts are locked until redeemed.
    pub lock_on_creation: bool,
    /// `EMAIL_SENDER`.
    pub email_sender: EmailSender,
    /// `EMAIL_UPDATE_VERIFICATION`: a new address takes the place of a confirmed one when it is confirmed itself.
    pub email_update_verification: bool,
    /// `DISABLE_RANDOM_VALUE_FOR_CREDENTIALS`: keep the password sent with `askPassword`.
    pub disable_random_value_for_credentials: bool,
    /// `ASK_PASSWORD_ACCOUNT_ACTIVATION`: mail on success.
    pub ask_password_account_activation: bool,
    /// `PASSWORD_MIN_LENGTH`, in characters.
    pub password_min_length: u32,
    /// `PASSWORD_HISTORY`: how many of the last passwords, the one in force among them, are refused.
    pub password_history: u32,
    /// `ORGANIZATION_NAME`: what mails and pages call the tenant.
    pub organization_name: String,
    /// `DEFAULT_LOCALE`.
    pub default_locale: String,
    /// `MAIL_REPLY_TO`.
    pub mail_reply_to: Option<String>,
    /// `SIGN_IN_URL`: where the pages send whoever has a password now.
    pub sign_in_url: Option<String>,
    /// `AUDIT_RETENTION_DAYS`: older rows of the audit are removed; 0 keeps all.
    pub audit_retention_days: u32,
    /// `SESSION_IDLE_SECONDS`: a console session that is not used for so long is over.
    pub session_idle_seconds: u32,
    /// `SESSION_MAX_SECONDS`: so long after signing in it is over in any case.
    pub session_max_seconds: u32,
    /// `RATE_LIMITS`.
    pub rate_limits: RateLimits,
}

impl Settings {
    /// Makes settings of the values that are set; what is malformed is reported in words and left at its default.
    #[must_use]
    pub fn parse(set: &Values, problems: &mut Vec<String>) -> Self {
        let values: Values = SETTINGS
            .iter()
            .map(|(name, default)| (*name, set.get(name).map_or_else(|| (*default).to_owned(), Clone::clone)))
            .collect();
        let mut read = Reader { values, problems };
        for name in SETTINGS.iter().map(|(name, _)| *name) {
            read.check(name, "at most 1,024 bytes without control characters", |value| {
                (value.len() <= LONGEST && !value.chars().any(char::is_control)).then_some(())
            });
        }
        let truth = |value: &str| match value.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        let boolean = |read: &mut Reader<'_>, name| read.check(name, "true or false", truth).unwrap_or_default();
        let number = |read: &mut Reader<'_>, name, range: RangeInclusive<u32>| {
            let form = format!("a whole number from {} to {}", range.start(), range.end());
            read.check(name, &form, |value| value.parse().ok().filter(|number| range.contains(number)))
                .unwrap_or_default()
        };
        let validity = |read: &mut Reader<'_>, name| {
            read.check(name, "minutes as a whole number, -1 for ever", |value| match value.parse::<i64>().ok()? {
                minutes if minutes < 0 => Some(Validity::Forever),
                minutes => Some(Validity::Minutes(u32::try_from(minutes).unwrap_or(u32::MAX))),
            })
            .unwrap_or(Validity::Minutes(0))
        };
        let sender = read.check("EMAIL_SENDER", "internal or external", |value| match value {
            "internal" => Some(EmailSender::Internal),
            "external" => Some(EmailSender::External),
            _ => None,
        });
        let locale = read.check("DEFAULT_LOCALE", "a locale such as en_US or de", |value| {
            normalise(value).filter(|locale| locale.len() <= MAX_LOCALE)
        });
        let reply_to = read.check("MAIL_REPLY_TO", "an address such as help@example.com", |value| {
            (value.is_empty() || Address::parse(value).is_some()).then(|| value.to_owned())
        });
        let sign_in_url = read.check("SIGN_IN_URL", "an address such as https://app.example.com/", |value| {
            (value.is_empty() || is_web_address(value)).then(|| value.to_owned())
        });
        let rate_limits = read.check(RATE_LIMITS, RateLimits::FORM, RateLimits::parse);
        Self {
            enable_email_verification: boolean(&mut read, "ENABLE_EMAIL_VERIFICATION"),
            ask_password_email_validity: validity(&mut read, "ASK_PASSWORD_EMAIL_VALIDITY"),
            verification_email_validity: validity(&mut read, "VERIFICATION_EMAIL_VALIDITY"),
            lock_on_creation: boolean(&mut read, "LOCK_ON_CREATION"),
            email_sender: sender.unwrap_or(EmailSender::Internal),
            email_update_verification: boolean(&mut read, "EMAIL_UPDATE_VERIFICATION"),
            disable_random_value_for_credentials: boolean(&mut read, "DISABLE_RANDOM_VALUE_FOR_CREDENTIALS"),
            ask_password_account_activation: boolean(&mut read, "ASK_PASSWORD_ACCOUNT_ACTIVATION"),
            password_min_length: number(&mut read, "PASSWORD_MIN_LENGTH", 1..=128),
            password_history: number(&mut read, "PASSWORD_HISTORY", 0..=MAX_PASSWORD_HISTORY),
            organization_name: read.values["ORGANIZATION_NAME"].clone(),
            default_locale: locale.unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
            mail_reply_to: reply_to.filter(|address| !address.is_empty()),
            sign_in_url: sign_in_url.filter(|address| !address.is_empty()),
            audit_retention_days: number(&mut read, AUDIT_RETENTION_DAYS, 0..=36_500),
            session_idle_seconds: number(&mut read, "SESSION_IDLE_SECONDS", 1..=MOST_SESSION_SECONDS),
            session_max_seconds: number(&mut read, "SESSION_MAX_SECONDS", 1..=MOST_SESSION_SECONDS),
            rate_limits: rate_limits.unwrap_or(RateLimits::DEFAULT),
            values: read.values,
        }
    }
}

struct Reader<'p> {
    values: Values,
    problems: &'p mut Vec<String>,
}

impl Reader<'_> {
    /// Reads a value. One that is not of this form is reported and becomes the default, which always is.
    fn check<T>(&mut self, name: &'static str, form: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.values.get(name).map(String::as_str).unwrap_or_default();
        if let Some(parsed) = parse(value) {
            return Some(parsed);
        }
        let shown = crate::base::text::cut(value, 64);
        self.problems.push(format!("{name} is {shown:?}: it must be {form}."));
        let default = SETTINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default);
        self.values.insert(name, default.to_owned());
        parse(default)
    }
}

#[cfg(test)]
mod tests {
    use super::{RateLimits, SETTINGS, Settings, Validity, Values};

    #[test]
    fn every_default_is_well_formed() {
        let mut problems = Vec::new();
        let settings = Settings::parse(&Values::new(), &mut problems);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.values.len(), SETTINGS.len());
        assert_eq!(settings.ask_password_email_validity, Validity::Minutes(1440));
        assert_eq!(settings.rate_limits, RateLimits::DEFAULT, "what a list leaves out is what the default says");
    }

    #[test]
    fn people_are_sent_to_no_odd_address_to_sign_in() {
        let with = |value: &str| {
            let mut problems = Vec::new();
            let settings = Settings::parse(&Values::from([("SIGN_IN_URL", value.to_owned())]), &mut problems);
            (settings.sign_in_url, problems.len())
        };
        for good in
            ["https://app.example.com", "https://app.example.com:8443/sign-in?from=latchkey", "http://localhost:3000/"]
        {
            assert_eq!(with(good), (Some(good.to_owned()), 0));
        }
        for bad in [
            "app.example.com",
            "/console",
            "//evil.example",
            "javascript:alert(1)",
            "http://app.example.com",
            "https://",
            "https:evil.example",
            "https://a@evil.example",
            "https://a b",
            "data:text/html,x",
            "https://a\\b",
        ] {
            assert_eq!(with(bad), (None, 1), "{bad}");
        }
        assert_eq!(with(""), (None, 0));
    }

    #[test]
    fn a_validity_of_zero_is_dead_at_once_and_a_negative_one_never_dies() {
        assert_eq!(Validity::Minutes(0).expires_at(100), 100);
        assert_eq!(Validity::Minutes(2).expires_at(100), 220);
        assert_eq!(Validity::Forever.expires_at(100), 0);
    }
}
