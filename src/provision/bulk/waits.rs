//! Which creations of a Bulk request wait for others: ids are given out beforehand, so most go to the database together with what
//! they refer to.

use std::collections::HashSet;

use crate::model::resource::GROUP;
use crate::store::groups::MAX_DEPTH;
use crate::store::keys;
use scim::bulk::{Plan, Planned};
use scim::schema::Registry;

/// The most levels that creations wait for each other: so many times one batch goes after another. Groups nest no deeper.
pub const MAX_LEVEL: usize = MAX_DEPTH as usize;

/// What is known of an operation while it waits.
#[derive(Default)]
struct Waiting {
    is_group: bool,
    /// Whether what becomes of it is known only once it is done. Otherwise a look at the names that are taken says it.
    is_uncertain: bool,
    references: Vec<usize>,
    /// How many batches of what it refers to come before it, one after another.
    level: usize,
}

/// The creations that wait, for their batch or for others.
pub struct Waits {
    operations: Vec<Waiting>,
    /// Those that wait at all.
    open: HashSet<usize>,
    /// Those that have to know first what becomes of others that do.
    later: Vec<usize>,
    /// Whether errors are counted: then names are looked up before each batch, those of a new group's members too.
    is_counted: bool,
}

impl Waits {
    /// None yet, of a plan.
    pub fn new(registry: &Registry, plan: &Plan) -> Self {
        let read = |planned: &Planned| {
            let Ok(operation) = &planned.operation else { return Waiting::default() };
            let rt = registry.resource_type_at(&operation.endpoint);
            let is_group = rt.is_some_and(|rt| rt.name == GROUP);
            let is_uncertain = is_group || rt.is_some_and(|rt| keys::has_unique(rt));
            Waiting { is_group, is_uncertain, references: operation.references.clone(), level: 0 }
        };
        let operations = plan.operations.iter().map(read).collect();
        Self { operations, open: HashSet::new(), later: Vec::new(), is_counted: plan.fail_on_errors.is_some() }
    }

    /// Those that an operation refers to.
    pub fn references(&self, index: usize) -> &[usize] {
        self.operations.get(index).map_or(&[], |waiting| &waiting.references)
    }

    /// Whether a group refers to others over more levels than groups nest.
    pub fn is_too_deep(&self, index: usize) -> bool {
        self.operations.get(index).is_some_and(|waiting| waiting.is_group && waiting.level > MAX_LEVEL)
    }

    /// Finds out how deep a creation refers to others. What it refers to is done, or waits already.
    pub fn arrive(&mut self, index: usize) {
        let level = self.open_references(index).map(|other| {
            let waiting = &self.operations[other];
            waiting.level + usize::from(waiting.is_uncertain)
        });
        let level = level.max().unwrap_or_default();
        self.operations[index].level = level;
    }

    /// Whether a creation has to know first what becomes of others: a group does, since its members must exist. Below the last
    /// level nothing waits.
    pub fn must_wait(&self, index: usize) -> bool {
        let waiting = &self.operations[index];
        let waits_for_all = waiting.is_group && !self.is_counted;
        let waits_for =
            |other: usize| waits_for_all || self.operations[other].is_uncertain || self.later.contains(&other);
        waiting.level <= MAX_LEVEL && self.open_references(index).any(waits_for)
    }

    fn open_references(&self, index: usize) -> impl Iterator<Item = usize> {
        self.references(index).iter().copied().filter(move |other| *other != index && self.open.contains(other))
    }

    /// Lets a creation wait for others.
    pub fn postpone(&mut self, index: usize) {
        self.open.insert(index);
        self.later.push(index);
    }

    /// Those that wait for others, in order.
    pub fn postponed(&self) -> Vec<usize> {
        self.later.clone()
    }

    /// Lets a creation wait for its batch.
    pub fn join(&mut self, index: usize) {
        self.open.insert(index);
    }

    /// Lets a creation wait no more.
    pub fn end(&mut self, index: usize) {
        self.open.remove(&index);
        self.later.retain(|other| *other != index);
    }
}
