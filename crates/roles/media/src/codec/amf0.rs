//! AMF0, the values RTMP commands and `onMetaData` are made of (Action Message Format AMF 0, 2006).
//!
//! Promise: decoding is bounded by [`DEPTH_MAX`] and [`VALUES_MAX`] per reader, and by the input's own length. What it
//! loses: class names of typed objects and the time zone of dates, which RTMP does not use.

/// How deep objects and arrays may nest.
pub const DEPTH_MAX: usize = 16;
/// How many values one reader decodes.
pub const VALUES_MAX: usize = 4_096;

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: u8 = 0x09;
const STRICT_ARRAY: u8 = 0x0a;
const DATE: u8 = 0x0b;
const LONG_STRING: u8 = 0x0c;
const UNSUPPORTED: u8 = 0x0d;
const XML_DOCUMENT: u8 = 0x0f;
const TYPED_OBJECT: u8 = 0x10;

/// Why bytes are not AMF0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmfError {
    /// The input ends within a value.
    #[error("an AMF0 value is cut off")]
    Truncated,
    /// A type this decoder does not know.
    #[error("AMF0 type {0:#04x} is not known")]
    UnknownType(u8),
    /// More nesting than [`DEPTH_MAX`].
    #[error("AMF0 values nest deeper than {DEPTH_MAX}")]
    TooDeep,
    /// More values than [`VALUES_MAX`].
    #[error("more than {VALUES_MAX} AMF0 values in one message")]
    TooMany,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// Text; what is not UTF-8 in it is replaced.
    String(String),
    /// Named values in their order.
    Object(Vec<(String, Value)>),
    /// Named values in their order, the way `onMetaData` and FourCC maps are sent.
    EcmaArray(Vec<(String, Value)>),
    /// Values without names.
    StrictArray(Vec<Value>),
    /// Milliseconds since the Unix epoch.
    Date(f64),
    /// Nothing.
    Null,
    /// Not even nothing.
    Undefined,
}

impl Value {
    /// Text as a value.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// An object of these named values.
    pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Self {
        Self::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The value with this name, if this is an object or array that has one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (Self::Object(entries) | Self::EcmaArray(entries)) = self else { return None };
        entries.iter().find(|(entry, _)| entry == name).map(|(_, value)| value)
    }
}

/// Decodes values one after another.
pub struct Reader<'a> {
    input: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    /// Reads from `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, values: 0 }
    }

    /// The next value; `None` at the end of the input.
    ///
    /// # Errors
    /// [`AmfError`]; the reader is of no further use then.
    pub fn next_value(&mut self) -> Result<Option<Value>, AmfError> {
        if self.input.is_empty() { Ok(None) } else { self.value(0).map(Some) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        if depth > DEPTH_MAX {
            return Err(AmfError::TooDeep);
        }
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(AmfError::TooMany);
        }
        let [kind] = self.array()?;
        match kind {
            NUMBER => Ok(Value::Number(f64::from_be_bytes(self.array()?))),
            BOOLEAN => Ok(Value::Boolean(self.array::<1>()? != [0])),
            STRING => self.short_text().map(Value::String),
            LONG_STRING | XML_DOCUMENT => {
                let length = u32::from_be_bytes(self.array()?);
                self.text(length as usize).map(Value::String)
            }
            OBJECT => self.entries(depth).map(Value::Object),
            TYPED_OBJECT => {
                self.short_text()?;
                self.entries(depth).map(Value::Object)
            }
            ECMA_ARRAY => {
                // The count is a hint that encoders get wrong; the end marker counts.
                self.array::<4>()?;
                self.entries(depth).map(Value::EcmaArray)
            }
            STRICT_ARRAY => {
                let count = u32::from_be_bytes(self.array()?);
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Ok(Value::StrictArray(values))
            }
            DATE => {
                let moment = f64::from_be_bytes(self.array()?);
                self.array::<2>()?;
                Ok(Value::Date(moment))
            }
            NULL => Ok(Value::Null),
            UNDEFINED | UNSUPPORTED => Ok(Value::Undefined),
            other => Err(AmfError::UnknownType(other)),
        }
    }

    /// Named values up to the end marker. An array that ends with the message instead is taken as whole, because some
    /// encoders leave the marker out.
    fn entries(&mut self, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
        let mut entries = Vec::new();
        while !self.input.is_empty() {
            let name = self.short_text()?;
            if name.is_empty() && self.input.first() == Some(&OBJECT_END) {
                self.array::<1>()?;
                break;
            }
            entries.push((name, self.value(depth + 1)?));
        }
        Ok(entries)
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let length = u16::from_be_bytes(self.array()?);
        self.text(usize::from(length))
    }

    fn text(&mut self, length: usize) -> Result<String, AmfError> {
        let (text, rest) = self.input.split_at_checked(length).ok_or(AmfError::Truncated)?;
        self.input = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let (bytes, rest) = self.input.split_first_chunk::<N>().ok_or(AmfError::Truncated)?;
        self.input = rest;
        Ok(*bytes)
    }
}

/// Appends the value's encoding to `output`. Entries whose name is longer than 65,535 bytes cannot be written and are
/// left out.
pub fn encode(value: &Value, output: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            output.push(NUMBER);
            output.extend_from_slice(&number.to_be_bytes());
        }
        Value::Boolean(yes) => output.extend_from_slice(&[BOOLEAN, u8::from(*yes)]),
        Value::String(text) => match u16::try_from(text.len()) {
            Ok(length) => {
                output.push(STRING);
                output.extend_from_slice(&length.to_be_bytes());
                output.extend_from_slice(text.as_bytes());
            }
            Err(_) => {
                output.push(LONG_STRING);
                output.extend_from_slice(&(text.len() as u32).to_be_bytes());
                output.extend_from_slice(text.as_bytes());
            }
        },
        Value::Object(entries) => {
            output.push(OBJECT);
            encode_entries(entries, output);
        }
        Value::EcmaArray(entries) => {
            output.push(ECMA_ARRAY);
            output.extend_from_slice(&(entries.len() as u32).to_be_bytes());
            encode_entries(entries, output);
        }
        Value::StrictArray(values) => {
            output.push(STRICT_ARRAY);
            output.extend_from_slice(&(values.len() as u32).to_be_bytes());
            values.iter().for_each(|value| encode(value, output));
        }
        Value::Date(moment) => {
            output.push(DATE);
            output.extend_from_slice(&moment.to_be_bytes());
            output.extend_from_slice(&[0, 0]);
        }
        Value::Null => output.push(NULL),
        Value::Undefined => output.push(UNDEFINED),
    }
}

fn encode_entries(entries: &[(String, Value)], output: &mut Vec<u8>) {
    for (name, value) in entries {
        let Ok(length) = u16::try_from(name.len()) else { continue };
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(name.as_bytes());
        encode(value, output);
    }
    output.extend_from_slice(&[0, 0, OBJECT_END]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| Value::Number(f64::from(number))),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,12}".prop_map(Value::String),
            Just(Value::Null),
            Just(Value::Undefined),
            any::<i32>().prop_map(|moment| Value::Date(f64::from(moment))),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let entries = prop::collection::vec((".{1,6}", inner.clone()), 0..4);
            prop_oneof![
                entries.clone().prop_map(Value::Object),
                entries.prop_map(Value::EcmaArray),
                prop::collection::vec(inner, 0..4).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(value in values()) {
            let mut bytes = Vec::new();
            encode(&value, &mut bytes);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.next_value(), Ok(Some(value)));
            prop_assert_eq!(reader.next_value(), Ok(None));
        }

        #[test]
        fn any_bytes_give_a_value_or_an_error(bytes in prop::collection::vec(0_u8..18, 0..400)) {
            let mut reader = Reader::new(&bytes);
            while let Ok(Some(_)) = reader.next_value() {}
        }
    }

    #[test]
    fn nesting_and_counts_are_bounded() {
        let deep = [STRICT_ARRAY, 0, 0, 0, 1].repeat(100);
        assert_eq!(Reader::new(&deep).next_value(), Err(AmfError::TooDeep));
        let mut wide = vec![STRICT_ARRAY, 0xff, 0xff, 0xff, 0xff];
        wide.resize(100_000, NULL);
        assert_eq!(Reader::new(&wide).next_value(), Err(AmfError::TooMany));
    }
}
