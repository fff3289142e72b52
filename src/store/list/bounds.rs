//! The part of an index that a list walks: between two ends, and after the place where the last page ended.

use std::cmp::Ordering;

use crate::ports::Value;
use crate::store::filter::Bindings;

/// The ends of a range; each with whether it belongs to the range.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bounds {
    /// The least.
    pub lower: Option<(Value, bool)>,
    /// The greatest.
    pub upper: Option<(Value, bool)>,
}

impl Bounds {
    /// A range of one value.
    pub(super) fn exactly(value: impl Into<Value>) -> Self {
        let value = value.into();
        Self { lower: Some((value.clone(), true)), upper: Some((value, true)) }
    }

    /// Returns the intersection of both ranges.
    pub(super) fn and(self, other: Self) -> Self {
        let tighter = |one: Option<(Value, bool)>, other: Option<(Value, bool)>, wanted: Ordering| match (one, other) {
            (Some(one), Some(other)) => Some(match order_of(&one.0, &other.0) {
                Ordering::Equal => (one.0, one.1 && other.1),
                found if found == wanted => one,
                _ => other,
            }),
            (one, other) => one.or(other),
        };
        Self {
            lower: tighter(self.lower, other.lower, Ordering::Greater),
            upper: tighter(self.upper, other.upper, Ordering::Less),
        }
    }

    pub(super) fn conditions(&self, column: &str, bindings: &mut Bindings) -> Vec<String> {
        if let Some((value, _)) = self.lower.as_ref().filter(|_| self.is_one()) {
            // SQLite looks for more than one value even in a range that has room for one.
            return vec![format!("{column} = {}", bindings.bind(value.clone()))];
        }
        let end = |end: &Option<(Value, bool)>, sign: &str, bindings: &mut Bindings| {
            let (value, included) = end.clone()?;
            Some(format!("{column} {sign}{} {}", if included { "=" } else { "" }, bindings.bind(value)))
        };
        [end(&self.lower, ">", bindings), end(&self.upper, "<", bindings)].into_iter().flatten().collect()
    }

    /// Whether there is room for one value alone.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.lower, Some((_, true))) && self.lower == self.upper
    }
}

/// Where a walk goes on: after these values of its order.
#[derive(Clone, Copy, Debug)]
pub(super) struct After<'a> {
    /// The values of the order's columns.
    pub position: &'a [Value],
    /// Whether the order is the reverse.
    pub descending: bool,
}

/// The conditions on the columns of an order: its bounds, and where it goes on. SQLite seeks by one lower and one upper
/// end, so the end that the position makes superfluous is left out.
pub(super) fn walk(order: &[&str], bounds: &Bounds, after: Option<After<'_>>, bindings: &mut Bindings) -> Vec<String> {
    let (Some(column), Some(after)) = (order.first(), after.filter(|after| after.position.len() == order.len())) else {
        return order.first().map(|column| bounds.conditions(column, bindings)).unwrap_or_default();
    };
    let mut bounds = bounds.clone();
    let end = if after.descending { &mut bounds.upper } else { &mut bounds.lower };
    if let Some((value, included)) = end {
        let beyond = if after.descending { Ordering::Less } else { Ordering::Greater };
        let found = order_of(&after.position[0], value);
        if found != beyond && !(found == Ordering::Equal && *included) {
            // The end has moved past the position, as the clock does.
            return bounds.conditions(column, bindings);
        }
        *end = None;
    }
    let mut conditions = bounds.conditions(column, bindings);
    let values: Vec<String> = after.position.iter().map(|value| bindings.bind(value.clone())).collect();
    let sign = if after.descending { "<" } else { ">" };
    conditions.push(match values.as_slice() {
        [value] => format!("{column} {sign} {value}"),
        values => format!("({}) {sign} ({})", order.join(", "), values.join(", ")),
    });
    conditions
}

/// Orders two values of one kind, as SQLite does.
fn order_of(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}
