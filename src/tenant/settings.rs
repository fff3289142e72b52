//! The settings a tenant's administrator may override (DESIGN 2.2, `tenant = y`), by the names the variables have.

use crate::invite::token::MAX_LOCALE;
use crate::mail::address::Address;
use crate::pages::locale::{DEFAULT_LOCALE, normalise};

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
    /// No mail: the code comes back in the answer.
    External,
}

/// What holds for a tenant.
#[derive(Clone, Debug)]
pub struct Settings {
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
    /// `DISABLE_RANDOM_VALUE_FOR_CREDENTIALS`: keep the password sent with `askPassword`.
    pub disable_random_value_for_credentials: bool,
    /// `ASK_PASSWORD_ACCOUNT_ACTIVATION`: mail on success.
    pub ask_password_account_activation: bool,
    /// `PASSWORD_MIN_LENGTH`, in characters.
    pub password_min_length: u32,
    /// `ORGANIZATION_NAME`: what mails and pages call the tenant.
    pub organization_name: String,
    /// `DEFAULT_LOCALE`.
    pub default_locale: String,
    /// `MAIL_REPLY_TO`.
    pub mail_reply_to: Option<String>,
}

impl Settings {
    /// Reads the deployment's values; what is malformed is reported in words and left at its default.
    pub(super) fn from_deployment(get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        let mut boolean = |name: &str, default: bool| match get(name).map(|v| v.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                problems.push(format!("{name} is {other:?}: it must be true or false."));
                default
            }
        };
        let enable_email_verification = boolean("ENABLE_EMAIL_VERIFICATION", true);
        let lock_on_creation = boolean("LOCK_ON_CREATION", true);
        let disable_random_value_for_credentials = boolean("DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", false);
        let ask_password_account_activation = boolean("ASK_PASSWORD_ACCOUNT_ACTIVATION", true);

        let mut validity = |name: &str| match get(name) {
            None => Validity::Minutes(1440),
            Some(text) => match text.parse::<i64>() {
                Ok(minutes) if minutes < 0 => Validity::Forever,
                Ok(minutes) => Validity::Minutes(u32::try_from(minutes).unwrap_or(u32::MAX)),
                Err(_) => {
                    problems.push(format!("{name} is {text:?}: minutes as a whole number, -1 for ever."));
                    Validity::Minutes(1440)
                }
            },
        };
        let ask_password_email_validity = validity("ASK_PASSWORD_EMAIL_VALIDITY");
        let verification_email_validity = validity("VERIFICATION_EMAIL_VALIDITY");

        let email_sender = match get("EMAIL_SENDER").as_deref() {
            None | Some("internal") => EmailSender::Internal,
            // Accepted and ignored, it would have Latchkey send mails that nobody expects.
            Some("external") => {
                problems.push("EMAIL_SENDER is external, which this version cannot do yet: set it to internal.".into());
                EmailSender::External
            }
            Some(other) => {
                problems.push(format!("EMAIL_SENDER is {other:?}: it must be internal."));
                EmailSender::Internal
            }
        };
        if let Some(other) = get("PASSWORD_HISTORY").filter(|text| text.parse() != Ok(0_u32)) {
            problems.push(format!(
                "PASSWORD_HISTORY is {other:?}: this version keeps no old passwords to compare with, so it must be 0."
            ));
        }
        let password_min_length = match get("PASSWORD_MIN_LENGTH") {
            None => 8,
            Some(text) => match text.parse() {
                Ok(length) if (1..=128).contains(&length) => length,
                _ => {
                    problems.push(format!("PASSWORD_MIN_LENGTH is {text:?}: a whole number from 1 to 128."));
                    8
                }
            },
        };
        let default_locale = get("DEFAULT_LOCALE").unwrap_or_else(|| DEFAULT_LOCALE.to_owned());
        let default_locale = match normalise(&default_locale).filter(|locale| locale.len() <= MAX_LOCALE) {
            Some(locale) => locale,
            None => {
                problems.push(format!("DEFAULT_LOCALE is {default_locale:?}: a locale such as en_US or de."));
                DEFAULT_LOCALE.to_owned()
            }
        };
        let mail_reply_to = get("MAIL_REPLY_TO");
        if let Some(address) = mail_reply_to.as_deref().filter(|address| Address::parse(address).is_none()) {
            problems.push(format!("MAIL_REPLY_TO is {address:?}: it must be an address such as help@example.com."));
        }
        Self {
            enable_email_verification,
            ask_password_email_validity,
            verification_email_validity,
            lock_on_creation,
            email_sender,
            disable_random_value_for_credentials,
            ask_password_account_activation,
            password_min_length,
            organization_name: get("ORGANIZATION_NAME").unwrap_or_else(|| "Latchkey".to_owned()),
            default_locale,
            mail_reply_to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Validity;

    #[test]
    fn a_validity_of_zero_is_dead_at_once_and_a_negative_one_never_dies() {
        assert_eq!(Validity::Minutes(0).expires_at(100), 100);
        assert_eq!(Validity::Minutes(2).expires_at(100), 220);
        assert_eq!(Validity::Forever.expires_at(100), 0);
    }
}
