//! Commands: a name, a transaction, and values (RTMP 1.0 section 7.2).

use super::{RtmpError, limits::AMF_BYTES_MAX, message::Message};
use crate::codec::amf0::{self, Value};

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) transaction: f64,
    /// The command object first, then the arguments.
    pub(super) values: Vec<Value>,
}

impl Command {
    pub(super) fn decode(message: &Message) -> Result<Self, RtmpError> {
        let mut body = &message.payload[..];
        if body.len() > AMF_BYTES_MAX {
            return Err(RtmpError::CommandTooLarge(body.len()));
        }
        // AMF3 commands are AMF0 behind a byte that says so.
        if message.number == 17 {
            body = body.get(1..).unwrap_or_default();
        }
        let mut reader = amf0::Reader::new(body);
        let name = reader.next_value()?.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let transaction = reader.next_value()?.as_ref().and_then(Value::as_number).unwrap_or_default();
        let mut values = Vec::new();
        while let Some(value) = reader.next_value()? {
            values.push(value);
        }
        Ok(Self { name, transaction, values })
    }

    pub(super) fn encode(name: &str, transaction: f64, values: &[Value]) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        amf0::encode(&Value::string(name), &mut body);
        amf0::encode(&Value::Number(transaction), &mut body);
        values.iter().for_each(|value| amf0::encode(value, &mut body));
        body
    }

    /// The command object.
    pub(super) fn object(&self) -> Option<&Value> {
        self.values.first()
    }

    /// An argument behind the command object, from 0, as text.
    pub(super) fn text(&self, index: usize) -> Option<&str> {
        self.values.get(index + 1).and_then(Value::as_str)
    }
}
