//! Which user stores a list visits, and what its filter means in each.
//!
//! User names are stored with their domain, so that most comparisons need no help. A name without a domain means PRIMARY's
//! user, or with the parameter `domain` the one of that store; the beginning of a name (`sw`) is looked for in every store.

use std::sync::Arc;

use crate::model::context::{Context, StoreContext};
use crate::model::resource::USER;
use crate::model::user_stores::UserStores;
use crate::ports::store_of;
use scim::error::Error;
use scim::filter::{Filter, Literal, Operator};
use scim::fold::fold;
use scim::query::Query;
use scim::schema::{AttributePath, ResourceType};

/// The part of a list that one database answers.
pub(super) struct Section {
    /// At the store.
    pub ctx: StoreContext,
    /// The types that are there.
    pub types: Vec<Arc<ResourceType>>,
    /// The query for each type, in the same order.
    pub queries: Vec<Query>,
}

/// The parts of a list, PRIMARY's first: everything but users is there.
///
/// # Errors
/// 400 for a `domain` that is no store's, a filter that contradicts it, and a filter or an order by groups, which other
/// stores do not know.
pub(super) fn sections(ctx: &Context, types: &[Arc<ResourceType>], queries: &[Query]) -> Result<Vec<Section>, Error> {
    let stores = &ctx.deployment.user_stores;
    let domain = match queries.first().and_then(|query| query.domain.as_deref()) {
        None => None,
        Some(domain) => Some(stores.named(domain).ok_or_else(|| Error::invalid_value(stores.unknown(domain)))?),
    };
    let every = std::iter::once(None).chain(stores.iter().map(|store| Some(store.number)));
    let mut sections = Vec::new();
    for store in every.filter(|store| domain.is_none_or(|domain| domain == *store)) {
        let names = Names { stores, store, is_only: domain.is_some() };
        let mut section = Section { ctx: ctx.in_store(store), types: Vec::new(), queries: Vec::new() };
        for (rt, query) in types.iter().zip(queries) {
            let is_there = match (rt.name == USER, store) {
                (true, _) => domain.is_some() || pinned(stores, query.filter.as_ref()).is_none_or(|pin| pin == store),
                (false, store) => store.is_none(),
            };
            if is_there {
                let mut query = query.clone();
                if rt.name == USER {
                    query.filter = query.filter.map(|filter| names.filter(filter)).transpose()?;
                    names.check_groups(&query)?;
                }
                section.types.push(rt.clone());
                section.queries.push(query);
            }
        }
        if !section.types.is_empty() {
            sections.push(section);
        }
    }
    Ok(sections)
}

fn is_user_name(path: &AttributePath) -> bool {
    path.extension.is_none() && path.attribute.name == "userName"
}

/// The one store that can have what a filter selects, where the filter says so.
fn pinned(stores: &UserStores, filter: Option<&Filter>) -> Option<Option<u16>> {
    match filter? {
        Filter::And(operands) => operands.iter().find_map(|operand| pinned(stores, Some(operand))),
        Filter::Compare(path, Operator::Eq, Literal::Text { text, .. })
            if path.extension.is_none() && path.attribute.name == "id" =>
        {
            Some(store_of(text).and_then(|_| stores.of_id(text)))
        }
        Filter::Compare(path, operator, Literal::Text { text, .. }) if is_user_name(path) => {
            let embedded = stores.embedded(text).map(|(store, _)| store);
            match operator {
                Operator::Eq => Some(embedded.unwrap_or_default()),
                Operator::Sw => embedded,
                _ => None,
            }
        }
        _ => None,
    }
}

/// The interpretation of user names in a filter, in one store.
struct Names<'a> {
    stores: &'a UserStores,
    store: Option<u16>,
    /// The client asks for this store alone.
    is_only: bool,
}

impl Names<'_> {
    fn filter(&self, filter: Filter) -> Result<Filter, Error> {
        let all = |operands: Vec<Filter>| {
            operands.into_iter().map(|operand| self.filter(operand)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::And(operands) => Filter::And(all(operands)?),
            Filter::Or(operands) => Filter::Or(all(operands)?),
            Filter::Not(operand) => Filter::Not(Box::new(self.filter(*operand)?)),
            Filter::Compare(path, operator, Literal::Text { text, key }) if is_user_name(&path) => {
                self.name(path, operator, text, key)?
            }
            other => other,
        })
    }

    fn name(&self, path: AttributePath, operator: Operator, text: String, key: String) -> Result<Filter, Error> {
        let whole_or_beginning = matches!(operator, Operator::Eq | Operator::Ne | Operator::Sw);
        let name = match self.stores.embedded(&text) {
            // A part of a name may have a slash for any reason.
            _ if matches!(operator, Operator::Co | Operator::Ew) => text,
            Some((store, _)) if self.is_only && store != self.store => {
                let detail = format!("The filter names another user store than the parameter domain: '{text}'.");
                return Err(Error::invalid_value(detail));
            }
            Some((store, _)) if store != self.store && whole_or_beginning => {
                return Ok(Filter::Constant(operator == Operator::Ne));
            }
            Some((store, rest)) => self.stores.prefix(store) + rest,
            None if self.is_only || operator == Operator::Sw => self.stores.prefix(self.store) + &text,
            None => text,
        };
        let key = if path.attribute.compares_exactly() { key } else { fold(&name) };
        Ok(Filter::Compare(path, operator, Literal::Text { text: name, key }))
    }

    /// Other stores do not know who is in which group.
    fn check_groups(&self, query: &Query) -> Result<(), Error> {
        let is_groups = |path: &AttributePath| path.extension.is_none() && path.attribute.name == "groups";
        let asked = query.filter.as_ref().is_some_and(|filter| names(filter, &is_groups))
            || query.sort.as_ref().is_some_and(|sort| is_groups(&sort.path));
        if self.store.is_none() || !asked {
            return Ok(());
        }
        Err(Error::invalid_filter(
            "Only users of PRIMARY can be filtered or sorted by groups: pass domain=PRIMARY, or read the members of the \
             group.",
        ))
    }
}

/// Whether a filter is about such an attribute.
fn names(filter: &Filter, is_it: &dyn Fn(&AttributePath) -> bool) -> bool {
    match filter {
        Filter::And(operands) | Filter::Or(operands) => operands.iter().any(|operand| names(operand, is_it)),
        Filter::Not(operand) => names(operand, is_it),
        Filter::Present(path) | Filter::Compare(path, ..) | Filter::ValuePath(path, _) => is_it(path),
        Filter::Constant(_) => false,
    }
}
