//! A row in PostgreSQL's binary form (documentation of `COPY`, "Binary Format"): what is sent, what comes back, and what both
//! sides' sums are made of.
//!
//! A row is the number of its fields (i16), and for each field the length of its bytes (i32; -1: NULL) and the bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use ports::sqlx::{
    Row, TypeInfo, ValueRef,
    decode::Decode,
    sqlite::{Sqlite, SqliteRow, SqliteValueRef},
};

/// The beginning of a stream of rows: the signature, no flags, no extension.
pub(super) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Its end.
pub(super) const END: &[u8] = &[0xff, 0xff];

/// What a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    Bytes,
}

impl Kind {
    /// That of a type of PostgreSQL; none when nobody has said yet how SQLite keeps it.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Bool,
            "smallint" => Self::Int2,
            "integer" => Self::Int4,
            "bigint" => Self::Int8,
            "real" => Self::Float4,
            "double precision" => Self::Float8,
            "text" | "character varying" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// Puts SQLite's row into `form`; which column cannot be put, and why, otherwise.
pub(super) fn encode(row: &SqliteRow, kinds: &[Kind], form: &mut Vec<u8>) -> Result<(), (usize, String)> {
    form.put_i16(kinds.len() as i16);
    for (place, kind) in kinds.iter().enumerate() {
        let value = row.try_get_raw(place).map_err(|error| (place, error.to_string()))?;
        put(value, *kind, form).map_err(|reason| (place, reason))?;
    }
    Ok(())
}

fn put(value: SqliteValueRef<'_>, kind: Kind, form: &mut Vec<u8>) -> Result<(), String> {
    if value.is_null() {
        form.put_i32(-1);
        return Ok(());
    }
    let stored = value.type_info().name().to_owned();
    match (stored.as_str(), kind) {
        ("INTEGER", Kind::Bool) => match decoded(value)? {
            number @ (0_i64 | 1) => field(form, &[number as u8]),
            number => return Err(format!("{number} is neither 0 nor 1")),
        },
        ("INTEGER", Kind::Int2) => field(form, &narrow::<i16>(decoded(value)?)?.to_be_bytes()),
        ("INTEGER", Kind::Int4) => field(form, &narrow::<i32>(decoded(value)?)?.to_be_bytes()),
        ("INTEGER", Kind::Int8) => field(form, &decoded::<i64>(value)?.to_be_bytes()),
        ("INTEGER" | "REAL", Kind::Float8) => field(form, &decoded::<f64>(value)?.to_be_bytes()),
        ("INTEGER" | "REAL", Kind::Float4) => field(form, &(decoded::<f64>(value)? as f32).to_be_bytes()),
        ("TEXT", Kind::Text) => {
            let text: &str = decoded(value)?;
            if text.contains('\0') {
                return Err("PostgreSQL keeps no zero characters in texts".into());
            }
            field(form, text.as_bytes());
        }
        ("BLOB", Kind::Bytes) => field(form, decoded(value)?),
        _ => return Err(format!("SQLite keeps {stored} there, the column takes {kind:?}")),
    }
    Ok(())
}

fn decoded<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, String> {
    T::decode(value).map_err(|error| error.to_string())
}

fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, String> {
    T::try_from(number).map_err(|_| format!("{number} is too large for the column"))
}

fn field(form: &mut Vec<u8>, bytes: &[u8]) {
    form.put_i32(bytes.len() as i32);
    form.put_slice(bytes);
}

/// The fields of a row in its binary form; none where it is not one.
pub(super) fn fields(mut form: Bytes) -> Option<Vec<Option<Bytes>>> {
    let count = form.try_get_i16().ok()?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let length = form.try_get_i32().ok()?;
        fields.push(match usize::try_from(length) {
            Ok(length) if length <= form.len() => Some(form.split_to(length)),
            Ok(_) => return None,
            Err(_) => None,
        });
    }
    form.is_empty().then_some(fields)
}

/// Takes a stream of rows apart, as its pieces come.
#[derive(Debug, Default)]
pub(super) struct Rows {
    read: BytesMut,
    has_begun: bool,
    has_ended: bool,
}

/// A stream that is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotRows;

impl Rows {
    /// The next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.read.extend_from_slice(piece);
    }

    /// The next row that has come whole.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, NotRows> {
        if !self.has_begun {
            if self.read.len() < HEAD.len() {
                return Ok(None);
            }
            if self.read.split_to(HEAD.len()) != HEAD {
                return Err(NotRows);
            }
            self.has_begun = true;
        }
        let Some(length) = self.length()? else { return Ok(None) };
        Ok(Some(self.read.split_to(length).freeze()))
    }

    /// Whether the stream has come to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How many bytes the next row has, once they are there.
    fn length(&mut self) -> Result<Option<usize>, NotRows> {
        let mut rest = &self.read[..];
        let Ok(count) = rest.try_get_i16() else { return Ok(None) };
        if count < 0 {
            self.has_ended = true;
            return Ok(None);
        }
        for _ in 0..count {
            let Ok(length) = rest.try_get_i32() else { return Ok(None) };
            match usize::try_from(length) {
                Ok(length) if length <= rest.len() => rest.advance(length),
                Ok(_) => return Ok(None),
                Err(_) if length == -1 => (),
                Err(_) => return Err(NotRows),
            }
        }
        Ok(Some(self.read.len() - rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_whole_however_their_stream_is_cut(
            rows in prop::collection::vec(
                prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..40)), 0..5),
                0..10,
            ),
            piece in 1_usize..50,
        ) {
            let mut stream = HEAD.to_vec();
            let mut sent = Vec::new();
            for row in &rows {
                let begin = stream.len();
                stream.put_i16(row.len() as i16);
                for value in row {
                    match value {
                        Some(bytes) => field(&mut stream, bytes),
                        None => stream.put_i32(-1),
                    }
                }
                sent.push(stream[begin..].to_vec());
            }
            stream.extend_from_slice(END);
            let (mut taken, mut reader) = (Vec::new(), Rows::default());
            for piece in stream.chunks(piece) {
                reader.push(piece);
                while let Some(row) = reader.next().unwrap() {
                    taken.push(row.to_vec());
                }
            }
            prop_assert!(reader.has_ended());
            prop_assert_eq!(&taken, &sent);
            for (form, row) in taken.into_iter().zip(rows) {
                let back = fields(form.into()).unwrap();
                prop_assert_eq!(back, row.into_iter().map(|value| value.map(Bytes::from)).collect::<Vec<_>>());
            }
        }

        #[test]
        fn nonsense_does_no_harm(stream in prop::collection::vec(any::<u8>(), 0..200)) {
            for head in [&b""[..], HEAD] {
                let mut reader = Rows::default();
                reader.push(head);
                reader.push(&stream);
                while let Ok(Some(row)) = reader.next() {
                    let _ = fields(row);
                }
            }
            let _ = fields(stream.into());
        }
    }
}
