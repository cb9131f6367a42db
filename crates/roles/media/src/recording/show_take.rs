//! What is recorded in one piece: a take of a show.

use std::{fmt, str::FromStr};

use kernel::BroadcastId;

use crate::packager::SegmentName;

/// A take of a show. As text it is its folder in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ShowTake {
    pub(crate) broadcast: BroadcastId,
    /// 0 for the first.
    pub(crate) take: u64,
}

impl ShowTake {
    /// The take that a file of this name is of.
    pub(crate) fn of(broadcast: BroadcastId, name: SegmentName) -> Self {
        Self { broadcast, take: name.take() }
    }
}

impl From<BroadcastId> for ShowTake {
    fn from(broadcast: BroadcastId) -> Self {
        Self { broadcast, take: 0 }
    }
}

impl fmt::Display for ShowTake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.take {
            0 => self.broadcast.fmt(f),
            take => write!(f, "{}.{take}", self.broadcast),
        }
    }
}

impl FromStr for ShowTake {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (broadcast, take) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self { broadcast: broadcast.parse().map_err(drop)?, take: take.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_take_is_found_by_its_folder_and_by_the_names_of_its_files() {
        let first = ShowTake::from(BroadcastId::from_raw(5));
        let third = ShowTake { take: 3, ..first };
        assert_eq!((first.to_string(), third.to_string()), ("5".into(), "5.3".into()));
        assert_eq!(("5".parse(), "5.3".parse()), (Ok(first), Ok(third)));
        assert_eq!("owner".parse::<ShowTake>(), Err(()));
        let name = SegmentName::first_of(3);
        assert_eq!(ShowTake::of(first.broadcast, SegmentName(name.0 + 7)), third);
        assert_eq!(ShowTake::of(first.broadcast, SegmentName(1_764_000_000)), first, "as long as a preview's numbers");
    }
}
