//! Decoder configuration records, read as far as playlists and players need: the codec's name, size, rate, channels.
//!
//! Promise: a record is passed on byte for byte; only what is missing is made up, and only where the codec has usual
//! values (AV1's record from its sequence header, Opus's identification header).

pub mod aac;
pub mod av1;
pub mod avc;
pub mod hevc;
pub mod opus;

/// Why a configuration record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The record ends too early or has no parameter set.
    #[error("the {0} configuration is cut off or lacks its parameter set")]
    Incomplete(&'static str),
    /// A version of the record that is not defined.
    #[error("the {codec} configuration has version {version}; 1 is known")]
    Version {
        /// The codec.
        codec: &'static str,
        /// The version found.
        version: u8,
    },
    /// A size of the picture that cannot be.
    #[error("the {0} configuration gives the picture an impossible size")]
    Size(&'static str),
    /// A kind of AAC that players cannot decode.
    #[error("AAC object type {0} is not supported; use AAC-LC or HE-AAC")]
    AacObjectType(u32),
    /// A rate or channel layout without a meaning.
    #[error("the {0} configuration has a sample rate or channel layout that is not supported")]
    Sound(&'static str),
}

/// A width and height as the frames have them; both must be 1 to 65,535.
fn size(codec: &'static str, width: Option<u32>, height: Option<u32>) -> Result<(u16, u16), ConfigError> {
    let fits = |length: Option<u32>| length.and_then(|length| u16::try_from(length).ok()).filter(|length| *length > 0);
    fits(width).zip(fits(height)).ok_or(ConfigError::Size(codec))
}
