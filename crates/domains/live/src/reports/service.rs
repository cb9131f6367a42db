//! Making reports.

use std::sync::Arc;

use kernel::{AccountId, BroadcastId, Clock, Timestamp};
use ports::sql::Database;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Chatter, Error, Fan, Resolution, chatters, store, with_names};
use crate::{
    hearts,
    needs::{Chats, Names, Shows, ViewerCounts},
    viewers,
};

/// Points of a series at the most: two days of 30 seconds.
const POINTS_MAX: i64 = 5_760;
/// Fans in a report.
const TOP_FANS: u32 = 10;
/// Chatters in a report.
const TOP_CHATTERS: u32 = 10;
/// Points of a channel's series when no beginning is asked for.
const POINTS_UNASKED: i64 = 30;

/// What a broadcast came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastReport {
    /// Its viewers.
    pub viewers: ViewersReport,
    /// Its hearts.
    pub hearts: u64,
    /// Its chat.
    pub chat: ChatReport,
    /// Over time; stretches in which nothing happened are left out. The last two days of it, when it is longer.
    pub series: Vec<Stretch>,
    /// The accounts with the most hearts.
    pub top_fans: Vec<Fan>,
}

/// The chat of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatReport {
    /// Messages, exactly; those that were deleted later were posted, and count.
    pub messages: u64,
    /// Accounts that wrote at least one.
    pub chatters: u64,
    /// The accounts that wrote most.
    pub top_chatters: Vec<Chatter>,
}

/// Viewers of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
pub struct ViewersReport {
    /// Different viewers.
    pub unique: u64,
    /// The most at one moment.
    pub peak: u64,
    /// How long all players together watched, in milliseconds.
    pub watch_time_ms: u64,
}

/// One stretch of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stretch {
    /// When it began.
    pub at: Timestamp,
    /// The most players at one moment of it.
    pub concurrent: u64,
    /// How long all players together watched in it, in milliseconds.
    pub watch_time_ms: u64,
    /// Hearts that came in it.
    pub hearts: u64,
}

/// What a channel's broadcasts came to over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelReport {
    /// Over time; stretches in which nothing happened are left out.
    pub series: Vec<ChannelStretch>,
}

/// One stretch of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelStretch {
    /// When it began.
    pub at: Timestamp,
    /// The most players of one broadcast at one moment of it.
    pub concurrent_peak: u64,
    /// How long all players together watched in it, in milliseconds.
    pub watch_time_ms: u64,
    /// Hearts that came in it.
    pub hearts: u64,
}

/// Makes reports.
pub struct Reports {
    clock: Arc<dyn Clock>,
    database: Database,
    shows: Arc<dyn Shows>,
    names: Arc<dyn Names>,
    chats: Arc<dyn Chats>,
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reports")
    }
}

impl Reports {
    /// Reports from what `database` keeps.
    pub fn new(
        clock: Arc<dyn Clock>,
        database: Database,
        shows: Arc<dyn Shows>,
        names: Arc<dyn Names>,
        chats: Arc<dyn Chats>,
    ) -> Self {
        Self { clock, database, shows, names, chats }
    }

    /// What a broadcast came to; for its host.
    pub async fn broadcast(
        &self,
        asker: AccountId,
        broadcast: BroadcastId,
        resolution: Resolution,
    ) -> Result<BroadcastReport, Error> {
        let show = self.shows.show(broadcast).await?.ok_or(Error::NoBroadcast)?;
        if show.host != asker {
            return Err(Error::NotHost);
        }
        let ViewerCounts { unique, peak, .. } =
            viewers::totals(&self.database, &[broadcast]).await?.remove(&broadcast).unwrap_or_default();
        let watch_time_ms = viewers::watch_time(&self.database, broadcast).await?;
        let hearts = hearts::totals(&self.database, &[broadcast]).await?.remove(&broadcast).unwrap_or_default();
        let series = store::of_broadcast(&self.database, broadcast, resolution, POINTS_MAX).await?;
        let series = series.into_iter().map(|(at, moment)| Stretch {
            at,
            concurrent: moment.concurrent,
            watch_time_ms: moment.watch_time_ms,
            hearts: moment.hearts,
        });
        let fans = hearts::fans(&self.database, broadcast, TOP_FANS).await?;
        let chat = self.chats.total(broadcast, TOP_CHATTERS).await?;
        Ok(BroadcastReport {
            viewers: ViewersReport { unique, peak, watch_time_ms },
            hearts,
            chat: ChatReport {
                messages: chat.messages,
                chatters: chat.chatters,
                top_chatters: chatters(&*self.names, chat.top).await?,
            },
            series: series.collect(),
            top_fans: with_names(&*self.names, fans).await?,
        })
    }

    /// What the broadcasts of `host` came to from `from` (30 stretches ago unless said) until `to` (now unless said).
    pub async fn channel(
        &self,
        host: AccountId,
        resolution: Resolution,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<ChannelReport, Error> {
        if resolution == Resolution::HalfMinute {
            return Err(Error::TooFine);
        }
        // The present stretch has begun before now, so it is among them.
        let to = to.unwrap_or_else(|| self.clock.now().plus_millis(1));
        let from = from.unwrap_or_else(|| to.plus_millis(-POINTS_UNASKED * resolution.millis()));
        if from >= to {
            return Err(Error::WrongOrder);
        }
        let points = to.millis_since(from) / resolution.millis();
        if points > POINTS_MAX {
            return Err(Error::TooLong { points, limit: POINTS_MAX });
        }
        let from = Timestamp::from_millis(resolution.start_of(from));
        let series = store::of_host(&self.database, host, resolution, from, to).await?;
        let series = series.into_iter().map(|(at, moment)| ChannelStretch {
            at,
            concurrent_peak: moment.concurrent,
            watch_time_ms: moment.watch_time_ms,
            hearts: moment.hearts,
        });
        Ok(ChannelReport { series: series.collect() })
    }
}
