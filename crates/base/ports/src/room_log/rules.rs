//! The rules every engine of the room log applies before it touches its store, so that all refuse the same.

use std::collections::HashSet;

use crate::about::ABOUT_BYTES_MAX;

use super::{
    ENTRY_BYTES_MAX, ENTRY_KEYS_MAX, Entry, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX, KEY_BYTES_MAX, LOOKUP_KEYS_MAX,
    READ_MAX, ROOM_BYTES_MAX, RoomLogError,
};

/// Whether `room` can name a room: 1 to 255 bytes without control characters.
pub fn check_room(room: &str) -> Result<(), RoomLogError> {
    if room.is_empty() || room.len() > ROOM_BYTES_MAX || room.contains(char::is_control) {
        return refused(format!("a room's name has 1 to {ROOM_BYTES_MAX} bytes without control characters"));
    }
    Ok(())
}

/// Whether `group` may be appended at `expected_next`.
pub fn check_group(room: &str, expected_next: u64, group: &[Entry]) -> Result<(), RoomLogError> {
    check_room(room)?;
    if group.is_empty() || group.len() > GROUP_ENTRIES_MAX {
        return refused(format!("a group of {} entries; 1 to {GROUP_ENTRIES_MAX} are expected", group.len()));
    }
    let end = expected_next.checked_add(group.len() as u64);
    if expected_next == 0 || end.is_none_or(|end| i64::try_from(end).is_err()) {
        return refused(format!("{expected_next} is no offset to append at; they count from 1"));
    }
    let mut keys = HashSet::new();
    let mut bytes = 0;
    for (entry, offset) in group.iter().zip(expected_next..) {
        check_entry(entry, offset)?;
        bytes += size(entry);
        if let Some(key) = entry.keys.iter().find(|key| !keys.insert(key.as_str())) {
            return refused(format!("the key {key:?} stands twice in the group"));
        }
    }
    if bytes > GROUP_BYTES_MAX {
        return refused(format!("a group of {bytes} bytes; the limit is {GROUP_BYTES_MAX}"));
    }
    Ok(())
}

/// Whether these keys can be looked up in one go.
pub fn check_lookup(room: &str, keys: &[String]) -> Result<(), RoomLogError> {
    check_room(room)?;
    if keys.len() > LOOKUP_KEYS_MAX {
        return refused(format!("{} keys in one lookup; the limit is {LOOKUP_KEYS_MAX}", keys.len()));
    }
    keys.iter().try_for_each(|key| check_key(key))
}

/// Whether that many records can be read in one go.
pub fn check_read(room: &str, limit: usize) -> Result<(), RoomLogError> {
    check_room(room)?;
    if limit > READ_MAX {
        return refused(format!("{limit} records in one read; the limit is {READ_MAX}"));
    }
    Ok(())
}

fn check_entry(entry: &Entry, offset: u64) -> Result<(), RoomLogError> {
    if entry.keys.len() > ENTRY_KEYS_MAX {
        return refused(format!("an entry with {} keys; the limit is {ENTRY_KEYS_MAX}", entry.keys.len()));
    }
    entry.keys.iter().try_for_each(|key| check_key(key))?;
    let replacement = entry.redacts.as_ref().map_or(0, |redaction| redaction.replacement.len());
    let largest = entry.data.len().max(replacement);
    if largest > ENTRY_BYTES_MAX {
        return refused(format!("an entry of {largest} bytes; the limit is {ENTRY_BYTES_MAX}"));
    }
    let about = about_size(entry);
    if about > ABOUT_BYTES_MAX {
        return refused(format!("{about} bytes are told about an entry; the limit is {ABOUT_BYTES_MAX}"));
    }
    match &entry.redacts {
        Some(redaction) if redaction.offset == 0 || redaction.offset >= offset => {
            refused(format!("entry {offset} cannot redact {}: only what stands before it", redaction.offset))
        }
        _ => Ok(()),
    }
}

fn check_key(key: &str) -> Result<(), RoomLogError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.contains(char::is_control) {
        return refused(format!("a key has 1 to {KEY_BYTES_MAX} bytes without control characters"));
    }
    Ok(())
}

fn size(entry: &Entry) -> usize {
    let replacement = entry.redacts.as_ref().map_or(0, |redaction| redaction.replacement.len());
    entry.data.len() + replacement + about_size(entry)
}

fn about_size(entry: &Entry) -> usize {
    entry.about.as_ref().map_or(0, |about| about.size())
}

fn refused(rule: String) -> Result<(), RoomLogError> {
    Err(RoomLogError::Refused(rule))
}
