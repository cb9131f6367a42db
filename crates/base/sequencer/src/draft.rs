//! What writers bring, and what they are told.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use kernel::Timestamp;
use ports::{
    about::About,
    room_log::{Redaction, RoomLogError},
};

/// An entry that has no place yet.
#[derive(Debug)]
pub struct Draft {
    /// Its bytes.
    pub body: Body,
    /// When it was accepted.
    pub at: Timestamp,
    /// Keys no other draft brings: the entry is found by them later.
    pub keys: Vec<String>,
    /// The key a resend brings again.
    pub resend_key: Option<String>,
    /// An earlier entry whose bytes this one replaces.
    pub redacts: Option<Redaction>,
    /// What else readers are told of it.
    pub about: Option<Arc<About>>,
}

impl Draft {
    /// A draft of these bytes, without keys.
    pub fn new(data: Bytes, at: Timestamp) -> Self {
        Self { body: Body::Whole(data), at, keys: Vec::new(), resend_key: None, redacts: None, about: None }
    }

    /// What it holds while it waits, in bytes (about).
    pub(crate) fn weight(&self) -> usize {
        let body = match &self.body {
            Body::Whole(data) => data.len(),
            Body::ByPlace(_) => 2 << 10,
        };
        let keys: usize = self.keys.iter().chain(&self.resend_key).map(String::len).sum();
        256 + body + keys + self.redacts.as_ref().map_or(0, |redaction| redaction.replacement.len())
    }
}

/// The bytes of a draft.
pub enum Body {
    /// They are the same wherever it stands.
    Whole(Bytes),
    /// They tell its offset.
    ByPlace(Box<dyn Fn(u64) -> Result<Bytes, String> + Send>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(data) => f.debug_tuple("Whole").field(data).finish(),
            Self::ByPlace(_) => f.write_str("ByPlace"),
        }
    }
}

/// Where a draft stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It was kept here.
    Here(u64),
    /// It is a resend: the first one was kept here.
    Before(u64),
}

impl Placed {
    /// The offset.
    pub fn offset(&self) -> u64 {
        let (Self::Here(offset) | Self::Before(offset)) = self;
        *offset
    }
}

/// Why a draft has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A limit is reached, which the text names; nothing was kept.
    #[error("{0}")]
    Busy(String),
    /// It breaks a rule of the log, which the text names; it was not kept.
    #[error("{0}")]
    Refused(String),
    /// The log did not answer: it may have been kept, or may still be.
    #[error("{0}")]
    Unknown(String),
}

impl From<RoomLogError> for Error {
    fn from(error: RoomLogError) -> Self {
        match error {
            RoomLogError::Refused(rule) => Self::Refused(rule),
            RoomLogError::Engine(failure) => Self::Unknown(failure),
        }
    }
}
