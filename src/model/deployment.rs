//! What the deployment fixes: variables and secrets of wrangler (DESIGN 2.2), read once per isolate.
//!
//! A deployment fails closed: whatever is missing, too weak or meant for development only is collected in words, and
//! every route but `/healthz` answers 503 with that list until it is mended.

mod mail;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use mail::{AwsAccess, PROVIDERS, WEBHOOK_PROVIDERS, WebhookSecretCheck};

use crate::base::address::Sender;
use crate::base::keys::{Key, KeyRing};
use crate::base::ordered;
pub use crate::base::secret::Secret;
use crate::model::administrator::Administrator;
use crate::model::settings::{RATE_LIMITS, SETTINGS, Settings, Values};
use crate::model::tenant::Tenant;
use crate::model::user_stores::UserStores;

/// Whether this is somebody's machine or the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `ENVIRONMENT=development`, which only the committed `.dev.vars` says.
    Development,
    /// Everything else.
    Production,
}

/// The deployment's own configuration.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Development or production.
    pub environment: Environment,
    /// `scheme://host[:port]` that every link starts with; never taken from a request.
    pub public_origin: String,
    /// The first administrator; none once others have the role and the secrets are gone.
    pub administrator: Option<Administrator>,
    /// The keys that sign and verify links.
    pub keys: KeyRing,
    /// Mail providers in the order in which they are tried.
    pub mail_providers: Vec<String>,
    /// The `From` of every mail.
    pub mail_from: Sender,
    /// `MAIL_API_KEY`, or `MAIL_API_KEY_<PROVIDER>`, by provider.
    pub mail_api_keys: Vec<(String, Secret)>,
    /// `MAIL_API_BASE`, or `MAIL_API_BASE_<PROVIDER>`, by provider: only where set.
    pub mail_api_bases: Vec<(String, String)>,
    /// The domain that Mailgun sends for; empty without Mailgun.
    pub mailgun_domain: String,
    /// Access to Amazon SES, if it is among the providers.
    pub aws: Option<AwsAccess>,
    /// `MAIL_WEBHOOK_SECRET_<PROVIDER>`, by provider: only where set. A provider that is used no more may still tell of
    /// mails it has taken.
    pub mail_webhook_secrets: Vec<(String, Secret)>,
    /// Seconds before the first retry of a mail.
    pub mail_retry_base_seconds: u32,
    /// Seconds that a sender holds a row.
    pub mail_lease_seconds: u32,
    /// Seconds that a provider has for its answer.
    pub mail_timeout_seconds: u32,
    /// Hours after which a mail becomes a dead letter.
    pub mail_give_up_hours: u32,
    /// The fewest days for which a tenant may have its audit kept.
    pub audit_retention_min_days: u32,
    /// The user stores besides PRIMARY.
    pub user_stores: UserStores,
    /// The settings that the deployment sets, for every tenant that does not override them.
    pub variables: Values,
    /// The settings in force where no tenant overrides them.
    pub settings: Settings,
}

/// The longest that a sender may hold a row, in seconds.
pub const MAX_LEASE_SECONDS: u32 = 3_600;

impl Deployment {
    /// Reads the configuration through `variable`, which answers vars and secrets alike. The secrets of webhooks
    /// are as `check_webhook_secret` says.
    ///
    /// # Errors
    /// Everything that must be mended first, a sentence each, naming the setting.
    pub fn load(
        variable: impl Fn(&str) -> Option<String>,
        check_webhook_secret: WebhookSecretCheck,
    ) -> Result<Self, Vec<String>> {
        let get = |name: &str| variable(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let environment = match get("ENVIRONMENT").as_deref() {
            Some("development") => Environment::Development,
            _ => Environment::Production,
        };
        let development = environment == Environment::Development;
        let mut problems = Vec::new();

        let public_origin = match get("PUBLIC_ORIGIN") {
            Some(origin) => checked_origin(&origin, development).unwrap_or_else(|problem| {
                problems.push(problem);
                String::new()
            }),
            None if development => "http://127.0.0.1:8787".to_owned(),
            None => {
                problems.push("PUBLIC_ORIGIN is missing: set it to the https origin that links start with.".to_owned());
                String::new()
            }
        };

        let administrator = Administrator::read(&get, development, &mut problems);
        let token_keys = get("TOKEN_KEYS").unwrap_or_else(|| {
            problems.push("TOKEN_KEYS is missing: kid:base64url(32 random bytes or more), a secret.".to_owned());
            String::new()
        });

        let host = public_origin.split_once("://").map_or("", |(_, host)| host).to_owned();
        let keys = if token_keys.is_empty() { Vec::new() } else { parse_keys(&token_keys, development, &mut problems) };

        let providers = mail::read(&get, check_webhook_secret, development, &mut problems);

        let mut number = |name: &str, default: u32, range: std::ops::RangeInclusive<u32>| match get(name) {
            None => default,
            Some(text) => match text.parse() {
                Ok(value) if range.contains(&value) => value,
                _ => {
                    problems.push(format!(
                        "{name} is {text:?}: a whole number from {} to {}.",
                        range.start(),
                        range.end()
                    ));
                    default
                }
            },
        };
        let mail_retry_base_seconds = number("MAIL_RETRY_BASE_SECONDS", 2, 0..=3_600);
        let mail_lease_seconds = number("MAIL_LEASE_SECONDS", 600, 1..=MAX_LEASE_SECONDS);
        // A short lease alone shortens the timeout with it: an attempt must be over before the row is free again.
        let fits_into_lease = mail_lease_seconds.saturating_sub(1).clamp(1, 15);
        let mail_timeout_seconds = number("MAIL_TIMEOUT_SECONDS", fits_into_lease, 1..=120);
        let mail_give_up_hours = number("MAIL_GIVE_UP_HOURS", 72, 1..=720);
        let audit_retention_min_days = number("AUDIT_RETENTION_MIN_DAYS", 30, 1..=36_500);
        if get("MAIL_TIMEOUT_SECONDS").is_some() && mail_lease_seconds <= mail_timeout_seconds {
            problems.push(format!(
                "MAIL_LEASE_SECONDS is {mail_lease_seconds}: it must be more than MAIL_TIMEOUT_SECONDS, \
                 {mail_timeout_seconds}."
            ));
        }

        let user_stores = UserStores::parse(&get("USER_STORES").unwrap_or_default(), &mut problems);
        let mut variables =
            ordered::map(SETTINGS.iter().filter_map(|setting| Some((setting.name, get(setting.name)?))));
        if development {
            variables.entry(RATE_LIMITS.name).or_insert_with(|| "off".to_owned());
        }
        let mut settings = Settings::parse(&variables, &mut problems);
        settings.keep_audit_for(audit_retention_min_days, &mut problems);
        settings.keep_mail_for(mail_give_up_hours, &mut problems);
        let Some(mail_from) = providers.from.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Self {
            environment,
            public_origin,
            administrator,
            keys: KeyRing::new(keys, host),
            mail_providers: providers.names,
            mail_from,
            mail_api_keys: providers.api_keys,
            mail_api_bases: providers.api_bases,
            mailgun_domain: providers.mailgun_domain,
            aws: providers.aws,
            mail_webhook_secrets: providers.webhook_secrets,
            mail_retry_base_seconds,
            mail_lease_seconds,
            mail_timeout_seconds,
            mail_give_up_hours,
            audit_retention_min_days,
            user_stores,
            variables,
            settings,
        })
    }

    /// Returns what holds for a tenant that overrides these values. One that this version does not take any more counts as
    /// not set.
    #[must_use]
    pub fn settings_of(&self, tenant: &Tenant, overrides: &Values) -> Settings {
        self.check_settings(tenant, overrides, &mut Vec::new())
    }

    /// Returns the same, and adds what is wrong with the values to `problems`, a sentence each.
    #[must_use]
    pub fn check_settings(&self, tenant: &Tenant, overrides: &Values, problems: &mut Vec<String>) -> Settings {
        let mut settings = Settings::parse(&self.values_of(tenant, overrides), problems);
        settings.keep_audit_for(self.audit_retention_min_days, problems);
        settings.keep_mail_for(self.mail_give_up_hours, problems);
        settings
    }

    /// Returns the values that are set for a tenant that overrides these.
    #[must_use]
    pub fn values_of(&self, tenant: &Tenant, overrides: &Values) -> Values {
        let mut values = self.variables.clone();
        if !tenant.is_super() {
            // The deployment's name is its operator's.
            values.insert("ORGANIZATION_NAME", tenant.domain().to_owned());
        }
        values.extend(overrides.iter().map(|(name, value)| (*name, value.clone())));
        values
    }

    /// Whether this is a development machine.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.environment == Environment::Development
    }

    /// Whether this is the name of the first administrator.
    #[must_use]
    pub fn is_administrators_name(&self, user_name: &str) -> bool {
        self.administrator.as_ref().is_some_and(|first| first.username == user_name)
    }

    /// Returns the time a provider has for its answer.
    #[must_use]
    pub fn mail_timeout(&self) -> Duration {
        Duration::from_secs(self.mail_timeout_seconds.into())
    }

    /// The API key of a provider.
    #[must_use]
    pub fn mail_api_key(&self, provider: &str) -> Option<&Secret> {
        self.mail_api_keys.iter().find(|(name, _)| name == provider).map(|(_, key)| key)
    }

    /// Returns the secret that a provider's webhooks are checked with.
    #[must_use]
    pub fn mail_webhook_secret(&self, provider: &str) -> Option<&Secret> {
        self.mail_webhook_secrets.iter().find(|(name, _)| name == provider).map(|(_, secret)| secret)
    }

    /// The origin of a provider's API where the deployment overrides the vendor's.
    #[must_use]
    pub fn mail_api_base(&self, provider: &str) -> Option<&str> {
        self.mail_api_bases.iter().find(|(name, _)| name == provider).map(|(_, base)| base.as_str())
    }
}

/// An origin and nothing more: links are built by appending a path to it.
fn checked_origin(origin: &str, development: bool) -> Result<String, String> {
    let origin = origin.trim_end_matches('/');
    let uri = server(origin).filter(|uri| matches!(uri.path(), "" | "/"));
    match uri.as_ref().and_then(http::Uri::scheme_str) {
        Some("https") => Ok(origin.to_ascii_lowercase()),
        Some("http") if development => Ok(origin.to_ascii_lowercase()),
        _ => Err(format!(
            "PUBLIC_ORIGIN is {}: it must be an https origin such as https://id.example.com.",
            describe_address(origin)
        )),
    }
}

/// An address as it may be told to anybody who asks: without a password that stands in it.
fn describe_address(address: &str) -> String {
    if address.contains('@') { "an address with a name or a password in it".to_owned() } else { format!("{address:?}") }
}

/// An absolute address with a host and, at most, a port and a path: no name of a user, no query, no fragment.
fn server(address: &str) -> Option<http::Uri> {
    if address.contains(['@', '#', '?']) {
        return None;
    }
    let uri: http::Uri = address.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let port = uri.authority()?.as_str().strip_prefix(host)?;
    let fine = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok_and(|port| port > 0);
    fine.then_some(uri)
}

/// The committed key's bytes begin with this, so that a deployment cannot use it by mistake.
const DEVELOPMENT_KEY_MARK: &[u8] = b"development-only";

/// Reads `TOKEN_KEYS`, `kid:base64url[,kid:base64url...]`: the first signs, all verify. What is wrong with it is added to
/// `problems`, a sentence each.
pub fn parse_keys(text: &str, development: bool, problems: &mut Vec<String>) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((kid, encoded)) = entry.split_once(':') else {
            problems.push("TOKEN_KEYS has an entry without a colon: write kid:base64url.".to_owned());
            continue;
        };
        // Keys travel through shells and dashboards: padding and the other alphabet are as good.
        let canonical: String = encoded
            .trim_end_matches('=')
            .chars()
            .map(|c| match c {
                '+' => '-',
                '/' => '_',
                other => other,
            })
            .collect();
        // What is told here is told to anybody who asks: a name that is none may be a key in the wrong place.
        if kid.is_empty() || kid.len() > 8 || !kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            problems
                .push("TOKEN_KEYS: a kid, before the colon, must be 1 to 8 letters, digits, '-' or '_'.".to_owned());
            continue;
        }
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(canonical) else {
            problems.push(format!("TOKEN_KEYS: the key of kid {kid:?} is not base64url."));
            continue;
        };
        if bytes.len() < 32 {
            problems
                .push(format!("TOKEN_KEYS: the key of kid {kid:?} has {} bytes: 32 or more are needed.", bytes.len()));
        } else if !development && bytes.starts_with(DEVELOPMENT_KEY_MARK) {
            problems.push(format!("TOKEN_KEYS: kid {kid:?} is the development key: make one of your own."));
        } else if keys.iter().any(|key| key.kid() == kid) {
            problems.push(format!("TOKEN_KEYS: kid {kid:?} occurs twice."));
        } else {
            keys.push(Key::new(kid.to_owned(), bytes));
        }
    }
    if keys.is_empty() && problems.is_empty() {
        problems.push("TOKEN_KEYS has no key: kid:base64url(32 random bytes or more).".to_owned());
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::Deployment;
    use crate::mail::webhooks::problem_with;

    const KEY: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn load(pairs: &[(&str, &str)]) -> Result<Deployment, Vec<String>> {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Deployment::load(get, problem_with)
    }

    fn production() -> Vec<(&'static str, &'static str)> {
        vec![
            ("PUBLIC_ORIGIN", "https://id.example.com"),
            ("ADMIN_USERNAME", "root"),
            ("ADMIN_PASSWORD", "correct horse battery"),
            ("TOKEN_KEYS", KEY),
            ("MAIL_PROVIDER", "resend"),
            ("MAIL_API_KEY", "re_123"),
            ("MAIL_FROM", "Acme <id@example.com>"),
        ]
    }

    #[test]
    fn an_empty_deployment_names_everything_that_is_missing() {
        let problems = load(&[]).expect_err("nothing is set").join("\n");
        for name in ["PUBLIC_ORIGIN", "TOKEN_KEYS", "MAIL_PROVIDER", "MAIL_FROM"] {
            assert!(problems.contains(name), "{name} in {problems}");
        }
    }

    #[test]
    fn the_first_administrators_secrets_come_and_go_together() {
        let without = |names: &[&str]| {
            let pairs: Vec<_> = production().into_iter().filter(|(name, _)| !names.contains(name)).collect();
            load(&pairs)
        };
        assert!(without(&["ADMIN_USERNAME", "ADMIN_PASSWORD"]).expect("complete").administrator.is_none());
        for name in ["ADMIN_USERNAME", "ADMIN_PASSWORD"] {
            assert!(without(&[name]).expect_err(name)[0].starts_with(name));
        }
    }

    #[test]
    fn a_complete_production_deployment_loads() {
        let deployment = load(&production()).expect("complete");
        assert!(!deployment.is_development());
        assert_eq!(deployment.mail_providers, ["resend"]);
    }

    #[test]
    fn development_parts_are_refused_in_production() {
        let development_key = "dev:ZGV2ZWxvcG1lbnQtb25seS1rZXktbmV2ZXItZGVwbG95LWl0";
        for (name, value) in [
            ("ADMIN_PASSWORD", "admin"),
            ("MAIL_PROVIDER", "inbox"),
            ("TOKEN_KEYS", development_key),
            ("TOKEN_KEYS", "k1:c2hvcnQ"),
            ("TOKEN_KEYS", "waytoolongkid:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
            ("PUBLIC_ORIGIN", "http://id.example.com"),
            ("PUBLIC_ORIGIN", "https://id.example.com/path"),
            ("PUBLIC_ORIGIN", "https://user@id.example.com"),
            ("PUBLIC_ORIGIN", "https://id.example.com:99999"),
            ("PUBLIC_ORIGIN", "https://id.example.com:0"),
            ("PUBLIC_ORIGIN", "https://id.example.com:"),
            ("PUBLIC_ORIGIN", "https://id.example.com:port"),
            ("PUBLIC_ORIGIN", "https://id.example.com?"),
            ("ADMIN_PASSWORD", "elevenchars"),
            ("ADMIN_USERNAME", "ro:ot"),
            ("MAIL_FROM", "Acme"),
            ("MAIL_FROM", "Acme <nobody>"),
            ("MAIL_FROM", "a@example.com, b@example.com"),
            ("MAIL_FROM", "Acme, Inc. <id@example.com>"),
            ("MAIL_REPLY_TO", "Help <help@example.com>"),
            ("MAIL_REPLY_TO", "help"),
            ("DEFAULT_LOCALE", "english please"),
            ("DEFAULT_LOCALE", "abc_abcdefgh_abcdefgh"),
            ("MAIL_API_BASE", "api.resend.com"),
            ("MAIL_API_BASE", "http://api.resend.com"),
            ("MAIL_API_BASE", "http://127.evil.example"),
            ("MAIL_API_BASE", "http://localhost.evil.example"),
            ("MAIL_API_BASE", "ftp://127.0.0.1"),
            ("MAIL_API_BASE", "https://key@api.resend.com"),
            ("MAIL_API_BASE", "https://api.resend.com/?x"),
            ("MAIL_API_BASE", "https://"),
            ("EMAIL_SENDER", "somebody"),
            ("RATE_LIMITS", "some"),
            ("PASSWORD_HISTORY", "6"),
            ("RATE_LIMITS", "resends=1000/day"),
            ("ENABLE_EMAIL_VERIFICATION", "yes"),
            ("PASSWORD_HISTORY", "none"),
            ("AUDIT_RETENTION_MIN_DAYS", "0"),
            ("AUDIT_RETENTION_MIN_DAYS", "a month"),
            ("AUDIT_RETENTION_DAYS", "29"),
            ("MAIL_LEASE_SECONDS", "0"),
            ("MAIL_WEBHOOK_SECRET_RESEND", "not a signing secret"),
            ("MAIL_WEBHOOK_SECRET_POSTMARK", "hook:short"),
            ("ASK_PASSWORD_EMAIL_VALIDITY", "soon"),
            ("USER_STORES", "ACME"),
        ] {
            let mut pairs = production();
            pairs.retain(|(key, _)| *key != name);
            pairs.push((name, value));
            let problems = load(&pairs).expect_err(value);
            assert!(problems.iter().any(|problem| problem.contains(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn what_is_fine_in_production_is_not_refused() {
        for (name, value) in [
            ("PUBLIC_ORIGIN", "https://id.example.com:8443/"),
            ("PUBLIC_ORIGIN", "https://[2001:db8::1]:8443"),
            ("ADMIN_PASSWORD", "twelve chars"),
            ("MAIL_FROM", "id@example.com"),
            ("MAIL_FROM", "\"Acme, Inc.\" <id@example.com>"),
            ("MAIL_REPLY_TO", "help@example.com"),
            ("DEFAULT_LOCALE", "pt-br"),
            ("DEFAULT_LOCALE", "zh_Hans_CN"),
            ("MAIL_API_BASE", "https://proxy.example.com:8443/resend/"),
            ("MAIL_API_BASE", "http://127.0.0.1:9999"),
            ("MAIL_API_BASE", "http://[::1]:9999"),
            ("MAIL_API_BASE", "http://localhost"),
            ("EMAIL_SENDER", "internal"),
            ("EMAIL_SENDER", "external"),
            ("PASSWORD_HISTORY", "5"),
            ("MAIL_WEBHOOK_SECRET_RESEND", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("RATE_LIMITS", "off"),
            ("RATE_LIMITS", "resends=3/hour"),
            ("AUDIT_RETENTION_MIN_DAYS", "365"),
            ("AUDIT_RETENTION_DAYS", "30"),
        ] {
            let mut pairs = production();
            pairs.retain(|(key, _)| *key != name);
            pairs.push((name, value));
            assert!(load(&pairs).is_ok(), "{name} {value}: {:?}", load(&pairs).err());
        }
    }

    #[test]
    fn an_attempt_is_over_before_its_lease() {
        let with = |pairs: &[(&'static str, &'static str)]| load(&[production().as_slice(), pairs].concat());
        assert_eq!(with(&[]).expect("complete").mail_timeout_seconds, 15);
        assert_eq!(with(&[("MAIL_LEASE_SECONDS", "5")]).expect("complete").mail_timeout_seconds, 4);
        assert!(with(&[("MAIL_LEASE_SECONDS", "5"), ("MAIL_TIMEOUT_SECONDS", "4")]).is_ok());
        assert!(with(&[("MAIL_LEASE_SECONDS", "5"), ("MAIL_TIMEOUT_SECONDS", "5")]).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_without_what_may_be_a_secret() {
        for (name, value, secret) in [
            ("TOKEN_KEYS", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:k1", "AAECAwQF"),
            ("TOKEN_KEYS", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "AAECAwQF"),
            ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhM!", "AAECAwQF"),
            ("PUBLIC_ORIGIN", "https://user:hidden@id.example.com", "hidden"),
            ("MAIL_API_BASE", "https://hidden@api.resend.com", "hidden"),
            ("ADMIN_PASSWORD", "hidden", "hidden"),
        ] {
            let mut pairs = production();
            pairs.retain(|(key, _)| *key != name);
            pairs.push((name, value));
            let problems = load(&pairs).expect_err(value).join("\n");
            assert!(problems.contains(name) && !problems.contains(secret), "{problems}");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let shown = format!("{:?}", load(&production()).expect("complete"));
        assert!(!shown.contains("correct horse") && !shown.contains("re_123") && !shown.contains("AAEC"), "{shown}");
    }
}
