//! The settings a tenant's administrator may override (DESIGN 2.2, `tenant = y`), by the names the variables have.
//!
//! All that is to be said of a setting stands once, in its row of the table below. To add one, add a row. It reads
//!
//! ```text
//! /// What the setting does, beyond its name.
//! NAME = "default text", Form => field: Type;
//! ```
//!
//! and is at once: a field of [`Settings`] with that documentation, an entry of [`SETTINGS`], the constant `NAME` for code
//! that means the setting and not its value, and what [`Settings::parse`] makes of a value. An empty default stands for
//! "not set". The form says which values are taken, and what is said about others; the forms stand in `settings/form.rs`, and
//! each decides the type of the field. `CONTRIBUTING.md` says what else belongs to a new setting.

mod form;

use std::collections::BTreeMap;

use crate::base::color::Color;
use crate::base::limits::RateLimits;
use crate::base::locale;
use crate::base::ordered;
use crate::model::logo::Logo;
use crate::model::settings::form::{
    AscendingDays, Boolean, Form, Hosts, Limits, LinkValidity, Locale, MailAddress, ReadableColor, Sender, Text,
    TimeZone, WebAddress, WholeNumber, kind_of,
};

pub use crate::model::settings::form::{EmailSender, Kind, Validity};

/// The most that `PASSWORD_HISTORY` may be. Each of the last passwords costs a whole Argon2id to compare with, 45 ms in
/// which the isolate does nothing else: six of them, the new one's hash included, are what one request may take.
const MAX_PASSWORD_HISTORY: u32 = 5;

/// The longest that a console session may last, in seconds: 30 days.
const MOST_SESSION_SECONDS: u32 = 2_592_000;

/// The row of a tenant's values that names its logo. It is no setting: uploading a logo writes it.
pub const LOGO: &str = "logo";

/// What a colour is read on where the page is light.
const ON_LIGHT: ReadableColor = ReadableColor { back: Color::WHITE, name: "white", advice: "a darker one" };

/// What a colour is read on where the page is dark.
const ON_DARK: ReadableColor =
    ReadableColor { back: DARK_BACK, name: "the dark page (#1a2125)", advice: "a lighter one" };

/// The dark page.
pub const DARK_BACK: Color = Color::of(0x001a_2125);

/// A setting, as its row declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, which is the variable's.
    pub name: &'static str,
    /// The text that holds where nothing is set; empty: not set.
    pub default: &'static str,
    /// The kind of its values.
    pub kind: Kind,
}

/// The values of settings by name, as text.
pub type Values = BTreeMap<&'static str, String>;

/// Makes of the rows: a constant for each, [`SETTINGS`], the struct [`Settings`] and `Settings::read`.
macro_rules! settings {
    ($( $(#[$doc:meta])* $NAME:ident = $default:expr, $form:expr => $field:ident: $Type:ty; )*) => {
        $(
            #[doc = concat!("The setting `", stringify!($NAME), "`.")]
            pub const $NAME: Setting =
                Setting { name: stringify!($NAME), default: $default, kind: kind_of(&$form) };
        )*

        /// The settings a tenant may override, in the order of their rows.
        pub const SETTINGS: &[Setting] = &[$($NAME),*];

        /// The settings in force for a tenant.
        #[derive(Clone, Debug)]
        pub struct Settings {
            /// All of [`SETTINGS`] as text, defaults included.
            pub values: Values,
            /// The logo.
            pub logo: Option<Logo>,
            $(
                #[doc = concat!("`", stringify!($NAME), "`.")]
                $(#[$doc])*
                pub $field: $Type,
            )*
        }

        impl Settings {
            /// Reads each field's value by its row's form.
            fn read(reader: &mut Reader) -> Self {
                Self {
                    $( $field: reader.read($NAME, &$form), )*
                    logo: None,
                    values: std::mem::take(&mut reader.values),
                }
            }
        }
    };
}

settings! {
    /// The switch of both flows.
    ENABLE_EMAIL_VERIFICATION = "true", Boolean => enable_email_verification: bool;
    /// The lifetime of an askPassword link.
    ASK_PASSWORD_EMAIL_VALIDITY = "1440", LinkValidity => ask_password_email_validity: Validity;
    /// The lifetime of a link to confirm an address.
    VERIFICATION_EMAIL_VALIDITY = "1440", LinkValidity => verification_email_validity: Validity;
    /// Days after the last mail that a caller asked for, at which whoever has not accepted is mailed again.
    REMINDER_DAYS = "", AscendingDays => reminder_days: Vec<u32>;
    /// Invited accounts are locked until redeemed.
    LOCK_ON_CREATION = "true", Boolean => lock_on_creation: bool;
    /// The party that mails the links.
    EMAIL_SENDER = "internal", Sender => email_sender: EmailSender;
    /// A new address takes the place of a confirmed one when it is confirmed itself.
    EMAIL_UPDATE_VERIFICATION = "true", Boolean => email_update_verification: bool;
    /// Keep the password sent with `askPassword`.
    DISABLE_RANDOM_VALUE_FOR_CREDENTIALS = "false", Boolean => disable_random_value_for_credentials: bool;
    /// Mail on success.
    ASK_PASSWORD_ACCOUNT_ACTIVATION = "true", Boolean => ask_password_account_activation: bool;
    /// Whoever has forgotten their password is mailed a link to set a new one.
    PASSWORD_RECOVERY = "true", Boolean => password_recovery: bool;
    /// The lifetime of a link to reset a password.
    RECOVERY_EMAIL_VALIDITY = "60", LinkValidity => recovery_email_validity: Validity;
    /// Mail to whoever has reset a password.
    RECOVERY_NOTIFY_SUCCESS = "false", Boolean => recovery_notify_success: bool;
    /// Mail to whoever asks for such a link while their account is locked.
    RECOVERY_NOTIFY_FAILURE = "false", Boolean => recovery_notify_failure: bool;
    /// In characters.
    PASSWORD_MIN_LENGTH = "8", WholeNumber(1..=128) => password_min_length: u32;
    /// The number of last passwords, the one in force among them, that are refused.
    PASSWORD_HISTORY = "0", WholeNumber(0..=MAX_PASSWORD_HISTORY) => password_history: u32;
    /// The tenant's name in mails and pages.
    ORGANIZATION_NAME = "Latchkey", Text => organization_name: String;
    /// The colour of buttons and links, in mails and on pages.
    BRAND_COLOR = "", ON_LIGHT => brand_color: Option<Color>;
    /// The same on dark pages; empty: made of `BRAND_COLOR`.
    BRAND_COLOR_DARK = "", ON_DARK => brand_color_dark: Option<Color>;
    /// The address that pages and mails name for help; empty: `MAIL_REPLY_TO`.
    SUPPORT_ADDRESS = "", MailAddress => support_address: Option<String>;
    /// The language of mails and pages for those who have not said theirs.
    DEFAULT_LOCALE = locale::DEFAULT_LOCALE, Locale => default_locale: String;
    /// The time zone in which times are typed on the console.
    TIME_ZONE = "UTC", TimeZone => time_zone: String;
    /// The Reply-To address of mails.
    MAIL_REPLY_TO = "", MailAddress => mail_reply_to: Option<String>;
    /// The address the pages send users to once they have a password.
    SIGN_IN_URL = "", WebAddress => sign_in_url: Option<String>;
    /// The hosts that links in the tenant's own templates may lead to, besides its own addresses.
    TEMPLATE_LINK_HOSTS = "", Hosts => template_link_hosts: Vec<String>;
    /// Older rows of the audit are removed, by the sweep; 0 keeps all. Not fewer than `AUDIT_RETENTION_MIN_DAYS`.
    AUDIT_RETENTION_DAYS = "0", WholeNumber(0..=36_500) => audit_retention_days: u32;
    /// Older mails are taken out of the outbox once they have ended; never before `MAIL_GIVE_UP_HOURS`.
    MAIL_RETENTION_DAYS = "30", WholeNumber(1..=36_500) => mail_retention_days: u32;
    /// A console session that is not used for so long is over.
    SESSION_IDLE_SECONDS = "1800", WholeNumber(1..=MOST_SESSION_SECONDS) => session_idle_seconds: u32;
    /// So long after signing in a console session is over in any case.
    SESSION_MAX_SECONDS = "43200", WholeNumber(1..=MOST_SESSION_SECONDS) => session_max_seconds: u32;
    /// A development machine has another default: off.
    RATE_LIMITS = "requests=on, mail-per-address=20/day, resends=10/day", Limits => rate_limits: RateLimits;
}

/// The name in [`SETTINGS`] that is spelled like `name`, whatever its case.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|setting| setting.name).find(|known| known.eq_ignore_ascii_case(name))
}

/// The same of a stored row, which may be that of the logo.
#[must_use]
pub fn stored(name: &str) -> Option<&'static str> {
    if name == LOGO { Some(LOGO) } else { known(name) }
}

impl Settings {
    /// Makes settings of the values that are set; what is malformed is reported in words and left at its default.
    ///
    /// What cannot be stored at all is reported first, then text, then truths and numbers, each in the order of the rows.
    #[must_use]
    pub fn parse(set: &Values, problems: &mut Vec<String>) -> Self {
        let value_of = |setting: &Setting| set.get(setting.name).map_or(setting.default, String::as_str).to_owned();
        let values = ordered::map(SETTINGS.iter().map(|setting| (setting.name, value_of(setting))));
        let mut reader = Reader { values, problems: Vec::new() };
        for setting in SETTINGS {
            reader.read(*setting, &Text);
        }
        problems.extend(reader.problems.drain(..).map(|(_, problem)| problem));
        let mut settings = Self::read(&mut reader);
        settings.logo = set.get(LOGO).and_then(|version| Logo::parse(version));
        let is_later = |(kind, _): &(Kind, String)| *kind != Kind::Text;
        ordered::sort_by(&mut reader.problems, |one, other| is_later(one).cmp(&is_later(other)));
        problems.extend(reader.problems.into_iter().map(|(_, problem)| problem));
        settings
    }
}

impl Settings {
    /// The address to write to for help.
    #[must_use]
    pub fn support(&self) -> Option<&str> {
        self.support_address.as_deref().or(self.mail_reply_to.as_deref())
    }

    /// Holds `AUDIT_RETENTION_DAYS` to the least that the deployment allows: fewer days are reported, and become that.
    pub fn keep_audit_for(&mut self, least: u32, problems: &mut Vec<String>) {
        let days = self.audit_retention_days;
        if (1..least).contains(&days) {
            problems.push(format!(
                "{} is {days}: it must be 0, which keeps all, or at least {least}, as the deployment says \
                 (AUDIT_RETENTION_MIN_DAYS).",
                AUDIT_RETENTION_DAYS.name
            ));
            self.audit_retention_days = least;
            self.values.insert(AUDIT_RETENTION_DAYS.name, least.to_string());
        }
    }

    /// Holds `MAIL_RETENTION_DAYS` to the time for which mails are tried: fewer days are reported, and become that.
    pub fn keep_mail_for(&mut self, give_up_hours: u32, problems: &mut Vec<String>) {
        let (days, least) = (self.mail_retention_days, give_up_hours.div_ceil(24));
        if days < least {
            problems.push(format!(
                "{} is {days}: it must be at least {least}, since mails are tried for {give_up_hours} hours \
                 (MAIL_GIVE_UP_HOURS).",
                MAIL_RETENTION_DAYS.name
            ));
            self.mail_retention_days = least;
            self.values.insert(MAIL_RETENTION_DAYS.name, least.to_string());
        }
    }
}

/// Values that are being read, and what is wrong with them.
struct Reader {
    values: Values,
    problems: Vec<(Kind, String)>,
}

impl Reader {
    /// Reads a value. One that is not of this form is reported and becomes the default, which always is.
    fn read<F: Form>(&mut self, setting: Setting, form: &F) -> F::Value {
        let Setting { name, default, kind } = setting;
        let value = self.values.get(name).map(String::as_str).unwrap_or_default();
        if let Some(parsed) = form.parse(value) {
            return parsed;
        }
        let shown = crate::base::text::cut(value, 64);
        self.problems.push((kind, format!("{name} is {shown:?}: {}.", form.problem(value))));
        self.values.insert(name, default.to_owned());
        form.parse(default).unwrap_or(F::FALLBACK)
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
    fn problems_are_reported_in_one_order() {
        let set = Values::from([
            ("SESSION_MAX_SECONDS", "a\nb".to_owned()),
            ("LOCK_ON_CREATION", "yes".to_owned()),
            ("PASSWORD_HISTORY", "6".to_owned()),
            ("EMAIL_SENDER", "nobody".to_owned()),
            ("RATE_LIMITS", "some".to_owned()),
        ]);
        let mut problems = Vec::new();
        let settings = Settings::parse(&set, &mut problems);
        let names: Vec<&str> = problems.iter().filter_map(|problem| problem.split(' ').next()).collect();
        assert_eq!(
            names,
            ["SESSION_MAX_SECONDS", "EMAIL_SENDER", "RATE_LIMITS", "LOCK_ON_CREATION", "PASSWORD_HISTORY"]
        );
        assert_eq!(problems[4], "PASSWORD_HISTORY is \"6\": it must be a whole number from 0 to 5.");
        assert_eq!(settings.values["SESSION_MAX_SECONDS"], "43200", "what is malformed is left at its default");
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
