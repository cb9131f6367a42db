//! One page of a list, and the cursor to the next.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page: `items` in the order of the list; `next_cursor` is what to send as `?cursor=` for the next page, absent
/// on the last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// Where the next page starts; `null` when there is none.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page out of `rows`, of which one more than `limit` was read, so that the last page is known as such.
    /// `cursor` names the place behind an entry.
    pub fn cut(mut rows: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self { items: rows, next_cursor }
    }

    /// The same page with every entry turned into something else.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next_cursor: self.next_cursor }
    }
}
