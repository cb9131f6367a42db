//! Why a tag cannot be turned into frames.

use crate::codec::config::ConfigError;

/// What is wrong with a tag, or with what it carries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    /// The tag ends within its own header.
    #[error("an {0} tag is cut off")]
    Truncated(&'static str),
    /// A video codec that is not taken in.
    #[error("video codec {0} is not supported; use H.264, HEVC or AV1")]
    VideoCodec(String),
    /// An audio codec that is not taken in.
    #[error("audio codec {0} is not supported; use AAC or Opus")]
    AudioCodec(String),
    /// A configuration that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
