//! From what clients send to steps: the request's own syntax, and the ways in which Entra ID, Okta and others depart
//! from the RFC's (the interop sheet's rows are named where they are met).

use serde_json::{Map, Value};

use crate::error::{Error, shorten};
use crate::patch::path::{Parsed, Path};
use crate::patch::{Kind, MAX_OPERATIONS, PATCH_OP_SCHEMA, Step, too_many_operations};
use crate::query::check_message_schema;
use crate::resource::check_nesting;
use crate::schema::{Attribute, AttributePath, ResourceType, SCHEMAS, Type, VALUE};

/// The greatest depth of a request: a document's depth below two levels of operations.
const MAX_NESTING: usize = 22;

/// Reads a request. An operation without a path becomes one step per attribute it names.
pub(super) fn steps(resource_type: &ResourceType, request: &Value) -> Result<Vec<Step>, Error> {
    let members = request.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
    check_nesting(members.values(), MAX_NESTING)?;
    if let Some(schemas) = member(members, SCHEMAS) {
        check_message_schema(schemas, PATCH_OP_SCHEMA)?;
    }
    let operations = match member(members, "Operations") {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => {
            return Err(Error::invalid_syntax("'Operations' must be an array of at least one operation."));
        }
    };
    let mut steps = Vec::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        read_operation(resource_type, operation, &mut steps)?;
        // A URN stands for all its attributes: a few bytes must not become more steps than could ever be applied.
        if steps.len() > index + 1 + MAX_OPERATIONS {
            return Err(too_many_operations());
        }
    }
    Ok(steps)
}

fn read_operation(resource_type: &ResourceType, operation: &Value, steps: &mut Vec<Step>) -> Result<(), Error> {
    let members = operation.as_object().ok_or_else(|| Error::invalid_syntax("An operation must be a JSON object."))?;
    // P01: `Add`, `Replace`, `Remove`.
    let kind = match member(members, "op") {
        Some(Value::String(op)) if op.eq_ignore_ascii_case("add") => Kind::Add,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("remove") => Kind::Remove,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("replace") => Kind::Replace,
        _ => {
            return Err(Error::invalid_syntax("'op' must be 'add', 'remove' or 'replace'."));
        }
    };
    let path = match member(members, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.trim()).filter(|path| !path.is_empty()),
        Some(_) => return Err(Error::invalid_path("'path' must be a string.")),
    };
    let value = member(members, "value").cloned();
    if value.is_none() && kind != Kind::Remove {
        return Err(Error::invalid_value("An operation that adds or replaces must have a 'value'."));
    }
    let Some(path) = path else {
        return match (kind, value) {
            (Kind::Remove, _) => Err(Error::no_target("An operation that removes must have a 'path'.")),
            (_, Some(Value::Object(value))) => spread(resource_type, kind, value, steps),
            _ => Err(Error::invalid_value("The 'value' of an operation without a 'path' must be an object.")),
        };
    };
    match Path::parse(resource_type, path)? {
        None => Err(Error::invalid_path(format!("There is no attribute '{}'.", shorten(path)))),
        Some(Parsed::Attribute(path)) => {
            push(steps, kind, path, value);
            Ok(())
        }
        Some(Parsed::Schema(urn)) => match value {
            None if kind == Kind::Remove => {
                remove_all(resource_type, &urn, steps);
                Ok(())
            }
            value => nested(resource_type, kind, &urn, value.unwrap_or_default(), steps),
        },
    }
}

/// An operation without a path: its value's members are attributes (P07), or paths to them (P06). What the schemas do
/// not define is ignored, as in a POST.
fn spread(
    resource_type: &ResourceType,
    kind: Kind,
    value: Map<String, Value>,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    for (name, value) in value {
        match Path::parse(resource_type, &name)? {
            None => {}
            Some(Parsed::Attribute(path)) => push(steps, kind, path, Some(value)),
            Some(Parsed::Schema(urn)) => nested(resource_type, kind, &urn, value, steps)?,
        }
    }
    Ok(())
}

/// A schema's attributes as an object under its URN.
fn nested(
    resource_type: &ResourceType,
    kind: Kind,
    urn: &str,
    value: Value,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    match value {
        Value::Null => {
            if kind != Kind::Add {
                remove_all(resource_type, urn, steps);
            }
            Ok(())
        }
        Value::Object(members) => {
            for (name, value) in members {
                if name.contains(':') {
                    continue;
                }
                if let Some(Parsed::Attribute(path)) = Path::parse(resource_type, &format!("{urn}:{name}"))? {
                    push(steps, kind, path, Some(value));
                }
            }
            Ok(())
        }
        _ => Err(Error::invalid_value(format!("'{urn}' must be an object."))),
    }
}

/// Every attribute of a schema that a client may remove.
fn remove_all(resource_type: &ResourceType, urn: &str, steps: &mut Vec<Step>) {
    let extension = resource_type.extension(urn).map(|extension| &extension.schema);
    let schema = extension.unwrap_or(&resource_type.schema);
    for attribute in
        schema.attributes.iter().filter(|attribute| attribute.alias_of.is_none() && !attribute.is_read_only())
    {
        let target = AttributePath {
            extension: extension.map(|schema| schema.id.clone()),
            attribute: attribute.clone(),
            sub: None,
        };
        steps.push(Step { kind: Kind::Remove, path: Path { target, filter: None }, value: None });
    }
}

fn push(steps: &mut Vec<Step>, kind: Kind, path: Path, value: Option<Value>) {
    // `schemas` follows from the attributes a resource has.
    if path.target.extension.is_none() && path.target.attribute.name == SCHEMAS {
        return;
    }
    // P15: the value of a `remove` narrows it; null says nothing.
    let value =
        value.filter(|value| kind != Kind::Remove || !value.is_null()).map(|value| unwrap(path.target.leaf(), value));
    steps.push(Step { kind, path, value });
}

/// Older Entra ID wraps even simple values: `[{"$ref": null, "value": "x"}]`, of an attribute with one value or many.
fn unwrap(attribute: &Attribute, value: Value) -> Value {
    if attribute.data_type == Type::Complex {
        return value;
    }
    match value {
        Value::Array(list) if attribute.multi_valued => {
            // One wrapper may hold several values.
            let values = list.into_iter().flat_map(|value| match (value.is_object(), bare(value)) {
                (true, Value::Array(values)) => values,
                (_, value) => vec![value],
            });
            Value::Array(values.collect())
        }
        value @ Value::Object(_) if attribute.multi_valued => bare(value),
        Value::Array(mut list) if list.len() == 1 => bare(list.remove(0)),
        value => value,
    }
}

/// The value in its wrapping.
fn bare(value: Value) -> Value {
    let Value::Object(mut wrapped) = value else { return value };
    let name = wrapped.keys().find(|name| name.eq_ignore_ascii_case(VALUE)).cloned();
    name.and_then(|name| wrapped.remove(&name)).unwrap_or(Value::Object(wrapped))
}

/// A member of a message; names are case-insensitive (RFC 7643 section 2.1).
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
