//! What slices tell each other through the event log: one file per domain, plain serialisable facts in the past tense.
//!
//! A fact carries what its readers need and no more. Fields are only ever added.

use serde::{Serialize, de::DeserializeOwned};

pub mod chat;
pub mod live;
pub mod people;

/// The kinds of all facts there are.
pub const KINDS: &[&str] = &[chat::MessagesPosted::KIND, live::BroadcastChanged::KIND, people::AccountCreated::KIND];

/// A fact that is written to the event log in the same transaction as the records it speaks of.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its stable name, `domain.thing_happened`.
    const KIND: &'static str;
    /// What it is about; facts with one key keep their order.
    fn key(&self) -> String;
}
