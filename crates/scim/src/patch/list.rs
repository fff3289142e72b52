//! The values of a multi-valued attribute while a PATCH edits them: a step costs by the values that it touches, not by
//! those that there are.
//!
//! Equal values are one and at most one is `primary` (RFC 7643 section 2.4), after each step as at the end. The `primary`
//! of a value that a step writes beats an older one; among several, the last wins.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::filter::{Filter, Literal, Operator};
use crate::schema::{Attribute, PRIMARY, TYPE, Type, VALUE};
use crate::value::{identity, key_of, merge};
use crate::work::{self, Work};

/// The values in their order. A value keeps its number for as long as it is there.
pub(super) struct List {
    attribute: Arc<Attribute>,
    /// All the values, as long as no step has been about one of them: then they are nowhere else.
    untouched: Option<Vec<Value>>,
    values: BTreeMap<usize, Held>,
    /// The number of the next value.
    next: usize,
    /// The value of each identity.
    identities: HashMap<String, usize>,
    /// By the name of a sub-attribute that a filter has looked for, the values by its keys. Simple values are their own,
    /// under an empty name.
    indexes: HashMap<String, HashMap<String, BTreeSet<usize>>>,
    /// The one value that is primary.
    primary: Option<usize>,
}

struct Held {
    value: Value,
    identity: String,
    /// Its keys in the indexes.
    keys: Vec<(String, String)>,
}

/// What an edit changes of a value.
#[derive(Clone, Copy)]
pub(super) enum Changed<'a> {
    /// Nothing but this sub-attribute.
    Part(&'a str),
    /// Whatever it may be.
    Whole,
}

impl List {
    /// The list of these values.
    pub fn new(attribute: &Arc<Attribute>, values: Vec<Value>) -> Self {
        Self {
            attribute: Arc::clone(attribute),
            untouched: Some(values),
            values: BTreeMap::new(),
            next: 0,
            identities: HashMap::new(),
            indexes: HashMap::new(),
            primary: None,
        }
    }

    /// Gives each value its number and its identity.
    fn touch(&mut self) {
        if let Some(values) = self.untouched.take() {
            self.identities.reserve(values.len());
            self.add(values);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.untouched.as_ref().map_or(self.values.is_empty(), Vec::is_empty)
    }

    /// The values as a document has them.
    pub fn into_value(self) -> Option<Value> {
        let values = match self.untouched {
            Some(values) => values,
            None => self.values.into_values().map(|held| held.value).collect(),
        };
        if values.is_empty() { None } else { Some(Value::Array(values)) }
    }

    /// A copy of the values.
    pub fn to_values(&self) -> Vec<Value> {
        if let Some(values) = &self.untouched {
            return values.clone();
        }
        self.values.values().map(|held| held.value.clone()).collect()
    }

    /// Adds values. What is equal to one that is there is laid over that one.
    pub fn add(&mut self, values: Vec<Value>) {
        self.touch();
        let mut written = BTreeSet::new();
        for value in values {
            let number = self.new_number();
            let identity = identity(&self.attribute, &value);
            written.insert(self.place(number, Held { value, identity, keys: Vec::new() }));
        }
        self.keep_one_primary(&written);
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        *self = Self::new(&self.attribute, Vec::new());
    }

    /// Removes these values.
    pub fn remove(&mut self, numbers: &[usize]) {
        for number in numbers {
            self.detach(*number);
        }
    }

    /// Removes what is listed: the values that are the same, or have the same `value` where no `type` is said.
    pub fn remove_listed(&mut self, listed: &[Value]) {
        self.touch();
        let attribute = Arc::clone(&self.attribute);
        for said in listed {
            let same = self.identities.get(&identity(&attribute, said)).copied();
            self.remove(same.as_slice());
            let value = attribute.sub_attribute(VALUE).zip(said.get(VALUE));
            if let Some((sub, value)) = value.filter(|_| said.get(TYPE).is_none()) {
                let found: Vec<usize> =
                    self.find(&sub.name, &key_of(sub, value)).into_iter().flatten().copied().collect();
                self.remove(&found);
            }
        }
    }

    /// The numbers of the values that a filter selects, of all without one.
    ///
    /// # Errors
    /// 400 `tooMany`
    pub fn select(&mut self, filter: Option<&Filter>, work: &Work) -> Result<Vec<usize>, Error> {
        self.touch();
        let Some(filter) = filter else { return Ok(self.values.keys().copied().collect()) };
        let candidates = match self.narrow(filter) {
            Some(candidates) => candidates,
            None => self.values.keys().copied().collect(),
        };
        let mut selected = Vec::new();
        for number in candidates {
            let Some(held) = self.values.get(&number) else { continue };
            if filter.selects(&held.value, work) {
                selected.push(number);
            }
            work.check()?;
        }
        Ok(selected)
    }

    /// Edits these values, and one more that is to be added. What an edit makes nothing of is removed.
    pub fn edit(
        &mut self,
        numbers: &[usize],
        more: Option<Value>,
        changed: Changed<'_>,
        mut edit: impl FnMut(Value) -> Result<Option<Value>, Error>,
    ) -> Result<(), Error> {
        self.touch();
        let mut edited = Vec::with_capacity(numbers.len());
        let mut written = BTreeSet::new();
        for number in numbers {
            let Some(held) = self.values.get_mut(number) else { continue };
            match changed {
                // What makes a value the one that it is stays, and so does its place.
                Changed::Part(name) if ![VALUE, TYPE].contains(&name) && held.value.get(VALUE).is_some() => {
                    match edit(std::mem::take(&mut held.value))? {
                        Some(value) => {
                            held.value = value;
                            self.index_part(*number, name);
                            written.insert(*number);
                        }
                        None => drop(self.detach(*number)),
                    }
                }
                _ => {
                    let Some(Held { value, .. }) = self.detach(*number) else { continue };
                    let Some(value) = edit(value)? else { continue };
                    edited.push((*number, Held { identity: self.identity(&value), value, keys: Vec::new() }));
                }
            }
        }
        if let Some(value) = more.map(&mut edit).transpose()?.flatten() {
            let identity = self.identity(&value);
            edited.push((self.new_number(), Held { value, identity, keys: Vec::new() }));
        }
        written.extend(edited.into_iter().map(|(number, held)| self.place(number, held)).collect::<Vec<_>>());
        self.keep_one_primary(&written);
        Ok(())
    }

    /// Puts a value in its place in the index of a sub-attribute that has changed, if there is one.
    fn index_part(&mut self, number: usize, name: &str) {
        let (Some(by_key), Some(held)) = (self.indexes.get_mut(name), self.values.get_mut(&number)) else { return };
        if let Some(at) = held.keys.iter().position(|(known, _)| known == name) {
            let (_, key) = held.keys.swap_remove(at);
            if let Some(numbers) = by_key.get_mut(&key) {
                numbers.remove(&number);
            }
        }
        if let Some(key) = key_in(&self.attribute, name, &held.value) {
            by_key.entry(key.clone()).or_default().insert(number);
            held.keys.push((name.to_owned(), key));
        }
    }

    fn identity(&self, value: &Value) -> String {
        identity(&self.attribute, value)
    }

    fn new_number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// Takes a value out, and out of the indexes.
    fn detach(&mut self, number: usize) -> Option<Held> {
        let held = self.values.remove(&number)?;
        self.identities.remove(&held.identity);
        for (name, key) in &held.keys {
            let by_key = self.indexes.get_mut(name);
            if let Some(numbers) = by_key.and_then(|by_key| by_key.get_mut(key)) {
                numbers.remove(&number);
            }
        }
        if self.primary == Some(number) {
            self.primary = None;
        }
        Some(held)
    }

    /// Puts a value in its place, and answers the number of the value that it is now, or is now a part of: of equal ones the
    /// first keeps its place, and the others are laid over it in their order.
    fn place(&mut self, number: usize, mut held: Held) -> usize {
        let place = match self.identities.get(&held.identity).copied() {
            Some(earlier) if earlier < number => {
                let Some(mut first) = self.detach(earlier) else { return number };
                merge(&self.attribute, &mut first.value, held.value);
                first.keys.clear();
                held = first;
                earlier
            }
            Some(later) => {
                if let Some(later) = self.detach(later) {
                    merge(&self.attribute, &mut held.value, later.value);
                    held.keys.clear();
                }
                number
            }
            None => number,
        };
        self.identities.insert(held.identity.clone(), place);
        for (name, by_key) in &mut self.indexes {
            let known = held.keys.iter().find(|(known, _)| known == name).map(|(_, key)| key.clone());
            let is_known = known.is_some();
            if let Some(key) = known.or_else(|| key_in(&self.attribute, name, &held.value)) {
                by_key.entry(key.clone()).or_default().insert(place);
                if !is_known {
                    held.keys.push((name.clone(), key));
                }
            }
        }
        self.values.insert(place, held);
        place
    }

    /// Sets all but one `primary` to false. The last one among those `written` stays, else the one that was.
    fn keep_one_primary(&mut self, written: &BTreeSet<usize>) {
        if self.attribute.sub_attribute(PRIMARY).is_none() {
            return;
        }
        let is_primary = |list: &Self, number: &usize| {
            list.values.get(number).is_some_and(|held| held.value.get(PRIMARY) == Some(&Value::Bool(true)))
        };
        let before = self.primary.take().filter(|number| is_primary(self, number));
        let Some(keep) = written.iter().rev().copied().find(|number| is_primary(self, number)).or(before) else {
            return;
        };
        let others: Vec<usize> = written.iter().copied().chain(before).filter(|number| *number != keep).collect();
        for number in others.into_iter().filter(|number| is_primary(self, number)).collect::<Vec<_>>() {
            let Some(mut held) = self.detach(number) else { continue };
            held.value[PRIMARY] = Value::Bool(false);
            if held.value.get(VALUE).is_none() {
                held.identity = self.identity(&held.value);
            }
            self.place(number, held);
        }
        self.primary = Some(keep);
    }

    /// The values among which a filter selects, where an index tells.
    fn narrow(&mut self, filter: &Filter) -> Option<Vec<usize>> {
        match filter {
            Filter::Compare(..) => Some(self.equal_to(filter)?.into_iter().flatten().copied().collect()),
            Filter::And(operands) => {
                let sizes: Vec<Option<usize>> = operands
                    .iter()
                    .map(|operand| self.equal_to(operand).map(|found| found.map_or(0, BTreeSet::len)))
                    .collect();
                let (least, _) = sizes
                    .iter()
                    .enumerate()
                    .filter_map(|(index, size)| Some((index, (*size)?)))
                    .min_by_key(|(_, size)| *size)?;
                self.narrow(operands.get(least)?)
            }
            Filter::Or(operands) => {
                let each: Option<Vec<Vec<usize>>> = operands.iter().map(|operand| self.narrow(operand)).collect();
                // `collect` would sort, by code of its own.
                let mut all = BTreeSet::new();
                all.extend(each?.into_iter().flatten());
                Some(all.into_iter().collect())
            }
            _ => None,
        }
    }

    /// The values with the key that a filter asks for, if it is such a filter.
    fn equal_to(&mut self, filter: &Filter) -> Option<Option<&BTreeSet<usize>>> {
        let Filter::Compare(path, Operator::Eq, Literal::Text { text, .. }) = filter else { return None };
        let leaf = path.leaf();
        let is_text = matches!(leaf.data_type, Type::String | Type::Reference);
        if !is_text || (path.sub.is_some() && leaf.multi_valued) {
            return None;
        }
        let key = key_of(leaf, &Value::from(text.as_str()));
        Some(self.find(path.sub.as_ref().map_or("", |sub| &sub.name), &key))
    }

    /// The values that have this key, by an index that is made when it is first asked for.
    fn find(&mut self, name: &str, key: &str) -> Option<&BTreeSet<usize>> {
        if !self.indexes.contains_key(name) {
            let mut by_key: HashMap<String, BTreeSet<usize>> = HashMap::new();
            for (number, held) in &mut self.values {
                if let Some(key) = key_in(&self.attribute, name, &held.value) {
                    by_key.entry(key.clone()).or_default().insert(*number);
                    held.keys.push((name.to_owned(), key));
                }
            }
            self.indexes.insert(name.to_owned(), by_key);
        }
        self.indexes.get(name)?.get(key)
    }
}

/// The key of a value's sub-attribute; of a simple value, of itself.
fn key_in(attribute: &Attribute, name: &str, value: &Value) -> Option<String> {
    if name.is_empty() {
        return Some(key_of(attribute, value));
    }
    attribute.sub_attribute(name).zip(value.get(name)).map(|(sub, value)| key_of(sub, value))
}

/// Whether each of what a client says is so of one of the current values. `holds` compares the two.
pub(super) fn each_is_among(
    attribute: &Attribute,
    said: &[Value],
    current: &[Value],
    work: &Work,
    holds: impl Fn(&Value, &Value) -> bool,
) -> bool {
    // Clients send back what they have read, in its order.
    if said.len() != current.len() {
        return false;
    }
    if said.iter().zip(current).all(|(said, current)| holds(said, current)) {
        return true;
    }
    let key = |value: &Value| match (attribute.sub_attribute(VALUE), value) {
        (Some(sub), Value::Object(members)) => members
            .iter()
            .find(|(name, value)| name.eq_ignore_ascii_case(VALUE) && value.is_string())
            .map(|(_, value)| key_of(sub, value)),
        (None, simple) if !simple.is_object() && !simple.is_array() => Some(key_of(attribute, simple)),
        _ => None,
    };
    let mut by_key: HashMap<String, Vec<&Value>> = HashMap::new();
    for value in current {
        by_key.entry(key(value).unwrap_or_default()).or_default().push(value);
    }
    said.iter().all(|said| {
        let is_among = |value: &&Value| {
            work.add(work::CHANGE);
            !work.is_too_much() && holds(said, value)
        };
        match key(said) {
            Some(key) => by_key.get(&key).into_iter().flatten().any(is_among),
            None => current.iter().any(|value| is_among(&value)),
        }
    })
}
