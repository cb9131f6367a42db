//! The broker: carries facts from the event log to workers, where a site has one.
//!
//! It is never in the way of an answer: facts are durable in the event log before a broker hears of them, and stay there until
//! it has them.
//!
//! | engine | durable, when [`Broker::send`] counts a letter | order | delivery |
//! |---|---|---|---|
//! | Kafka | `acks=all`: all in-sync replicas have it (two at least, where `min.insync.replicas` says so) | letters of one key in one topic come in the order they were sent; the first time, where they come more than once | at least once: what a member did last may come again to the next one |
//!
//! **Groups.** Each letter of a topic goes to one member of each group. A member that dies is replaced by the others of its group when the
//! broker has missed it.
//!
//! **Lost.** Nothing that was counted as sent, as long as one in-sync replica lives, for as long as the topic keeps it.

use async_trait::async_trait;
use kernel::Timestamp;

use crate::event_log::{Cursor, Fact};

/// A fact on its way, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The fact; its place is that in the event log.
    pub fact: Fact,
    /// How many times it was given up for later.
    pub attempts: u32,
    /// Not to be delivered before; zero: at once.
    pub due: Timestamp,
    /// Why it was given up last; empty the first time.
    pub trouble: String,
}

impl Letter {
    /// A fact that goes out for the first time.
    pub fn new(fact: Fact) -> Self {
        Self { fact, attempts: 0, due: Timestamp::from_millis(0), trouble: String::new() }
    }

    /// The place of its fact.
    pub fn place(&self) -> Cursor {
        self.fact.cursor
    }
}

/// Why the broker could not do it.
#[derive(Debug, thiserror::Error)]
#[error("broker: {0}")]
pub struct BrokerError(pub String);

/// How sending ended.
#[derive(Debug)]
pub struct Sent {
    /// So many of the first letters are kept; of those behind it is not known.
    pub kept: usize,
    /// Why not all of them.
    pub trouble: Option<BrokerError>,
}

/// Carries letters. Topics are named without what the engine puts before.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Sends letters, each to the topic beside it, and waits until they are kept. While the broker is away it waits, too: whoever
    /// cannot wait drops the future.
    async fn send(&self, letters: &[(String, Letter)]) -> Sent;
    /// Joins a group of readers of these topics. A new group begins with the oldest letter.
    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Member>, BrokerError>;
    /// Up to `limit` of the newest letters of a topic, in the order they were sent for each key.
    async fn look(&self, topic: &str, limit: usize) -> Result<Vec<Letter>, BrokerError>;
    /// Which of these topics are not there.
    async fn missing(&self, topics: &[String]) -> Result<Vec<String>, BrokerError>;
    /// Makes topics with so many partitions each; those that are there already stay as they are.
    async fn make(&self, topics: &[String], partitions: u16) -> Result<(), BrokerError>;
}

/// A reader in a group. Dropped, it leaves the group; what it had not said to be done comes again.
#[async_trait]
pub trait Member: Send {
    /// The next letter. Cancel-safe: none is lost when the future is dropped.
    async fn next(&mut self) -> Result<Letter, BrokerError>;
    /// What [`Self::next`] gave last has had its effect, and will not come again once the broker has heard of it: within a second,
    /// or when the member leaves.
    fn done(&mut self) -> Result<(), BrokerError>;
    /// Letters that wait for this member, as far as it knows.
    fn waiting(&self) -> u64;
    /// Leaves the group when the broker has heard of all that is done.
    async fn leave(self: Box<Self>);
}
