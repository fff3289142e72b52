//! Operations on a multi-valued attribute that is stored apart from its resource.
//!
//! A group of fifty thousand members is never in memory as a whole, so its members cannot be edited in place. What
//! clients do to them can be said without seeing them, though: add these, remove those.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::{Filter, Literal, Operator};
use crate::patch::{Kind, Step};
use crate::schema::{AttributePath, Mutability, REF, VALUE};
use crate::value::{read, read_listed, wrong};

/// The operation on the values.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueOp {
    /// Add these, in the schema's form. One that is there already stays as it is.
    Add(Vec<Value>),
    /// Let these be all there are.
    Replace(Vec<Value>),
    /// Let these take the place of the ones whose `value` is among `selected`: `noTarget` where none of those is there.
    ReplaceSelected {
        /// The values of which one at least must be there.
        selected: Vec<String>,
        /// The values that replace them.
        by: Vec<Value>,
    },
    /// Remove what these name. One that is not there is no error.
    Remove(Vec<Value>),
    /// Remove the ones this filter selects; it is the inner filter of a value path.
    RemoveMatching(Filter),
    /// Remove them all.
    RemoveAll,
    /// What cannot be done: `noTarget` where the filter selects nothing, else this error.
    Refuse(Filter, Error),
}

/// 400 `noTarget` for a value filter that selects no value of an attribute.
#[must_use]
pub fn no_target(path: &AttributePath) -> Error {
    let attribute = AttributePath { sub: None, ..path.clone() };
    Error::no_target(format!("The value filter selects no value of '{attribute}'."))
}

/// The operations a step comes to; none if it changes nothing.
pub(super) fn op(step: Step) -> Result<Vec<ValueOp>, Error> {
    let target = &step.path.target;
    let attribute = &target.attribute;
    if attribute.is_read_only() {
        return Err(Error::mutability(format!("'{target}' is read-only.")));
    }
    let path = target.to_string();
    let listed = |value: Value| read(attribute, value, &path).map(values);
    match (&target.sub, step.path.filter, step.kind, step.value) {
        (None, None, Kind::Remove, None) => Ok(vec![ValueOp::RemoveAll]),
        (None, None, Kind::Remove, Some(value)) => {
            Ok(some(ValueOp::Remove(read_listed(attribute, value, &path).map(values)?)))
        }
        (None, None, Kind::Add, Some(value)) => Ok(some(ValueOp::Add(listed(value)?))),
        (None, None, Kind::Replace, Some(value)) => Ok(vec![ValueOp::Replace(listed(value)?)]),
        (None, Some(filter), Kind::Remove, _) => Ok(vec![match selected(&filter) {
            Some(values) => ValueOp::Remove(values.into_iter().map(|value| with_value(Value::Null, &value)).collect()),
            None => ValueOp::RemoveMatching(filter),
        }]),
        // `members.value`, or a value filter that names the values it adds.
        (Some(sub), None, Kind::Add, Some(value)) if sub.name == VALUE => {
            let object = Value::Object(Map::from_iter([(VALUE.to_owned(), value)]));
            Ok(some(ValueOp::Add(listed(object)?)))
        }
        (None, Some(filter), kind, Some(value)) => {
            let Some(selected) = selected(&filter) else {
                let error = Error::invalid_path(format!("Values of '{target}' are selected here by 'value eq' only."));
                return if kind == Kind::Add { Err(error) } else { Ok(vec![ValueOp::Refuse(filter, error)]) };
            };
            // Whoever would remove them says `remove`, or `[]`.
            if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
                let error = Error::invalid_value(format!("The 'value' says nothing of what '{target}' is to be."));
                return if kind == Kind::Add { Err(error) } else { Ok(vec![ValueOp::Refuse(filter, error)]) };
            }
            let given = match value {
                Value::Array(given) => given,
                single => vec![single],
            };
            if kind == Kind::Add {
                let named = given.into_iter().zip(&selected).map(|(given, value)| with_value(given, value));
                return Ok(some(ValueOp::Add(listed(named.collect())?)));
            }
            // As of any value: what the filter says of it stays, unless something else is said.
            let named = given.into_iter().map(|given| match selected.as_slice() {
                [value] if !says_value(&given) => with_value(given, value),
                _ => given,
            });
            let by = listed(named.collect())?;
            Ok(vec![ValueOp::ReplaceSelected { selected, by }])
        }
        (Some(sub), filter, kind, _) => {
            let error = if sub.mutability == Mutability::ReadWrite {
                Error::invalid_path(format!("Parts of '{target}' cannot be changed: add or remove whole values."))
            } else {
                Error::mutability(format!("'{target}' cannot be changed: add or remove whole values."))
            };
            match (filter, kind) {
                (Some(filter), Kind::Replace) => Ok(vec![ValueOp::Refuse(filter, error)]),
                _ => Err(error),
            }
        }
        (None, _, _, None) => Err(wrong(&path, "needs a value")),
    }
}

fn values(read: Option<Value>) -> Vec<Value> {
    match read {
        Some(Value::Array(values)) => values,
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// The value as a client gives it, naming `value`, whatever it named before.
fn with_value(given: Value, value: &str) -> Value {
    let mut object = match given {
        Value::Object(object) => object,
        Value::Null | Value::String(_) => Map::new(),
        other => return other,
    };
    object.retain(|name, _| !name.eq_ignore_ascii_case(VALUE));
    object.insert(VALUE.to_owned(), Value::from(value));
    Value::Object(object)
}

/// Whether a value as a client gives it says which it is.
fn says_value(given: &Value) -> bool {
    let is_said = |value: &Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    match given {
        Value::Object(object) => object
            .iter()
            .any(|(name, value)| [VALUE, REF].iter().any(|own| name.eq_ignore_ascii_case(own)) && is_said(value)),
        given => is_said(given),
    }
}

/// The `value`s a filter selects, if it selects by nothing else.
fn selected(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, Operator::Eq, Literal::Text { text, .. })
            if path.sub.as_ref().is_none_or(|sub| sub.name == VALUE) =>
        {
            Some(vec![text.clone()])
        }
        Filter::Or(operands) => operands.iter().map(selected).collect::<Option<Vec<_>>>().map(|values| values.concat()),
        _ => None,
    }
}

fn some(op: ValueOp) -> Vec<ValueOp> {
    match &op {
        ValueOp::Add(values) if values.is_empty() => Vec::new(),
        ValueOp::Remove(values) if values.is_empty() => Vec::new(),
        _ => vec![op],
    }
}
