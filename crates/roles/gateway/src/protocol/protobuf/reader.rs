//! The fields of one Protobuf message, as they come (protobuf.dev/programming-guides/encoding).

use super::super::DecodeError;

/// What is left of a message.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a type no field of the protocol has.
    Other,
}

impl<'a> Reader<'a> {
    /// The next field: its number and value.
    pub(super) fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag =
            u32::try_from(self.varint()?).map_err(|_| DecodeError::NotProtobuf("a field's number is too large"))?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => Value::Bytes(self.delimited()?),
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return Err(DecodeError::NotProtobuf("a field of a type that is not known")),
        };
        match tag >> 3 {
            0 => Err(DecodeError::NotProtobuf("a field without a number")),
            number => Ok(Some((number, value))),
        }
    }

    /// What stands behind a length.
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        usize::try_from(length).ok().map_or(Err(ENDS), |length| self.take(length))
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or(ENDS)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::NotProtobuf("a number longer than 64 bits"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ENDS)?;
        self.0 = rest;
        Ok(taken)
    }
}

const ENDS: DecodeError = DecodeError::NotProtobuf("it ends too early");

impl<'a> Value<'a> {
    /// The bytes of a field that has some.
    pub(super) fn bytes(self) -> Result<&'a [u8], DecodeError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Other => Err(MISTYPED),
        }
    }

    /// The text of a field that has one.
    pub(super) fn text(self) -> Result<String, DecodeError> {
        let text = std::str::from_utf8(self.bytes()?);
        text.map(str::to_owned).map_err(|_| DecodeError::NotProtobuf("a text that is not UTF-8"))
    }

    /// The number of a field that has one.
    pub(super) fn number(self) -> Result<u64, DecodeError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) | Self::Other => Err(MISTYPED),
        }
    }
}

const MISTYPED: DecodeError = DecodeError::NotProtobuf("a field of another type than the protocol has there");
