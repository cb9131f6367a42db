//! Gatherings: who is where and what was given there, counted by several processes at once.
//!
//! **Who is there.** A member is there from its first beat until it leaves, or until it has not been heard of for a lease. Beats
//! may come through any process, lost, doubled or in another order: each member counts once, and one that has left is not brought
//! back by an earlier beat.
//!
//! **What was given.** Each process says what was given to it and is not kept yet, and up to where all is kept, as it knows. The sum is at
//! most a word old; while a process keeps something, its part may for that moment be in both.
//!
//! **A view.** Nothing is kept here alone, and all of it may be lost at any moment. A process whose words are not there any more is told
//! so ([`Told::SayAll`]) and says everything it knows. What is said in a word holds, however often it is said; only what
//! [`Present::stayed_ms`] tells is lost with an answer that is lost. A gathering tells its age: while it is young, some of its processes may
//! not have been heard.
//!
//! | engine | atomic | lost |
//! |---|---|---|
//! | Redis (one server, or a cluster) | a word | everything, when it is emptied; the last words, when a replica takes over |

use async_trait::async_trait;
use kernel::Timestamp;

/// How long a member is there that is not heard of, in milliseconds, and a process counts that says nothing.
pub const LEASE_MS: i64 = 12_000;
/// How long it is remembered that a member has left, in milliseconds.
pub const LEFT_REMEMBERED_MS: i64 = 600_000;
/// How long what a process has not kept yet counts after its last word, in milliseconds.
pub const UNKEPT_MS: i64 = 2_000;
/// Movements in one word, at the most.
pub const MOVEMENTS_MAX: usize = 5_000;

/// The engine could not answer; whether it took the word is not known.
#[derive(Debug, thiserror::Error)]
#[error("gatherings: {0}")]
pub struct GatheringError(pub String);

/// Somebody was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// Who.
    pub member: i64,
    /// When.
    pub at: Timestamp,
    /// They leave, for good.
    pub leaves: bool,
}

/// What a process says of a gathering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The present.
    pub at: Timestamp,
    /// Everything the process knows begins with this word; else it is what is new since its last word.
    pub begins: bool,
    /// Who was heard of, in order.
    pub movements: Vec<Movement>,
    /// What was given and is not kept yet.
    pub unkept: u64,
    /// What is kept of all processes, as this one knows it.
    pub kept: u64,
    /// How often somebody was in trouble of late.
    pub troubles: u64,
}

/// How a gathering is, all processes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present {
    /// How long it has been there.
    pub age_ms: i64,
    /// Who is there.
    pub here: u64,
    /// The most that were there at once, from the beginning of the word until its end.
    pub most: u64,
    /// How long those who were heard of in the word had stayed since they were heard of before, together.
    pub stayed_ms: u64,
    /// What was given and is not kept yet.
    pub unkept: u64,
    /// What is kept.
    pub kept: u64,
    /// How often somebody was in trouble of late.
    pub troubles: u64,
}

/// The answer to a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The process is not known here, and its word changed nothing: it has to begin.
    SayAll,
    /// How it is with this word.
    Present(Present),
}

/// Gatherings that several processes count together.
#[async_trait]
pub trait Gatherings: Send + Sync + 'static {
    /// Says a word of `writer`, a process, in the gathering called `name`. One request to the engine.
    async fn say(&self, name: &str, writer: i64, word: &Word) -> Result<Told, GatheringError>;
    /// Forgets the gathering. A process that still speaks there begins it anew.
    async fn end(&self, name: &str) -> Result<(), GatheringError>;
}
