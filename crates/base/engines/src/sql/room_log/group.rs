//! How the entries of a group stand in one value.
//!
//! The form describes itself: a byte that names it (1), then for each entry its time (i64, milliseconds), the length of
//! its bytes (u32) and the bytes; numbers big-endian. The offset of the first entry is the row's key.

use bytes::{Buf, BufMut, Bytes};
use kernel::Timestamp;
use ports::room_log::{Entry, Record, RoomLogError};

const FORM: u8 = 1;
const ENTRY_HEAD_BYTES: usize = 12;

/// The value for these entries.
pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    encode_all(entries.iter().map(|entry| (entry.at, &entry.data)))
}

/// The value for these records, which are a whole group in order.
pub(super) fn encode_records(records: &[Record]) -> Vec<u8> {
    encode_all(records.iter().map(|record| (record.at, &record.data)))
}

fn encode_all<'a>(entries: impl Iterator<Item = (Timestamp, &'a Bytes)> + Clone) -> Vec<u8> {
    let size: usize = entries.clone().map(|(_, data)| ENTRY_HEAD_BYTES + data.len()).sum();
    let mut value = Vec::with_capacity(1 + size);
    value.put_u8(FORM);
    for (at, data) in entries {
        value.put_i64(at.as_millis());
        value.put_u32(data.len() as u32);
        value.put_slice(data);
    }
    value
}

/// The records of the group whose first entry stands at `first`.
pub(super) fn decode(first: u64, value: Vec<u8>) -> Result<Vec<Record>, RoomLogError> {
    let broken = || RoomLogError::Engine(format!("the group at {first} is damaged: it does not read to its end"));
    let mut value = Bytes::from(value);
    if value.try_get_u8().map_err(|_| broken())? != FORM {
        return Err(RoomLogError::Engine(format!("the group at {first} has a form this version does not know")));
    }
    let mut records = Vec::new();
    let mut offset = first;
    while value.has_remaining() {
        let at = Timestamp::from_millis(value.try_get_i64().map_err(|_| broken())?);
        let length = value.try_get_u32().map_err(|_| broken())? as usize;
        if length > value.remaining() {
            return Err(broken());
        }
        records.push(Record { offset, at, data: value.split_to(length) });
        offset += 1;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_group_reads_back_and_no_damage_goes_unseen_or_panics(
            entries in prop::collection::vec((any::<i64>(), prop::collection::vec(any::<u8>(), 0..200)), 1..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let entries: Vec<Entry> = entries
                .into_iter()
                .map(|(at, data)| Entry { keys: vec![], at: Timestamp::from_millis(at), data: data.into(), redacts: None })
                .collect();
            let value = encode(&entries);
            let records = decode(7, value.clone()).unwrap();
            prop_assert_eq!(records.len(), entries.len());
            for ((record, entry), offset) in records.iter().zip(&entries).zip(7..) {
                prop_assert_eq!((record.offset, record.at, &record.data), (offset, entry.at, &entry.data));
            }
            prop_assert_eq!(&encode_records(&records), &value);

            let cut = cut.index(value.len());
            match decode(7, value[..cut].to_vec()) {
                Ok(records) => prop_assert!(records.len() < entries.len()),
                Err(error) => prop_assert!(error.to_string().contains("damaged")),
            }
        }
    }
}
