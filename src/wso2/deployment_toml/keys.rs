//! What the keys of a `deployment.toml` mean here.

use crate::model::settings::{self, Setting};

/// The meaning of a key.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Its value is that of these connector properties (`wso2/connectors.rs`).
    Properties(&'static [&'static str]),
    /// The same, where no key of their own sets them.
    DefaultOf(&'static [&'static str]),
    /// `internal` or `external`: the default of who sends the mails.
    Sender,
    /// A setting that no connector has.
    Setting(Setting),
    /// The sender's address, a variable of the deployment.
    MailFrom,
    /// The sender's name, a part of the same variable.
    SenderName,
    /// It has no meaning here: why, in a sentence.
    No(&'static str),
    /// Nobody knows it.
    Unknown,
}

const ASK_PASSWORD_VALIDITY: &str = "EmailVerification.AskPassword.ExpiryTime";
const VERIFICATION_VALIDITY: &str = "EmailVerification.ExpiryTime";
const NO_OTP: &str = "Latchkey sends links, and no one-time passwords.";

/// The keys that are known by their full name.
const KEYS: &[(&str, Meaning)] = &[
    ("identity_mgt.email_sender", Meaning::Sender),
    ("identity_mgt.default_mail_validity_period", Meaning::DefaultOf(&[ASK_PASSWORD_VALIDITY, VERIFICATION_VALIDITY])),
    ("identity_mgt.user_onboarding.enable_email_verification", Meaning::Properties(&["EmailVerification.Enable"])),
    ("identity_mgt.user_onboarding.lock_on_creation", Meaning::Properties(&["EmailVerification.LockOnCreation"])),
    (
        "identity_mgt.user_onboarding.notification.manage_internally",
        Meaning::Properties(&["EmailVerification.Notification.InternallyManage"]),
    ),
    ("identity_mgt.user_onboarding.ask_password_email_validity", Meaning::Properties(&[ASK_PASSWORD_VALIDITY])),
    ("identity_mgt.user_onboarding.verification_email_validity", Meaning::Properties(&[VERIFICATION_VALIDITY])),
    // What WSO2 gives verifyEmail links, whatever the key above says.
    ("identity_mgt.user_self_registration.verification_email_validity", Meaning::DefaultOf(&[VERIFICATION_VALIDITY])),
    (
        "identity_mgt.user_onboarding.ask_password_account_activation",
        Meaning::Properties(&["EmailVerification.AskPassword.AccountActivation"]),
    ),
    (
        "identity_mgt.user_onboarding.disable_random_value_for_credentials",
        Meaning::Properties(&["EmailVerification.AskPassword.DisableRandomValueForCredentials"]),
    ),
    (
        "identity_mgt.user_onboarding.password_generator",
        Meaning::No("No password is generated: an invited account has none until the link is used."),
    ),
    (
        "identity_mgt.user_onboarding.ask_password_from_user",
        Meaning::No("It shows a field in WSO2's console; here every client may always invite."),
    ),
    (
        "identity_mgt.user_onboarding.ask_password_confirmation_code_tolerance_period",
        Meaning::No("Sending again always makes a new link, and the older ones die."),
    ),
    (
        "identity_mgt.user_onboarding.disable_notify_unlock_state",
        Meaning::No("There is no mail about unlocking: whoever has set the password gets one mail, or none."),
    ),
    ("output_adapter.email.from_address", Meaning::MailFrom),
    ("output_adapter.email.signature", Meaning::SenderName),
    ("output_adapter.email.reply_to", Meaning::Setting(settings::MAIL_REPLY_TO)),
    (
        "identity_mgt.user_claim_update.email.enable_verification",
        Meaning::Properties(&["UserClaimUpdate.Email.EnableVerification"]),
    ),
    (
        "identity_mgt.user_claim_update.email.verification_email_validity",
        Meaning::DefaultOf(&["UserClaimUpdate.Email.VerificationCode.ExpiryTime"]),
    ),
    (
        "identity_mgt.user_claim_update.email.enable_notification",
        Meaning::No("A notice to the old address goes out with every mail that asks to confirm a new one."),
    ),
    ("identity_mgt.password_policy.min_length", Meaning::Setting(settings::PASSWORD_MIN_LENGTH)),
    ("identity_mgt.notification.default_locale", Meaning::Setting(settings::DEFAULT_LOCALE)),
    ("server.hostname", Meaning::No("Set PUBLIC_ORIGIN to the address that links are to start with.")),
    ("server.base_path", Meaning::No("Set PUBLIC_ORIGIN to the address that links are to start with.")),
];

/// The tables all of whose other keys have one answer; the first that fits counts.
const TABLES: &[(&str, &str)] = &[
    (
        "event.default_listener",
        "Latchkey has no event listeners to switch or to order: the invitation flow is always in place.",
    ),
    ("event_listener", "Latchkey has no event listeners."),
    ("event_handler", "Latchkey has no event handlers."),
    ("identity_mgt.user_onboarding.otp", NO_OTP),
    ("identity_mgt.user_self_registration", "Latchkey has no self-registration: people are invited."),
    ("identity_mgt.recovery", "Latchkey has no recovery of forgotten passwords or names."),
    ("identity_mgt.password_reset_email", "Latchkey has no recovery of forgotten passwords."),
    ("identity_mgt.user_claim_update.email.otp", NO_OTP),
    ("identity_mgt.user_claim_update.mobile", "Latchkey sends mails, and nothing to mobile numbers."),
    (
        "identity_mgt.user_claim_update.uniqueness",
        "An attribute of a schema of one's own is unique where the schema says so.",
    ),
    ("identity_mgt.user_claim_update", "Set EMAIL_UPDATE_VERIFICATION, which is on by default."),
    (
        "identity_mgt.password_policy",
        "The policy is another one: set PASSWORD_MIN_LENGTH, and PASSWORD_HISTORY for former passwords.",
    ),
    ("output_adapter.email", "Workers cannot speak SMTP: set MAIL_PROVIDER, and its key as the secret MAIL_API_KEY."),
    ("super_admin", "Set the secrets ADMIN_USERNAME and ADMIN_PASSWORD."),
    ("user_store", "Users are in D1, a binding in wrangler.toml."),
    ("database", "Data is in D1, a binding in wrangler.toml."),
    ("datasource", "Data is in D1, a binding in wrangler.toml."),
    ("keystore", "Links are signed with the secret TOKEN_KEYS, which `latchkey keys` makes; TLS is Cloudflare's."),
    ("truststore", "TLS is Cloudflare's."),
    ("secrets", "Secrets go to the Worker with `wrangler secret put`."),
    ("server", "A Worker has no server to configure."),
    ("transport", "A Worker has no server to configure."),
];

/// What a key, with the tables above it, means.
pub fn meaning(key: &str) -> Meaning {
    if let Some((_, meaning)) = KEYS.iter().find(|(known, _)| *known == key) {
        return *meaning;
    }
    let below = |table: &str| key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    TABLES.iter().find(|(table, _)| below(table)).map_or(Meaning::Unknown, |(_, why)| Meaning::No(why))
}

#[cfg(test)]
mod tests {
    use super::{KEYS, Meaning};
    use crate::model::settings;
    use crate::wso2::connectors;

    #[test]
    fn every_property_that_a_key_stands_for_is_a_setting() {
        let is_setting = |name: &str| connectors::property(name).is_some_and(|property| property.setting().is_some());
        for (key, meaning) in KEYS {
            if let Meaning::Setting(setting) = meaning {
                assert!(settings::known(setting.name).is_some(), "{key}");
            }
            if let Meaning::Properties(names) | Meaning::DefaultOf(names) = meaning {
                assert!(names.iter().all(|name| is_setting(name)), "{key}");
            }
        }
    }
}
