//! The protocol as Protobuf messages, each behind its length (varint).
//!
//! Written by hand: a dozen small messages need no code generator, and a decoder that looks at each byte once needs no
//! copies besides the values it keeps.

mod decode;
mod emulated;
mod encode;
mod reader;
mod writer;

pub(crate) use decode::decode;
pub(crate) use emulated::emulated;
pub(crate) use encode::{message, publication_push};
