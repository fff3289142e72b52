//! Reading schema and resource type documents (RFC 7643 sections 6 and 7), the built-in ones and a tenant's.
//!
//! A characteristic that is absent has the default of RFC 7643 section 2.2. Errors are a client's to see.

use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::schema::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};

impl Schema {
    /// Reads a schema document (RFC 7643 section 7). Private keys (`x-...`) are understood as well.
    ///
    /// # Errors
    /// 400 `invalidValue` naming what is wrong with the document.
    pub fn parse(document: &Value) -> Result<Self, Error> {
        // RFC 7643 section 2.3.8: a complex attribute must not contain one.
        Self::parse_nested(document, 1)
    }

    /// As [`Schema::parse`], with complex attributes up to `nesting` deep. The RFC's own schema for schemas has two.
    pub(super) fn parse_nested(document: &Value, nesting: usize) -> Result<Self, Error> {
        let id = read_text(document, "id")?.unwrap_or_default();
        let schema = Self {
            id: Arc::from(id),
            name: read_text(document, "name")?.unwrap_or(id).to_owned(),
            description: read_text(document, "description")?.unwrap_or_default().to_owned(),
            attributes: attributes(document, "attributes", nesting)?,
        };
        if schema.attributes.is_empty() {
            return Err(Error::invalid_value("A schema must have attributes."));
        }
        Ok(schema)
    }
}

impl Attribute {
    fn parse(document: &Value, nesting: usize) -> Result<Self, Error> {
        let name =
            read_text(document, "name")?.ok_or_else(|| Error::invalid_value("An attribute must have a name."))?;
        if !is_attribute_name(name) {
            return Err(Error::invalid_value(format!(
                "'{name}' is not an attribute name: letters, digits, '-' and '_', a letter first."
            )));
        }
        let about = |problem: String| Error::invalid_value(format!("Attribute '{name}': {problem}"));
        let keyword = |key: &str, default: &'static str| {
            read_text(document, key).map(|found| found.unwrap_or(default).to_ascii_lowercase())
        };
        let unknown = |key: &str, found: &str| about(format!("'{found}' is not a value of '{key}'."));

        let data_type = match keyword("type", "string")?.as_str() {
            "string" => Type::String,
            "boolean" => Type::Boolean,
            "decimal" => Type::Decimal,
            "integer" => Type::Integer,
            "datetime" => Type::DateTime,
            "binary" => Type::Binary,
            "reference" => Type::Reference,
            "complex" => Type::Complex,
            other => return Err(unknown("type", other)),
        };
        let mutability = match keyword("mutability", "readWrite")?.as_str() {
            "readonly" => Mutability::ReadOnly,
            "readwrite" => Mutability::ReadWrite,
            "immutable" => Mutability::Immutable,
            "writeonly" => Mutability::WriteOnly,
            other => return Err(unknown("mutability", other)),
        };
        let returned = match keyword("returned", "default")?.as_str() {
            "always" => Returned::Always,
            "never" => Returned::Never,
            "default" => Returned::Default,
            "request" => Returned::Request,
            other => return Err(unknown("returned", other)),
        };
        let uniqueness = match keyword("uniqueness", "none")?.as_str() {
            "none" => Uniqueness::None,
            "server" => Uniqueness::Server,
            "global" => Uniqueness::Global,
            other => return Err(unknown("uniqueness", other)),
        };
        let alias_of = read_text(document, "x-aliasOf")?.map(str::to_owned);
        let sub_attributes = match nesting.checked_sub(1) {
            Some(nesting) => attributes(document, "subAttributes", nesting)?,
            None => Vec::new(),
        };
        if data_type == Type::Complex {
            if nesting == 0 {
                return Err(about("a complex attribute cannot contain a complex attribute.".into()));
            }
            if sub_attributes.is_empty() && alias_of.is_none() {
                return Err(about("a complex attribute must have 'subAttributes'.".into()));
            }
        } else if !sub_attributes.is_empty() {
            return Err(about("only a complex attribute can have 'subAttributes'.".into()));
        }
        // RFC 7643 section 7: what can only be written is never returned.
        if mutability == Mutability::WriteOnly && returned != Returned::Never {
            return Err(about("a 'writeOnly' attribute must be returned 'never'.".into()));
        }
        Ok(Self {
            name: name.to_owned(),
            data_type,
            multi_valued: flag(document, "multiValued")?,
            description: read_text(document, "description")?.unwrap_or_default().to_owned(),
            required: flag(document, "required")?,
            case_exact: flag(document, "caseExact")?,
            mutability,
            returned,
            uniqueness,
            canonical_values: texts(document, "canonicalValues")?,
            reference_types: texts(document, "referenceTypes")?,
            sub_attributes,
            lenient_boolean: flag(document, "x-lenientBoolean")?,
            trimmed: flag(document, "x-trimmed")?,
            indexed: flag(document, "x-indexed")?,
            alias_of,
        })
    }
}

fn attributes(document: &Value, key: &str, nesting: usize) -> Result<Vec<Arc<Attribute>>, Error> {
    let list = match document.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Error::invalid_value(format!("'{key}' must be an array."))),
    };
    let mut attributes: Vec<Arc<Attribute>> = Vec::with_capacity(list.len());
    for document in list {
        let attribute = Attribute::parse(document, nesting)?;
        if attributes.iter().any(|other| other.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(Error::invalid_value(format!("Attribute '{}' is defined twice.", attribute.name)));
        }
        attributes.push(Arc::new(attribute));
    }
    Ok(attributes)
}

/// ATTRNAME of RFC 7643 section 2.1, plus `$ref`.
fn is_attribute_name(name: &str) -> bool {
    let name = name.strip_prefix('$').unwrap_or(name);
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 128
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'))
}

/// A string member of a document; none if absent or null.
pub(super) fn read_text<'a>(document: &'a Value, key: &str) -> Result<Option<&'a str>, Error> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid_value(format!("'{key}' must be a string."))),
    }
}

/// A boolean member of a document; false if absent or null.
pub(super) fn flag(document: &Value, key: &str) -> Result<bool, Error> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Error::invalid_value(format!("'{key}' must be true or false."))),
    }
}

fn texts(document: &Value, key: &str) -> Result<Vec<String>, Error> {
    let wrong = || Error::invalid_value(format!("'{key}' must be an array of strings."));
    match document.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}
