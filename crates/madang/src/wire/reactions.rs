//! The reactions of a site by name.

/// Their names: a broker has topics for each.
pub(crate) const REACTIONS: &[&str] = &[chat::message_counts::COUNT_MESSAGES];
