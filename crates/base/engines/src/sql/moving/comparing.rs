//! How it is seen that both sides hold the same.

use std::{
    fmt,
    hash::{DefaultHasher, Hasher},
};

/// How many rows, and the sum of their hashes: in whatever order they are read, and over all their columns. Both sides are
/// summed by one process; the sum means nothing elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// The number of rows.
    pub rows: u64,
    /// The sum of their hashes.
    pub hash: u64,
}

impl Sum {
    /// Adds a row in its binary form.
    pub(super) fn add(&mut self, row: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(row);
        self.rows += 1;
        self.hash = self.hash.wrapping_add(hasher.finish());
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rows, sum {:016x}", self.rows, self.hash)
    }
}

/// A table on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The table.
    pub table: String,
    /// In the files.
    pub source: Sum,
    /// In the target.
    pub target: Sum,
}

impl Compared {
    /// Whether both sides hold the same.
    pub fn is_alike(&self) -> bool {
        self.source == self.target
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} in the files, {} in the target", self.table, self.source, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        let sum = |rows: &[&[u8]]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row));
            sum
        };
        assert_eq!(sum(&[b"one", b"two"]), sum(&[b"two", b"one"]));
        assert_ne!(sum(&[b"one", b"two"]), sum(&[b"one"]));
        assert_ne!(sum(&[b"one", b"two"]), sum(&[b"one", b"twp"]));
        assert_ne!(sum(&[b"one", b"one"]), sum(&[b"two", b"two"]));
        assert_ne!(sum(&[b""]), sum(&[]));
    }
}
