//! Operations on a multi-valued attribute that is stored apart from its resource.
//!
//! A group of fifty thousand members is never in memory as a whole, so its members cannot be edited in place. What
//! clients do to them can be said without seeing them, though: add these, remove those.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::{Filter, Literal, Operator};
use crate::patch::{Kind, Step};
use crate::schema::{Mutability, VALUE};
use crate::value::{read, wrong};

/// What is to be done to the values.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueOp {
    /// Add these, in the schema's form. One that is there already stays as it is.
    Add(Vec<Value>),
    /// Let these be all there are.
    Replace(Vec<Value>),
    /// Remove the ones whose `value` is among these. One that is not there is no error.
    Remove(Vec<String>),
    /// Remove the ones this filter selects; it is the inner filter of a value path.
    RemoveMatching(Filter),
    /// Remove them all.
    RemoveAll,
}

/// The operations a step comes to; none if it changes nothing.
pub(super) fn op(step: Step) -> Result<Vec<ValueOp>, Error> {
    let target = &step.path.target;
    let attribute = &target.attribute;
    if attribute.is_read_only() {
        return Err(Error::mutability(format!("'{target}' is read-only.")));
    }
    let listed = |value: &Value| -> Result<Vec<Value>, Error> {
        Ok(match read(attribute, value.clone(), &target.to_string())? {
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
            None => Vec::new(),
        })
    };
    match (&target.sub, step.path.filter, step.kind, step.value) {
        (None, None, Kind::Remove, None) => Ok(vec![ValueOp::RemoveAll]),
        (None, None, Kind::Remove, Some(value)) => {
            Ok(some(ValueOp::Remove(listed(&value)?.iter().filter_map(value_of).collect())))
        }
        (None, None, Kind::Add, Some(value)) => Ok(some(ValueOp::Add(listed(&value)?))),
        (None, None, Kind::Replace, Some(value)) => Ok(vec![ValueOp::Replace(listed(&value)?)]),
        (None, Some(filter), Kind::Remove, _) => {
            Ok(vec![selected(&filter).map_or(ValueOp::RemoveMatching(filter), ValueOp::Remove)])
        }
        // `members.value`, or a value filter that names the values it adds.
        (Some(sub), None, Kind::Add, Some(value)) if sub.name == VALUE => {
            let object = Value::Object(Map::from_iter([(VALUE.to_owned(), value)]));
            Ok(some(ValueOp::Add(listed(&object)?)))
        }
        (None, Some(filter), kind, Some(value)) => {
            let values = selected(&filter).ok_or_else(|| {
                Error::invalid_path(format!("Values of '{target}' are selected here by 'value eq' only."))
            })?;
            let mut given = listed(&value)?;
            if kind == Kind::Add {
                for (given, value) in given.iter_mut().zip(&values) {
                    given[VALUE] = Value::from(value.as_str());
                }
                return Ok(some(ValueOp::Add(given)));
            }
            Ok([some(ValueOp::Remove(values)), some(ValueOp::Add(given))].concat())
        }
        (Some(sub), ..) if sub.mutability != Mutability::ReadWrite => {
            Err(Error::mutability(format!("'{target}' cannot be changed: add or remove whole values.")))
        }
        (Some(_), ..) => {
            Err(Error::invalid_path(format!("Parts of '{target}' cannot be changed: add or remove whole values.")))
        }
        (None, _, _, None) => Err(wrong(&target.to_string(), "needs a value")),
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

fn value_of(value: &Value) -> Option<String> {
    value.get(VALUE).unwrap_or(value).as_str().map(str::to_owned)
}

fn some(op: ValueOp) -> Vec<ValueOp> {
    match &op {
        ValueOp::Add(values) if values.is_empty() => Vec::new(),
        ValueOp::Remove(values) if values.is_empty() => Vec::new(),
        _ => vec![op],
    }
}
