//! Resources as clients write them: POST and PUT bodies (RFC 7644 sections 3.3 and 3.5.1).
//!
//! A [`Document`] is a resource in the schema's own form: names in the schema's case, values of the right type,
//! attributes in schema order, extensions under their URN, `schemas` computed. Only this module and `patch` make them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::schema::{Attribute, AttributePath, Extension, Mutability, ResourceType, Returned, SCHEMAS, Target};
use crate::value::{self, same};

/// A resource in the schema's own form.
pub type Document = Map<String, Value>;

/// The greatest depth of a request body.
const MAX_NESTING: usize = 20;

/// Reads the body of a POST (RFC 7644 section 3.3) or, for a resource that need not be compared, of a PUT.
///
/// Read-only attributes and whatever the schemas do not define are ignored. Attributes returned `never` (a password,
/// the invitation flags) are in the document: the caller takes them out before storing it.
///
/// # Errors
/// 400 `invalidSyntax` if the body is no object or nests too deep; 400 `invalidValue` if a value does not fit its
/// attribute or a required one is missing.
pub fn read(resource_type: &ResourceType, body: Value) -> Result<Document, Error> {
    let Value::Object(body) = body else {
        return Err(Error::invalid_syntax("The body must be a JSON object."));
    };
    check_nesting(body.values(), MAX_NESTING)?;
    let mut given = Given::default();
    given.add_all(resource_type, body)?;
    given.into_document(resource_type)
}

/// Reads the body of a PUT (RFC 7644 section 3.5.1) that replaces `current`.
///
/// What the client cannot write stays as it is in `current`: read-only attributes, immutable ones it does not mention,
/// write-only ones it does not set anew.
///
/// # Errors
/// As [`read`]; 400 `mutability` if an immutable attribute would change.
pub fn replace(resource_type: &ResourceType, current: &Document, body: Value) -> Result<Document, Error> {
    let mut document = read(resource_type, body)?;
    for (extension, attribute) in resource_type.places() {
        let Some(before) = get(current, extension, attribute) else {
            continue;
        };
        let after = get(&document, extension, attribute);
        match attribute.mutability {
            Mutability::ReadWrite => check_immutable_parts(attribute, before, after)?,
            Mutability::Immutable if after.is_some_and(|after| !same(attribute, before, after)) => {
                return Err(immutable(attribute));
            }
            Mutability::WriteOnly if after.is_some() => {}
            _ => {
                set(&mut document, extension, attribute, before.clone());
            }
        }
    }
    arrange(resource_type, &mut document);
    Ok(document)
}

/// A replaced complex value must keep its immutable sub-attributes. Values of a list are replaced as wholes.
fn check_immutable_parts(attribute: &Attribute, before: &Value, after: Option<&Value>) -> Result<(), Error> {
    let Some(after) = after.filter(|_| !attribute.multi_valued) else {
        return Ok(());
    };
    let changed = attribute
        .sub_attributes
        .iter()
        .filter(|sub| sub.mutability == Mutability::Immutable)
        .find(|sub| matches!((before.get(&sub.name), after.get(&sub.name)), (Some(before), Some(after)) if !same(sub, before, after)));
    changed.map_or(Ok(()), |sub| Err(immutable(sub)))
}

pub(crate) fn immutable(attribute: &Attribute) -> Error {
    Error::mutability(format!("'{}' has a value already and is immutable.", attribute.name))
}

pub(crate) fn check_nesting<'a>(values: impl Iterator<Item = &'a Value>, left: usize) -> Result<(), Error> {
    let deeper = left.checked_sub(1).ok_or_else(|| Error::invalid_syntax("The body nests too deep."))?;
    for value in values {
        match value {
            Value::Array(items) => check_nesting(items.iter(), deeper)?,
            Value::Object(members) => check_nesting(members.values(), deeper)?,
            _ => {}
        }
    }
    Ok(())
}

/// What a body says, by the extension and the attribute it says it of.
#[derive(Default)]
struct Given {
    values: HashMap<(Option<String>, String), Said>,
}

struct Said {
    value: Value,
    /// Said under an alias: whatever is said under the attribute's own name goes before.
    by_alias: bool,
}

impl Given {
    fn add_all(&mut self, resource_type: &ResourceType, body: Document) -> Result<(), Error> {
        for (name, value) in body {
            match resource_type.attribute(&name) {
                Some(attribute) if attribute.name == SCHEMAS => check_schemas(&value)?,
                Some(_) => self.add(resource_type, &name, value),
                None if name.contains(':') => match resource_type.resolve(&name) {
                    Some(Target::Attribute(_)) => self.add(resource_type, &name, value),
                    Some(Target::Extension(schema)) => self.add_object(resource_type, &schema.id, value)?,
                    Some(Target::Core) => self.add_object(resource_type, &resource_type.schema.id, value)?,
                    None => {}
                },
                None => {}
            }
        }
        Ok(())
    }

    /// The attributes of an extension, nested under its URN.
    fn add_object(&mut self, resource_type: &ResourceType, urn: &str, value: Value) -> Result<(), Error> {
        match value {
            Value::Null => Ok(()),
            Value::Object(members) => {
                for (name, value) in members {
                    // A dot would make `a.b` a sub-attribute; as a member's name it is merely unknown.
                    if !name.contains(['.', ':']) {
                        self.add(resource_type, &format!("{urn}:{name}"), value);
                    }
                }
                Ok(())
            }
            _ => Err(Error::invalid_value(format!("'{urn}' must be an object."))),
        }
    }

    fn add(&mut self, resource_type: &ResourceType, path: &str, value: Value) {
        let Some((Target::Attribute(found), by_alias)) = resource_type.locate(path) else {
            return;
        };
        if found.attribute.is_read_only() {
            return;
        }
        let key = (found.extension.map(|urn| urn.to_string()), found.attribute.name.clone());
        let value = match found.sub {
            None => value,
            Some(sub) => match self.values.remove(&key) {
                Some(Said { value: Value::Object(mut members), .. }) => {
                    members.insert(sub.name.clone(), value);
                    Value::Object(members)
                }
                _ => Value::Object(Map::from_iter([(sub.name.clone(), value)])),
            },
        };
        if by_alias && self.values.get(&key).is_some_and(|said| !said.by_alias) {
            return;
        }
        self.values.insert(key, Said { value, by_alias });
    }

    fn into_document(mut self, resource_type: &ResourceType) -> Result<Document, Error> {
        let mut document = Document::new();
        for (extension, attribute) in resource_type.places() {
            let key = (extension.map(|extension| extension.schema.id.to_string()), attribute.name.clone());
            let Some(said) = self.values.remove(&key) else {
                continue;
            };
            let path = extension.map_or_else(
                || attribute.name.clone(),
                |extension| format!("{}:{}", extension.schema.id, attribute.name),
            );
            if let Some(value) = value::read(attribute, said.value, &path)? {
                set(&mut document, extension, attribute, value);
            }
        }
        check_required(resource_type, &document)?;
        arrange(resource_type, &mut document);
        Ok(document)
    }
}

/// What a POST or PUT body writes of what is returned on request alone.
#[must_use]
pub fn written(resource_type: &ResourceType, body: &Value) -> Vec<AttributePath> {
    let mut written = Vec::new();
    let mut wrote = |name: &str, value: &Value| match resource_type.resolve(name) {
        Some(Target::Attribute(path)) => {
            add_written(&mut written, &path, Some(value));
            None
        }
        Some(Target::Extension(schema)) => Some(schema),
        Some(Target::Core) => Some(Arc::clone(&resource_type.schema)),
        None => None,
    };
    for (name, value) in body.as_object().into_iter().flatten() {
        if let Some(schema) = wrote(name, value) {
            for (name, value) in value.as_object().into_iter().flatten() {
                wrote(&format!("{}:{name}", schema.id), value);
            }
        }
    }
    written
}

/// Adds what writing `value` at `path` writes of what is returned on request alone.
pub(crate) fn add_written(written: &mut Vec<AttributePath>, path: &AttributePath, value: Option<&Value>) {
    let subs = &path.attribute.sub_attributes;
    if path.attribute.returned != Returned::Request && subs.iter().all(|sub| sub.returned != Returned::Request) {
        return;
    }
    written.push(path.clone());
    let objects = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    let names = objects.iter().filter_map(Value::as_object).flat_map(Map::keys).filter(|_| path.sub.is_none());
    let mut seen: Vec<&str> = Vec::new();
    for sub in names.filter_map(|name| path.attribute.sub_attribute(name)) {
        if !seen.contains(&sub.name.as_str()) {
            seen.push(&sub.name);
            written.push(AttributePath { sub: Some(Arc::clone(sub)), ..path.clone() });
        }
    }
}

/// `schemas` is computed, so what a client lists is only checked for its shape: empty lists and foreign URNs are common.
fn check_schemas(value: &Value) -> Result<(), Error> {
    let fits = match value {
        Value::Null | Value::String(_) => true,
        Value::Array(list) => list.iter().all(Value::is_string),
        _ => false,
    };
    if fits { Ok(()) } else { Err(Error::invalid_value("'schemas' must be an array of strings.")) }
}

/// Checks that every required attribute has a value (RFC 7643 section 2.2). An extension's count once the document
/// has the extension, or must have it.
///
/// # Errors
/// 400 `invalidValue` naming the attribute.
pub(crate) fn check_required(resource_type: &ResourceType, document: &Document) -> Result<(), Error> {
    for extension in resource_type.extensions.iter().filter(|extension| extension.required) {
        if !document.contains_key(&*extension.schema.id) {
            return Err(Error::invalid_value(format!("The extension '{}' is required.", extension.schema.id)));
        }
    }
    for (extension, attribute) in resource_type.places() {
        let applies = extension.is_none_or(|extension| document.contains_key(&*extension.schema.id));
        if attribute.required && !attribute.is_read_only() && applies && is_missing(get(document, extension, attribute))
        {
            return Err(Error::invalid_value(format!("'{}' is required.", attribute.name)));
        }
    }
    Ok(())
}

/// An empty string is a value (RFC 7643 section 2.5), but not one that satisfies `required`.
fn is_missing(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// The value of an attribute in a document.
pub(crate) fn get<'a>(
    document: &'a Document,
    extension: Option<&Extension>,
    attribute: &Attribute,
) -> Option<&'a Value> {
    match extension {
        None => document.get(&attribute.name),
        Some(extension) => document.get(&*extension.schema.id)?.get(&attribute.name),
    }
}

fn set(document: &mut Document, extension: Option<&Extension>, attribute: &Attribute, value: Value) {
    let object = match extension {
        None => document,
        Some(extension) => {
            let nested = document.entry(&*extension.schema.id).or_insert_with(|| Value::Object(Map::new()));
            if !nested.is_object() {
                *nested = Value::Object(Map::new());
            }
            match nested {
                Value::Object(object) => object,
                _ => return,
            }
        }
    };
    object.insert(attribute.name.clone(), value);
}

/// Takes out what is returned `never` (a password, the invitation flags), in the form of a document: it is to be acted
/// upon, not stored.
#[must_use]
pub fn take_secrets(resource_type: &ResourceType, document: &mut Document) -> Document {
    let mut secrets = Document::new();
    for (extension, attribute) in resource_type.places() {
        if attribute.returned == Returned::Never
            && let Some(value) = remove(document, extension, attribute)
        {
            set(&mut secrets, extension, attribute, value);
        }
    }
    arrange(resource_type, document);
    secrets
}

fn remove(document: &mut Document, extension: Option<&Extension>, attribute: &Attribute) -> Option<Value> {
    match extension {
        None => document.shift_remove(&attribute.name),
        Some(extension) => document.get_mut(&*extension.schema.id)?.as_object_mut()?.shift_remove(&attribute.name),
    }
}

/// Puts a document in schema order, drops extensions without values, and computes `schemas` (RFC 7643 section 3).
/// To be called by whoever adds or takes out attributes.
pub fn arrange(resource_type: &ResourceType, document: &mut Document) {
    let mut before = std::mem::take(document);
    let mut extensions: Vec<(&str, Document)> = Vec::new();
    for extension in &resource_type.extensions {
        let urn = &*extension.schema.id;
        if let Some(Value::Object(mut members)) = before.swap_remove(urn) {
            let mut ordered = Document::new();
            for attribute in &extension.schema.attributes {
                ordered.extend(members.swap_remove_entry(&attribute.name));
            }
            if !ordered.is_empty() {
                extensions.push((urn, ordered));
            }
        }
    }
    let urns = std::iter::once(&*resource_type.schema.id)
        .chain(extensions.iter().map(|(urn, _)| *urn))
        .map(Value::from)
        .collect();
    document.insert(SCHEMAS.to_owned(), Value::Array(urns));
    // Common attributes frame the core ones: `id` and `externalId` before, `meta` at the very end.
    let (tail, head): (Vec<_>, Vec<_>) =
        resource_type.common.attributes.iter().partition(|attribute| !attribute.sub_attributes.is_empty());
    for attribute in
        head.into_iter().chain(&resource_type.schema.attributes).filter(|attribute| attribute.name != SCHEMAS)
    {
        document.extend(before.swap_remove_entry(&attribute.name));
    }
    document.extend(extensions.into_iter().map(|(urn, members)| (urn.to_owned(), Value::Object(members))));
    for attribute in tail {
        document.extend(before.swap_remove_entry(&attribute.name));
    }
}

#[cfg(test)]
mod tests;
