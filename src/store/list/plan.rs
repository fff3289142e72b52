//! Choosing what drives a list, from its filter and its order.

use serde_json::json;

use crate::model::resource::{GROUP, INVITATION_SCHEMA, USER, WSO2_SCHEMA};
use crate::ports::Value;
use crate::store::filter::{Scope, millis_bounds, successor};
use crate::store::keys::{MAX_KEY, instant_key};
use crate::store::list::bounds::Bounds;
use crate::store::list::driver::{Driver, Preference};
use scim::datetime::Instant;
use scim::filter::{Filter, Literal, Operator};
use scim::query::Sort;
use scim::resource::Document;
use scim::schema::{AttributePath, SCHEMAS, Type, Uniqueness};

/// The longest literal that the value index alone can answer. It holds a longer value by its beginning, which is never
/// so short: how the value compares with such a literal does not depend on what is cut off.
const MAX_LITERAL: usize = MAX_KEY - 4;

/// The column `sent_key` of whoever never had a mail: last in the order.
const NEVER_SENT: i64 = 9_000_000_000_000_000;

/// How a list is found: what drives it, and what is to be checked one by one.
#[derive(Debug)]
pub(super) struct Plan {
    /// The source of the candidates.
    pub driver: Driver,
    /// The filter that each candidate must match besides.
    pub residual: Option<Filter>,
    /// Whether the driver's own order is the list's; else the candidates are sorted.
    pub natural: bool,
}

impl Plan {
    /// The plan for a filter and an order; `None` where nothing can match.
    pub(super) fn new(scope: &Scope<'_>, filter: Option<&Filter>, sort: Option<&Sort>) -> Option<Self> {
        let filter = match filter.map(|filter| simplified(scope, filter)) {
            Some(Filter::Constant(false)) => return None,
            None | Some(Filter::Constant(true)) => None,
            Some(filter) => Some(filter),
        };
        let mut terms = Vec::new();
        if let Some(filter) = filter {
            flatten(filter, &mut terms);
        }
        let (driver, rest) = choose(scope, terms);
        let residual = match rest.len() {
            0 => None,
            1 => rest.into_iter().next(),
            _ => Some(Filter::And(rest)),
        };
        let driver = match sort {
            Some(sort) if driver.is_whole() => ordered(scope, sort).unwrap_or(driver),
            _ => driver,
        };
        let natural = match sort {
            None => !driver.order().is_empty(),
            Some(sort) => {
                driver.is_single() || column(scope, &sort.path).is_some_and(|c| driver.ordered_by() == Some(c))
            }
        };
        if residual.is_none() && natural {
            return Some(Self { driver, residual, natural });
        }
        let driver = driver.examined();
        let natural = natural && !driver.order().is_empty();
        Some(Self { driver, residual, natural })
    }
}

/// The filter without terms that come out the same for every resource of the type.
fn simplified(scope: &Scope<'_>, filter: &Filter) -> Filter {
    let all = |operands: &[Filter], dominant: bool, join: fn(Vec<Filter>) -> Filter| {
        let mut rest = Vec::with_capacity(operands.len());
        for operand in operands.iter().map(|operand| simplified(scope, operand)) {
            match operand {
                Filter::Constant(value) if value == dominant => return operand,
                Filter::Constant(_) => {}
                operand => rest.push(operand),
            }
        }
        match rest.len() {
            0 => Filter::Constant(!dominant),
            1 => rest.remove(0),
            _ => join(rest),
        }
    };
    match filter {
        Filter::And(operands) => all(operands, false, Filter::And),
        Filter::Or(operands) => all(operands, true, Filter::Or),
        Filter::Not(operand) => match simplified(scope, operand) {
            Filter::Constant(value) => Filter::Constant(!value),
            operand => Filter::Not(Box::new(operand)),
        },
        other => foregone(scope, other).map_or_else(|| other.clone(), Filter::Constant),
    }
}

/// What a term comes to, where the type of the resource decides it: clients ask for `meta.resourceType eq "User"` or
/// `userName pr` when they want everybody.
fn foregone(scope: &Scope<'_>, term: &Filter) -> Option<bool> {
    let resource_type = scope.resource_type;
    match term {
        Filter::Present(path) if is_always_present(scope, path) => Some(true),
        Filter::Compare(path, operator, Literal::Null) if is_always_present(scope, path) => {
            Some(*operator == Operator::Ne)
        }
        Filter::Compare(path, ..) if is(path, "meta", Some("resourceType")) => {
            let mut document = Document::new();
            document.insert("meta".to_owned(), json!({ "resourceType": resource_type.name }));
            Some(term.matches(&document))
        }
        Filter::Compare(path, operator @ (Operator::Eq | Operator::Ne), Literal::Text { key, .. })
            if is(path, SCHEMAS, None) =>
        {
            let lists = if *key == *resource_type.schema.id {
                true
            } else if resource_type.extensions.iter().any(|extension| *key == *extension.schema.id) {
                return None;
            } else {
                false
            };
            Some(lists == (*operator == Operator::Eq))
        }
        _ => None,
    }
}

fn is_always_present(scope: &Scope<'_>, path: &AttributePath) -> bool {
    path.extension.is_none()
        && match path.attribute.name.as_str() {
            "id" | "meta" | SCHEMAS => true,
            "userName" => scope.resource_type.name == USER,
            "displayName" => scope.resource_type.name == GROUP,
            _ => false,
        }
}

/// Whether a path is that of a common attribute.
fn is(path: &AttributePath, name: &str, sub: Option<&str>) -> bool {
    path.extension.is_none() && path.attribute.name == name && path.sub.as_ref().map(|sub| sub.name.as_str()) == sub
}

fn flatten(filter: Filter, terms: &mut Vec<Filter>) {
    match filter {
        Filter::And(operands) => operands.into_iter().for_each(|operand| flatten(operand, terms)),
        term => terms.push(term),
    }
}

/// The driver to prefer among those of the terms, and the terms that it leaves to be checked.
fn choose(scope: &Scope<'_>, terms: Vec<Filter>) -> (Driver, Vec<Filter>) {
    let mut found: Vec<(Driver, bool)> = Vec::with_capacity(terms.len());
    let mut best: Option<usize> = None;
    for (index, term) in terms.iter().enumerate() {
        let (driver, covers) = driver_of(scope, term).unwrap_or((Driver::every(), false));
        if driver.preference() < best.map_or(Preference::WholeType, |best| found[best].0.preference()) {
            best = Some(index);
        }
        found.push((driver, covers));
    }
    let Some(best) = best else { return (Driver::every(), terms) };
    let mut driver = found[best].0.clone();
    let mut rest = Vec::new();
    for (index, (term, (other, covers))) in terms.into_iter().zip(found).enumerate() {
        if index == best {
            if !covers {
                rest.push(term);
            }
            continue;
        }
        // Two ends of one range are one range.
        match driver.narrowed_by(&other) {
            Some(narrowed) if covers => driver = narrowed,
            _ => rest.push(term),
        }
    }
    (driver, rest)
}

/// The driver that a term offers, and whether it says all that the term says.
fn driver_of(scope: &Scope<'_>, term: &Filter) -> Option<(Driver, bool)> {
    match term {
        Filter::Compare(path, operator, literal) => comparison(scope, path, *operator, literal),
        Filter::Present(path) => presence(scope, path).map(|driver| (driver, true)),
        Filter::ValuePath(_, inner) => {
            let driver = match &**inner {
                Filter::And(operands) => best(operands.iter().filter_map(|operand| driver_of(scope, operand)))?,
                inner => driver_of(scope, inner)?.0,
            };
            // What holds of one value holds of the resource, not the other way round.
            Some((driver, matches!(&**inner, Filter::Compare(..))))
        }
        Filter::And(operands) => {
            best(operands.iter().filter_map(|operand| driver_of(scope, operand))).map(|driver| (driver, false))
        }
        Filter::Or(operands) => {
            let each = operands.iter().map(|operand| driver_of(scope, operand).map(|(driver, _)| driver));
            let mut drivers = Vec::with_capacity(operands.len());
            for driver in each {
                match driver? {
                    Driver::Any(inner) => drivers.extend(inner),
                    driver => drivers.push(driver),
                }
            }
            Some((Driver::Any(drivers), false))
        }
        _ => None,
    }
}

/// The driver for everybody who has ever been invited, or sent an invitation.
fn presence(scope: &Scope<'_>, path: &AttributePath) -> Option<Driver> {
    if path.extension.as_deref() != Some(INVITATION_SCHEMA) || scope.resource_type.name != USER {
        return None;
    }
    match path.attribute.name.as_str() {
        "status" | "delivery" => Some(Driver::delivery(Bounds::default())),
        "sentAt" => Some(Driver::sent(ever_sent(Bounds::default()))),
        _ => None,
    }
}

/// The part of a range in which somebody had a mail.
fn ever_sent(bounds: Bounds) -> Bounds {
    bounds.and(Bounds { lower: None, upper: Some((NEVER_SENT.into(), false)) })
}

fn best(drivers: impl Iterator<Item = (Driver, bool)>) -> Option<Driver> {
    drivers.map(|(driver, _)| driver).min_by_key(Driver::preference)
}

fn comparison(
    scope: &Scope<'_>,
    path: &AttributePath,
    operator: Operator,
    literal: &Literal,
) -> Option<(Driver, bool)> {
    let is_user = scope.resource_type.name == USER;
    let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
    let driver = match (path.extension.as_deref(), path.attribute.name.as_str(), sub) {
        (None, "id", _) => text_bounds(operator, literal).map(Driver::id),
        // An empty one is in no column: the range must leave it out.
        (None, "externalId", _) => text_bounds(operator, literal)
            .filter(|bounds| bounds.lower.as_ref().is_some_and(|(least, included)| *least != "".into() || !included))
            .map(Driver::external_id),
        (None, "userName", _) if is_user => text_bounds(operator, literal).map(Driver::name),
        (None, "meta", Some("created")) => time_bounds(operator, literal).map(Driver::created),
        (None, "meta", Some("lastModified")) => time_bounds(operator, literal).map(Driver::modified),
        (None, "meta" | SCHEMAS, _) => None,
        (None, "groups", sub) if is_user => {
            equal_text(operator, literal).filter(|_| sub == Some("value")).map(Driver::Group)
        }
        (None, "members", sub) if scope.resource_type.name == GROUP => {
            equal_text(operator, literal).filter(|_| sub == Some("value")).map(Driver::Member)
        }
        (Some(WSO2_SCHEMA), "accountState", _) if is_user => text_bounds(operator, literal).map(Driver::account_state),
        (Some(INVITATION_SCHEMA), "status", _) if is_user => status(scope, operator, literal),
        (Some(INVITATION_SCHEMA), "delivery", _) if is_user => text_bounds(operator, literal).map(Driver::delivery),
        (Some(INVITATION_SCHEMA), "sentAt", _) if is_user => {
            time_bounds(operator, literal).map(ever_sent).map(Driver::sent)
        }
        (Some(INVITATION_SCHEMA), ..) if is_user => None,
        // An index that has only some of the values finds only some of the resources.
        _ if scope.resource_type.is_reindexing(path) => return None,
        _ => return indexed_value(path, operator, literal),
    };
    Some((driver?, true))
}

/// An attribute in the value index, or among the unique values.
fn indexed_value(path: &AttributePath, operator: Operator, literal: &Literal) -> Option<(Driver, bool)> {
    let leaf = path.leaf();
    // A list within a list is in neither.
    if path.sub.as_ref().is_some_and(|sub| sub.multi_valued) {
        return None;
    }
    let (bounds, covers) = match literal {
        Literal::Text { key, .. } if key.len() <= MAX_LITERAL => (text_bounds(operator, literal)?, true),
        // All values with this beginning, of which it is yet to be seen how they go on.
        Literal::Text { key, .. } if matches!(operator, Operator::Eq | Operator::Sw) => {
            let beginning = &key[..key.floor_char_boundary(MAX_LITERAL)];
            (starting_with(beginning)?, false)
        }
        Literal::DateTime { instant, .. } => (ordered_bounds(operator, instant_key(*instant))?, true),
        // As texts, numbers are equal where they are equal, but not in order.
        Literal::Number(number) if leaf.data_type == Type::Integer && operator == Operator::Eq => {
            (Bounds::exactly(number.as_i64()?.to_string()), true)
        }
        Literal::Boolean(flag) if operator == Operator::Eq => (Bounds::exactly(u8::from(*flag).to_string()), true),
        _ => return None,
    };
    let several = path.attribute.multi_valued;
    let values = |table| Driver::Values { table, attribute: path.to_string(), bounds, several };
    if leaf.indexed {
        Some((values("value_index"), covers))
    } else if leaf.uniqueness != Uniqueness::None && operator == Operator::Eq && covers {
        // A long value is there by its digest, which is a text like any other.
        Some((values("unique_values"), false))
    } else {
        None
    }
}

fn equal_text(operator: Operator, literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text { key, .. } if operator == Operator::Eq => Some(key.clone()),
        _ => None,
    }
}

/// The range of keys that a comparison comes to.
fn text_bounds(operator: Operator, literal: &Literal) -> Option<Bounds> {
    match literal {
        Literal::Text { key, .. } if operator == Operator::Sw => starting_with(key),
        Literal::Text { key, .. } => ordered_bounds(operator, key.clone()),
        _ => None,
    }
}

/// The range of what starts with a text; there is none for the empty one.
fn starting_with(prefix: &str) -> Option<Bounds> {
    let upper = Some((successor(prefix)?.into(), false));
    Some(Bounds { lower: Some((prefix.into(), true)), upper })
}

fn ordered_bounds(operator: Operator, value: impl Into<Value>) -> Option<Bounds> {
    let value = value.into();
    let none = Bounds::default();
    match operator {
        Operator::Eq => Some(Bounds::exactly(value)),
        Operator::Gt => Some(Bounds { lower: Some((value, false)), ..none }),
        Operator::Ge => Some(Bounds { lower: Some((value, true)), ..none }),
        Operator::Lt => Some(Bounds { upper: Some((value, false)), ..none }),
        Operator::Le => Some(Bounds { upper: Some((value, true)), ..none }),
        _ => None,
    }
}

fn time_bounds(operator: Operator, literal: &Literal) -> Option<Bounds> {
    let Literal::DateTime { instant, .. } = literal else { return None };
    match millis_bounds(operator, *instant) {
        Some((operator, millis)) => ordered_bounds(operator, millis),
        None if operator == Operator::Eq => Some(nothing(*instant)),
        None => None,
    }
}

/// The range between a millisecond and itself: an instant with finer parts is nobody's.
fn nothing(instant: Instant) -> Bounds {
    let millis = Value::from(instant.unix_millis());
    Bounds { lower: Some((millis.clone(), false)), upper: Some((millis, false)) }
}

/// Pending and expired are told apart by the clock.
fn status(scope: &Scope<'_>, operator: Operator, literal: &Literal) -> Option<Driver> {
    let Literal::Text { key, .. } = literal else { return None };
    let meant = |status: &&str| match operator {
        Operator::Eq => *status == key,
        Operator::Sw => status.starts_with(key.as_str()),
        _ => false,
    };
    if !matches!(operator, Operator::Eq | Operator::Sw) {
        return None;
    }
    let now = Value::from(scope.now);
    let statuses: Vec<&str> =
        ["pending", "expired", "accepted", "revoked"].iter().filter(|s| meant(s)).copied().collect();
    match statuses.as_slice() {
        ["pending"] => Some(Driver::invitation("open", Bounds { lower: Some((now, false)), upper: None })),
        ["expired"] => Some(Driver::invitation("open", Bounds { lower: None, upper: Some((now, true)) })),
        [status] => Some(Driver::invitation(status, Bounds::default())),
        [] => Some(Driver::invitation("", Bounds::default())),
        _ => None,
    }
}

/// The driver that walks all resources in the order asked for, if an index has it.
fn ordered(scope: &Scope<'_>, sort: &Sort) -> Option<Driver> {
    match column(scope, &sort.path)? {
        "r.created" => Some(Driver::created(Bounds::default())),
        "r.modified" => Some(Driver::modified(Bounds::default())),
        "r.name_key" => Some(Driver::name(Bounds::default())),
        "r.sent_key" => Some(Driver::sent(Bounds::default())),
        // The primary key has all types in one: for users, who are the many, the others do not weigh.
        _ if scope.resource_type.name == USER => Some(Driver::id(Bounds::default())),
        _ => None,
    }
}

/// The column that an order goes by, where an index has it.
fn column(scope: &Scope<'_>, path: &AttributePath) -> Option<&'static str> {
    let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
    match (path.extension.as_deref(), path.attribute.name.as_str(), sub) {
        (None, "id", _) => Some("r.id"),
        (None, "userName", _) if scope.resource_type.name == USER => Some("r.name_key"),
        (None, "meta", Some("created")) => Some("r.created"),
        (None, "meta", Some("lastModified")) => Some("r.modified"),
        (Some(INVITATION_SCHEMA), "sentAt", _) if scope.resource_type.name == USER => Some("r.sent_key"),
        _ => None,
    }
}
