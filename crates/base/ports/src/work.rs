//! Work that happens besides requests: reactions to facts, and schedules. The worker role runs them; slices write them.

use std::time::Duration;

use async_trait::async_trait;

use crate::event_log::Fact;

/// Why a piece of work failed; it is logged once by its runner and tried again.
pub type WorkError = Box<dyn std::error::Error + Send + Sync>;

/// Does something about facts. Must be idempotent: a fact may come twice.
#[async_trait]
pub trait Reaction: Send + Sync + 'static {
    /// Its stable name; its cursor is kept under it.
    fn name(&self) -> &'static str;
    /// The kinds of facts it reacts to ([`kernel::events::Event::KIND`]).
    fn kinds(&self) -> &'static [&'static str];
    /// Reacts to one fact of these kinds.
    async fn react(&self, fact: &Fact) -> Result<(), WorkError>;
}

/// Which process runs a schedule, where several are one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of them at a time, by a lease: it looks at what all share.
    Site,
    /// Each that has the memory it is about.
    Memory,
}

/// Makes the world equal to what it should be, again and again. Idempotent, and right whatever happened in between.
#[async_trait]
pub trait Schedule: Send + Sync + 'static {
    /// Its stable name.
    fn name(&self) -> &'static str;
    /// Where it runs when several processes are one site.
    fn place(&self) -> Place {
        Place::Site
    }
    /// How long to wait between two runs.
    fn every(&self) -> Duration;
    /// One run.
    async fn run(&self) -> Result<(), WorkError>;
    /// The last run, at shutdown: keep what is only in memory. Nothing unless said otherwise.
    async fn finish(&self) -> Result<(), WorkError> {
        Ok(())
    }
}
