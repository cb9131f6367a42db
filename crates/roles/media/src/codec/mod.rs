//! Wire formats: bytes in, messages and frames out, and back. No input or output, no task, no clock.
//!
//! Promise: every parser is total. Whatever bytes come, it answers with a value or an error, never panics, and never
//! keeps more memory than its limits allow. What it cannot read it loses, and says so.

pub mod amf0;
pub mod config;
pub mod flv;
pub mod rtmp;
pub mod tag;

mod bits;

pub use tag::{Tag, TagKind};
