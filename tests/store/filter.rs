//! Filters in SQL mean what they mean in memory: random filters over random users, against the naive evaluator.

use std::collections::BTreeSet;

use latchkey::model::resource::Resource;
use latchkey::store::list::Page;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use scim::filter::Filter;
use scim::resource::Document;
use serde_json::Value;

use crate::support::{Directory, ids, whole};
use crate::terms::{Term, nested, user_term, user_terms};
use crate::users::{population, unique_names, user};

/// What the store was given, as the evaluator wants it.
pub struct Stored<'a> {
    directory: &'a Directory,
    type_name: &'a str,
    documents: Vec<(String, Document)>,
}

impl<'a> Stored<'a> {
    pub fn new(directory: &'a Directory, type_name: &'a str, resources: &[(Resource, Option<Vec<Value>>)]) -> Self {
        let document = |(resource, members): &(Resource, Option<Vec<Value>>)| {
            (resource.id.clone(), whole(directory, type_name, resource, members.as_deref()))
        };
        Self { directory, type_name, documents: resources.iter().map(document).collect() }
    }

    /// Lists all that match, by the store and by the evaluator.
    pub fn check(&self, filter: &str) -> usize {
        let resource_type = self.directory.resource_type(self.type_name);
        let parsed = Filter::parse(&resource_type, filter).unwrap_or_else(|error| panic!("{error}: {filter}"));
        let matching = self.documents.iter().filter(|(_, document)| parsed.matches(document));
        let expected: BTreeSet<&str> = matching.map(|(id, _)| id.as_str()).collect();
        let page = self.list(filter, &[]);
        let found = ids(&page);
        let unique: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(unique, expected, "{filter}");
        assert_eq!(found.len(), unique.len(), "repeats itself: {filter}");
        assert_eq!(page.total, Some(expected.len() as u64), "the total of {filter}");
        expected.len()
    }

    /// Other windows and orders have other statements.
    pub fn check_otherwise(&self, filter: &str) {
        let all = ids(&self.list(filter, &[]));
        let page = self.list(filter, &[("startIndex", "2")]);
        assert_eq!(page.total, Some(all.len() as u64), "the total of {filter}");
        assert_eq!(ids(&page), all.get(1..).unwrap_or_default(), "from the second on: {filter}");
        let sorted = self.list(filter, &[("sortBy", "meta.version")]);
        let as_set = |ids: Vec<String>| ids.into_iter().collect::<BTreeSet<_>>();
        assert_eq!(as_set(ids(&sorted)), as_set(all), "sorted: {filter}");
    }

    fn list(&self, filter: &str, more: &[(&str, &str)]) -> Page {
        self.directory.list(self.type_name, &[&[("filter", filter), ("count", "1000")], more].concat())
    }
}

/// Every operator with every kind of literal on every kind of attribute, alone and among others: many more than random
/// filters would come upon.
#[test]
fn every_operator_on_every_attribute_means_the_same_in_sql() {
    let directory = Directory::new();
    let stored: Vec<_> = directory.insert("User", &population()).into_iter().map(|user| (user, None)).collect();
    let stored = Stored::new(&directory, "User", &stored);
    let mut runner = TestRunner::deterministic();
    let mut some = 0;
    let mut tried = 0;
    for terms in user_terms() {
        for _ in 0..30 {
            let Term::Text(term) = terms.new_tree(&mut runner).unwrap().current() else { continue };
            let found = stored.check(&term);
            some += usize::from(found > 0 && found < stored.documents.len());
            tried += 1;
        }
    }
    assert!(some * 3 > tried, "only {some} of {tried} filters tell the users apart");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn filters_of_users_mean_the_same_in_sql(
        mut users in vec(user(), 1..8),
        filters in vec(nested(user_term()), 1..6),
    ) {
        unique_names(&mut users);
        let directory = Directory::new();
        let stored: Vec<_> = directory.insert("User", &users).into_iter().map(|user| (user, None)).collect();
        let stored = Stored::new(&directory, "User", &stored);
        for filter in &filters {
            stored.check(&filter.write());
            stored.check_otherwise(&filter.write());
        }
    }
}
