//! Queues that are nearly always empty: a connection has several, and there are very many connections.

use std::collections::VecDeque;

/// A queue that takes one word while it is empty.
#[expect(clippy::box_collection, reason = "the box is what keeps an empty queue small")]
pub(super) struct Seldom<T>(Option<Box<VecDeque<T>>>);

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Seldom<T> {
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|queue| queue.iter())
    }

    pub(super) fn front(&self) -> Option<&T> {
        self.iter().next()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()?.front_mut()
    }

    pub(super) fn push_back(&mut self, item: T) {
        self.0.get_or_insert_default().push_back(item);
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        self.pop_front_if(|_| true)
    }

    pub(super) fn pop_front_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let queue = self.0.as_mut()?;
        let item = queue.pop_front_if(|item| wanted(item))?;
        if queue.is_empty() {
            self.0 = None;
        }
        Some(item)
    }
}
