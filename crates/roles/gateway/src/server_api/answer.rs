//! What a command is answered with.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::{
    fleet::{self, Unanswered},
    needs::{ClientError, Room},
    protocol::{Since, codes},
};

/// A `result`, or an `error`.
pub(super) type Answer = Result<Value, ClientError>;

/// Reads a command's body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let command = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let why = error.into_inner();
        bad_request(&if field == "." { why.to_string() } else { format!("{field}: {why}") })
    })?;
    json.end().map_err(|error| bad_request(&error.to_string()))?;
    Ok(command)
}

pub(super) fn bad_request(why: &str) -> ClientError {
    ClientError::because(codes::BAD_REQUEST, format!("bad request: {why}"))
}

/// Some gateway was not reached.
pub(super) fn unanswered(error: &Unanswered) -> ClientError {
    ClientError::because(codes::INTERNAL, format!("try again: {error}"))
}

/// `{"result": …}` or `{"error": …}`.
pub(super) fn object(answer: Answer) -> Value {
    match answer {
        Ok(result) => json!({ "result": result }),
        Err(error) => json!({ "error": { "code": error.code, "message": error.message } }),
    }
}

/// A position as it is written in a command.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct Position {
    pub(super) offset: u64,
    pub(super) epoch: String,
}

impl From<Position> for Since {
    fn from(Position { offset, epoch }: Position) -> Self {
        Self { offset, epoch }
    }
}

/// A value that stands there as JSON, or in the field `b64{field}` as bytes in base64.
pub(super) fn value(field: &str, json: Option<Box<RawValue>>, encoded: &str) -> Result<Option<Bytes>, ClientError> {
    if !encoded.is_empty() {
        let bytes = STANDARD.decode(encoded).map_err(|_| bad_request(&format!("b64{field} is not base64")))?;
        return Ok(Some(bytes.into()));
    }
    Ok(json.map(|json| Box::<str>::from(json).into_string().into()))
}

/// A value for an answer: JSON as it is; what is none, as a text of base64.
pub(super) fn shown(data: &[u8]) -> Value {
    serde_json::from_slice(data).unwrap_or_else(|_| Value::String(STANDARD.encode(data)))
}

/// The channel's name, when it can be one.
pub(super) fn checked(channel: &str) -> Result<&str, ClientError> {
    if (1..=kernel::limits::CHANNEL_BYTES).contains(&channel.len()) && !fleet::is_own(channel) {
        return Ok(channel);
    }
    let limit = kernel::limits::CHANNEL_BYTES;
    Err(bad_request(&format!("channel has 1 to {limit} bytes, and no NUL at its beginning")))
}

/// The room of a channel that keeps publications.
pub(super) fn room(room: Option<Room>) -> Result<Room, ClientError> {
    room.ok_or_else(|| codes::NOT_AVAILABLE.into())
}
