//! A SCIM filter as SQL: a predicate over `resources r` that means what [`Filter::matches`] means.
//!
//! It compares keys (`keys.rs`), never the document: the literals of a [`Filter`] are folded already, and SQLite's binary
//! collation orders UTF-8 as Rust orders strings. `place` knows where an attribute's values are, this module how they
//! are compared. A value only ever enters as a bound parameter; the names in the text are the schema's.
//!
//! Two rules make SQL's three-valued logic the evaluator's two: what is absent is NULL and satisfies no comparison, and a
//! negation is `IS NOT TRUE`. So may a predicate be NULL, and NULL means no.
//!
//! Where the SQL knowingly differs from the evaluator: WSO2's account attributes are there for every user, also for one
//! who does not show them; and `members.display`, where a client chose it, compares with ASCII case alone.

mod cost;
mod place;
#[cfg(test)]
mod tests;

use crate::model::context::UnitOfWork;
use crate::ports::{Millis, Value};
use crate::store::keys::instant_key;
use scim::datetime::Instant;
use scim::filter::{Filter, Literal, Operator};
use scim::schema::{Attribute, AttributePath, PRIMARY, ResourceType};

pub(super) use cost::Cost;
use place::{Item, Leaf, Place, Scalar};

/// The parameters of a statement: each value gets a number once, so that a filter of many terms stays below D1's limit
/// of a hundred.
#[derive(Debug, Default)]
pub(super) struct Bindings(Vec<Value>);

impl Bindings {
    /// The parameter that stands for this value, as SQL writes it.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        let value = value.into();
        let index = self.0.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        });
        format!("?{}", index + 1)
    }

    /// The values in the order of their numbers.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }
}

/// The dependencies of a predicate besides the filter.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    /// The type of the resources.
    pub resource_type: &'a ResourceType,
    /// What addresses start with: the origin and the tenant's prefix.
    pub base: String,
    /// The end of the current second: invitations expire by the second.
    pub now: Millis,
}

impl<'a> Scope<'a> {
    /// The scope of a request.
    pub fn new(ctx: &impl UnitOfWork, resource_type: &'a ResourceType) -> Self {
        let second = i64::try_from(ctx.now_seconds()).unwrap_or(i64::MAX / 2_000);
        Self { resource_type, base: ctx.base(), now: second * 1_000 + 999 }
    }
}

/// The predicate that a filter comes to.
pub(super) fn predicate(scope: &Scope<'_>, filter: &Filter, bindings: &mut Bindings) -> String {
    Compiler { scope, bindings, aliases: 0 }.filter(filter, None)
}

/// The expression that a list is ordered by: of a multi-valued attribute the primary value, or else the first.
pub(super) fn sort_key(scope: &Scope<'_>, path: &AttributePath, bindings: &mut Bindings) -> String {
    Compiler { scope, bindings, aliases: 0 }.sort_key(path)
}

/// Joins predicates in balanced form: SQLite limits how deep an expression is, not how long.
fn join(parts: &[String], word: &str) -> String {
    match parts {
        [] => "1".to_owned(),
        [part] => part.clone(),
        parts => {
            let (left, right) = parts.split_at(parts.len() / 2);
            format!("({} {word} {})", join(left, word), join(right, word))
        }
    }
}

/// The bounds in whole milliseconds that a comparison with an instant comes to: what is compared has no finer parts.
/// `None` where nothing can satisfy it.
pub(super) fn millis_bounds(operator: Operator, instant: Instant) -> Option<(Operator, Millis)> {
    let millis = instant.unix_millis();
    if instant.nanos.is_multiple_of(1_000_000) {
        return Some((operator, millis));
    }
    match operator {
        Operator::Gt | Operator::Ge => Some((Operator::Gt, millis)),
        Operator::Lt | Operator::Le => Some((Operator::Le, millis)),
        _ => None,
    }
}

/// The comparison sign of an operator of equality or order.
fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        _ => "=",
    }
}

fn negated(predicate: &str) -> String {
    format!("({predicate}) IS NOT TRUE")
}

fn exists(from: &str, conditions: &[String]) -> String {
    format!("EXISTS (SELECT 1 FROM {from} WHERE {})", conditions.join(" AND "))
}

struct Compiler<'a> {
    scope: &'a Scope<'a>,
    bindings: &'a mut Bindings,
    aliases: usize,
}

impl Compiler<'_> {
    /// `within` is the value that the filter is about, inside brackets.
    fn filter(&mut self, filter: &Filter, within: Option<&Item>) -> String {
        match filter {
            Filter::And(operands) => self.joined(operands, "AND", within),
            Filter::Or(operands) => self.joined(operands, "OR", within),
            Filter::Not(operand) => negated(&self.filter(operand, within)),
            Filter::Present(path) | Filter::Compare(path, _, Literal::Null) => {
                let present = self.present(path, within);
                let wanted = !matches!(filter, Filter::Compare(_, Operator::Eq, _));
                if wanted { present } else { negated(&present) }
            }
            Filter::Compare(path, Operator::Ne, literal) => negated(&self.compare(path, Operator::Eq, literal, within)),
            Filter::Compare(path, operator, literal) => self.compare(path, *operator, literal, within),
            Filter::ValuePath(_, inner) if within.is_some() => self.filter(inner, within),
            Filter::ValuePath(path, inner) => {
                let place = self.place(path);
                let there = match &place {
                    Place::One(item) => item.is_there(),
                    Place::Each { .. } => None,
                };
                let inner = self.any(&place, |compiler, item| compiler.filter(inner, Some(item)));
                there.map(|there| format!("({there} AND {inner})")).unwrap_or(inner)
            }
            Filter::Constant(value) => u8::from(*value).to_string(),
        }
    }

    fn joined(&mut self, operands: &[Filter], word: &str, within: Option<&Item>) -> String {
        let parts: Vec<String> = operands.iter().map(|operand| self.filter(operand, within)).collect();
        join(&parts, word)
    }

    /// Whether anything at a place satisfies `test`.
    fn any(&mut self, place: &Place, test: impl FnOnce(&mut Self, &Item) -> String) -> String {
        match place {
            Place::One(item) => test(self, item),
            Place::Each { from, condition, item, .. } => {
                let mut conditions: Vec<String> = condition.iter().cloned().collect();
                conditions.push(test(self, item));
                exists(from, &conditions)
            }
        }
    }

    /// Whether any value that a path leads to satisfies `test`.
    fn any_value(
        &mut self,
        path: &AttributePath,
        within: Option<&Item>,
        test: impl FnOnce(&mut Self, &Scalar) -> String,
    ) -> String {
        let sub = path.sub.as_deref();
        let leaf = |compiler: &mut Self, item: &Item| match compiler.leaf(item, sub) {
            Leaf::One(scalar) => test(compiler, &scalar),
            Leaf::List { text, path } => {
                let alias = compiler.alias();
                let test = test(compiler, &Scalar::from_sql(format!("{alias}.value")));
                exists(&format!("json_each({text}, {path}) {alias}"), &[test])
            }
        };
        if let Some(item) = within {
            return leaf(self, item);
        }
        let place = self.place(path);
        self.any(&place, leaf)
    }

    fn compare(
        &mut self,
        path: &AttributePath,
        operator: Operator,
        literal: &Literal,
        within: Option<&Item>,
    ) -> String {
        self.any_value(path, within, |compiler, scalar| compiler.comparison(scalar, operator, literal))
    }

    /// `pr`: there is a value, and it is not an empty string.
    fn present(&mut self, path: &AttributePath, within: Option<&Item>) -> String {
        if path.sub.is_some() || within.is_some() {
            return self.any_value(path, within, |_, scalar| format!("{} <> ''", scalar.sql));
        }
        let place = self.place(path);
        self.any(&place, |compiler, item| match item {
            Item::Simple(scalar) => format!("{} <> ''", scalar.sql),
            Item::Json { text, path } => {
                let alias = compiler.alias();
                exists(&format!("json_tree({text}, {path}) {alias}"), &[format!("{alias}.atom <> ''")])
            }
            Item::Record(_) => "1".to_owned(),
        })
    }

    fn comparison(&mut self, scalar: &Scalar, operator: Operator, literal: &Literal) -> String {
        let value = &scalar.sql;
        match literal {
            Literal::Boolean(flag) => format!("{value} = {}", u8::from(*flag)),
            Literal::Number(number) => format!("{value} {} {}", sign(operator), self.number(number)),
            Literal::DateTime { instant, .. } if scalar.millis => match millis_bounds(operator, *instant) {
                Some((operator, millis)) => format!("{value} {} {}", sign(operator), self.bindings.bind(millis)),
                // Nobody has an instant between two milliseconds. (A constant would make SQLite forget its index.)
                None => format!("{value} <> {value}"),
            },
            Literal::DateTime { instant, .. } => {
                format!("{value} {} {}", sign(operator), self.bindings.bind(instant_key(*instant)))
            }
            Literal::Text { key, .. } => self.text_comparison(value, operator, key),
            // `null` is seen to where the path is: it asks whether there is a value.
            Literal::Null => "0".to_owned(),
        }
    }

    fn text_comparison(&mut self, value: &str, operator: Operator, key: &str) -> String {
        let length = key.chars().count();
        match operator {
            // What contains, begins with or ends in nothing: everything that is there.
            Operator::Co | Operator::Sw | Operator::Ew if length == 0 => format!("{value} IS NOT NULL"),
            // LIKE would take patterns of 50 bytes at most, and fold ASCII.
            Operator::Co => format!("instr({value}, {}) > 0", self.bindings.bind(key)),
            Operator::Sw => format!("substr({value}, 1, {length}) = {}", self.bindings.bind(key)),
            Operator::Ew => format!("substr({value}, -{length}) = {}", self.bindings.bind(key)),
            _ => format!("{value} {} {}", sign(operator), self.bindings.bind(key)),
        }
    }

    fn number(&mut self, number: &serde_json::Number) -> String {
        // D1 binds JavaScript numbers, which hold whole numbers up to 2^53.
        const EXACT: u64 = 1 << 53;
        match number.as_i64() {
            Some(whole) if whole.unsigned_abs() <= EXACT => self.bindings.bind(whole),
            Some(whole) => format!("CAST({} AS INTEGER)", self.bindings.bind(whole.to_string())),
            None => self.bindings.bind(Value::Real(number.as_f64().unwrap_or_default())),
        }
    }

    fn sort_key(&mut self, path: &AttributePath) -> String {
        let sub = path.sub.as_deref();
        match self.place(path) {
            Place::One(item) => self.first(&item, sub),
            Place::Each { from, condition, ordinal, item } => {
                let value = self.first(&item, sub);
                let primary = path.attribute.sub_attribute(PRIMARY);
                let primary = primary.map(|primary| format!("({}) IS TRUE DESC, ", self.first(&item, Some(primary))));
                let condition = condition.map(|condition| format!("{condition} AND ")).unwrap_or_default();
                format!(
                    "(SELECT {value} FROM {from} WHERE {condition}({value}) IS NOT NULL ORDER BY {}{ordinal} LIMIT 1)",
                    primary.unwrap_or_default()
                )
            }
        }
    }

    /// The first value of a sub-attribute.
    fn first(&mut self, item: &Item, sub: Option<&Attribute>) -> String {
        match self.leaf(item, sub) {
            Leaf::One(scalar) => scalar.sql,
            Leaf::List { text, path } => format!("(SELECT value FROM json_each({text}, {path}) ORDER BY key LIMIT 1)"),
        }
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("e{}", self.aliases)
    }
}

/// The least text that is greater than every text that starts with `prefix`; `None` if there is none.
pub(super) fn successor(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // The range of characters steps over the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}
