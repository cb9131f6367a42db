//! Writes into rooms: gives what many writers bring its places in a room log, acknowledges it, publishes it.
//!
//! Promise: what is answered with [`Placed`] is as durable as the log makes it, and is published after that, in the order of
//! the log. What several writers bring at the same time goes into the log together. The order is held by the log's conditional
//! append alone; that one sequencer per room and process writes only keeps conflicts rare. A resend (the same
//! [`Draft::resend_key`]) is answered with the place of the first.
//!
//! Limits: 100,000 rooms in use, 32,768 drafts waiting in one room, 128 MiB of drafts waiting in all of them; beyond, the
//! writer is told to try again.
//!
//! Lost: nothing that was acknowledged. What was kept and could not be published is found in the log by whoever listens.

mod batch;
mod draft;
mod group;
mod queues;
mod sequencer;
#[cfg(test)]
mod tests;

pub use draft::{Body, Draft, Error, Placed};
pub use queues::Sequencers;
