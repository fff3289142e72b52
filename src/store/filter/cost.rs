//! What it costs to check one resource: how many values the terms of a filter, and an order, look at.

use std::collections::BTreeMap;

use crate::store::filter::place::{Item, Place, Record, below, stored_at};
use crate::store::filter::{Bindings, Compiler, Scope};
use scim::filter::Filter;
use scim::schema::{AttributePath, SCHEMAS, Type};

/// The values that the terms of a filter look at in one resource.
#[derive(Debug, Default)]
pub(in crate::store) struct Cost {
    /// Those that are there in any case.
    pub fixed: usize,
    /// The number of terms that read the document of keys.
    pub documents: usize,
    /// The expressions that tell how many values there are in that document, each with the number of terms about them.
    pub listed: BTreeMap<String, usize>,
    /// Tables and the condition that selects the rows of a resource, each with the number of terms about them.
    pub joined: BTreeMap<(String, String), usize>,
}

impl Cost {
    /// The cost of a filter and of an order.
    pub(in crate::store) fn new(scope: &Scope<'_>, filter: Option<&Filter>, sort: Option<&AttributePath>) -> Self {
        let mut cost = Self::default();
        // What is bound here is in no statement: the expressions have no values.
        let mut bindings = Bindings::default();
        let mut compiler = Compiler { scope, bindings: &mut bindings, aliases: 0 };
        if let Some(filter) = filter {
            cost.add(&mut compiler, filter, None);
        }
        if let Some(path) = sort {
            cost.add_term(&mut compiler, path, path);
        }
        cost
    }

    /// `within` is the attribute that the filter is about, inside brackets.
    fn add(&mut self, compiler: &mut Compiler<'_>, filter: &Filter, within: Option<&AttributePath>) {
        match filter {
            Filter::And(operands) | Filter::Or(operands) => {
                operands.iter().for_each(|operand| self.add(compiler, operand, within));
            }
            Filter::Not(operand) => self.add(compiler, operand, within),
            Filter::Present(path) | Filter::Compare(path, ..) => {
                self.add_term(compiler, within.unwrap_or(path), path);
            }
            Filter::ValuePath(path, inner) => self.add(compiler, inner, Some(within.unwrap_or(path))),
            Filter::Constant(_) => {}
        }
    }

    /// A term about `leaf` in the values of `path`.
    fn add_term(&mut self, compiler: &mut Compiler<'_>, path: &AttributePath, leaf: &AttributePath) {
        let list = leaf.sub.as_deref().filter(|sub| sub.multi_valued);
        let whole = leaf.sub.is_none() && leaf.attribute.data_type == Type::Complex;
        // A complex value as a whole is looked through.
        let parts = if whole { leaf.attribute.sub_attributes.len() + 1 } else { 1 };
        match compiler.place(path) {
            Place::One(Item::Json { .. }) if list.is_some() => {
                let list = list.map(|sub| below(&stored_at(path), &sub.name)).unwrap_or_default();
                self.documents += 1;
                *self.listed.entry(format!("json_array_length(r.keys, {list})")).or_default() += parts;
            }
            Place::One(item) => {
                let reads = match &item {
                    Item::Simple(scalar) => scalar.sql.contains("r.keys"),
                    Item::Json { .. } => true,
                    Item::Record(_) => false,
                };
                self.documents += usize::from(reads);
                self.fixed += parts;
            }
            Place::Each { from, condition, item: Item::Record(record), .. } => {
                // What they are called is in yet another row.
                let looked_up = leaf.sub.as_ref().is_some_and(|sub| match record {
                    Record::Group => matches!(sub.name.as_str(), "display" | "type"),
                    _ => sub.name == "display",
                });
                // Looking for them costs a row where there are none.
                self.fixed += parts;
                let key = (from, condition.unwrap_or_default());
                *self.joined.entry(key).or_default() += parts + usize::from(looked_up);
            }
            Place::Each { .. } if path.extension.is_none() && path.attribute.name == SCHEMAS => {
                self.documents += 1;
                // Its own, and those that are derived.
                self.fixed += compiler.scope.resource_type.extensions.len() + 1;
            }
            Place::Each { .. } => {
                let at = stored_at(path);
                let expression = match list {
                    None => format!("json_array_length(r.keys, {at})"),
                    Some(sub) => format!(
                        "(SELECT SUM(MAX(1, COALESCE(json_array_length(CASE l.type WHEN 'object' THEN l.value END, {}), 1))) \
                         FROM json_each(r.keys, {at}) l)",
                        below("'$'", &sub.name)
                    ),
                };
                self.documents += 1;
                *self.listed.entry(expression).or_default() += parts;
            }
        }
    }
}
