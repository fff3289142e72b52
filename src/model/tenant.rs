//! Tenants and settings: whose data a request is about, and what holds for it.

use scim::uri;
use sha2::{Digest, Sha256};

use crate::ports::Platform;

/// The name of the super tenant, as WSO2 calls it. Its path prefix is optional.
pub const SUPER_TENANT: &str = "carbon.super";

/// Returns a number at random that a tenant could have. The numbers are hashes, so that a run of bounded work that begins there
/// meets other tenants than the last one, and none waits behind the others for long.
pub fn random_number(platform: &Platform) -> i64 {
    let mut random = [0; 8];
    platform.entropy.fill(&mut random);
    i64::from_be_bytes(random) & ((1 << 53) - 1)
}

/// A tenant: the domain in its path prefix, and the number that its rows and its tokens carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    domain: String,
    number: u64,
}

impl Tenant {
    /// The tenant of this domain.
    ///
    /// The number follows from the domain alone, so that a token can be checked against the tenant in its path without
    /// asking the database: 0 for the super tenant, otherwise 53 bits of SHA-256 (what a D1 integer holds exactly).
    #[must_use]
    pub fn from_domain(domain: &str) -> Self {
        let domain = domain.to_ascii_lowercase();
        let number = if domain == SUPER_TENANT {
            0
        } else {
            let digest = Sha256::digest(format!("latchkey tenant\0{domain}"));
            let mut first = [0; 8];
            first.copy_from_slice(&digest[..8]);
            (u64::from_be_bytes(first) >> 11).max(1)
        };
        Self { domain, number }
    }

    /// The super tenant.
    #[must_use]
    pub fn super_tenant() -> Self {
        Self::from_domain(SUPER_TENANT)
    }

    /// The tenant that the prefix `/t/{tenant}` of a path names, in any spelling of it, and the path behind that as it is
    /// written: links are told by it.
    #[must_use]
    pub fn split_path(path: &str) -> (Self, String) {
        let segment = |path: &str| {
            let path = path.trim_start_matches('/');
            let end = path.find('/').unwrap_or(path.len());
            (uri::normalize_path(&path[..end]).into_owned(), path[end..].to_owned())
        };
        let (first, behind) = segment(path);
        let (domain, rest) = segment(&behind);
        if !path.starts_with('/') || first != "t" || domain.is_empty() {
            return (Self::super_tenant(), path.to_owned());
        }
        (Self::from_domain(&domain), if rest.is_empty() { "/".to_owned() } else { rest })
    }

    /// Whether this is the super tenant.
    #[must_use]
    pub fn is_super(&self) -> bool {
        self.number == 0
    }

    /// The domain, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The number its rows carry, below 2^53.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number as a SQL parameter.
    #[must_use]
    pub fn key(&self) -> crate::ports::Value {
        crate::ports::Value::Integer(self.number.cast_signed())
    }

    /// What comes before a path of this tenant: nothing, or `/t/{domain}`.
    #[must_use]
    pub fn prefix(&self) -> String {
        if self.is_super() { String::new() } else { format!("/t/{}", self.domain) }
    }
}

#[cfg(test)]
mod tests {
    use super::{SUPER_TENANT, Tenant};

    #[test]
    fn the_super_tenant_is_number_zero_and_needs_no_prefix() {
        let tenant = Tenant::from_domain("carbon.super");
        assert!(tenant.is_super());
        assert_eq!(tenant.prefix(), "");
        assert_eq!(Tenant::from_domain("Carbon.Super"), tenant);
    }

    #[test]
    fn a_tenants_prefix_is_split_off_and_the_rest_is_a_path_as_it_is_written() {
        for (path, domain, rest) in [
            ("/scim2/Users", SUPER_TENANT, "/scim2/Users"),
            ("/t/Acme.com/scim2/Users", "acme.com", "/scim2/Users"),
            ("/t/carbon.super/invite/x%2E", SUPER_TENANT, "/invite/x%2E"),
            ("/t/carbon%2Esuper//invite//x", SUPER_TENANT, "//invite//x"),
            ("//t//acme%2ecom/", "acme.com", "/"),
            ("/t/acme.com", "acme.com", "/"),
            ("/t/acme%252Ecom/x", "acme%252ecom", "/x"),
            ("/t", SUPER_TENANT, "/t"),
            ("/t/", SUPER_TENANT, "/t/"),
            ("t/acme.com/x", SUPER_TENANT, "t/acme.com/x"),
            ("/", SUPER_TENANT, "/"),
            ("", SUPER_TENANT, ""),
        ] {
            let (tenant, behind) = Tenant::split_path(path);
            assert_eq!((tenant.domain(), behind.as_str()), (domain, rest), "{path}");
        }
    }

    #[test]
    fn other_tenants_have_a_number_that_a_double_holds_exactly() {
        for domain in ["acme.com", "globex.com", "a"] {
            let tenant = Tenant::from_domain(domain);
            assert!(tenant.number() > 0 && tenant.number() < 1 << 53);
            assert_eq!(tenant.prefix(), format!("/t/{domain}"));
        }
    }
}
