//! The publication that carries a broadcast's state.

use bytes::Bytes;
use kernel::events::live::{BroadcastState, StreamState};
use serde::Serialize;

use crate::{
    broadcasts::Broadcast,
    needs::{Total, ViewerCounts},
};

#[derive(Serialize)]
struct State<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    state: BroadcastState,
    stream: StreamState,
    viewers: ViewerCounts,
    hearts: u64,
    title: &'a str,
}

/// The state as one JSON value. Equal bytes mean that nothing changed.
pub(super) fn publication(broadcast: &Broadcast, crowd: Total) -> Result<Bytes, serde_json::Error> {
    let state = State {
        kind: "state",
        state: broadcast.life.state,
        stream: broadcast.life.stream,
        viewers: crowd.viewers,
        hearts: crowd.hearts,
        title: &broadcast.title,
    };
    serde_json::to_vec(&state).map(Bytes::from)
}
