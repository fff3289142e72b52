//! Filters (RFC 7644 section 3.4.2.2), typed: every name leads to an attribute of the schema, and every operator and
//! value fits it.
//!
//! The store turns a [`Filter`] into SQL; [`Filter::matches`] evaluates one in memory, for PATCH and as the oracle of the
//! tests. What both must agree on:
//!
//! - Strings compare by their [`fold`] keys, `gt` and the like by those keys' code points; `dateTime`s by
//!   instant; numbers by value. References and binaries are case-exact.
//! - A comparison with a multi-valued attribute holds if it holds for any of its values. `ne` is the opposite of `eq`
//!   throughout: it holds if no value is equal, and therefore for an unassigned attribute.
//! - `pr` holds if there is a value that is not empty; an empty string is. `eq null` is the opposite of `pr`.
//! - A complex attribute without a sub-attribute stands for its `value`: `emails co "@x"`, `manager eq "..."`.
//! - In a [`Filter::ValuePath`], the inner filter is about one value at a time.

use std::fmt;

use serde_json::{Number, Value};

use crate::datetime::Instant;
use crate::error::{Error, shorten};
use crate::fold;
use crate::schema::{AttributePath, ResourceType, Type, VALUE};
use crate::value::within;

mod evaluate;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use parser::Expression;

/// The most attribute expressions a filter may have.
pub const MAX_TERMS: usize = 50;
/// The greatest depth of nested parentheses and brackets.
pub const MAX_NESTING: usize = 20;
/// The greatest length of a filter, in bytes.
pub const MAX_LENGTH: usize = 32 * 1024;

/// The comparison operators of RFC 7644 table 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl Operator {
    const ALL: [Self; 9] = [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.as_str().eq_ignore_ascii_case(word))
    }

    const fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }

    const fn is_order(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// The right side of a comparison, of the attribute's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`; only with `eq` and `ne`.
    Null,
    /// For booleans; only with `eq` and `ne`.
    Boolean(bool),
    /// For integers and decimals.
    Number(Number),
    /// For strings, references and binaries.
    Text {
        /// As written.
        text: String,
        /// The key that values' keys are compared with.
        key: String,
    },
    /// For `dateTime`s.
    DateTime {
        /// As written.
        text: String,
        /// The moment it means.
        instant: Instant,
    },
}

/// A filter on resources of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them; at least two.
    And(Vec<Filter>),
    /// Any of them; at least two.
    Or(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// `path pr`. The path may end at a complex attribute.
    Present(AttributePath),
    /// `path op literal`. The path ends at a simple attribute, save that `null` may be compared with a complex one.
    Compare(AttributePath, Operator, Literal),
    /// `path[filter]`: any value of a multi-valued or complex attribute that satisfies the inner filter, whose paths are
    /// that attribute's with `sub` set (or without, for a list of simple values).
    ValuePath(AttributePath, Box<Filter>),
    /// What a term comes to that is about an attribute the resource type does not have; see [`Filter::parse_for_any`].
    Constant(bool),
}

impl Filter {
    /// Reads a filter on resources of a type.
    ///
    /// # Errors
    /// 400 `invalidFilter` if it is malformed, too large, names an attribute the type does not have, or compares one in
    /// a way its type does not allow.
    pub fn parse(resource_type: &ResourceType, text: &str) -> Result<Self, Error> {
        Resolver { resource_type, unknown: Unknown::Refuse }.resolve(&parser::parse(text)?)
    }

    /// Reads a filter of a search over several resource types (RFC 7644 section 3.4.2.1), once for each of them, in the
    /// same order. An attribute that a type does not have counts as unassigned there; one that none has is an error.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_for_any<'a>(
        resource_types: impl IntoIterator<Item = &'a ResourceType>,
        text: &str,
    ) -> Result<Vec<Self>, Error> {
        let expression = parser::parse(text)?;
        let resource_types: Vec<&ResourceType> = resource_types.into_iter().collect();
        let mut names = Vec::new();
        paths(&expression, &mut names);
        for name in names {
            let found: Vec<Option<AttributePath>> =
                resource_types.iter().map(|resource_type| find(resource_type, name)).collect::<Result<_, _>>()?;
            if found.iter().all(Option::is_none) {
                return Err(unknown_attribute(name));
            }
        }
        resource_types
            .into_iter()
            .map(|resource_type| Resolver { resource_type, unknown: Unknown::Unassigned }.resolve(&expression))
            .collect()
    }

    /// Reads the value filter of a PATCH path, which begins after its `[`, and returns what follows the `]`.
    pub(crate) fn parse_in_brackets<'a>(
        resource_type: &ResourceType,
        path: &AttributePath,
        text: &'a str,
    ) -> Result<(Self, &'a str), Error> {
        let (expression, rest) = parser::parse_value_filter(text)?;
        let filter = Resolver { resource_type, unknown: Unknown::Refuse }.resolve_in(&expression, Some(path))?;
        Ok((filter, rest))
    }
}

/// The attribute of that name. P18: Entra ID asks for `manager`.
fn find(resource_type: &ResourceType, name: &str) -> Result<Option<AttributePath>, Error> {
    resource_type.find_attribute(name).map_err(|ambiguous| Error::invalid_filter(ambiguous.to_string()))
}

/// The paths of a filter that are not inside brackets.
fn paths<'a>(expression: &Expression<'a>, names: &mut Vec<&'a str>) {
    match expression {
        Expression::And(operands) | Expression::Or(operands) => {
            operands.iter().for_each(|operand| paths(operand, names))
        }
        Expression::Not(operand) => paths(operand, names),
        Expression::Present(name) | Expression::Compare(name, ..) | Expression::ValuePath(name, _) => names.push(name),
    }
}

fn unknown_attribute(name: &str) -> Error {
    Error::invalid_filter(format!("There is no attribute '{}' to filter by.", shorten(name)))
}

#[derive(Clone, Copy, PartialEq)]
enum Unknown {
    Refuse,
    Unassigned,
}

/// Looks up names and fits values to types.
struct Resolver<'a> {
    resource_type: &'a ResourceType,
    unknown: Unknown,
}

impl Resolver<'_> {
    fn resolve(&self, expression: &Expression<'_>) -> Result<Filter, Error> {
        self.resolve_in(expression, None)
    }

    /// `within` is the attribute whose values the expression is about, inside brackets.
    fn resolve_in(&self, expression: &Expression<'_>, within: Option<&AttributePath>) -> Result<Filter, Error> {
        let all = |operands: &[Expression<'_>]| {
            operands.iter().map(|operand| self.resolve_in(operand, within)).collect::<Result<Vec<_>, _>>()
        };
        match expression {
            Expression::And(operands) => Ok(Filter::And(all(operands)?)),
            Expression::Or(operands) => Ok(Filter::Or(all(operands)?)),
            Expression::Not(operand) => Ok(Filter::Not(Box::new(self.resolve_in(operand, within)?))),
            Expression::Present(name) => match self.path(name, within)? {
                Some(path) => Ok(Filter::Present(path)),
                None => Ok(Filter::Constant(false)),
            },
            Expression::Compare(name, operator, value) => match self.path(name, within)? {
                Some(path) => compare(path, *operator, value),
                None => Ok(Filter::Constant(if value.is_null() {
                    *operator == Operator::Eq
                } else {
                    *operator == Operator::Ne
                })),
            },
            Expression::ValuePath(name, inner) => match self.path(name, within)? {
                Some(path) if path.sub.is_some() => {
                    Err(Error::invalid_filter(format!("'{path}' cannot have a value filter.")))
                }
                Some(path) => {
                    let inner = self.resolve_in(inner, Some(&path))?;
                    Ok(Filter::ValuePath(path, Box::new(inner)))
                }
                None => Ok(Filter::Constant(false)),
            },
        }
    }

    fn path(&self, name: &str, within: Option<&AttributePath>) -> Result<Option<AttributePath>, Error> {
        let found = match within {
            None => find(self.resource_type, name)?,
            Some(parent) => {
                let sub = parent.attribute.sub_attribute(name);
                // A list of simple values has an implied `value` (RFC 7643 section 2.4).
                let is_value = parent.attribute.sub_attributes.is_empty() && name.eq_ignore_ascii_case(VALUE);
                (sub.is_some() || is_value).then(|| AttributePath { sub: sub.cloned(), ..parent.clone() })
            }
        };
        match found {
            // To test a secret is to read it, bit by bit.
            Some(path) if path.is_secret() => Err(Error::invalid_filter(format!("'{path}' cannot be filtered by."))),
            Some(path) => Ok(Some(path)),
            None if self.unknown == Unknown::Unassigned && within.is_none() => Ok(None),
            None => Err(match within {
                None => unknown_attribute(name),
                Some(parent) => unknown_attribute(&format!("{parent}.{name}")),
            }),
        }
    }
}

/// A comparison. White space around a text is no part of it where the attribute says so. A value that was stored before
/// this was so still has it, and is found as well as what it would be today.
fn compare(path: AttributePath, operator: Operator, value: &Value) -> Result<Filter, Error> {
    let leaf = path.clone().with_default_sub_attribute();
    let inner = value.as_str().map(|text| (text, within(leaf.leaf(), text))).filter(|(text, inner)| text != inner);
    match (inner, operator) {
        (Some((_, inner)), Operator::Eq | Operator::Ne) => {
            let both =
                vec![compare_as_is(path.clone(), operator, &inner.into())?, compare_as_is(path, operator, value)?];
            Ok(if operator == Operator::Eq { Filter::Or(both) } else { Filter::And(both) })
        }
        _ => compare_as_is(path, operator, value),
    }
}

fn compare_as_is(path: AttributePath, operator: Operator, value: &Value) -> Result<Filter, Error> {
    if value.is_null() {
        return match operator {
            Operator::Eq | Operator::Ne => Ok(Filter::Compare(path, operator, Literal::Null)),
            _ => Err(misfit(&path, operator)),
        };
    }
    let path = path.with_default_sub_attribute();
    let attribute = path.leaf();
    let allowed = match attribute.data_type {
        Type::String | Type::Reference => true,
        Type::Boolean | Type::Binary => !operator.is_substring() && !operator.is_order(),
        Type::Integer | Type::Decimal | Type::DateTime => !operator.is_substring(),
        Type::Complex => {
            return Err(Error::invalid_filter(format!("'{path}' is complex: name one of its sub-attributes.")));
        }
    };
    if !allowed {
        return Err(misfit(&path, operator));
    }
    let literal = match (attribute.data_type, value) {
        (Type::String | Type::Reference | Type::Binary, Value::String(text)) => {
            Literal::Text { text: text.clone(), key: fold::key(attribute.compares_exactly(), text).into_owned() }
        }
        (Type::Boolean, Value::Bool(flag)) => Literal::Boolean(*flag),
        // Entra ID quotes booleans.
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Literal::Boolean(true),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Literal::Boolean(false),
        (Type::Integer | Type::Decimal, Value::Number(number)) => Literal::Number(number.clone()),
        (Type::DateTime, Value::String(text)) => match Instant::parse(text) {
            Some(instant) => Literal::DateTime { text: text.clone(), instant },
            None => {
                return Err(Error::invalid_filter(format!("'{path}' is compared with what is no date and time.")));
            }
        },
        (Type::String | Type::Reference | Type::Binary | Type::DateTime, value) => {
            let quoted = Value::from(value.to_string());
            return Err(Error::invalid_filter(format!(
                "'{path}' is of the type {}: put the value in double quotes, as in '{path} {} {quoted}'.",
                attribute.data_type.as_str(),
                operator.as_str()
            )));
        }
        _ => {
            return Err(Error::invalid_filter(format!(
                "'{path}' is of the type {}: the value does not fit.",
                attribute.data_type.as_str()
            )));
        }
    };
    Ok(Filter::Compare(path, operator, literal))
}

fn misfit(path: &AttributePath, operator: Operator) -> Error {
    Error::invalid_filter(format!(
        "'{path}' is of the type {} and cannot be compared by '{}'.",
        path.leaf().data_type.as_str(),
        operator.as_str()
    ))
}

/// Writes the filter in the grammar, with canonical names: equal filters read equal, whatever case they came in.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_filter(f, self, false)
    }
}

fn write_filter(f: &mut fmt::Formatter<'_>, filter: &Filter, in_brackets: bool) -> fmt::Result {
    let path = |f: &mut fmt::Formatter<'_>, path: &AttributePath| match (&path.sub, in_brackets) {
        (Some(sub), true) => f.write_str(&sub.name),
        (None, true) => f.write_str(VALUE),
        (_, false) => write!(f, "{path}"),
    };
    match filter {
        Filter::And(operands) | Filter::Or(operands) => {
            let word = if matches!(filter, Filter::And(_)) { " and " } else { " or " };
            for (index, operand) in operands.iter().enumerate() {
                if index > 0 {
                    f.write_str(word)?;
                }
                if matches!(operand, Filter::And(_) | Filter::Or(_)) {
                    f.write_str("(")?;
                    write_filter(f, operand, in_brackets)?;
                    f.write_str(")")?;
                } else {
                    write_filter(f, operand, in_brackets)?;
                }
            }
            Ok(())
        }
        Filter::Not(operand) => {
            f.write_str("not (")?;
            write_filter(f, operand, in_brackets)?;
            f.write_str(")")
        }
        Filter::Present(name) => {
            path(f, name)?;
            f.write_str(" pr")
        }
        Filter::Compare(name, operator, literal) => {
            path(f, name)?;
            write!(f, " {} {literal}", operator.as_str())
        }
        Filter::ValuePath(name, inner) => {
            write!(f, "{name}[")?;
            write_filter(f, inner, true)?;
            f.write_str("]")
        }
        // Every resource has an id, and none lacks one.
        Filter::Constant(value) => f.write_str(if *value { "id pr" } else { "not (id pr)" }),
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text { text, .. } | Self::DateTime { text, .. } => {
                write!(f, "{}", Value::from(text.as_str()))
            }
        }
    }
}
