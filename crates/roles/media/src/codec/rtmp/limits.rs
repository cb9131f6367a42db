//! Every limit of the RTMP peers, in one place.

/// Chunk streams of one connection; encoders use fewer than ten.
pub const CHUNK_STREAMS_MAX: usize = 64;
/// The largest chunk a peer may announce: that of the largest message.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A message, and all unfinished messages together, before `publish` was accepted.
pub const MESSAGE_BYTES_BEFORE_PUBLISH_MAX: usize = 64 * 1024;
/// A message, and all unfinished messages together, of a publisher, unless set otherwise.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The body of a command or of `onMetaData`.
pub const AMF_BYTES_MAX: usize = 64 * 1024;
/// A stream key, without its query.
pub const STREAM_KEY_BYTES_MAX: usize = 128;
