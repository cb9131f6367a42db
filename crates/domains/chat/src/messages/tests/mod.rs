//! Posting, reading and deleting, on both SQL engines.

mod deleting;
mod failures;
mod http;
mod posting;
mod races;
mod replies;
