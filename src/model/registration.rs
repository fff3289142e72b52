//! What a tenant registers: schemas, resource types and extensions; the registry that they make, and what they may come to.

use serde_json::Value as Json;

use crate::model::schemas;
use scim::error::Error as ScimError;
use scim::schema::{Registry, Schema};

/// The largest schema, and the largest resource type without its schema, in bytes as a client sends them.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// The most that a tenant's schemas and resource types may be together, in bytes as clients sent them.
pub const MAX_TOTAL: usize = 512 * 1024;
/// The most attributes that a tenant's schemas may have together, sub-attributes included.
pub const MAX_ATTRIBUTES: usize = 500;
/// The most schemas, resource types and extensions a tenant may have.
pub const MAX_REGISTRATIONS: usize = 100;

/// What a tenant has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// What it is.
    pub kind: Kind,
    /// The URN, the resource type's name, or the extended type's name and the URN.
    pub name: String,
    /// The document.
    pub document: Json,
    /// Its size in bytes as the client sent it; 0 where that was a part of another document.
    pub sent: usize,
}

/// The kind of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A schema (RFC 7643 section 7).
    Schema,
    /// A resource type (RFC 7643 section 6).
    ResourceType,
    /// The extension of a resource type by a schema: `{"resourceType","schema","required"}`.
    Extension,
}

impl Kind {
    /// All of them, in the order in which a registry builds up.
    const ALL: [Self; 3] = [Self::Schema, Self::ResourceType, Self::Extension];

    /// As the database stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::ResourceType => "resource_type",
            Self::Extension => "extension",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Registration {
    fn add_to(&self, registry: &mut Registry) -> Result<(), ScimError> {
        match self.kind {
            Kind::Schema => registry.add_schema(Schema::parse(&self.document)?),
            Kind::ResourceType => registry.add_resource_type(&self.document),
            Kind::Extension => {
                let text = |name: &str| self.document[name].as_str().unwrap_or_default();
                let required = self.document["required"] == Json::Bool(true);
                registry.extend_resource_type(text("resourceType"), text("schema"), required)
            }
        }
    }
}

fn in_order(registrations: &[Registration]) -> impl Iterator<Item = &Registration> {
    Kind::ALL.into_iter().flat_map(|kind| registrations.iter().filter(move |registration| registration.kind == kind))
}

/// The registry that the built-in one and these registrations make.
///
/// # Errors
/// The first registration that does not fit, in words for whoever made it.
pub fn build(registrations: &[Registration]) -> Result<Registry, ScimError> {
    let mut registry = Registry::clone(&schemas::builtin());
    for registration in in_order(registrations) {
        registration.add_to(&mut registry)?;
    }
    Ok(registry)
}

/// The registry that those registrations make which fit. All of them have been checked when they were made; should one
/// not fit any more, the others still count.
#[must_use]
pub fn build_what_fits(registrations: &[Registration]) -> Registry {
    let mut registry = Registry::clone(&schemas::builtin());
    for registration in in_order(registrations) {
        // One that does not fit leaves the registry as it was.
        let _ = registration.add_to(&mut registry);
    }
    registry
}

/// Checks that a tenant that has registered `before` may register `new`. What is there already may be more than is allowed
/// by now: it stays.
///
/// # Errors
/// 413 for a document that is too large by itself, 400 `tooMany` where all together are too much.
pub fn check_bounds(before: &[Registration], new: &[Registration]) -> Result<(), ScimError> {
    if new.iter().any(|registration| registration.sent > MAX_DOCUMENT) {
        let detail = format!("A schema or resource type may have {} KiB.", MAX_DOCUMENT / 1024);
        return Err(ScimError::payload_too_large(detail));
    }
    if before.len() + new.len() > MAX_REGISTRATIONS {
        let detail = format!(
            "A tenant may have {MAX_REGISTRATIONS} schemas, resource types and extensions together: remove some first."
        );
        return Err(ScimError::too_many(detail));
    }
    let all = || before.iter().chain(new);
    if all().map(|registration| registration.sent).sum::<usize>() > MAX_TOTAL {
        let detail = format!(
            "A tenant's schemas and resource types may have {} KiB together: remove some first.",
            MAX_TOTAL / 1024
        );
        return Err(ScimError::too_many(detail));
    }
    let attributes: usize = all().map(|registration| attributes(&registration.document, "attributes")).sum();
    if attributes > MAX_ATTRIBUTES {
        return Err(ScimError::too_many(format!(
            "A tenant's schemas may have {MAX_ATTRIBUTES} attributes together, sub-attributes included, and these would \
             be {attributes}: remove some first."
        )));
    }
    Ok(())
}

/// How many attributes a list in a document defines, with those within them.
fn attributes(document: &Json, list: &str) -> usize {
    let Some(list) = document.get(list).and_then(Json::as_array) else { return 0 };
    list.iter().map(|attribute| 1 + attributes(attribute, "subAttributes")).sum()
}
