//! What a publisher sends, after the wire format is taken off: codec settings and coded frames.

use std::sync::Arc;

use bytes::Bytes;

/// How the picture is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// H.264 / AVC (ISO/IEC 14496-10).
    H264,
    /// H.265 / HEVC (ISO/IEC 23008-2).
    Hevc,
    /// AV1.
    Av1,
}

/// How the sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// AAC (ISO/IEC 14496-3).
    Aac,
    /// Opus (RFC 6716).
    Opus,
}

/// What a decoder must know before the first picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoConfig {
    /// The codec.
    pub codec: VideoCodec,
    /// The decoder configuration record: the body of `avcC`, `hvcC` or `av1C`.
    pub record: Bytes,
    /// The RFC 6381 name for `CODECS`, e.g. `avc1.64001f`, `hvc1.1.6.L93.B0`, `av01.0.04M.08`.
    pub codec_string: String,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// What a decoder must know before the first sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioConfig {
    /// The codec.
    pub codec: AudioCodec,
    /// AAC: the AudioSpecificConfig. Opus: the identification header of RFC 7845 section 5.1 (`OpusHead…`), made up with
    /// the usual values when the encoder sent none.
    pub record: Bytes,
    /// The RFC 6381 name for `CODECS`, e.g. `mp4a.40.2`, `opus`.
    pub codec_string: String,
    /// Samples per second (Opus: always 48,000).
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
}

/// What an encoder says of itself in `onMetaData`; hints, never trusted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// The encoder's name.
    pub encoder: Option<String>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
}

/// One thing a publisher sent, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// Settings of the picture; again when they change.
    VideoConfig(Arc<VideoConfig>),
    /// Settings of the sound; again when they change.
    AudioConfig(Arc<AudioConfig>),
    /// One coded picture.
    Video {
        /// Decoding time in the publisher's milliseconds; wraps at 2^32.
        timestamp_ms: u32,
        /// Presentation minus decoding time, in milliseconds.
        composition_ms: i32,
        /// Whether decoding can begin here.
        keyframe: bool,
        /// H.264 and HEVC: NAL units with 4-byte (as the record says) length prefixes. AV1: the low-overhead OBU stream.
        data: Bytes,
    },
    /// One coded piece of sound.
    Audio {
        /// Presentation time in the publisher's milliseconds; wraps at 2^32.
        timestamp_ms: u32,
        /// One raw AAC frame or one Opus packet.
        data: Bytes,
    },
    /// What the encoder says of itself.
    Metadata(Metadata),
}
