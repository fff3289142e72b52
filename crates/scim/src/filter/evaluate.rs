//! Filters evaluated on a document in memory: what selects values in a PATCH, and the oracle the store's SQL is tested
//! against. It is written to be plainly right, not fast.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::datetime::Instant;
use crate::filter::{Filter, Literal, Operator};
use crate::fold;
use crate::resource::Document;
use crate::schema::{Attribute, AttributePath};

/// What a path starts from: a whole resource, or one value of the attribute before the brackets.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a Document),
    Value(&'a Value),
}

impl Filter {
    /// Whether a document satisfies the filter. The document must be in the schema's form.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        evaluate(self, Scope::Resource(document))
    }

    /// Whether one value of a multi-valued attribute satisfies the filter inside a value path.
    #[must_use]
    pub fn matches_value(&self, value: &Value) -> bool {
        evaluate(self, Scope::Value(value))
    }
}

fn evaluate(filter: &Filter, scope: Scope<'_>) -> bool {
    match filter {
        Filter::And(operands) => operands.iter().all(|operand| evaluate(operand, scope)),
        Filter::Or(operands) => operands.iter().any(|operand| evaluate(operand, scope)),
        Filter::Not(operand) => !evaluate(operand, scope),
        Filter::Present(path) => values(path, scope).into_iter().any(is_present),
        Filter::Compare(path, Operator::Ne, literal) => !compare(path, Operator::Eq, literal, scope),
        Filter::Compare(path, operator, literal) => compare(path, *operator, literal, scope),
        Filter::ValuePath(path, inner) => {
            values(path, scope).into_iter().any(|value| evaluate(inner, Scope::Value(value)))
        }
        Filter::Constant(value) => *value,
    }
}

fn compare(path: &AttributePath, operator: Operator, literal: &Literal, scope: Scope<'_>) -> bool {
    let values = values(path, scope);
    match literal {
        Literal::Null => !values.into_iter().any(is_present),
        literal => values.into_iter().any(|value| compare_value(path.leaf(), operator, value, literal)),
    }
}

/// The values a path leads to; lists on the way are spread out.
fn values<'a>(path: &AttributePath, scope: Scope<'a>) -> Vec<&'a Value> {
    fn spread(value: &Value) -> Vec<&Value> {
        match value {
            Value::Array(items) => items.iter().collect(),
            single => vec![single],
        }
    }
    let starts = match scope {
        Scope::Value(value) => vec![value],
        Scope::Resource(document) => {
            let holder = match &path.extension {
                None => document.get(&path.attribute.name),
                Some(urn) => document.get(&**urn).and_then(|extension| extension.get(&path.attribute.name)),
            };
            holder.map(spread).unwrap_or_default()
        }
    };
    match &path.sub {
        None => starts,
        Some(sub) => starts.into_iter().filter_map(|start| start.get(&sub.name)).flat_map(spread).collect(),
    }
}

/// Whether there is anything in a value (RFC 7644 table 3, `pr`).
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare_value(attribute: &Attribute, operator: Operator, value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(literal)) => operator == Operator::Eq && value == literal,
        (Value::Number(value), Literal::Number(literal)) => {
            compare_numbers(value, literal).is_some_and(|ordering| holds(operator, ordering))
        }
        (Value::String(value), Literal::DateTime { instant, .. }) => {
            Instant::parse(value).is_some_and(|value| holds(operator, value.cmp(instant)))
        }
        (Value::String(value), Literal::Text { key, .. }) => {
            let value = fold::key(attribute.compares_exactly(), value);
            match operator {
                Operator::Co => value.contains(key.as_str()),
                Operator::Sw => value.starts_with(key.as_str()),
                Operator::Ew => value.ends_with(key.as_str()),
                _ => holds(operator, value.as_ref().cmp(key.as_str())),
            }
        }
        _ => false,
    }
}

const fn holds(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

fn compare_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}
