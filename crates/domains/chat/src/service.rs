//! Chat as a whole: its slices put together.

use std::sync::Arc;

use kernel::{Clock, Random, Snowflake, random::RandomError};
use ports::{
    bus::Bus,
    room_log::RoomLog,
    sql::Database,
    work::{Reaction, Schedule},
};
use utoipa_axum::router::OpenApiRouter;

use crate::bans::{self, AuthorAddresses, Bans};
use crate::blocked_words::{self, BlockedWords};
use crate::members::{self, Members};
use crate::message_counts::{CountMessages, MessageCounts, Spoken, TellOfMessages};
use crate::messages::{self, Messages, Shared};
use crate::mod_log::{self, ModLog};
use crate::moderators::{self, Moderators};
use crate::needs::{Names, Rooms};
use crate::order::Order;
use crate::pins::{self, Pins};
use crate::review::{self, Review};
use crate::room_settings::{self, RoomSettingsDesk};
use crate::room_state::{self, RoomStates};
use crate::settings::Settings;
use crate::timeouts::{self, Timeouts};

/// What chat stands on.
#[derive(Clone)]
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of messages; its node is leased to this process.
    pub ids: Arc<Snowflake>,
    /// Tells this process from all others that write into the same rooms.
    pub random: Arc<dyn Random>,
    /// Has [`crate::MIGRATIONS`].
    pub database: Database,
    /// Keeps the messages.
    pub log: Arc<dyn RoomLog>,
    /// Carries what was kept to the readers.
    pub bus: Arc<dyn Bus>,
    /// Knows broadcasts.
    pub rooms: Arc<dyn Rooms>,
    /// Knows accounts by name.
    pub names: Arc<dyn Names>,
    /// Whether others write into the same rooms with the same database: then it holds what an account may do in all together.
    pub is_one_of_several: bool,
}

/// The slices of chat, for HTTP and for the realtime connection alike.
pub struct Chat {
    /// Posting, reading, deleting.
    pub messages: Arc<Messages>,
    /// Who keeps order.
    pub moderators: Arc<Moderators>,
    /// Approved members.
    pub members: Arc<Members>,
    /// The modes of rooms.
    pub room_settings: Arc<RoomSettingsDesk>,
    /// Silencing for a while.
    pub timeouts: Arc<Timeouts>,
    /// Silencing for good.
    pub bans: Arc<Bans>,
    /// Words that may not be written.
    pub blocked_words: Arc<BlockedWords>,
    /// Messages that wait for a moderator.
    pub review: Arc<Review>,
    /// Pinned messages.
    pub pins: Arc<Pins>,
    /// Who did what.
    pub mod_log: Arc<ModLog>,
    /// What a page needs at its start.
    pub room_states: Arc<RoomStates>,
    /// How much was written.
    pub counts: Arc<MessageCounts>,
    parts: Parts,
}

impl Chat {
    /// Puts chat together. Nothing runs before the first message.
    pub fn new(parts: Parts, settings: &Settings) -> Result<Self, RandomError> {
        let order = Arc::new(Order::new(parts.clock.clone(), parts.database.clone()));
        let addresses = Arc::new(AuthorAddresses::default());
        let spoken = Arc::new(Spoken::default());
        let shared = Shared { order: order.clone(), addresses: addresses.clone(), spoken: spoken.clone() };
        let messages = Arc::new(Messages::new(&parts, shared, settings)?);
        let moderators = Arc::new(Moderators::new(&parts, order.clone()));
        let pins = Arc::new(Pins::new(&parts, moderators.clone(), messages.clone()));
        let emotes = settings.emotes.clone();
        Ok(Self {
            members: Arc::new(Members::new(&parts, moderators.clone())),
            room_settings: Arc::new(RoomSettingsDesk::new(&parts, moderators.clone(), messages.clone(), order.clone())),
            timeouts: Arc::new(Timeouts::new(&parts, moderators.clone())),
            bans: Arc::new(Bans::new(&parts, moderators.clone(), order.clone(), addresses)),
            blocked_words: Arc::new(BlockedWords::new(&parts, moderators.clone(), order.clone())),
            review: Arc::new(Review::new(&parts, moderators.clone(), messages.clone())),
            mod_log: Arc::new(ModLog::new(&parts, moderators.clone())),
            room_states: Arc::new(RoomStates::new(&parts, order, messages.clone(), pins.clone(), emotes)),
            counts: Arc::new(MessageCounts::new(&parts, spoken)),
            pins,
            moderators,
            messages,
            parts,
        })
    }

    /// The documented routes, with their full paths.
    pub fn router(&self) -> OpenApiRouter {
        messages::router(self.messages.clone())
            .merge(room_state::router(self.room_states.clone()))
            .merge(pins::router(self.pins.clone()))
            .merge(timeouts::router(self.timeouts.clone()))
            .merge(room_settings::router(self.room_settings.clone()))
            .merge(moderators::router(self.moderators.clone()))
            .merge(members::router(self.members.clone()))
            .merge(bans::router(self.bans.clone()))
            .merge(blocked_words::router(self.blocked_words.clone()))
            .merge(review::router(self.review.clone()))
            .merge(mod_log::router(self.mod_log.clone()))
    }

    /// What has to be done again and again.
    pub fn schedules(&self) -> Vec<Arc<dyn Schedule>> {
        let (clock, database) = (&self.parts.clock, &self.parts.database);
        vec![
            Arc::new(messages::ForgetSlowMode::new(clock.clone(), database.clone())),
            Arc::new(timeouts::DropExpired::new(clock.clone(), database.clone())),
            Arc::new(bans::DropExpired(self.bans.clone())),
            Arc::new(bans::ForgetAddresses(self.bans.clone())),
            Arc::new(review::FinishApprovals(self.review.clone())),
            Arc::new(review::DropExpired(self.review.clone())),
            Arc::new(mod_log::DropOld::new(clock.clone(), database.clone())),
            Arc::new(TellOfMessages(self.counts.clone())),
        ]
    }

    /// What follows from facts.
    pub fn reactions(&self) -> Vec<Arc<dyn Reaction>> {
        vec![Arc::new(CountMessages(self.counts.clone()))]
    }
}
