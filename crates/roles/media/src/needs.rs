//! What the media role asks of others: whom to admit, and who packages the frames. Wired in the binary.
//!
//! Promise: media knows stream keys and frames; everything about people and shows stays behind these traits.

use std::net::SocketAddr;

use async_trait::async_trait;
use kernel::{BroadcastId, Timestamp};

use crate::frame::Packet;

/// Why a publisher may not publish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No broadcast or channel has this stream key.
    #[error("the stream key is not known")]
    UnknownKey,
    /// The key is good, but not for publishing at this moment; the sentence says why.
    #[error("{0}")]
    NotNow(String),
    /// Nobody can answer at present; the encoder should try again.
    #[error("the server cannot take the stream at the moment")]
    Unavailable,
}

/// What there is of a broadcast for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no such broadcast, or it has not begun.
    Nothing,
    /// It is on air.
    OnAir,
    /// It is over, and its recording was not removed.
    Over,
    /// Its recording was removed, or it never had one.
    Gone,
}

/// Decides who may publish and preview, and hears what becomes of a publisher.
#[async_trait]
pub trait Gatekeeper: Send + Sync + 'static {
    /// The broadcast that this stream key publishes into; a lasting key may create one.
    ///
    /// # Errors
    /// A [`Refusal`] when this key may not publish now.
    async fn resolve(&self, stream_key: &str, address: SocketAddr) -> Result<BroadcastId, Refusal>;

    /// Opens a publish epoch of the broadcast: larger than every one before. Called only once the ingest has given
    /// the broadcast to this publisher alone.
    ///
    /// # Errors
    /// A [`Refusal`] when the broadcast takes no publisher any more.
    async fn begin(&self, broadcast: BroadcastId) -> Result<i64, Refusal>;

    /// The first frames of this epoch have come. Old epochs are of no effect.
    async fn arrived(&self, broadcast: BroadcastId, publish_epoch: i64);

    /// The publisher of this epoch is gone. Old epochs are of no effect.
    async fn interrupted(&self, broadcast: BroadcastId, publish_epoch: i64);

    /// What there is of a broadcast whose stream is not here; at most a second old. None: nobody can tell at present.
    async fn standing(&self, broadcast: BroadcastId) -> Option<Standing>;

    /// Whether the holder of this session token may see a broadcast that is not public yet.
    async fn may_preview(&self, session_token: Option<&str>, broadcast: BroadcastId) -> bool;
}

/// Takes the packets of publisher sessions.
pub trait Packager: Send + Sync + 'static {
    /// Opens the stream for a publish epoch; the sink of an older epoch goes deaf.
    fn open(&self, broadcast: BroadcastId, publish_epoch: i64) -> Box<dyn PacketSink>;
}

/// Takes one publisher session's packets, in its order.
pub trait PacketSink: Send {
    /// Takes one packet that came at `now`. Must not block: the session's reading waits for it.
    fn push(&mut self, packet: Packet, now: Timestamp);

    /// The publisher is gone; nothing follows.
    fn close(self: Box<Self>, now: Timestamp);
}
