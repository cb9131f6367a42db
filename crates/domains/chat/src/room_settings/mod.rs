//! Room settings: the modes of a channel's chat. They last, and change while the show runs.
//!
//! **Slow mode**: an account writes once in so many seconds. **Members only**: accounts the moderators approved, and those that
//! are as old as the channel says. **Emote only**: emoji and the site's emote codes. **Read only**: nobody but those who
//! keep order. The streamer, moderators and administrators are held to none of them.
//!
//! Promise: a change holds for the next message. Readers of the channel's open rooms learn of it by an entry of the room
//! log; when that cannot be kept, the change holds all the same and readers learn of it when they look at the room.

mod emotes;
mod http;
mod model;
mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use emotes::{Emote, Emotes};
pub use http::router;
pub use model::{RoomSettings, RoomSettingsChange};
pub use service::RoomSettingsDesk;
pub use store::MIGRATION;
