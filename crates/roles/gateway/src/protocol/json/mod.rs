//! The protocol as lines of JSON.

mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use decode::decode;
pub(crate) use encode::{message, publication_push};
