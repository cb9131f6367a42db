//! A map that keeps what is in use and forgets the rest: bounded memory for caches and rate limits.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// A map of at most `capacity` entries. When it is full, the entries that were not used since about `capacity / 2`
/// others were put in are forgotten together; an entry in use is never among them. Every step takes constant time.
#[derive(Debug, Clone)]
pub struct Recent<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// An empty map for `capacity` entries (at least two).
    pub fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// The entry of `key`, which counts as a use.
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Puts an entry in, in place of the one with the same key.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Takes an entry out.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// Keeps the entries that `keep` approves of.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.young.retain(|key, value| keep(key, value));
        self.old.retain(|key, value| keep(key, value));
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_capacity_and_keeps_what_is_in_use() {
        let mut recent = Recent::new(10);
        recent.insert(0, "in use");
        for key in 1..1_000 {
            recent.insert(key, "once");
            assert!(recent.get(&0).is_some(), "after {key}");
            assert!(recent.len() <= 10);
        }
        assert!(recent.get(&1).is_none());
        assert_eq!(recent.remove(&999), Some("once"));
        assert!(recent.get(&999).is_none());
    }
}
