//! How the entries of a group stand in one value.
//!
//! The form describes itself: a byte that names it (1), then for each entry its time (i64, milliseconds), the length of
//! its bytes (u32) and the bytes; numbers big-endian. In the form 2 each entry goes on with the length of what is told
//! about it (u32; 0: nothing) and that in its kept form. The offset of the first entry is the row's key.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use kernel::Timestamp;
use ports::about::About;
use ports::room_log::{Entry, Record, RoomLogError};

const FORM: u8 = 1;
const FORM_WITH_ABOUT: u8 = 2;
const ENTRY_HEAD_BYTES: usize = 12;

/// The value for these entries.
pub(crate) fn encode(entries: &[Entry]) -> Vec<u8> {
    encode_all(entries.iter().map(|entry| (entry.at, &entry.data, entry.about.as_deref())))
}

/// The value for these records, which are a whole group in order.
pub(crate) fn encode_records(records: &[Record]) -> Vec<u8> {
    encode_all(records.iter().map(|record| (record.at, &record.data, record.about.as_deref())))
}

fn encode_all<'a>(entries: impl Iterator<Item = (Timestamp, &'a Bytes, Option<&'a About>)> + Clone) -> Vec<u8> {
    let with_about = entries.clone().any(|(.., about)| about.is_some());
    let size: usize =
        entries.clone().map(|(_, data, about)| ENTRY_HEAD_BYTES + data.len() + about.map_or(0, About::size)).sum();
    let mut value = Vec::with_capacity(1 + size);
    value.put_u8(if with_about { FORM_WITH_ABOUT } else { FORM });
    for (at, data, about) in entries {
        value.put_i64(at.as_millis());
        value.put_u32(data.len() as u32);
        value.put_slice(data);
        if with_about {
            let about = about.map(About::encode).unwrap_or_default();
            value.put_u32(about.len() as u32);
            value.put_slice(&about);
        }
    }
    value
}

/// The records of the group whose first entry stands at `first`.
pub(crate) fn decode(first: u64, value: Vec<u8>) -> Result<Vec<Record>, RoomLogError> {
    let broken = || RoomLogError::Engine(format!("the group at {first} is damaged: it does not read to its end"));
    let mut value = Bytes::from(value);
    let with_about = match value.try_get_u8().map_err(|_| broken())? {
        FORM => false,
        FORM_WITH_ABOUT => true,
        _ => {
            return Err(RoomLogError::Engine(format!("the group at {first} has a form this version does not know")));
        }
    };
    let take = |value: &mut Bytes| {
        let length = value.try_get_u32().map_err(|_| broken())? as usize;
        if length <= value.remaining() { Ok(value.split_to(length)) } else { Err(broken()) }
    };
    let mut records = Vec::new();
    let mut offset = first;
    while value.has_remaining() {
        let at = Timestamp::from_millis(value.try_get_i64().map_err(|_| broken())?);
        let data = take(&mut value)?;
        let about = if with_about { take(&mut value)? } else { Bytes::new() };
        let about = match about.is_empty() {
            true => None,
            false => Some(Arc::new(About::decode(about).map_err(|_| broken())?)),
        };
        records.push(Record { offset, at, data, about });
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
            entries in prop::collection::vec(
                (any::<i64>(), prop::collection::vec(any::<u8>(), 0..200), prop::option::weighted(0.1, "[a-z]{0,9}")),
                1..20,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let entries: Vec<Entry> = entries
                .into_iter()
                .map(|(at, data, tag)| {
                    let about = tag.map(|tag| Arc::new(About { info: None, tags: vec![("tag".into(), tag)] }));
                    Entry { keys: vec![], at: Timestamp::from_millis(at), data: data.into(), redacts: None, about }
                })
                .collect();
            let value = encode(&entries);
            let records = decode(7, value.clone()).unwrap();
            prop_assert_eq!(records.len(), entries.len());
            for ((record, entry), offset) in records.iter().zip(&entries).zip(7..) {
                prop_assert_eq!((record.offset, record.at), (offset, entry.at));
                prop_assert_eq!((&record.data, &record.about), (&entry.data, &entry.about));
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
