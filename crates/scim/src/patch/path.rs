//! The `path` of a PATCH operation (RFC 7644 figure 7): an attribute, some of its values, a part of them.

use crate::error::Error;
use crate::filter::Filter;
use crate::schema::{AmbiguousName, AttributePath, ResourceType, Target, Type, VALUE};

/// The target of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The attribute, and the sub-attribute if the path ends with one.
    pub target: AttributePath,
    /// The filter that selects its values; all if absent.
    pub filter: Option<Filter>,
}

/// A path, or a schema's URN that stands for all its attributes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parsed {
    Attribute(Path),
    Schema(String),
}

/// A name looked up; it may be that of more than one attribute.
fn find<T>(found: Result<Option<T>, AmbiguousName>) -> Result<Option<T>, Error> {
    found.map_err(|ambiguous| Error::invalid_path(ambiguous.to_string()))
}

impl Path {
    /// Reads a path. `None` if it names what the resource type does not have.
    ///
    /// # Errors
    /// 400 `invalidPath` if the path is malformed or ambiguous, 400 `invalidFilter` if its value filter is.
    pub fn parse(resource_type: &ResourceType, text: &str) -> Result<Option<Parsed>, Error> {
        let Some((name, rest)) = text.split_once('[') else {
            return Ok(find(resource_type.find(text))?.map(|target| match target {
                Target::Attribute(target) => Parsed::Attribute(Self { target, filter: None }),
                Target::Core => Parsed::Schema(resource_type.schema.id.to_string()),
                Target::Extension(schema) => Parsed::Schema(schema.id.to_string()),
            }));
        };
        let Some(mut target) = find(resource_type.find_attribute(name))? else {
            return Ok(None);
        };
        let attribute = &target.attribute;
        if target.sub.is_some() || (!attribute.multi_valued && attribute.data_type != Type::Complex) {
            return Err(Error::invalid_path(format!("'{target}' cannot have a value filter.")));
        }
        let (filter, tail) = Filter::parse_in_brackets(resource_type, &target, rest)?;
        if let Some(sub) = tail.strip_prefix('.') {
            let sub = sub.trim();
            let found = attribute.sub_attribute(sub).cloned();
            let is_implied = attribute.sub_attributes.is_empty() && sub.eq_ignore_ascii_case(VALUE);
            if found.is_none() && !is_implied {
                return Ok(None);
            }
            target.sub = found;
        } else if !tail.is_empty() {
            return Err(Error::invalid_path("After a value filter there can only be a sub-attribute."));
        }
        Ok(Some(Parsed::Attribute(Self { target, filter: Some(filter) })))
    }

    /// Whether the path leads to that attribute or into it.
    pub fn is_of(&self, attribute: &AttributePath) -> bool {
        self.target.extension == attribute.extension && self.target.attribute.name == attribute.attribute.name
    }
}
