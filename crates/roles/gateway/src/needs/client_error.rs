//! Why a client's command failed, as the client is told.

use std::borrow::Cow;

use crate::protocol::codes::{self, ErrorCode};

/// An error of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// The number; those of the protocol are in [`codes`], an application's own begin at 400.
    pub code: u32,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// Whether the same command may succeed later.
    pub temporary: bool,
}

impl From<ErrorCode> for ClientError {
    fn from(error: ErrorCode) -> Self {
        Self { code: error.code, message: error.message.into(), temporary: error.temporary }
    }
}

impl ClientError {
    /// An error with a sentence of its own.
    pub fn new(code: u32, message: impl Into<Cow<'static, str>>, temporary: bool) -> Self {
        Self { code, message: message.into(), temporary }
    }

    /// The same error with a sentence that says more.
    pub fn because(error: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..error.into() }
    }

    pub(crate) fn limit(what: &str, limit: usize) -> Self {
        Self::because(codes::LIMIT_EXCEEDED, format!("limit exceeded: {what}, at most {limit}"))
    }
}
