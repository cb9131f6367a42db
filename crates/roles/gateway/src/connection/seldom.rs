//! Queues that are nearly always empty: a connection has several, and there are very many connections.

use std::collections::VecDeque;

/// A queue that needs no more room than one item while it holds one at the most: then it takes nothing from the heap.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "the box keeps a queue of small items as small as one of them")]
pub(super) enum Seldom<T> {
    #[default]
    Empty,
    One(T),
    /// Never empty.
    Many(Box<VecDeque<T>>),
}

impl<T> Seldom<T> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(_) => 1,
            Self::Many(queue) => queue.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Self::Empty => (None, None),
            Self::One(item) => (Some(item), None),
            Self::Many(queue) => (None, Some(queue.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    pub(super) fn front(&self) -> Option<&T> {
        match self {
            Self::Empty => None,
            Self::One(item) => Some(item),
            Self::Many(queue) => queue.front(),
        }
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Empty => None,
            Self::One(item) => Some(item),
            Self::Many(queue) => queue.front_mut(),
        }
    }

    pub(super) fn push_back(&mut self, item: T) {
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(item),
            Self::One(first) => Self::Many(Box::new(VecDeque::from([first, item]))),
            Self::Many(mut queue) => {
                queue.push_back(item);
                Self::Many(queue)
            }
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        self.pop_front_if(|_| true)
    }

    pub(super) fn pop_front_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if !self.front().is_some_and(wanted) {
            return None;
        }
        match std::mem::take(self) {
            Self::Empty => None,
            Self::One(item) => Some(item),
            Self::Many(mut queue) => {
                let item = queue.pop_front();
                if !queue.is_empty() {
                    *self = Self::Many(queue);
                }
                item
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_leaves_first_whatever_the_length() {
        let (mut seldom, mut model) = (Seldom::default(), VecDeque::new());
        // Grows to eight, falls to nothing, and again.
        for step in 0_u32..64 {
            if step % 16 < 8 {
                seldom.push_back(step);
                model.push_back(step);
            } else {
                assert_eq!(seldom.pop_front_if(|first| Some(first) != model.front()), None);
                assert_eq!(seldom.pop_front(), model.pop_front());
            }
            assert_eq!((seldom.len(), seldom.is_empty()), (model.len(), model.is_empty()));
            assert!(seldom.iter().eq(model.iter()));
            assert_eq!(seldom.front(), model.front());
            assert_eq!(seldom.front_mut(), model.front_mut());
        }
        assert_eq!(seldom.pop_front(), None);
    }
}
