//! What chat needs of the live domain: whose room it is, and whether people may talk in it.

use std::sync::Arc;

use async_trait::async_trait;
use chat::needs::{NeedError, RoomInfo, Rooms};
use kernel::{BroadcastId, events::live::BroadcastState};
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
}
