//! A setting whose value may change while the process runs.

use std::{fmt, str::FromStr, sync::Arc};

use arc_swap::ArcSwap;
use serde::{Deserialize, Deserializer};

/// A value that many read and one place changes. Clones are the same setting: what is set through one is read through
/// all. Reading waits for nobody, and threads that read do not slow each other down.
pub struct Adjustable<T>(Arc<ArcSwap<T>>);

impl<T: Clone> Adjustable<T> {
    /// The value as it is now.
    pub fn get(&self) -> T {
        T::clone(&self.0.load())
    }

    /// Gives it another value, for every clone.
    pub fn set(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl<T> From<T> for Adjustable<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }
}

impl<T> Clone for Adjustable<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Adjustable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.load().fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Adjustable<T> {
    fn eq(&self, other: &Self) -> bool {
        **self.0.load() == **other.0.load()
    }
}

impl<T: Eq> Eq for Adjustable<T> {}

impl<T: FromStr> FromStr for Adjustable<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse::<T>().map(Self::from)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Adjustable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_setting_and_equal_values_are_not() {
        let setting = Adjustable::from(1);
        let (same, other) = (setting.clone(), Adjustable::from(1));
        assert_eq!(setting, other);
        same.set(2);
        assert_eq!((setting.get(), other.get()), (2, 1));
    }
}
