//! Tenants and settings: whose data a request is about, and what holds for it.

use sha2::{Digest, Sha256};

/// The name of the super tenant, as WSO2 calls it. Its path prefix is optional.
pub const SUPER_TENANT: &str = "carbon.super";

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
    use super::Tenant;

    #[test]
    fn the_super_tenant_is_number_zero_and_needs_no_prefix() {
        let tenant = Tenant::from_domain("carbon.super");
        assert!(tenant.is_super());
        assert_eq!(tenant.prefix(), "");
        assert_eq!(Tenant::from_domain("Carbon.Super"), tenant);
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
