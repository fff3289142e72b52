//! Roles: what a user may do besides what every user may (DESIGN 2.3).
//!
//! A user has a role by a value of the attribute `roles`, or as a direct member of a group of that name. Members of its
//! members do not have it: else whoever may fill some other group could make administrators. Writing either takes the
//! scope `roles`.

use serde_json::Value as Json;

use crate::base::scope::{Scope, Scopes};
use crate::model::resource::Resource;
use crate::model::tenant::Tenant;
use scim::fold::fold;

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// All of a tenant; of all tenants in the super tenant.
    Admin,
    /// Creates users by inviting them, and resends.
    Inviter,
    /// Reads.
    Auditor,
}

impl Role {
    /// The role of this name, whatever its case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match fold(name.trim()).as_str() {
            "admin" => Some(Self::Admin),
            "inviter" => Some(Self::Inviter),
            "auditor" => Some(Self::Auditor),
            _ => None,
        }
    }

    /// Returns the scopes it grants in a tenant.
    #[must_use]
    pub fn scopes(self, tenant: &Tenant) -> Scopes {
        match self {
            Self::Admin if tenant.is_super() => Scopes::all(),
            Self::Admin => Scopes::all().difference(Scopes::TENANTS),
            Self::Inviter => [Scope::ScimRead, Scope::Invitations].into_iter().collect(),
            Self::Auditor => [Scope::ScimRead, Scope::Audit].into_iter().collect(),
        }
    }
}

/// What a user's roles allow in their tenant. The user has been read with their groups.
#[must_use]
pub fn scopes(user: &Resource, tenant: &Tenant) -> Scopes {
    roles(user).fold(Scopes::empty(), |scopes, role| scopes.union(role.scopes(tenant)))
}

/// Whether a user has a role. The user has been read with their groups.
#[must_use]
pub fn has_any(user: &Resource) -> bool {
    roles(user).next().is_some()
}

fn roles(user: &Resource) -> impl Iterator<Item = Role> {
    let attribute = user.attributes().shift_remove("roles").unwrap_or_default();
    let groups: Json = user.groups.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let names = |list: Json, name: &'static str| {
        let list = if let Json::Array(list) = list { list } else { Vec::new() };
        list.into_iter().filter_map(move |entry| {
            let is_direct = name != "display" || entry["type"] == "direct";
            Role::named(entry[name].as_str()?).filter(|_| is_direct)
        })
    };
    names(attribute, "value").chain(names(groups, "display"))
}

#[cfg(test)]
mod tests {
    use super::Role;
    use crate::base::scope::Scope;
    use crate::model::tenant::Tenant;

    #[test]
    fn a_role_has_one_name_whatever_its_case() {
        assert_eq!(Role::named("Admin"), Some(Role::Admin));
        assert_eq!(Role::named(" auditor "), Some(Role::Auditor));
        for name in ["", "administrator", "admins", "\u{430}dmin", "ad min"] {
            assert_eq!(Role::named(name), None, "{name}");
        }
    }

    #[test]
    fn only_the_super_tenants_administrators_reach_other_tenants() {
        assert!(Role::Admin.scopes(&Tenant::super_tenant()).has(Scope::Tenants));
        let scopes = Role::Admin.scopes(&Tenant::from_domain("acme.com"));
        assert!(!scopes.has(Scope::Tenants) && scopes.names().count() == 10);
    }
}
