//! One step of a PATCH on a document (RFC 7644 sections 3.5.2.1 to 3.5.2.3).

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::{Filter, Literal, Operator};
use crate::fold;
use crate::patch::{Kind, Step, values};
use crate::resource::{Document, immutable};
use crate::schema::{Attribute, AttributePath, Mutability, PRIMARY, REF, ResourceType, TYPE, Type, VALUE};
use crate::value::{identity, key_of, read, read_listed, same, settle, wrong};

type Object = Map<String, Value>;

/// Applies a step. On error the document may be half changed: the caller drops it.
pub(super) fn apply(resource_type: &ResourceType, document: &mut Document, step: &Step) -> Result<(), Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    let before = get(document, target).cloned();
    if attribute.is_read_only() || target.sub.as_ref().is_some_and(|sub| sub.is_read_only()) {
        return check_unchanged(step, before.as_ref());
    }
    let after = if attribute.multi_valued {
        edit_list(step, before.clone())?
    } else if attribute.data_type == Type::Complex {
        edit_complex(step, before.clone())?
    } else {
        match (step.kind, &step.value) {
            (Kind::Remove, _) | (_, None) => None,
            (_, Some(value)) => read(attribute, value.clone(), &target.to_string())?,
        }
    };
    if attribute.mutability == Mutability::Immutable {
        match (&before, &after) {
            (Some(before), Some(after)) if same(attribute, before, after) => return Ok(()),
            (Some(_), _) => return Err(immutable(attribute)),
            _ => {}
        }
    }
    // An extension may go as a whole; whether what is left of it is complete is seen at the end.
    if after.is_none() && before.is_some() && attribute.required && target.extension.is_none() {
        return Err(Error::mutability(format!("'{target}' is required and cannot be removed.")));
    }
    set(resource_type, document, target, after);
    Ok(())
}

fn get<'a>(document: &'a Document, target: &AttributePath) -> Option<&'a Value> {
    match &target.extension {
        None => document.get(&target.attribute.name),
        Some(urn) => document.get(&**urn)?.get(&target.attribute.name),
    }
}

fn set(resource_type: &ResourceType, document: &mut Document, target: &AttributePath, value: Option<Value>) {
    let name = &target.attribute.name;
    let object = match target.extension.as_deref().and_then(|urn| resource_type.extension(urn)) {
        None => document,
        Some(extension) => {
            match document.entry(&*extension.schema.id).or_insert_with(|| Value::Object(Object::new())) {
                Value::Object(object) => object,
                _ => return,
            }
        }
    };
    match value {
        Some(value) => {
            object.insert(name.clone(), value);
        }
        None => {
            object.shift_remove(name);
        }
    }
}

/// A read-only attribute accepts the value it has (interop sheet, P17), and nothing else (P24).
fn check_unchanged(step: &Step, current: Option<&Value>) -> Result<(), Error> {
    let target = &step.path.target;
    let says_the_same = match (step.kind, &step.value, &target.sub) {
        (Kind::Remove, ..) | (_, None, _) => false,
        (_, Some(value), None) => is_contained(&target.attribute, value, current),
        (_, Some(value), Some(sub)) => {
            step.path.filter.is_none() && is_contained(sub, value, current.and_then(|current| current.get(&sub.name)))
        }
    };
    if says_the_same { Ok(()) } else { Err(Error::mutability(format!("'{target}' is read-only."))) }
}

/// Whether everything a client says of an attribute is so already.
fn is_contained(attribute: &Attribute, said: &Value, current: Option<&Value>) -> bool {
    match (said, current) {
        (Value::Null, current) => current.is_none(),
        (Value::Array(said), current) if said.is_empty() => current.is_none(),
        (_, None) => false,
        (Value::Array(said), Some(Value::Array(current))) => {
            said.len() == current.len()
                && said.iter().all(|said| current.iter().any(|current| is_contained(attribute, said, Some(current))))
        }
        (Value::Object(said), Some(Value::Object(current))) => said.iter().all(|(name, said)| {
            attribute.sub_attribute(name).is_none_or(|sub| is_contained(sub, said, current.get(&sub.name)))
        }),
        (said, Some(current)) => same(attribute, said, current),
    }
}

/// A single complex value.
fn edit_complex(step: &Step, before: Option<Value>) -> Result<Option<Value>, Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    if let Some(filter) = &step.path.filter {
        // A value filter on a single value asks whether to go on.
        if !before.as_ref().is_some_and(|value| filter.matches_value(value)) {
            return if step.kind == Kind::Remove { Ok(before) } else { Err(no_target(step)) };
        }
    }
    let before = into_object(before);
    let mut object = before.clone();
    match (&target.sub, given(step)) {
        (Some(sub), given) => write_part(&mut object, sub, given, step)?,
        (None, Some(given)) => lay_over(&mut object, given, step)?,
        (None, None) => clear(&mut object, attribute)?,
    }
    let object = complete(attribute, &before, object, target)?;
    Ok(if object.is_empty() { None } else { Some(Value::Object(object)) })
}

/// The values of a multi-valued attribute.
fn edit_list(step: &Step, before: Option<Value>) -> Result<Option<Value>, Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    let values = match before {
        Some(Value::Array(values)) => values,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    let (values, written) = if step.path.filter.is_none() && target.sub.is_none() {
        edit_whole_list(step, values)?
    } else {
        edit_selected(step, values)?
    };
    let values = settle(attribute, values, |index| written.get(index).copied().unwrap_or(false));
    Ok(if values.is_empty() { None } else { Some(Value::Array(values)) })
}

/// A path that ends at the attribute: all values at once.
fn edit_whole_list(step: &Step, mut values: Vec<Value>) -> Result<(Vec<Value>, Vec<bool>), Error> {
    let attribute = &*step.path.target.attribute;
    let given = match &step.value {
        None => None,
        Some(value) if step.kind == Kind::Remove => {
            read_listed(attribute, value.clone(), &step.path.target.to_string())?
        }
        Some(value) => read(attribute, value.clone(), &step.path.target.to_string())?,
    };
    let given = match given {
        Some(Value::Array(given)) => given,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    match step.kind {
        // P15: with a value, only what it lists is removed. An empty list lists nothing.
        Kind::Remove if step.value.is_some() => remove_listed(attribute, &mut values, &given),
        Kind::Remove => values.clear(),
        Kind::Replace => {
            let written = vec![true; given.len()];
            return Ok((given, written));
        }
        Kind::Add => {
            let mut written = vec![false; values.len()];
            written.resize(values.len() + given.len(), true);
            values.extend(given);
            return Ok((values, written));
        }
    }
    let written = vec![false; values.len()];
    Ok((values, written))
}

/// Removes what is listed: the values that are the same, or have the same `value` where no `type` is said.
fn remove_listed(attribute: &Attribute, values: &mut Vec<Value>, listed: &[Value]) {
    let value_alone =
        |value: &Value| attribute.sub_attribute(VALUE).zip(value.get(VALUE)).map(|(sub, value)| key_of(sub, value));
    let whole: HashSet<String> = listed.iter().map(|value| identity(attribute, value)).collect();
    let untyped: HashSet<String> =
        listed.iter().filter(|value| value.get(TYPE).is_none()).filter_map(value_alone).collect();
    values.retain(|value| {
        !whole.contains(&identity(attribute, value)) && value_alone(value).is_none_or(|alone| !untyped.contains(&alone))
    });
}

/// A path with a value filter, a sub-attribute or both: some values, or parts of them.
fn edit_selected(step: &Step, mut values: Vec<Value>) -> Result<(Vec<Value>, Vec<bool>), Error> {
    let target = &step.path.target;
    let mut selected: Vec<bool> =
        values.iter().map(|value| step.path.filter.as_ref().is_none_or(|filter| filter.matches_value(value))).collect();
    if !selected.contains(&true) {
        if step.kind == Kind::Remove {
            return Ok((values, selected));
        }
        values.push(Value::Object(new_value(step)?));
        selected.push(true);
    }
    if target.sub.is_none() && (step.kind == Kind::Remove || is_nothing(step.value.as_ref())) {
        let mut keep = selected.iter().map(|selected| !selected);
        values.retain(|_| keep.next().unwrap_or(true));
        let written = vec![false; values.len()];
        return Ok((values, written));
    }
    for (value, _) in values.iter_mut().zip(&selected).filter(|(_, selected)| **selected) {
        *value = edit_one(step, std::mem::take(value))?;
    }
    // What is left without anything in it, or with nothing but labels, is no value any more.
    let lost_value = target.sub.as_ref().is_some_and(|sub| sub.name == VALUE);
    let kept = values.into_iter().zip(selected).filter(|(value, selected)| !selected || !is_hollow(value, lost_value));
    Ok(kept.unzip())
}

/// One selected value of a list.
fn edit_one(step: &Step, value: Value) -> Result<Value, Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    if attribute.data_type != Type::Complex {
        // A list of simple values: the value itself is replaced.
        return match read(attribute, given(step).cloned().unwrap_or_default(), &target.to_string())? {
            Some(Value::Array(mut values)) if values.len() == 1 => Ok(values.remove(0)),
            _ => Err(wrong(&target.to_string(), "takes one value here")),
        };
    }
    let before = into_object(Some(value));
    let mut object = before.clone();
    match (&target.sub, given(step)) {
        (Some(sub), given) => write_part(&mut object, sub, given, step)?,
        (None, Some(given)) => {
            if step.kind == Kind::Replace {
                let kept = step.path.filter.as_ref().map(equals).unwrap_or_default();
                object.retain(|name, _| kept.contains(&name.as_str()));
            }
            lay_over(&mut object, given, step)?;
        }
        (None, None) => {}
    }
    complete(attribute, &before, object, target).map(Value::Object)
}

/// The value a value filter that selects nothing makes, if it may make one.
fn new_value(step: &Step) -> Result<Object, Error> {
    match &step.path.filter {
        // Without a filter it is the list that is empty: `emails.value` begins one.
        None => Ok(Object::new()),
        Some(Filter::Compare(path, Operator::Eq, literal)) => {
            let sub = path.sub.as_ref().ok_or_else(|| no_target(step))?;
            let value = match literal {
                // P03: `emails[type eq "work"].value`, for the types the schema suggests.
                Literal::Text { key, .. } => sub
                    .canonical_values
                    .iter()
                    .find(|canonical| fold::key(sub.compares_exactly(), canonical) == key.as_str())
                    .map(|canonical| Value::from(canonical.as_str())),
                // Entra ID adds roles by `roles[primary eq "True"].value`.
                Literal::Boolean(true) if sub.name == PRIMARY && step.kind == Kind::Add => Some(Value::Bool(true)),
                _ => None,
            };
            let value = value.ok_or_else(|| no_target(step))?;
            Ok(Object::from_iter([(sub.name.clone(), value)]))
        }
        Some(_) => Err(no_target(step)),
    }
}

/// The sub-attributes a filter compares by `eq`, so that it says what every value it selects has there.
fn equals(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::And(operands) => operands.iter().flat_map(equals).collect(),
        Filter::Compare(path, Operator::Eq, _) => path.sub.iter().map(|sub| sub.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Lays the sub-attributes a client gives over those of a complex value; the others stay
/// (RFC 7644 section 3.5.2.3).
fn lay_over(object: &mut Object, given: &Value, step: &Step) -> Result<(), Error> {
    let attribute = &*step.path.target.attribute;
    let must_be_object = || wrong(&step.path.target.to_string(), "must be an object");
    match given {
        Value::Array(list) if list.len() == 1 && !list[0].is_array() => lay_over(object, &list[0], step),
        // P05: an empty string clears a manager.
        given if is_nothing(Some(given)) => clear(object, attribute),
        Value::String(_) => {
            write_part(object, attribute.sub_attribute(VALUE).ok_or_else(must_be_object)?, Some(given), step)
        }
        Value::Object(members) => members.iter().try_for_each(|(name, given)| match attribute.sub_attribute(name) {
            Some(sub) if !sub.is_read_only() => write_part(object, sub, Some(given), step),
            _ => Ok(()),
        }),
        _ => Err(must_be_object()),
    }
}

/// Writes, or with `None` removes, one sub-attribute of a complex value.
fn write_part(object: &mut Object, sub: &Attribute, given: Option<&Value>, step: &Step) -> Result<(), Error> {
    let path = || format!("{}.{}", whole(&step.path.target), sub.name);
    let given = given.filter(|given| !(sub.name == VALUE && given.as_str() == Some("")));
    let before = object.get(&sub.name);
    let mut after = match given {
        Some(given) => read(sub, given.clone(), &path())?,
        None => None,
    };
    if step.kind == Kind::Add
        && let (Some(Value::Array(before)), Some(Value::Array(added))) = (before, after.as_mut())
    {
        let old = before.len();
        let all = before.iter().cloned().chain(std::mem::take(added)).collect();
        *added = settle(sub, all, |index| index >= old);
    }
    if sub.mutability == Mutability::Immutable {
        match (before, &after) {
            (Some(before), Some(after)) if same(sub, before, after) => return Ok(()),
            (Some(_), _) => return Err(immutable(sub)),
            _ => {}
        }
    }
    match after {
        Some(after) => {
            object.insert(sub.name.clone(), after);
        }
        None if before.is_some() && sub.required => {
            return Err(Error::mutability(format!("'{}' is required and cannot be removed.", path())));
        }
        None => {
            object.shift_remove(&sub.name);
        }
    }
    Ok(())
}

fn clear(object: &mut Object, attribute: &Attribute) -> Result<(), Error> {
    let kept = attribute
        .sub_attributes
        .iter()
        .find(|sub| sub.mutability == Mutability::Immutable && object.contains_key(&sub.name));
    object.clear();
    kept.map_or(Ok(()), |sub| Err(immutable(sub)))
}

/// A complex value after an edit: what its schema requires is there, what described an earlier `value` is not, and all is
/// in schema order.
fn complete(
    attribute: &Attribute,
    before: &Object,
    mut object: Object,
    target: &AttributePath,
) -> Result<Object, Error> {
    let has_new_value = before.contains_key(VALUE) && before.get(VALUE) != object.get(VALUE);
    let mut ordered = Object::new();
    let mut missing = None;
    for sub in &attribute.sub_attributes {
        let is_stale =
            has_new_value && (sub.name == REF || sub.is_read_only()) && before.get(&sub.name) == object.get(&sub.name);
        match object.swap_remove_entry(&sub.name).filter(|_| !is_stale) {
            Some((name, value)) => {
                ordered.insert(name, value);
            }
            None if sub.required && !sub.is_read_only() => missing = Some(&sub.name),
            None => {}
        }
    }
    // A value without anything in it lacks nothing either: it is about to be dropped.
    match missing {
        Some(missing) if !ordered.is_empty() => Err(wrong(&format!("{}.{missing}", whole(target)), "is required")),
        _ => Ok(ordered),
    }
}

/// What a step writes; nothing when it removes.
fn given(step: &Step) -> Option<&Value> {
    step.value.as_ref().filter(|_| step.kind != Kind::Remove)
}

/// The path without its sub-attribute.
fn whole(target: &AttributePath) -> AttributePath {
    AttributePath { sub: None, ..target.clone() }
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        _ => false,
    }
}

fn is_hollow(value: &Value, lost_value: bool) -> bool {
    let Value::Object(object) = value else {
        return value.is_null();
    };
    object.is_empty()
        || (lost_value && !object.contains_key(VALUE) && object.keys().all(|name| name == TYPE || name == PRIMARY))
}

fn into_object(value: Option<Value>) -> Object {
    match value {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    }
}

fn no_target(step: &Step) -> Error {
    values::no_target(&step.path.target)
}
