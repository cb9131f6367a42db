//! RTMP, both ends of it, as pure state machines: bytes in, events and bytes out (Adobe RTMP 1.0; Enhanced RTMP v2).
//!
//! Promise: the same bytes give the same events however they are split. Limits are in [`limits`]. It loses what a
//! message stream carries before `publish` was accepted, shared objects, and AMF3 beyond its AMF0 envelope.

pub mod limits;

mod acknowledgement;
mod capabilities;
mod chunk_header;
mod chunk_reader;
mod chunk_writer;
mod client;
mod command;
mod error;
mod handshake;
mod message;
mod server;
#[cfg(test)]
mod tests;

pub use chunk_reader::ChunkReader;
pub use chunk_writer::ChunkWriter;
pub use client::{ClientEvent, ClientSession, PublishTarget};
pub use error::RtmpError;
pub use message::{Message, MessageKind};
pub use server::{PublishStatus, ServerEvent, ServerSession};
