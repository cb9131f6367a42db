//! Frames to commands, whatever they are encoded in.

use std::fmt;

use super::{Command, Encoding, json, protobuf};

/// Commands in one frame at the most.
pub const COMMANDS_PER_FRAME_MAX: usize = 512;

/// Bit 1 of the subscription flag: rather an error than an unrecovered subscription.
pub(super) const FLAG_REJECT_UNRECOVERED: i64 = 2;
/// The kind of difference that is offered.
pub(super) const FOSSIL: &str = "fossil";

/// What is wrong with a frame.
#[derive(Debug)]
pub enum DecodeError {
    /// It holds no command at all.
    Empty,
    /// It holds more than [`COMMANDS_PER_FRAME_MAX`] commands.
    TooManyCommands,
    /// A line is not the JSON of a command.
    Malformed(serde_json::Error),
    /// It is not the Protobuf of commands; the text says what is wrong.
    NotProtobuf(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a frame without a command"),
            Self::TooManyCommands => write!(f, "more than {COMMANDS_PER_FRAME_MAX} commands in one frame"),
            Self::Malformed(error) => write!(f, "not a command in JSON: {error}"),
            Self::NotProtobuf(what) => write!(f, "not a command in Protobuf: {what}"),
        }
    }
}

/// One command, and how long it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The command.
    pub command: Command,
    /// The bytes it took in the frame, without what separates it from others.
    pub bytes: usize,
}

/// The commands of one frame, in order. Embedded values are copies: a command that waits must not hold all of its frame.
pub fn decode(encoding: Encoding, frame: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
    let commands = match encoding {
        Encoding::Json => json::decode(frame)?,
        Encoding::Protobuf => protobuf::decode(frame)?,
    };
    if commands.is_empty() { Err(DecodeError::Empty) } else { Ok(commands) }
}
