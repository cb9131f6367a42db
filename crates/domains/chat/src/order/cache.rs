//! Keeps the order of the channels in use in memory.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{AccountId, BroadcastId, Clock, Timestamp, recent::Recent};
use ports::sql::{Database, SqlError};

use super::{Standing, store};
use crate::bans::{self, AddressRange};
use crate::blocked_words::{self, WordMatcher};
use crate::moderators;
use crate::needs::NeedError;
use crate::room_settings::{self, RoomSettings};

/// Channels in memory.
const CHANNELS_MAX: usize = 1_000;
/// How long an order is taken for true without looking, in milliseconds.
const FRESH_MS: i64 = 1_000;

/// What holds in one channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelOrder {
    pub(crate) settings: RoomSettings,
    pub(crate) moderators: HashSet<AccountId>,
    pub(crate) words: WordMatcher,
    pub(crate) address_bans: Vec<(AddressRange, Timestamp)>,
}

impl ChannelOrder {
    /// Whether somebody at this address may not write now.
    pub(crate) fn bans_address(&self, address: IpAddr, now: Timestamp) -> bool {
        self.address_bans.iter().any(|(range, until)| *until > now && range.contains(address))
    }
}

/// The order of all channels.
pub(crate) struct Order {
    clock: Arc<dyn Clock>,
    database: Database,
    known: Mutex<Known>,
}

struct Known {
    channels: Recent<AccountId, (Timestamp, Arc<ChannelOrder>)>,
    /// Counts the changes, so that what was read before one is not kept after it.
    changes: u64,
}

impl Order {
    pub(crate) fn new(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self { clock, database, known: Mutex::new(Known { channels: Recent::new(CHANNELS_MAX), changes: 0 }) }
    }

    /// The order of the channel of `host`.
    pub(crate) async fn of(&self, host: AccountId) -> Result<Arc<ChannelOrder>, NeedError> {
        let now = self.clock.now();
        let changes = {
            let mut known = self.lock();
            if let Some((at, order)) = known.channels.get(&host)
                && (0..FRESH_MS).contains(&now.millis_since(*at))
            {
                return Ok(order.clone());
            }
            known.changes
        };
        let order = self.read(host, now).await.map_err(|error| NeedError(format!("the order of a chat: {error}")))?;
        let order = Arc::new(order);
        let mut known = self.lock();
        if known.changes == changes {
            known.channels.insert(host, (now, order.clone()));
        }
        Ok(order)
    }

    /// An account's standing; read anew for each group of messages.
    pub(crate) async fn standing(
        &self,
        broadcast: BroadcastId,
        host: AccountId,
        account: AccountId,
    ) -> Result<Standing, NeedError> {
        let standing = store::standing(&self.database, broadcast, host, account).await;
        standing.map_err(|error| NeedError(format!("an account's standing: {error}")))
    }

    /// The order of this channel was changed.
    pub(crate) fn changed(&self, host: AccountId) {
        let mut known = self.lock();
        known.changes += 1;
        known.channels.remove(&host);
    }

    /// What holds in all channels was changed.
    pub(crate) fn all_changed(&self) {
        let mut known = self.lock();
        known.changes += 1;
        known.channels.retain(|_, _| false);
    }

    async fn read(&self, host: AccountId, now: Timestamp) -> Result<ChannelOrder, SqlError> {
        let moderators = moderators::store::all(&self.database, host).await?;
        Ok(ChannelOrder {
            settings: room_settings::store::read(&self.database, host).await?,
            moderators: moderators.into_iter().map(|(account, _)| account).collect(),
            words: WordMatcher::new(blocked_words::store::matching(&self.database, host).await?),
            address_bans: bans::store::ranges(&self.database, host, now).await?,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
