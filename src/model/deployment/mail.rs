//! Which mail providers a deployment has, and what each of them needs.

use crate::base::address::{Address, Sender};
use crate::base::secret::Secret;
use crate::model::deployment::{describe_address, server};

/// The providers this build can send through.
pub const PROVIDERS: &[&str] =
    &["inbox", "cloudflare", "resend", "postmark", "sendgrid", "mailgun", "ses", "brevo", "mailchannels"];

/// The providers that send webhooks, by the names of their addresses and of their secrets.
pub const WEBHOOK_PROVIDERS: &[&str] = &["resend", "postmark", "sendgrid", "mailgun", "ses", "brevo", "mailchannels"];

/// Answers what the secret of a provider's webhooks must be, where it is not that: `mail::webhooks::problem_with`, which
/// knows the forms. Whoever composes the deployment passes it.
pub type WebhookSecretCheck = fn(provider: &str, secret: &Secret) -> Option<&'static str>;

/// Access to Amazon's services.
#[derive(Clone, Debug)]
pub struct AwsAccess {
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: Secret,
    /// `AWS_REGION`, such as `eu-central-1`.
    pub region: String,
}

/// The variables' configuration of the providers.
pub(super) struct Providers {
    pub names: Vec<String>,
    pub from: Option<Sender>,
    pub api_keys: Vec<(String, Secret)>,
    pub api_bases: Vec<(String, String)>,
    pub mailgun_domain: String,
    pub aws: Option<AwsAccess>,
    pub webhook_secrets: Vec<(String, Secret)>,
}

/// Reads `MAIL_PROVIDER` and whatever the providers that it names need. What is missing or malformed becomes a problem, a
/// sentence each.
pub(super) fn read(
    get: &dyn Fn(&str) -> Option<String>,
    check_webhook_secret: WebhookSecretCheck,
    development: bool,
    problems: &mut Vec<String>,
) -> Providers {
    let names: Vec<String> = match get("MAIL_PROVIDER") {
        Some(list) => list.split(',').map(|name| name.trim().to_ascii_lowercase()).collect(),
        None if development => vec!["inbox".to_owned()],
        None => {
            problems.push("MAIL_PROVIDER is missing: name the mail provider, for example resend.".to_owned());
            Vec::new()
        }
    };
    let from = sender(get("MAIL_FROM"), development, problems);
    let several = names.len() > 1;
    let per_provider = |name: &str, provider: &str| {
        get(&format!("{name}_{}", provider.to_ascii_uppercase())).or_else(|| if several { None } else { get(name) })
    };
    let mut providers = Providers {
        names: Vec::new(),
        from,
        api_keys: Vec::new(),
        api_bases: Vec::new(),
        mailgun_domain: String::new(),
        aws: None,
        webhook_secrets: webhook_secrets(get, check_webhook_secret, problems),
    };
    for provider in &names {
        match provider.as_str() {
            "inbox" if !development => {
                problems.push("MAIL_PROVIDER is inbox, which is for development only.".to_owned());
                continue;
            }
            // One keeps no mail, the other is a binding.
            "inbox" | "cloudflare" => continue,
            "ses" => providers.aws = aws(get, problems),
            "mailgun" => providers.mailgun_domain = mailgun_domain(get, providers.from.as_ref(), problems),
            known if PROVIDERS.contains(&known) => {}
            unknown => {
                problems.push(format!("MAIL_PROVIDER names {unknown:?}: known are {}.", PROVIDERS.join(", ")));
                continue;
            }
        }
        if provider != "ses" {
            match per_provider("MAIL_API_KEY", provider) {
                Some(key) if travels_in_a_header(&key) => {
                    providers.api_keys.push((provider.clone(), Secret::new(key)));
                }
                Some(_) => {
                    problems.push(format!("MAIL_API_KEY of {provider} has characters that no header can carry."));
                }
                None => problems.push(format!("MAIL_API_KEY is missing: the API key of {provider}, a secret.")),
            }
        }
        if let Some(base) = per_provider("MAIL_API_BASE", provider) {
            match checked_base(&base, development) {
                Ok(base) => providers.api_bases.push((provider.clone(), base)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    // Whether or not mail is sent through them, that is where some hand out the keys of their webhooks.
    for provider in WEBHOOK_PROVIDERS.iter().filter(|name| !names.iter().any(|known| known == *name)) {
        match get(&format!("MAIL_API_BASE_{}", provider.to_ascii_uppercase())).map(|b| checked_base(&b, development)) {
            Some(Ok(base)) => providers.api_bases.push(((*provider).to_owned(), base)),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    Providers { names, ..providers }
}

fn webhook_secrets(
    get: &dyn Fn(&str) -> Option<String>,
    check: WebhookSecretCheck,
    problems: &mut Vec<String>,
) -> Vec<(String, Secret)> {
    let mut secrets = Vec::new();
    for provider in WEBHOOK_PROVIDERS {
        let name = format!("MAIL_WEBHOOK_SECRET_{}", provider.to_ascii_uppercase());
        let Some(secret) = get(&name).map(Secret::new) else { continue };
        match check(provider, &secret) {
            Some(wanted) => problems.push(format!("{name} must be {wanted}.")),
            None => secrets.push(((*provider).to_owned(), secret)),
        }
    }
    secrets
}

fn sender(from: Option<String>, development: bool, problems: &mut Vec<String>) -> Option<Sender> {
    match from {
        Some(from) => Sender::parse(&from).or_else(|| {
            problems.push(format!("MAIL_FROM is {from:?}: it must be one sender, Name <address> or an address."));
            None
        }),
        None if development => Sender::parse("Latchkey <latchkey@localhost.localdomain>"),
        None => {
            problems.push("MAIL_FROM is missing: the sender of every mail, Name <address>.".to_owned());
            None
        }
    }
}

fn aws(get: &dyn Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Option<AwsAccess> {
    let mut required = |name: &str, what: &str| {
        get(name).or_else(|| {
            problems.push(format!("{name} is missing: ses needs {what}."));
            None
        })
    };
    let key_id = required("AWS_ACCESS_KEY_ID", "the id of an access key");
    let secret = required("AWS_SECRET_ACCESS_KEY", "the access key itself, a secret");
    let region = required("AWS_REGION", "a region such as eu-central-1");
    let access = AwsAccess { key_id: key_id?, secret: Secret::new(secret?), region: region? };
    // Both become part of a header, and the region of a host's name.
    let of = |text: &str, also: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    if !of(&access.key_id, "") {
        problems.push("AWS_ACCESS_KEY_ID must have letters and digits only.".to_owned());
    }
    if !of(&access.region, "-") {
        problems.push(format!("AWS_REGION is {:?}: a region is written like eu-central-1.", access.region));
    }
    Some(access)
}

/// The domain that Mailgun knows us by, in ASCII.
fn mailgun_domain(get: &dyn Fn(&str) -> Option<String>, from: Option<&Sender>, problems: &mut Vec<String>) -> String {
    let domain = get("MAILGUN_DOMAIN").or_else(|| Some(from?.address.domain().to_owned()));
    // Without a sender either, that is what is reported.
    let Some(domain) = domain else { return String::new() };
    match Address::parse(&format!("postmaster@{domain}")).and_then(|address| address.with_ascii_domain()) {
        Some(address) => address.domain().to_owned(),
        None => {
            problems.push(format!("MAILGUN_DOMAIN is {domain:?}: it must be a domain such as mg.example.com."));
            String::new()
        }
    }
}

fn travels_in_a_header(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_graphic())
}

/// Where a provider's API is. The mail key and every link go there: in plain text to this machine only, as in tests.
fn checked_base(base: &str, development: bool) -> Result<String, String> {
    let base = base.trim_end_matches('/');
    let uri = server(base);
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let loopback = matches!(host, "localhost" | "[::1]") || host.strip_prefix("127.").is_some_and(is_rest_of_ipv4);
    match uri.as_ref().and_then(http::Uri::scheme_str) {
        Some("https") => Ok(base.to_owned()),
        Some("http") if development || loopback => Ok(base.to_owned()),
        _ => Err(format!(
            "MAIL_API_BASE is {}: it must be an https address such as https://api.resend.com.",
            describe_address(base)
        )),
    }
}

/// What follows `127.` in an address of this machine, and not in a name such as `127.example.com`.
fn is_rest_of_ipv4(rest: &str) -> bool {
    rest.split('.').count() == 3 && rest.split('.').all(|part| part.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> (Providers, String) {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut problems = Vec::new();
        let providers = read(&get, |_, _| None, false, &mut problems);
        (providers, problems.join("\n"))
    }

    const FROM: (&str, &str) = ("MAIL_FROM", "Acme <id@müller.example>");

    #[test]
    fn each_provider_says_what_it_needs() {
        for (provider, needs) in [
            ("resend", &["MAIL_API_KEY"] as &[&str]),
            ("postmark", &["MAIL_API_KEY"]),
            ("sendgrid", &["MAIL_API_KEY"]),
            ("mailgun", &["MAIL_API_KEY"]),
            ("ses", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]),
            ("brevo", &["MAIL_API_KEY"]),
            ("mailchannels", &["MAIL_API_KEY"]),
            ("cloudflare", &[]),
        ] {
            let (_, problems) = with(&[("MAIL_PROVIDER", provider), FROM]);
            assert_eq!(problems.lines().count(), needs.len(), "{provider}: {problems}");
            for name in needs {
                assert!(problems.contains(&format!("{name} is missing")), "{provider}: {problems}");
            }
        }
        let (_, problems) = with(&[("MAIL_PROVIDER", "sendmail"), FROM]);
        assert!(problems.contains("sendmail") && problems.contains("mailchannels"), "{problems}");
    }

    #[test]
    fn a_list_has_a_key_for_each() {
        let list = ("MAIL_PROVIDER", "Postmark, brevo,cloudflare");
        let (_, problems) = with(&[list, FROM, ("MAIL_API_KEY", "shared"), ("MAIL_API_KEY_BREVO", "b")]);
        assert_eq!(problems, "MAIL_API_KEY is missing: the API key of postmark, a secret.");
        let (providers, problems) = with(&[list, FROM, ("MAIL_API_KEY_POSTMARK", "p"), ("MAIL_API_KEY_BREVO", "b")]);
        assert_eq!(problems, "");
        assert_eq!(providers.names, ["postmark", "brevo", "cloudflare"]);
    }

    #[test]
    fn mailgun_sends_for_its_domain_or_the_senders() {
        let base = [("MAIL_PROVIDER", "mailgun"), FROM, ("MAIL_API_KEY", "key")];
        assert_eq!(with(&base).0.mailgun_domain, "xn--mller-kva.example");
        let other = |domain| with(&[base.as_slice(), &[("MAILGUN_DOMAIN", domain)]].concat());
        assert_eq!(other("mg.example.com").0.mailgun_domain, "mg.example.com");
        for bad in ["mg.example.com/v3", "a b", "x@y"] {
            assert!(other(bad).1.contains("MAILGUN_DOMAIN"), "{bad}");
        }
    }

    #[test]
    fn what_becomes_a_header_or_a_host_is_checked_and_never_shown() {
        let key = |key| with(&[("MAIL_PROVIDER", "postmark"), FROM, ("MAIL_API_KEY", key)]).1;
        for bad in ["sec\nret", "sec ret", "secrét"] {
            assert!(key(bad).contains("MAIL_API_KEY") && !key(bad).contains("ret"), "{}", key(bad));
        }
        let aws = |id, region| {
            let secret = ("AWS_SECRET_ACCESS_KEY", "hush");
            with(&[("MAIL_PROVIDER", "ses"), FROM, ("AWS_ACCESS_KEY_ID", id), secret, ("AWS_REGION", region)]).1
        };
        assert_eq!(aws("AKIA1", "eu-central-1"), "");
        assert!(aws("AKIA/1", "eu-central-1").contains("AWS_ACCESS_KEY_ID"));
        assert!(aws("AKIA1", "evil.example/").contains("AWS_REGION"));
    }
}
