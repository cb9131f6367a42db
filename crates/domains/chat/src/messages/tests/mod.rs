//! Posting, reading and deleting, on both SQL engines.

mod clock_set_back;
mod deleting;
mod failures;
mod http;
mod posting;
mod races;
mod replies;
