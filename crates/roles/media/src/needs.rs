//! What the media role asks of others: whom to admit, and who packages the frames. Wired in the binary.
//!
//! Promise: media knows stream keys and frames; everything about people and shows stays behind these traits.

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
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

/// What an address admits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether to what comes before the show, too.
    pub preview: bool,
    /// From when on it admits nobody; none: it is not signed, and everybody has it.
    pub expires_at: Option<Timestamp>,
}

impl Admission {
    /// To what everybody may see.
    pub const fn everybody() -> Self {
        Self { preview: false, expires_at: None }
    }
}

/// Why an address admits nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Addresses need a token here.
    #[error("the address is not signed; ask for the broadcast to get one that is")]
    NotSigned,
    /// The token was not made here, or was changed.
    #[error("the address is not signed by this site")]
    Forged,
    /// The token is another show's.
    #[error("the address is signed for another broadcast")]
    OtherShow,
    /// The token's time is over.
    #[error("the address has run out; ask for the broadcast to get a new one")]
    Expired,
    /// Nobody can tell at present.
    #[error("the server cannot tell what there is to watch here; try again")]
    Unavailable,
}

/// Decides who may publish, and hears what becomes of a publisher.
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
}

/// Decides who may watch, and knows what there is to watch where.
#[async_trait]
pub trait Usher: Send + Sync + 'static {
    /// What an address of the broadcast admits to that has this token in its path, or none.
    ///
    /// # Errors
    /// [`NotAdmitted`] when it admits nobody.
    fn admit(&self, token: Option<&str>, broadcast: BroadcastId) -> Result<Admission, NotAdmitted>;

    /// The token of what this process asks others about the broadcast; none where addresses need none.
    fn own_token(&self, broadcast: BroadcastId) -> Option<String>;

    /// Where the other process is that packages the broadcast's stream, if one was heard of within the last seconds; at most
    /// a second old.
    async fn packaged_at(&self, broadcast: BroadcastId) -> Option<String>;

    /// What there is of a broadcast whose stream is not here; at most a second old. None: nobody can tell at present.
    async fn standing(&self, broadcast: BroadcastId) -> Option<Standing>;

    /// Whether the holder of this session token may see a broadcast that is not public yet.
    async fn may_preview(&self, session_token: Option<&str>, broadcast: BroadcastId) -> bool;
}

/// What another process of the site answered about playback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// `Cache-Control`.
    pub cache_control: String,
    /// `Retry-After`.
    pub retry_after: String,
    /// The whole body.
    pub body: Bytes,
}

/// Another process of the site could not be asked, or did not answer; the sentence is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NodeAway(pub String);

/// The other processes of the site that package streams.
#[async_trait]
pub trait Nodes: Send + Sync + 'static {
    /// Fetches `path` (`/live/…`) from the process at `address`, on behalf of the bearer of `session_token`, if there is
    /// one. The request says in [`ASKED_BY_NODE`] that a process asks. It may wait as long as playback waits; whoever
    /// gives it up drops it.
    ///
    /// # Errors
    /// When there is no answer.
    async fn fetch(&self, address: &str, path: &str, session_token: Option<&str>) -> Result<NodeAnswer, NodeAway>;
}

/// The header of requests that another process of the site sends: they are answered from here or not at all, so that
/// none goes round in a circle.
pub const ASKED_BY_NODE: &str = "x-madang-asked-by-node";

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
