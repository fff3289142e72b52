//! Where the links of a tenant's templates may lead.

use crate::base::web_address::host_in_ascii;
use crate::model::deployment::Deployment;
use crate::model::settings::Settings;

/// Where the links of a tenant's templates may lead, besides placeholders and relative addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkPolicy {
    /// Origins: `PUBLIC_ORIGIN`, and that of `SIGN_IN_URL`.
    origins: Vec<Origin>,
    /// Hosts in ASCII: `TEMPLATE_LINK_HOSTS`.
    hosts: Vec<String>,
    /// The support address: `SUPPORT_ADDRESS`, or `MAIL_REPLY_TO`.
    support: Option<String>,
}

/// What of an address decides whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    is_https: bool,
    /// In ASCII, in lower case.
    host: String,
    /// `None` for the scheme's own.
    port: Option<u16>,
}

impl LinkPolicy {
    /// The policy of a tenant with these settings.
    #[must_use]
    pub fn new(deployment: &Deployment, settings: &Settings) -> Self {
        let own = [Some(deployment.public_origin.as_str()), settings.sign_in_url.as_deref()];
        let origin = |address: &str| Origin::parse(address).map(|(origin, _)| origin);
        Self {
            origins: own.into_iter().flatten().filter_map(origin).collect(),
            hosts: settings.template_link_hosts.clone(),
            support: settings.support().map(str::to_owned),
        }
    }

    /// Whether links may lead there.
    pub(super) fn allows(&self, origin: &Origin) -> bool {
        self.origins.contains(origin) || (origin.is_https && self.hosts.contains(&origin.host))
    }

    /// Whether this is the address to write to for help.
    pub(super) fn is_support(&self, address: &str) -> bool {
        self.support.as_deref().is_some_and(|support| support.eq_ignore_ascii_case(address))
    }
}

impl Origin {
    /// The origin of an absolute web address, and what follows it; `None` unless it is spelt as one is: other spellings that
    /// browsers put right (`https:/host`, `https:\\host`, a user name before the host) are not for templates.
    pub(super) fn parse(address: &str) -> Option<(Self, &str)> {
        let starts = |scheme: &str| {
            let start = address.get(..scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| &address[scheme.len()..])
        };
        let (is_https, rest) =
            starts("https://").map(|rest| (true, rest)).or_else(|| starts("http://").map(|rest| (false, rest)))?;
        let (authority, rest) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        let port: Option<u16> = if port.is_empty() { None } else { Some(port.parse().ok()?) };
        let port = port.filter(|port| *port != if is_https { 443 } else { 80 });
        Some((Self { is_https, host: host_in_ascii(host)?, port }, rest))
    }

    /// Whether what is there is encrypted on its way.
    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }
}
