//! Roles: what a user may do besides what every user may (DESIGN 2.3).
//!
//! A user has a role by a value of the attribute `roles`, or as a direct member of a group of that name. Members of its
//! members do not have it: else whoever may fill some other group could make administrators. Writing either takes the
//! scope `roles`.

use serde_json::Value as Json;

use crate::base::scope::{Scope, Scopes};
use crate::model::resource::{GROUP, Resource, USER};
use crate::model::tenant::Tenant;
use scim::fold::fold;
use scim::resource::Document;

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
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Inviter, Self::Auditor];

    /// Its place in a set, as the database has it.
    fn bit(self) -> u8 {
        match self {
            Self::Admin => 1,
            Self::Inviter => 2,
            Self::Auditor => 4,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Inviter => "inviter",
            Self::Auditor => "auditor",
        }
    }

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

/// A set of roles, as the column `resources.roles` has it: what a user has by the attribute, or what a group gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Returns the roles of this document of a resource of this type: a user's by the attribute, the one that a group's
    /// name gives.
    #[must_use]
    pub fn of_document(type_name: &str, document: &Document) -> Self {
        match type_name {
            USER => named(document.get("roles").cloned(), "value", |_| true).collect(),
            GROUP => document.get("displayName").and_then(Json::as_str).and_then(Role::named).into_iter().collect(),
            _ => Self::NONE,
        }
    }

    /// Returns the roles of a user by the attribute and by groups. The user has been read with their groups.
    #[must_use]
    pub fn of_user(user: &Resource) -> Self {
        Self::of_document(USER, &user.attributes()).and(Self::by_groups(user))
    }

    /// Returns the roles that groups give a user. The user has been read with their groups.
    #[must_use]
    pub fn by_groups(user: &Resource) -> Self {
        let groups: Option<Json> = user.groups.as_deref().and_then(|text| serde_json::from_str(text).ok());
        named(groups, "display", |group| group["type"] == "direct").collect()
    }

    /// Returns these roles and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_any(self) -> bool {
        self != Self::NONE
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether there is a role among them that is not among `before`.
    #[must_use]
    pub fn exceeds(self, before: Self) -> bool {
        self.0 & !before.0 != 0
    }

    /// The number that the column has.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0.into()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

/// The roles that the members of a list name, of those that count.
fn named(list: Option<Json>, member: &'static str, counts: fn(&Json) -> bool) -> impl Iterator<Item = Role> {
    let list = if let Some(Json::Array(list)) = list { list } else { Vec::new() };
    list.into_iter().filter(counts).filter_map(move |entry| Role::named(entry[member].as_str()?))
}

/// What a user's roles allow in their tenant. The user has been read with their groups.
#[must_use]
pub fn scopes(user: &Resource, tenant: &Tenant) -> Scopes {
    let roles = Roles::of_user(user);
    let held = Role::ALL.into_iter().filter(|role| roles.has(*role));
    held.fold(Scopes::empty(), |scopes, role| scopes.union(role.scopes(tenant)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Role, Roles};
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
    fn a_set_of_roles_grows_by_what_was_not_in_it() {
        let document = json!({ "displayName": " Auditor", "roles": [{ "value": "ADMIN" }, { "value": "x" }, {}] });
        let document = document.as_object().expect("an object");
        let of = |name: &str| Roles::of_document(name, document);
        assert_eq!((of("User").bits(), of("Group").bits(), of("Device").bits()), (1, 4, 0));
        let both = of("User").and(of("Group"));
        assert!(both.exceeds(of("User")) && !of("User").exceeds(both) && !Roles::NONE.is_any());
        assert!(both.has(Role::Auditor) && !both.has(Role::Inviter));
    }

    #[test]
    fn only_the_super_tenants_administrators_reach_other_tenants() {
        assert!(Role::Admin.scopes(&Tenant::super_tenant()).has(Scope::Tenants));
        let scopes = Role::Admin.scopes(&Tenant::from_domain("acme.com"));
        assert!(!scopes.has(Scope::Tenants) && scopes.names().count() == 10);
    }
}
