//! Schemas, attributes and resource types (RFC 7643 sections 2, 6 and 7).
//!
//! Everything the engine knows about an attribute comes from here, and everything here comes from documents: RFC 7643's,
//! which are compiled in, those a service provider hands over, and those added at run time. `builder` puts the first two
//! together, `parse` reads the documents, `render` writes them for discovery, `registry` holds them and finds them.

use std::fmt;
use std::sync::Arc;

use crate::error::shorten;

mod builder;
#[cfg(test)]
mod example;
mod memory;
mod parse;
mod registry;
mod render;
#[cfg(test)]
mod tests;

pub use builder::RegistryBuilder;
pub use registry::Registry;
pub use render::{RESOURCE_TYPE_SCHEMA, SCHEMA_SCHEMA};

/// The attribute that lists a resource's schemas (RFC 7643 section 3). The engine computes it.
pub const SCHEMAS: &str = "schemas";

/// The sub-attributes RFC 7643 section 2.4 gives a meaning in every multi-valued attribute.
pub const VALUE: &str = "value";
/// Its kind, such as `work` (`type`).
pub const TYPE: &str = "type";
/// Whether it is the preferred one (`primary`).
pub const PRIMARY: &str = "primary";
/// The address of what it refers to (`$ref`).
pub const REF: &str = "$ref";

/// The data types of RFC 7643 section 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A Unicode string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// A moment in time, as text.
    DateTime,
    /// Bytes, in base64.
    Binary,
    /// A URI.
    Reference,
    /// A set of sub-attributes.
    Complex,
}

/// The mutability of an attribute: when a client can write it (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// Never; the service maintains it.
    ReadOnly,
    /// Always.
    ReadWrite,
    /// Once.
    Immutable,
    /// Always, but it cannot be read.
    WriteOnly,
}

/// The `returned` characteristic of an attribute: when it is in a response (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned {
    /// In every response, whatever the client asks for.
    Always,
    /// In none.
    Never,
    /// Unless the client asks otherwise.
    Default,
    /// Only when the client asks for it.
    Request,
}

/// Among which resources a value is unique (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Not unique.
    None,
    /// Within the service provider (here: the tenant).
    Server,
    /// Everywhere.
    Global,
}

/// An attribute and its characteristics (RFC 7643 section 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "these are the characteristics the RFC defines")]
pub struct Attribute {
    /// The name, in the case the schema writes it.
    pub name: String,
    /// The data type of its values.
    pub data_type: Type,
    /// Whether it holds a list of values.
    pub multi_valued: bool,
    /// A description for people.
    pub description: String,
    /// Whether a resource must have a value for it.
    pub required: bool,
    /// Whether its strings compare case-sensitively; see [`Attribute::compares_exactly`].
    pub case_exact: bool,
    /// The circumstances in which a client can write it.
    pub mutability: Mutability,
    /// The circumstances in which it is in a response.
    pub returned: Returned,
    /// Among which resources its value is unique.
    pub uniqueness: Uniqueness,
    /// Suggested values; others are accepted too.
    pub canonical_values: Vec<String>,
    /// The types a reference may point to.
    pub reference_types: Vec<String>,
    /// The attributes of a complex attribute.
    pub sub_attributes: Vec<Arc<Attribute>>,
    /// Private key `x-lenientBoolean`: any string but `true` is false, as in WSO2 Identity Server.
    pub lenient_boolean: bool,
    /// Private key `x-trimmed`: white space around a value is no part of it.
    pub trimmed: bool,
    /// Private key `x-indexed`: the store keeps an index over it.
    pub indexed: bool,
    /// Private key `x-aliasOf`: a second name, on input and in paths, of the attribute at this path.
    pub alias_of: Option<String>,
}

impl Attribute {
    /// The sub-attribute of that name, in any case (RFC 7643 section 2.1).
    #[must_use]
    pub fn sub_attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.sub_attributes, name)
    }

    /// Whether a client may write it at all.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }

    /// Whether its strings compare case-sensitively: references and binaries always do (RFC 7643 sections 2.3.6
    /// and 2.3.7), other types as `caseExact` says.
    #[must_use]
    pub fn compares_exactly(&self) -> bool {
        self.case_exact || matches!(self.data_type, Type::Binary | Type::Reference)
    }
}

/// A schema (RFC 7643 section 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The URN.
    pub id: Arc<str>,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The attributes, in the order resources show them.
    pub attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// The attribute of that name, in any case (RFC 7643 section 2.1). An alias is found too.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.attributes, name)
    }
}

fn find<'a>(attributes: &'a [Arc<Attribute>], name: &str) -> Option<&'a Arc<Attribute>> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// A schema extension of a resource type (RFC 7643 section 6, `schemaExtensions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The extension.
    pub schema: Arc<Schema>,
    /// Whether every resource of the type must have it.
    pub required: bool,
    /// Private key `x-hidden`: the resource type does not list it. Such an extension appears in a resource only when
    /// something that asked for it put it there; strict clients compare a listed one with what they wrote, and would
    /// stumble over the attributes the service adds by itself.
    pub hidden: bool,
}

/// A type of resource (RFC 7643 section 6), with its schemas at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// The identifier, in `/ResourceTypes/{id}`.
    pub id: String,
    /// The name, in `meta.resourceType`.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The endpoint relative to the base URL, with the leading slash.
    pub endpoint: String,
    /// The attributes every resource has (RFC 7643 section 3.1).
    pub common: Arc<Schema>,
    /// The core schema.
    pub schema: Arc<Schema>,
    /// The extensions, in the order resources show them.
    pub extensions: Vec<Extension>,
    /// The URNs of those of its schemas whose values are being indexed: until that is done, an index has only some.
    pub reindexing: Vec<Arc<str>>,
}

/// An attribute as a path names it (RFC 7644 section 3.10), found in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The extension it belongs to; none for common and core attributes.
    pub extension: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Arc<Attribute>,
    /// The sub-attribute, when the path names one.
    pub sub: Option<Arc<Attribute>>,
}

impl AttributePath {
    /// The attribute whose values the path denotes: the sub-attribute if there is one.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Whether any part of the path is returned `never`: such values must not be tested or ordered by either.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.attribute.returned == Returned::Never || self.leaf().returned == Returned::Never
    }

    /// The path with a complex attribute's `value` filled in (RFC 7643 section 2.4: `emails` stands for
    /// `emails.value`); unchanged when it has none.
    #[must_use]
    pub fn with_default_sub_attribute(mut self) -> Self {
        if self.sub.is_none() {
            self.sub = self.attribute.sub_attribute(VALUE).cloned();
        }
        self
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute.name)?;
        self.sub.iter().try_for_each(|sub| write!(f, ".{}", sub.name))
    }
}

/// The target of a path without a value filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An attribute or sub-attribute.
    Attribute(AttributePath),
    /// All attributes of the core schema: its URN alone.
    Core,
    /// All attributes of an extension: its URN alone.
    Extension(Arc<Schema>),
}

/// A name without a URN that more than one extension has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is an attribute of {schemas}: write the URN of the schema and a colon before it.")]
pub struct AmbiguousName {
    name: String,
    schemas: String,
}

impl ResourceType {
    /// The common or core attribute of that name, in any case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.common.attribute(name).or_else(|| self.schema.attribute(name))
    }

    /// The extension with that URN, in any case.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.id.eq_ignore_ascii_case(urn))
    }

    /// Finds what a path denotes: `name`, `name.sub`, either behind a schema's URN, or a URN alone
    /// (RFC 7644 section 3.10). Where several URNs fit, the longest wins. Aliases lead to the attribute they stand for.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<Target> {
        self.locate(path).map(|(target, _)| target)
    }

    /// As [`ResourceType::resolve`], telling also whether an alias was followed.
    pub(crate) fn locate(&self, path: &str) -> Option<(Target, bool)> {
        let path = path.trim();
        if !path.contains(':') {
            return self.resolve_name(None, path);
        }
        let core = (None, after_urn(path, &self.schema.id));
        let extensions =
            self.extensions.iter().map(|extension| (Some(extension), after_urn(path, &extension.schema.id)));
        let (extension, rest) = std::iter::once(core)
            .chain(extensions)
            .filter_map(|(extension, rest)| Some((extension, rest?)))
            .min_by_key(|(_, rest)| rest.len())?;
        match extension {
            None if rest.is_empty() => Some((Target::Core, false)),
            None => self.resolve_name(None, rest),
            Some(extension) if rest.is_empty() => Some((Target::Extension(Arc::clone(&extension.schema)), false)),
            Some(extension) => self.resolve_name(Some(&extension.schema), rest),
        }
    }

    /// As [`ResourceType::resolve`], for places where only an attribute makes sense.
    #[must_use]
    pub fn resolve_attribute(&self, path: &str) -> Option<AttributePath> {
        match self.resolve(path)? {
            Target::Attribute(path) => Some(path),
            Target::Core | Target::Extension(_) => None,
        }
    }

    /// Finds what a name in a request denotes: as [`ResourceType::resolve`], and a name without a URN that the core does
    /// not have is the extension's that has it. Filters, PATCH paths, `sortBy` and `attributes` all read names so.
    ///
    /// # Errors
    /// The name is an attribute of more than one extension.
    pub fn find(&self, path: &str) -> Result<Option<Target>, AmbiguousName> {
        if let Some(target) = self.resolve(path) {
            return Ok(Some(target));
        }
        let name = path.trim();
        if name.contains(':') {
            return Ok(None);
        }
        let mut found: Vec<(Target, &Arc<str>)> = Vec::new();
        for Extension { schema, .. } in &self.extensions {
            // Two names of one attribute are no two attributes.
            match self.resolve_name(Some(schema), name) {
                Some((target, _)) if found.iter().all(|(known, _)| *known != target) => {
                    found.push((target, &schema.id));
                }
                _ => {}
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [(target, _)] => Ok(Some(target.clone())),
            several => Err(AmbiguousName {
                name: shorten(name).to_owned(),
                schemas: several.iter().map(|(_, urn)| format!("'{urn}'")).collect::<Vec<_>>().join(" and "),
            }),
        }
    }

    /// As [`ResourceType::find`], for places where only an attribute makes sense.
    ///
    /// # Errors
    /// As [`ResourceType::find`].
    pub fn find_attribute(&self, path: &str) -> Result<Option<AttributePath>, AmbiguousName> {
        Ok(match self.find(path)? {
            Some(Target::Attribute(path)) => Some(path),
            Some(Target::Core | Target::Extension(_)) | None => None,
        })
    }

    fn resolve_name(&self, extension: Option<&Arc<Schema>>, name: &str) -> Option<(Target, bool)> {
        let (name, sub) = name.split_once('.').map_or((name, None), |(name, sub)| (name, Some(sub)));
        let attribute = match extension {
            None => self.attribute(name)?,
            Some(schema) => schema.attribute(name)?,
        };
        if let Some(target) = &attribute.alias_of {
            // The registry made sure that an alias leads to an attribute that is none.
            let found = match sub {
                None => self.resolve(target),
                Some(sub) => self.resolve(&format!("{target}.{sub}")),
            };
            return Some((found?, true));
        }
        let sub = match sub {
            None => None,
            // A list of simple values has an implied `value` (RFC 7643 section 2.4).
            Some(sub)
                if attribute.data_type != Type::Complex
                    && attribute.multi_valued
                    && sub.eq_ignore_ascii_case(VALUE) =>
            {
                None
            }
            Some(sub) => Some(Arc::clone(attribute.sub_attribute(sub)?)),
        };
        let path = AttributePath {
            extension: extension.map(|schema| Arc::clone(&schema.id)),
            attribute: Arc::clone(attribute),
            sub,
        };
        Some((Target::Attribute(path), false))
    }

    /// Whether the values at a path are being indexed, so that an index has only some of them.
    #[must_use]
    pub fn is_reindexing(&self, path: &AttributePath) -> bool {
        let urn = path.extension.as_ref().unwrap_or(&self.schema.id);
        self.reindexing.contains(urn)
    }

    /// Whether anything of it is returned on request alone.
    #[must_use]
    pub fn has_returned_on_request(&self) -> bool {
        let on_request = |attribute: &Attribute| attribute.returned == Returned::Request;
        self.places()
            .any(|(_, attribute)| on_request(attribute) || attribute.sub_attributes.iter().any(|sub| on_request(sub)))
    }

    /// The attributes of a document with their place, in the order of a document: common, core, then each extension.
    /// Aliases are left out: they hold nothing.
    pub fn places(&self) -> impl Iterator<Item = (Option<&Extension>, &Arc<Attribute>)> {
        let own = self.common.attributes.iter().chain(&self.schema.attributes).map(|attribute| (None, attribute));
        let extended = self.extensions.iter().flat_map(|extension| {
            extension.schema.attributes.iter().map(move |attribute| (Some(extension), attribute))
        });
        own.chain(extended).filter(|(_, attribute)| attribute.alias_of.is_none())
    }
}

/// What follows a URN in a path, without the separator. Older clients write `urn:...:User.department`.
fn after_urn<'a>(path: &'a str, urn: &str) -> Option<&'a str> {
    let head = path.get(..urn.len())?;
    if !head.eq_ignore_ascii_case(urn) {
        return None;
    }
    let rest = &path[urn.len()..];
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix([':', '.']) }
}
