//! Which attributes a response shows: `attributes` and `excludedAttributes` (RFC 7644 sections 3.4.2.5 and 3.9).
//!
//! The two parameters exclude each other (RFC 7644 section 3.9), so a request with both is refused rather than
//! half-honoured. Names that no schema defines are ignored: a client may ask every server for the same list.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::resource::Document;
use crate::schema::{Attribute, AttributePath, ResourceType, Returned, SCHEMAS, Schema, Target};

/// The most names that `attributes` or `excludedAttributes` has, known or not: each is looked for in every attribute shown.
pub const MAX_NAMES: usize = 200;

/// The attributes a client wants to see of one resource type.
#[derive(Debug, Clone)]
pub struct Projection {
    resource_type: Arc<ResourceType>,
    wish: Wish,
    /// What the request wrote, of what is returned on request alone.
    written: Vec<AttributePath>,
}

#[derive(Debug, Clone)]
enum Wish {
    /// Neither parameter: what is returned by default.
    Default,
    /// `attributes`: only these.
    Only(Vec<Target>),
    /// `excludedAttributes`: all but these.
    Without(Vec<Target>),
}

impl Projection {
    /// The projection of a request without either parameter.
    #[must_use]
    pub fn default_for(resource_type: &Arc<ResourceType>) -> Self {
        Self { resource_type: Arc::clone(resource_type), wish: Wish::Default, written: Vec::new() }
    }

    /// Shows what is returned on request alone where the request wrote it, too (RFC 7643 section 7, `returned`): what
    /// [`resource::written`](crate::resource::written) or [`Patch::written`](crate::patch::Patch::written) found. Where
    /// `attributes` says what to show, that holds.
    #[must_use]
    pub fn with_written(self, written: Vec<AttributePath>) -> Self {
        Self { written, ..self }
    }

    /// Reads the two query parameters, each a comma-separated list. An empty one counts as absent.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, there are more than [`MAX_NAMES`] names, or a name without a URN is an attribute of more than one extension.
    pub fn parse(
        resource_type: &Arc<ResourceType>,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, Error> {
        let [attributes, excluded] = [attributes, excluded].map(|list| list.map(split_names).unwrap_or_default());
        Self::from_lists(resource_type, &attributes, &excluded)
    }

    /// As [`Projection::parse`], from lists as a search request has them (RFC 7644 section 3.4.3).
    ///
    /// # Errors
    /// As [`Projection::parse`].
    pub fn from_lists<S: AsRef<str>>(
        resource_type: &Arc<ResourceType>,
        attributes: &[S],
        excluded: &[S],
    ) -> Result<Self, Error> {
        if attributes.len().max(excluded.len()) > MAX_NAMES {
            return Err(Error::invalid_value(format!(
                "'attributes' and 'excludedAttributes' name at most {MAX_NAMES} attributes."
            )));
        }
        let resolve = |names: &[S]| -> Result<Vec<Target>, Error> {
            let found = names.iter().map(|name| resource_type.find(&without_value_filter(name.as_ref())));
            found
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()
                .map_err(|ambiguous| Error::invalid_value(ambiguous.to_string()))
        };
        let wish = match (attributes, excluded) {
            ([], []) => Wish::Default,
            (attributes, []) => Wish::Only(resolve(attributes)?),
            ([], excluded) => Wish::Without(resolve(excluded)?),
            _ => {
                return Err(Error::invalid_value("'attributes' and 'excludedAttributes' exclude each other."));
            }
        };
        Ok(Self { resource_type: Arc::clone(resource_type), wish, written: Vec::new() })
    }

    /// Whether the client asked for nothing special.
    #[must_use]
    pub fn is_default(&self) -> bool {
        matches!(self.wish, Wish::Default)
    }

    /// Whether the response shows the attribute at this path, or a part of it. What it does not show need not be loaded.
    #[must_use]
    pub fn wants(&self, path: &str) -> bool {
        let Some(path) = self.resource_type.resolve_attribute(path) else {
            return false;
        };
        self.shows(path.extension.as_deref(), &path.attribute)
            && path.sub.as_ref().is_none_or(|sub| self.shows_part(&path, sub))
    }

    /// Removes from a document what the response does not show. `schemas` then lists what is left
    /// (RFC 7643 section 3).
    pub fn apply(&self, document: &mut Document) {
        document.retain(|name, value| {
            if let Some(extension) = self.resource_type.extension(name) {
                let Value::Object(members) = value else {
                    return false;
                };
                self.retain(members, Some(&extension.schema));
                return !members.is_empty();
            }
            true
        });
        self.retain(document, None);
        let present: Vec<Value> = std::iter::once(&self.resource_type.schema)
            .chain(
                self.resource_type
                    .extensions
                    .iter()
                    .map(|extension| &extension.schema)
                    .filter(|schema| document.contains_key(&*schema.id)),
            )
            .map(|schema| Value::from(&*schema.id))
            .collect();
        if let Some(schemas) = document.get_mut(SCHEMAS) {
            *schemas = Value::Array(present);
        }
    }

    fn retain(&self, members: &mut Map<String, Value>, extension: Option<&Arc<Schema>>) {
        let urn = extension.map(|schema| &*schema.id);
        members.retain(|name, value| {
            let attribute = match extension {
                None => self.resource_type.attribute(name),
                Some(schema) => schema.attribute(name),
            };
            let Some(attribute) = attribute else {
                // Besides attributes, a document holds extensions, which have been seen to. What is neither belongs to a
                // schema that has been taken away.
                return extension.is_none() && self.resource_type.extension(name).is_some();
            };
            if !self.shows(urn, attribute) {
                return false;
            }
            if attribute.sub_attributes.is_empty() {
                return true;
            }
            let path = AttributePath {
                extension: extension.map(|schema| Arc::clone(&schema.id)),
                attribute: Arc::clone(attribute),
                sub: None,
            };
            // Decided once, whatever the number of values.
            let hidden: Vec<&str> = attribute
                .sub_attributes
                .iter()
                .filter(|sub| !self.shows_part(&path, sub))
                .map(|sub| sub.name.as_str())
                .collect();
            match value {
                Value::Object(object) => {
                    remove_parts(object, &hidden);
                    !object.is_empty()
                }
                Value::Array(items) => {
                    items.retain_mut(|item| {
                        let Value::Object(object) = item else {
                            return true;
                        };
                        remove_parts(object, &hidden);
                        !object.is_empty()
                    });
                    !items.is_empty()
                }
                _ => true,
            }
        });
    }

    fn shows(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        match (attribute.returned, &self.wish) {
            (Returned::Always, _) => true,
            (Returned::Never, _) => false,
            (_, Wish::Only(targets)) => targets.iter().any(|target| touches(target, extension, attribute)),
            (Returned::Request, Wish::Default) => self.wrote(extension, attribute, None),
            (Returned::Request, Wish::Without(targets)) => {
                self.wrote(extension, attribute, None)
                    && !targets.iter().any(|target| covers(target, extension, attribute))
            }
            (Returned::Default, Wish::Default) => true,
            (Returned::Default, Wish::Without(targets)) => {
                !targets.iter().any(|target| covers(target, extension, attribute))
            }
        }
    }

    fn shows_part(&self, path: &AttributePath, sub: &Attribute) -> bool {
        let extension = path.extension.as_deref();
        let names_sub = |target: &Target| is_sub(target, extension, &path.attribute, sub);
        match (sub.returned, &self.wish) {
            (Returned::Always, _) => true,
            (Returned::Never, _) => false,
            (Returned::Default, Wish::Default) => true,
            // An attribute that is always there shows its parts, unless some are asked for.
            (Returned::Default, Wish::Only(targets)) => {
                targets.iter().any(|target| covers(target, extension, &path.attribute) || names_sub(target))
                    || !targets.iter().any(|target| touches(target, extension, &path.attribute))
            }
            (Returned::Default, Wish::Without(targets)) => !targets.iter().any(names_sub),
            (Returned::Request, Wish::Only(targets)) => targets.iter().any(names_sub),
            (Returned::Request, Wish::Default) => self.wrote(extension, &path.attribute, Some(sub)),
            (Returned::Request, Wish::Without(targets)) => {
                self.wrote(extension, &path.attribute, Some(sub)) && !targets.iter().any(names_sub)
            }
        }
    }

    /// Whether the request wrote an attribute, or that part of it.
    fn wrote(&self, extension: Option<&str>, attribute: &Attribute, sub: Option<&Attribute>) -> bool {
        self.written.iter().any(|path| {
            path.extension.as_deref() == extension
                && path.attribute.name == attribute.name
                && sub.is_none_or(|sub| path.sub.as_ref().is_some_and(|written| written.name == sub.name))
        })
    }
}

fn remove_parts(object: &mut Map<String, Value>, hidden: &[&str]) {
    if !hidden.is_empty() {
        object.retain(|name, _| !hidden.iter().any(|hidden| name.eq_ignore_ascii_case(hidden)));
    }
}

/// The names of a comma-separated list. A comma inside the brackets of a value filter separates nothing.
pub(crate) fn split_names(list: &str) -> Vec<&str> {
    let (mut in_brackets, mut quoted, mut escaped) = (false, false, false);
    let names = list.split(|char| {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if in_brackets => quoted = !quoted,
            '[' if !quoted => in_brackets = true,
            ']' if !quoted => in_brackets = false,
            ',' => return !in_brackets,
            _ => {}
        }
        false
    });
    names.map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The name without the value filter that some clients write in it: an attribute is shown with all its values.
fn without_value_filter(name: &str) -> Cow<'_, str> {
    match name.split_once('[') {
        None => Cow::Borrowed(name),
        Some((attribute, rest)) => {
            let sub = rest.rsplit_once(']').map(|(_, sub)| sub.trim()).unwrap_or_default();
            Cow::Owned(format!("{}{sub}", attribute.trim()))
        }
    }
}

/// Whether a target is the attribute as a whole, or a schema that has it.
fn covers(target: &Target, extension: Option<&str>, attribute: &Attribute) -> bool {
    match target {
        Target::Attribute(path) => {
            path.sub.is_none() && path.extension.as_deref() == extension && path.attribute.name == attribute.name
        }
        // A schema's URN asks for what it returns by default, not for what must be asked for by name.
        Target::Core => extension.is_none() && attribute.returned == Returned::Default,
        Target::Extension(schema) => extension == Some(&*schema.id) && attribute.returned == Returned::Default,
    }
}

/// Whether a target is the attribute or a part of it.
fn touches(target: &Target, extension: Option<&str>, attribute: &Attribute) -> bool {
    covers(target, extension, attribute)
        || matches!(target, Target::Attribute(path) if path.extension.as_deref() == extension && path.attribute.name == attribute.name)
}

fn is_sub(target: &Target, extension: Option<&str>, attribute: &Attribute, sub: &Attribute) -> bool {
    matches!(target, Target::Attribute(path)
        if path.extension.as_deref() == extension && path.attribute.name == attribute.name && path.sub.as_ref().is_some_and(|named| named.name == sub.name))
}

#[cfg(test)]
mod tests;
