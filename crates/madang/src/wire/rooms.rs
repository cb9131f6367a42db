//! What chat needs of the live domain: whose room it is, and whether people may talk in it. And the other way round: how
//! much was said.

use std::sync::Arc;

use async_trait::async_trait;
use chat::{
    Chat,
    needs::{NeedError, RoomInfo, Rooms},
};
use kernel::{AccountId, BroadcastId, events::live::BroadcastState};
use live::{Broadcasts, needs::Shows};

/// Each broadcast has a room.
pub(crate) struct BroadcastRooms(pub(crate) Arc<Broadcasts>);

#[async_trait]
impl Rooms for BroadcastRooms {
    async fn room(&self, broadcast: BroadcastId) -> Result<Option<RoomInfo>, NeedError> {
        let show = self.0.show(broadcast).await.map_err(|error| NeedError(error.to_string()))?;
        let info = |show: live::needs::Show| {
            let open = show.state != BroadcastState::Ended;
            RoomInfo { host: show.host, open, ended_at: show.ended_at }
        };
        Ok(show.map(info))
    }

    async fn open_rooms(&self, host: AccountId) -> Result<Vec<BroadcastId>, NeedError> {
        self.0.open_of(host).await.map_err(|error| NeedError(error.to_string()))
    }
}

/// What the rooms came to, for reports.
pub(crate) struct RoomTotals(pub(crate) Arc<Chat>);

#[async_trait]
impl live::needs::Chats for RoomTotals {
    async fn total(&self, broadcast: BroadcastId, top: u32) -> Result<live::needs::ChatTotal, live::needs::NeedError> {
        let total = self.0.counts.total(broadcast, top).await;
        let total = total.map_err(|error| live::needs::NeedError(error.to_string()))?;
        Ok(live::needs::ChatTotal { messages: total.messages, chatters: total.chatters, top: total.top })
    }
}
