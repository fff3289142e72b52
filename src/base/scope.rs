//! What a caller may do: the scopes of API tokens and of roles (DESIGN 2.3). Which role has which is in `model::role`.

use std::fmt;

use bitflags::bitflags;

/// One area of what Latchkey does. A new one goes to the end: access tokens carry them by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// SCIM GET and `.search`.
    ScimRead,
    /// SCIM POST, PUT, PATCH, DELETE and Bulk; not `roles`.
    ScimWrite,
    /// Listing, resending, revoking and importing invitations, WSO2's resend-code, and creating users with a flag.
    Invitations,
    /// Any answer that carries a code or a link.
    Links,
    /// The tenant's settings, schemas and resource types.
    Settings,
    /// Mail templates.
    Templates,
    /// API tokens.
    Tokens,
    /// The assignment of roles.
    Roles,
    /// The outbox.
    Mail,
    /// Reading the audit.
    Audit,
    /// Creating tenants and acting inside any: the super tenant's alone.
    Tenants,
}

/// All scopes, as API tokens spell them.
const NAMES: &[(Scope, &str)] = &[
    (Scope::ScimRead, "scim:read"),
    (Scope::ScimWrite, "scim:write"),
    (Scope::Invitations, "invitations"),
    (Scope::Links, "links"),
    (Scope::Settings, "settings"),
    (Scope::Templates, "templates"),
    (Scope::Tokens, "tokens"),
    (Scope::Roles, "roles"),
    (Scope::Mail, "mail"),
    (Scope::Audit, "audit"),
    (Scope::Tenants, "tenants"),
];

impl Scope {
    /// As API tokens spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }

    /// Reads a scope's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

bitflags! {
    /// A set of scopes. Its bits, one for each scope in the order of [`Scope`], are what an access token carries for an hour.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Scopes: u16 {
        /// [`Scope::ScimRead`]
        const SCIM_READ = 1 << Scope::ScimRead as u16;
        /// [`Scope::ScimWrite`]
        const SCIM_WRITE = 1 << Scope::ScimWrite as u16;
        /// [`Scope::Invitations`]
        const INVITATIONS = 1 << Scope::Invitations as u16;
        /// [`Scope::Links`]
        const LINKS = 1 << Scope::Links as u16;
        /// [`Scope::Settings`]
        const SETTINGS = 1 << Scope::Settings as u16;
        /// [`Scope::Templates`]
        const TEMPLATES = 1 << Scope::Templates as u16;
        /// [`Scope::Tokens`]
        const TOKENS = 1 << Scope::Tokens as u16;
        /// [`Scope::Roles`]
        const ROLES = 1 << Scope::Roles as u16;
        /// [`Scope::Mail`]
        const MAIL = 1 << Scope::Mail as u16;
        /// [`Scope::Audit`]
        const AUDIT = 1 << Scope::Audit as u16;
        /// [`Scope::Tenants`]
        const TENANTS = 1 << Scope::Tenants as u16;
    }
}

impl Scopes {
    /// Whether this scope is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.contains(scope.into())
    }

    /// Whether any of these is among them.
    #[must_use]
    pub fn has_any(self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.has(*scope))
    }

    /// Reads names separated by spaces, as they are stored; a name that this version does not know grants nothing.
    #[must_use]
    pub fn from_stored(names: &str) -> Self {
        names.split(' ').filter_map(Scope::parse).collect()
    }

    /// The scopes in it, in the order of the documentation.
    pub fn scopes(self) -> impl Iterator<Item = Scope> {
        NAMES.iter().map(|(scope, _)| *scope).filter(move |scope| self.has(*scope))
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.scopes().map(Scope::as_str)
    }
}

/// The names, separated by spaces: how they are stored, and how OAuth writes them (RFC 6749 section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" "))
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self::from_bits_truncate(1 << scope as u16)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        scopes.into_iter().map(Self::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Scopes};

    #[test]
    fn a_scope_is_in_the_set_that_was_made_of_it() {
        let scopes: Scopes = [Scope::ScimRead, Scope::Audit].into_iter().collect();
        assert!(scopes.has(Scope::Audit) && !scopes.has(Scope::ScimWrite));
        assert_eq!(scopes.names().collect::<Vec<_>>(), ["scim:read", "audit"]);
        assert_eq!(scopes.to_string(), "scim:read audit");
        assert_eq!(Scopes::from_stored("scim:read audit of yesterday"), scopes);
        assert_eq!(Scopes::from_stored(""), Scopes::empty());
        assert_eq!(Scopes::all().difference(scopes).intersection(scopes), Scopes::empty());
        assert_eq!(Scopes::all().names().count(), 11);
        assert_eq!(scopes.bits(), 0b10_0000_0001);
        assert_eq!((Scopes::all().bits(), Scopes::from_bits_truncate(u16::MAX)), (0x7ff, Scopes::all()));
        assert!(Scopes::all().names().all(|name| Scope::parse(name).is_some_and(|scope| scope.as_str() == name)));
    }
}
