//! What is known of one account in one room.

use kernel::Timestamp;

/// An account's standing in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Until when it is timed out, also when that is past.
    pub(crate) timed_out_until: Option<Timestamp>,
    /// Whether it is banned from the channel.
    pub(crate) banned: bool,
    /// Whether it was approved as a member.
    pub(crate) approved: bool,
}
