//! What WSO2 calls the settings: governance connectors and their properties, and the setting behind each.
//!
//! WSO2 groups a tenant's settings into connectors (`user-email-verification`), and those into categories. A property is a
//! name and a value, always a string. This is the one table of them: the governance API, the import of a
//! `deployment.toml` and the command line read it.

use crate::model::settings::{self, EmailSender, Kind, Setting, Values};

/// A group of properties, under the name that WSO2's clients know.
#[derive(Debug)]
pub struct Connector {
    /// Its name, which the id is made of.
    pub name: &'static str,
    /// The name of the category it is listed in.
    pub category: &'static str,
    /// The name shown to people.
    pub friendly_name: &'static str,
    /// Its properties.
    pub properties: &'static [Property],
}

/// One property of a connector.
#[derive(Debug)]
pub struct Property {
    /// WSO2's name.
    pub name: &'static str,
    /// The name shown to people.
    pub display_name: &'static str,
    /// A description of its effect in Latchkey.
    pub description: &'static str,
    /// The kind of its values, which are strings all the same: that of the setting, if it has the same values.
    pub kind: Kind,
    /// The effect of its value on Latchkey.
    pub effect: Effect,
}

/// The effect of a property on Latchkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is this setting, with the same values.
    Same(Setting),
    /// `EMAIL_SENDER`, the one setting whose values are spelled otherwise: true is `internal`, false `external`.
    Sender,
    /// Latchkey always does what this value says.
    Always {
        /// The one value it has.
        value: &'static str,
        /// Why there is no other: a sentence.
        because: &'static str,
    },
}

impl Property {
    /// `meta.type` of the governance API.
    #[must_use]
    pub fn meta_type(&self) -> &'static str {
        match self.kind {
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Text => "string",
        }
    }

    /// `meta.regex` of the governance API: what values look like.
    #[must_use]
    pub fn meta_regex(&self) -> &'static str {
        match self.kind {
            Kind::Boolean => "true|false",
            Kind::Integer => "-?[0-9]+",
            Kind::Text => ".*",
        }
    }

    /// The setting behind it (DESIGN 2.2), if a value of it changes anything.
    #[must_use]
    pub fn setting(&self) -> Option<Setting> {
        match self.effect {
            Effect::Same(setting) => Some(setting),
            Effect::Sender => Some(settings::EMAIL_SENDER),
            Effect::Always { .. } => None,
        }
    }

    /// Its value while these settings hold.
    #[must_use]
    pub fn value(&self, settings: &Values) -> String {
        let text = |setting: Setting| settings.get(setting.name).map(String::as_str).unwrap_or_default();
        match self.effect {
            Effect::Same(setting) => self.kind.canonical(text(setting)).unwrap_or_else(|| text(setting).to_owned()),
            Effect::Sender => {
                (EmailSender::parse(text(settings::EMAIL_SENDER)) != Some(EmailSender::External)).to_string()
            }
            Effect::Always { value, .. } => value.to_owned(),
        }
    }

    /// The setting and its value that this value of the property comes to; `None` if it says what is so anyway.
    ///
    /// # Errors
    /// A sentence that names the property: the value is not of its kind, or Latchkey never does what it says.
    pub fn setting_for(&self, value: &str) -> Result<Option<(&'static str, String)>, String> {
        let Some(canonical) = self.kind.canonical(value) else {
            let shown = crate::base::text::cut(value, 64);
            return Err(format!("{} is {shown:?}: it must be {}.", self.name, self.kind.description()));
        };
        match self.effect {
            Effect::Same(setting) => Ok(Some((setting.name, canonical))),
            Effect::Sender => {
                let sender = if canonical == "true" { EmailSender::Internal } else { EmailSender::External };
                Ok(Some((settings::EMAIL_SENDER.name, sender.as_str().to_owned())))
            }
            Effect::Always { value, .. } if value == canonical => Ok(None),
            Effect::Always { value, because } => Err(format!("{} can only be {value:?}: {because}", self.name)),
        }
    }
}

impl Connector {
    /// The property of this name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// The connector of this name.
#[must_use]
pub fn connector(name: &str) -> Option<&'static Connector> {
    CONNECTORS.iter().find(|connector| connector.name == name)
}

/// The property of this name, whichever connector has it: names are unique.
#[must_use]
pub fn property(name: &str) -> Option<&'static Property> {
    CONNECTORS.iter().find_map(|connector| connector.property(name))
}

const NO_OTP: &str = "Latchkey sends links, and no one-time passwords.";
const NO_MOBILE: &str = "Latchkey sends no text messages.";

const fn always(
    name: &'static str,
    display_name: &'static str,
    kind: Kind,
    value: &'static str,
    because: &'static str,
) -> Property {
    // What it does here is why it cannot be changed.
    Property { name, display_name, description: because, kind, effect: Effect::Always { value, because } }
}

const fn same(name: &'static str, display_name: &'static str, setting: Setting, description: &'static str) -> Property {
    Property { name, display_name, description, kind: setting.kind, effect: Effect::Same(setting) }
}

/// The connectors that there are, in the order in which they are listed.
pub const CONNECTORS: &[Connector] = &[
    Connector {
        name: "user-email-verification",
        category: "User Onboarding",
        friendly_name: "Ask Password",
        properties: &[
            same(
                "EmailVerification.Enable",
                "Invitations",
                settings::ENABLE_EMAIL_VERIFICATION,
                "Whether askPassword and verifyEmail are acted on. When false, both are ignored.",
            ),
            same(
                "EmailVerification.LockOnCreation",
                "Lock until redeemed",
                settings::LOCK_ON_CREATION,
                "Whether an invited account is locked until its link has been used.",
            ),
            Property {
                name: "EmailVerification.Notification.InternallyManage",
                display_name: "Latchkey sends the mails",
                description: "When false, no mail is sent: the confirmation code comes back to the client that creates \
                              the user, provided that it has the scope links.",
                kind: Kind::Boolean,
                effect: Effect::Sender,
            },
            same(
                "EmailVerification.ExpiryTime",
                "Minutes a verifyEmail link lives",
                settings::VERIFICATION_EMAIL_VALIDITY,
                "Counted from sending; negative for ever, 0 dead at once. A change holds for later mails.",
            ),
            same(
                "EmailVerification.AskPassword.ExpiryTime",
                "Minutes an askPassword link lives",
                settings::ASK_PASSWORD_EMAIL_VALIDITY,
                "Counted from sending; negative for ever, 0 dead at once. A change holds for later mails.",
            ),
            same(
                "EmailVerification.AskPassword.AccountActivation",
                "Mail on success",
                settings::ASK_PASSWORD_ACCOUNT_ACTIVATION,
                "Whether a person who has set the password is told so by mail.",
            ),
            same(
                "EmailVerification.AskPassword.DisableRandomValueForCredentials",
                "Keep the password sent",
                settings::DISABLE_RANDOM_VALUE_FOR_CREDENTIALS,
                "Whether a password that is sent with askPassword is kept. WSO2 has this in deployment.toml only.",
            ),
            always(
                "EmailVerification.AskPassword.PasswordGenerator",
                "Password generator",
                Kind::Text,
                "org.wso2.carbon.user.mgt.common.DefaultPasswordGenerator",
                "Latchkey generates no password: an invited account has none until the link is used.",
            ),
            always("EmailVerification.OTP", "verifyEmail by one-time password", Kind::Boolean, "false", NO_OTP),
            always(
                "EmailVerification.OTP.SendOTPInEmail",
                "One-time password in the link's place",
                Kind::Boolean,
                "false",
                NO_OTP,
            ),
            always(
                "EmailVerification.AskPassword.EmailOTP",
                "askPassword by one-time password",
                Kind::Boolean,
                "false",
                NO_OTP,
            ),
            always(
                "EmailVerification.AskPassword.SMSOTP",
                "askPassword by text message",
                Kind::Boolean,
                "false",
                NO_MOBILE,
            ),
            always(
                "EmailVerification.OTP.UseUppercaseCharactersInOTP",
                "Capitals in one-time passwords",
                Kind::Boolean,
                "true",
                NO_OTP,
            ),
            always(
                "EmailVerification.OTP.UseLowercaseCharactersInOTP",
                "Small letters in one-time passwords",
                Kind::Boolean,
                "true",
                NO_OTP,
            ),
            always(
                "EmailVerification.OTP.UseNumbersInOTP",
                "Digits in one-time passwords",
                Kind::Boolean,
                "true",
                NO_OTP,
            ),
            always("EmailVerification.OTP.OTPLength", "Length of one-time passwords", Kind::Integer, "6", NO_OTP),
        ],
    },
    Connector {
        name: "user-claim-update",
        category: "Other Settings",
        friendly_name: "User Claim Update",
        properties: &[
            same(
                "UserClaimUpdate.Email.EnableVerification",
                "Verify a changed address",
                settings::EMAIL_UPDATE_VERIFICATION,
                "Whether a confirmed address of a live account stays until the new one is confirmed. When false, the new \
                 one is taken at once, and counts as not verified.",
            ),
            same(
                "UserClaimUpdate.Email.VerificationCode.ExpiryTime",
                "Minutes the link for a changed address lives",
                settings::VERIFICATION_EMAIL_VALIDITY,
                "The same setting as that of verifyEmail links.",
            ),
            always(
                "UserClaimUpdate.Email.EnableEmailOTP",
                "Changed address by one-time password",
                Kind::Boolean,
                "false",
                NO_OTP,
            ),
            always(
                "UserClaimUpdate.Email.EnableNotification",
                "Notice to the old address",
                Kind::Boolean,
                "true",
                "A notice to the old address goes out with every mail that asks to confirm a new one.",
            ),
            always(
                "UserClaimUpdate.MobileNumber.EnableVerification",
                "Verify a changed mobile number",
                Kind::Boolean,
                "false",
                NO_MOBILE,
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{CONNECTORS, Effect, Values, connector, property};

    #[test]
    fn names_are_unique_and_every_property_is_found() {
        let mut seen = HashSet::new();
        for connector in CONNECTORS {
            for each in connector.properties {
                assert!(seen.insert(each.name), "{} occurs twice", each.name);
                assert_eq!(property(each.name).map(|found| found.name), Some(each.name));
                assert!(each.description.ends_with('.'), "{}", each.name);
            }
        }
        assert!(connector("user-email-verification").is_some() && connector("self-sign-up").is_none());
    }

    #[test]
    fn values_go_to_a_setting_and_come_back() {
        for (name, value, setting, stored) in [
            ("EmailVerification.Enable", "True", "ENABLE_EMAIL_VERIFICATION", "true"),
            ("EmailVerification.AskPassword.ExpiryTime", " -1 ", "ASK_PASSWORD_EMAIL_VALIDITY", "-1"),
            ("EmailVerification.ExpiryTime", "0060", "VERIFICATION_EMAIL_VALIDITY", "60"),
            ("EmailVerification.Notification.InternallyManage", "false", "EMAIL_SENDER", "external"),
            ("EmailVerification.Notification.InternallyManage", "TRUE", "EMAIL_SENDER", "internal"),
        ] {
            let found = property(name).expect(name);
            let change = found.setting_for(value).expect("taken");
            assert_eq!(change, Some((setting, stored.to_owned())), "{name}");
            let settings = Values::from([(setting, stored.to_owned())]);
            let shown = found.value(&settings);
            assert_eq!(found.setting_for(&shown).expect("its own value"), change, "{name}");
        }
    }

    #[test]
    fn what_latchkey_always_does_is_taken_and_the_opposite_refused_by_name() {
        for found in CONNECTORS.iter().flat_map(|connector| connector.properties) {
            let Effect::Always { value, because } = found.effect else { continue };
            assert_eq!(found.setting_for(value), Ok(None), "{}", found.name);
            assert_eq!(found.value(&Values::new()), value);
            let other = if value == "true" {
                "false"
            } else if value == "false" {
                "true"
            } else {
                "7"
            };
            let refused = found.setting_for(other).expect_err(found.name);
            assert!(refused.contains(found.name) && refused.contains(because), "{refused}");
        }
    }

    #[test]
    fn a_value_of_another_form_is_refused_by_name() {
        for (name, value) in [
            ("EmailVerification.Enable", "yes"),
            ("EmailVerification.Enable", ""),
            ("EmailVerification.AskPassword.ExpiryTime", "soon"),
            ("EmailVerification.AskPassword.ExpiryTime", "1.5"),
            ("EmailVerification.Notification.InternallyManage", "external"),
        ] {
            let refused = property(name).expect(name).setting_for(value).expect_err(value);
            assert!(refused.starts_with(name), "{refused}");
        }
    }
}
