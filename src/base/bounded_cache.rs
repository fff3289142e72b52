//! A map for what an isolate remembers, which never grows beyond the number of entries it was made for.
//!
//! An isolate lives for hours and serves every tenant: whatever it keeps by tenant, token, name or address has to forget.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cache of at most `capacity` entries. When one more is inserted, the least recently used eighth goes, so that the
/// search for the oldest is paid once for many insertions. Entries do not age: values that do carry their time.
#[derive(Debug)]
pub struct BoundedCache<K, V> {
    capacity: usize,
    max_weight: usize,
    weigh: fn(&V) -> usize,
    entries: Mutex<Entries<K, V>>,
}

#[derive(Debug)]
struct Entries<K, V> {
    /// Each value with the count of uses at its latest use.
    map: HashMap<K, (u64, V)>,
    /// The number of uses of the cache.
    uses: u64,
    /// What all values weigh together.
    weight: usize,
}

impl<K: Eq + Hash, V> BoundedCache<K, V> {
    /// An empty cache of at most this many entries, and of one at least.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::weighing(capacity, usize::MAX, |_| 0)
    }

    /// An empty cache of at most this many entries, whose values weigh at most so much together. A value that alone weighs
    /// more is not kept.
    #[must_use]
    pub fn weighing(capacity: usize, max_weight: usize, weigh: fn(&V) -> usize) -> Self {
        let entries = Mutex::new(Entries { map: HashMap::new(), uses: 0, weight: 0 });
        Self { capacity: capacity.max(1), max_weight, weigh, entries }
    }

    /// What all values weigh together.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.lock().weight
    }

    /// Returns a copy of the value of this key, which counts as its latest use.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        let mut entries = self.lock();
        let use_number = entries.next_use();
        let (used, value) = entries.map.get_mut(key)?;
        *used = use_number;
        Some(value.clone())
    }

    /// Keeps this value, in place of the one that the key had.
    pub fn insert(&self, key: K, value: V) {
        self.update(key, |_| Some(value));
    }

    /// Keeps what `decide` makes of the present value of the key, and changes nothing where that is `None`. No other use
    /// of the cache comes between; `decide` must not use it either.
    pub fn update(&self, key: K, decide: impl FnOnce(Option<&V>) -> Option<V>) {
        let mut entries = self.lock();
        let Some(value) = decide(entries.map.get(&key).map(|(_, value)| value)) else { return };
        let (weigh, weight) = (self.weigh, (self.weigh)(&value));
        if let Some((_, present)) = entries.map.remove(&key) {
            entries.weight -= weigh(&present);
        }
        if weight > self.max_weight {
            return;
        }
        if entries.map.len() >= self.capacity {
            entries.evict((self.capacity / 8).max(1), weigh);
        }
        while entries.weight > self.max_weight - weight {
            let count = (entries.map.len() / 8).max(1);
            entries.evict(count, weigh);
        }
        let use_number = entries.next_use();
        entries.map.insert(key, (use_number, value));
        entries.weight += weight;
    }

    /// Forgets this key, and returns the value it had.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut entries = self.lock();
        let (_, value) = entries.map.remove(key)?;
        entries.weight -= (self.weigh)(&value);
        Some(value)
    }

    /// Forgets every entry for which `keep` is false.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        let mut entries = self.lock();
        entries.map.retain(|key, (_, value)| keep(key, value));
        entries.weigh(self.weigh);
    }

    /// Whoever panicked with the lock held left whole entries behind: each is written by one insertion.
    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Entries<K, V> {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// Forgets the least recently used entries, this many of them: no two have the same latest use.
    fn evict(&mut self, count: usize, weigh: fn(&V) -> usize) {
        let mut uses: Vec<u64> = self.map.values().map(|(used, _)| *used).collect();
        if count < uses.len() {
            let (_, oldest_kept, _) = uses.select_nth_unstable(count);
            let oldest_kept = *oldest_kept;
            self.map.retain(|_, (used, _)| *used >= oldest_kept);
        } else {
            self.map.clear();
        }
        self.weigh(weigh);
    }

    fn weigh(&mut self, weigh: fn(&V) -> usize) {
        self.weight = self.map.values().map(|(_, value)| weigh(value)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::BoundedCache;
    use proptest::prelude::*;

    fn len<V>(cache: &BoundedCache<u16, V>) -> usize {
        cache.lock().map.len()
    }

    #[test]
    fn a_value_is_kept_replaced_and_forgotten() {
        let cache: BoundedCache<String, u8> = BoundedCache::new(4);
        assert_eq!(cache.get("a"), None);
        cache.insert("a".to_owned(), 1);
        cache.insert("a".to_owned(), 2);
        cache.insert("b".to_owned(), 3);
        assert_eq!((cache.get("a"), cache.get("b")), (Some(2), Some(3)));
        assert_eq!((cache.remove("a"), cache.remove("a")), (Some(2), None));
        cache.retain(|_, value| *value != 3);
        assert_eq!(cache.get("b"), None);
    }

    #[test]
    fn what_is_used_stays_and_the_least_recently_used_goes() {
        let cache = BoundedCache::new(3);
        (0..3_u16).for_each(|key| cache.insert(key, ()));
        assert_eq!(cache.get(&0), Some(()));
        cache.insert(3, ());
        assert_eq!([0, 1, 2, 3].map(|key| cache.get(&key).is_some()), [true, false, true, true]);
    }

    #[test]
    fn a_full_cache_forgets_an_eighth() {
        let cache = BoundedCache::new(80);
        (0..81_u16).for_each(|key| cache.insert(key, ()));
        assert_eq!(len(&cache), 71);
        assert!((0..10).all(|key| cache.get(&key).is_none()) && (10..81).all(|key| cache.get(&key).is_some()));
    }

    #[test]
    fn values_weigh_no_more_together_than_they_may() {
        let cache: BoundedCache<u16, usize> = BoundedCache::weighing(100, 10, |value| *value);
        (0..5_u16).for_each(|key| cache.insert(key, 2));
        assert_eq!((len(&cache), cache.weight()), (5, 10));
        cache.insert(0, 3);
        assert_eq!((cache.get(&1), cache.get(&0), cache.weight()), (None, Some(3), 9), "the least recently used goes");
        cache.insert(2, 11);
        assert_eq!((cache.get(&2), cache.weight()), (None, 7), "more than all may weigh is not kept");
        cache.insert(9, 10);
        assert_eq!((len(&cache), cache.weight()), (1, 10));
        assert_eq!((cache.remove(&9), cache.weight()), (Some(10), 0));
    }

    #[test]
    fn replacing_evicts_nothing_and_an_update_may_decline() {
        let cache = BoundedCache::new(2);
        cache.insert(1, 1);
        cache.insert(2, 2);
        cache.update(1, |present| present.map(|value| value + 10));
        cache.update(2, |_| None);
        cache.update(3, |present| present.copied());
        assert_eq!([1, 2, 3].map(|key| cache.get(&key)), [Some(11), Some(2), None]);
    }

    #[test]
    fn a_cache_for_nothing_remembers_the_latest() {
        let cache = BoundedCache::new(0);
        cache.insert(1, ());
        cache.insert(2, ());
        assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(())));
    }

    proptest! {
        #[test]
        fn it_never_grows_beyond_its_capacity_and_has_the_latest(
            capacity in 0..20_usize,
            keys in prop::collection::vec(0..40_u16, 1..200),
        ) {
            let cache = BoundedCache::new(capacity);
            for key in keys {
                cache.insert(key, key);
                prop_assert!(len(&cache) <= capacity.max(1));
                prop_assert_eq!(cache.get(&key), Some(key));
            }
        }
    }
}
