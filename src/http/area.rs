//! The areas of the address space: a path's first segments decide which dialect errors have, how large a body may
//! be and how leniently it is read.

use crate::provision::import;

/// Below these, clients of WSO2 call.
const WSO2_PATHS: &[&str] = &["/api/identity", "/api/server", "/api/users"];

const MIB: usize = 1024 * 1024;

/// The form of an error's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A SCIM Error (RFC 7644 section 3.12).
    Scim,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// WSO2's `{"code","message","description","traceId"}`.
    Wso2,
    /// A page.
    Page,
}

/// An area of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// `/scim2`
    Scim,
    /// WSO2's endpoints besides SCIM.
    Wso2,
    /// Latchkey's own API, below `/api`.
    Api,
    /// `/oauth2`
    OAuth,
    /// `/hooks`: webhooks of mail providers.
    Hooks,
    /// Documents that programs read, at `.json` paths and `/healthz`.
    Documents,
    /// Everything else: what people open in a browser.
    Pages,
}

impl Area {
    /// Returns the area of a path without its tenant prefix.
    #[must_use]
    pub fn find(path: &str) -> Self {
        let below =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if below("/scim2") {
            Self::Scim
        } else if below("/api/users") && path.ends_with("/privacy") {
            Self::Api
        } else if WSO2_PATHS.iter().any(|prefix| below(prefix)) {
            Self::Wso2
        } else if below("/api") {
            Self::Api
        } else if below("/oauth2") {
            Self::OAuth
        } else if below("/hooks") {
            Self::Hooks
        } else if path.ends_with(".json") || path == "/healthz" {
            Self::Documents
        } else {
            Self::Pages
        }
    }

    /// Returns the dialect of errors here.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Scim => Dialect::Scim,
            Self::Wso2 => Dialect::Wso2,
            Self::Api | Self::OAuth | Self::Hooks | Self::Documents => Dialect::Problem,
            Self::Pages => Dialect::Page,
        }
    }

    /// Returns the largest body, in bytes, that is read at a path of this area; the handler may take less.
    #[must_use]
    pub fn body_limit(self, path: &str) -> usize {
        match self {
            Self::Scim if path.starts_with("/scim2/Groups") => 10 * MIB,
            Self::Api if path == "/api/invitations/import" => import::MAX_BYTES,
            // Many members at once, and templates.
            Self::Pages if path.starts_with("/console/groups/") || path.starts_with("/console/templates/") => MIB,
            Self::Scim | Self::Wso2 | Self::Api | Self::Hooks => MIB,
            // A logo; a file of settings.
            Self::Pages if path == "/console/settings" || path == "/console/settings/deployment-toml" => MIB / 2,
            // A user's attributes come back as they are stored; a file with what a form puts around it.
            Self::Pages if path.starts_with("/console/users/") || path == "/console/import" => MIB,
            Self::OAuth | Self::Documents | Self::Pages => MIB / 16,
        }
    }
}
