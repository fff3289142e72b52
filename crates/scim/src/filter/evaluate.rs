//! Filters evaluated on a document in memory: what selects values in a PATCH, and the oracle the store's SQL is tested
//! against.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::datetime::Instant;
use crate::filter::{Filter, Literal, Operator};
use crate::fold;
use crate::resource::Document;
use crate::schema::{Attribute, AttributePath};
use crate::work::{self, Work};

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
        evaluate(self, Scope::Resource(document), &Work::default())
    }

    /// Whether one value of a multi-valued attribute satisfies the filter inside a value path.
    #[must_use]
    pub fn matches_value(&self, value: &Value) -> bool {
        self.selects(value, &Work::default())
    }

    /// As [`Filter::matches_value`], counting what it takes.
    #[must_use]
    pub fn selects(&self, value: &Value, work: &Work) -> bool {
        evaluate(self, Scope::Value(value), work)
    }
}

fn evaluate(filter: &Filter, scope: Scope<'_>, work: &Work) -> bool {
    match filter {
        Filter::And(operands) => operands.iter().all(|operand| evaluate(operand, scope, work)),
        Filter::Or(operands) => operands.iter().any(|operand| evaluate(operand, scope, work)),
        Filter::Not(operand) => !evaluate(operand, scope, work),
        Filter::Present(path) => {
            work.add(1);
            any(path, scope, &mut is_present)
        }
        Filter::Compare(path, Operator::Ne, literal) => !compare(path, Operator::Eq, literal, scope, work),
        Filter::Compare(path, operator, literal) => compare(path, *operator, literal, scope, work),
        Filter::ValuePath(path, inner) => any(path, scope, &mut |value| evaluate(inner, Scope::Value(value), work)),
        Filter::Constant(value) => {
            work.add(1);
            *value
        }
    }
}

fn compare(path: &AttributePath, operator: Operator, literal: &Literal, scope: Scope<'_>, work: &Work) -> bool {
    // A value that is not there takes a look too.
    let mut looked = false;
    let holds = match literal {
        Literal::Null => !any(path, scope, &mut is_present),
        literal => any(path, scope, &mut |value| {
            looked = true;
            work.add(value.as_str().map_or(1, work::of_text));
            compare_value(path.leaf(), operator, value, literal)
        }),
    };
    work.add(usize::from(!looked));
    holds
}

/// Whether any of the values that a path leads to is like this; lists on the way are spread out.
fn any(path: &AttributePath, scope: Scope<'_>, is: &mut dyn FnMut(&Value) -> bool) -> bool {
    fn spread(value: &Value, is: &mut dyn FnMut(&Value) -> bool) -> bool {
        match value {
            Value::Array(items) => items.iter().any(is),
            single => is(single),
        }
    }
    let start = match scope {
        Scope::Value(value) => Some(value),
        Scope::Resource(document) => match &path.extension {
            None => document.get(&path.attribute.name),
            Some(urn) => document.get(&**urn).and_then(|extension| extension.get(&path.attribute.name)),
        },
    };
    let Some(start) = start else { return false };
    let mut at_end = |start: &Value| match &path.sub {
        None => is(start),
        Some(sub) => start.get(&sub.name).is_some_and(|value| spread(value, is)),
    };
    match scope {
        // One value, even where it is a list itself.
        Scope::Value(_) => at_end(start),
        Scope::Resource(_) => spread(start, &mut at_end),
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
            let is_exact = attribute.compares_exactly();
            if operator == Operator::Eq && value.is_ascii() {
                // Most are, and need no copy to be compared.
                return if is_exact { value == key } else { value.eq_ignore_ascii_case(key) };
            }
            let value = fold::key(is_exact, value);
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
