//! The order of a channel's rooms as it is now: settings, moderators, blocked words, bans. What every message is held to.
//!
//! Promise: what was changed by this process holds for the next message; what another process changed, a second later
//! at most. Bounded: 1,000 channels in memory, the ones in use.

mod cache;
mod standing;
pub(crate) mod store;

pub(crate) use cache::{ChannelOrder, Order};
pub(crate) use standing::Standing;
