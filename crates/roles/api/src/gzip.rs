//! Making texts smaller for clients that take gzip (RFC 1952).

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// How much work a text is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// It is compressed once and sent often.
    Once,
    /// It is compressed for one answer.
    EachTime,
}

/// The compressed text; none when that is not smaller.
pub(crate) fn compress(text: &[u8], effort: Effort) -> Option<Bytes> {
    let level = match effort {
        Effort::Once => Compression::best(),
        Effort::EachTime => Compression::fast(),
    };
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), level);
    // Writing to memory cannot fail; if it did, the text goes out as it is.
    encoder.write_all(text).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < text.len()).then(|| Bytes::from(compressed))
}
