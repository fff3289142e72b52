//! Collections in order, by code that is compiled once.
//!
//! `collect` into a `BTreeMap` sorts first, and every sort of the standard library is compiled anew for each closure and each
//! iterator, 4 KB a time. What is put in order here is short, or comes once in a request.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Returns pairs as a map; of those with one key, the last counts.
pub fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// Returns values as a set.
pub fn set<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(values);
    set
}

/// Sorts by the order of the values.
pub fn sort<T: Ord>(values: &mut Vec<T>) {
    sort_by(values, T::cmp);
}

/// Sorts; what is equal keeps its order.
pub fn sort_by<T>(values: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..values.len()).collect();
    sort_places(&mut places, &|one, other| compare(&values[one], &values[other]));
    let mut unsorted: Vec<Option<T>> = values.drain(..).map(Some).collect();
    values.extend(places.into_iter().filter_map(|place| unsorted[place].take()));
}

#[inline(never)]
fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_keeps_the_order_of_equals() {
        let mut values: Vec<(u32, u32)> = (0..1_000).map(|n| (n * 7_919 % 10, n)).collect();
        let mut expected = values.clone();
        expected.sort_by_key(|(key, _)| *key);
        sort_by(&mut values, |one, other| one.0.cmp(&other.0));
        assert_eq!(values, expected);
        let mut words = vec!["b", "", "a", "b"];
        sort(&mut words);
        assert_eq!(words, ["", "a", "b", "b"]);
    }

    #[test]
    fn of_one_key_the_last_value_counts() {
        assert_eq!(map([("a", 1), ("b", 2), ("a", 3)]), BTreeMap::from([("a", 3), ("b", 2)]));
        assert_eq!(set([2, 1, 2]), BTreeSet::from([1, 2]));
    }
}
