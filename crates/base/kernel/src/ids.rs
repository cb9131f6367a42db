//! A typed id for each entity, and the snowflake that makes them.
//!
//! An id is a positive 63-bit integer. In JSON it is a decimal string, because JavaScript cannot hold 63 bits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// What is wrong with a text that should have been an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: a positive decimal number is expected")]
pub struct InvalidId(pub String);

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that is known to be an id of this kind (read from a store, or freshly made).
            pub const fn from_raw(raw: i64) -> Self { Self(raw) }
            /// The number, for a store.
            pub const fn raw(self) -> i64 { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse::<i64>() {
                    Ok(raw) if digits && raw > 0 => Ok(Self(raw)),
                    _ => Err(InvalidId(text.chars().take(32).collect())),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> { id_schema() }
        }
        impl utoipa::ToSchema for $name {}
    )+};
}

typed_ids! {
    /// A person.
    AccountId,
    /// A streamer's permanent place; one per account.
    ChannelId,
    /// One show.
    BroadcastId,
    /// One message of a room or conversation.
    MessageId,
    /// One player: the server issues and signs it.
    PlaybackId,
    /// One signed-in session of an account.
    SessionId,
    /// One entry of a channel's moderation log.
    ModLogId,
    /// One ban of an address range from a channel's chat.
    AddressBanId,
    /// One word that is blocked in chats.
    BlockedWordId,
}

fn id_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[1-9][0-9]{0,18}$"))
        .description(Some("An id: a positive 63-bit integer as a decimal string."))
        .build();
    Schema::Object(schema).into()
}

/// Milliseconds between the Unix epoch and 2026-01-01T00:00:00Z, where snowflakes start counting.
pub const SNOWFLAKE_EPOCH_MS: i64 = 1_767_225_600_000;

/// When a snowflake was made, to the millisecond; ids made in a burst may say a little later.
pub const fn snowflake_time(raw: i64) -> Timestamp {
    Timestamp::from_millis((raw >> (NODE_BITS + SEQUENCE_BITS)) + SNOWFLAKE_EPOCH_MS)
}

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;

/// Makes ids that grow with time: 41 bits of milliseconds, 10 of node, 12 of sequence.
///
/// Two snowflakes with the same node must never run at once: a node id is leased. A clock that steps back does not
/// repeat ids: the generator goes on from the latest millisecond it has seen, and borrows from the next one when 4,096
/// ids were made in one.
#[derive(Debug)]
pub struct Snowflake {
    node: i64,
    last: std::sync::atomic::AtomicI64,
}

impl Snowflake {
    /// A generator for `node`, 0 to 1,023 (the low ten bits are used).
    pub fn new(node: u16) -> Self {
        Self { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: std::sync::atomic::AtomicI64::new(0) }
    }

    /// The next raw id, at the time `now`; wrap it with the entity's `from_raw`.
    pub fn next(&self, now: Timestamp) -> i64 {
        use std::sync::atomic::Ordering::Relaxed;
        let millisecond = (now.as_millis() - SNOWFLAKE_EPOCH_MS).max(1);
        let earliest = millisecond << SEQUENCE_BITS;
        // Only uniqueness matters, and one atomic cell carries it: no other memory is published with the id.
        let previous = self.last.fetch_update(Relaxed, Relaxed, |last| Some(earliest.max(last + 1)));
        let ticket = earliest.max(previous.unwrap_or_default() + 1);
        let (time, sequence) = (ticket >> SEQUENCE_BITS, ticket & ((1 << SEQUENCE_BITS) - 1));
        (time << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_survive_a_clock_that_steps_back() {
        let snowflake = Snowflake::new(3);
        let later = Timestamp::from_millis(SNOWFLAKE_EPOCH_MS + 10_000);
        let earlier = Timestamp::from_millis(SNOWFLAKE_EPOCH_MS + 5_000);
        let mut ids: Vec<i64> = (0..5_000).map(|_| snowflake.next(later)).collect();
        ids.extend((0..5_000).map(|_| snowflake.next(earlier)));
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let snowflake = Snowflake::new(1_023);
        let now = Timestamp::from_millis(SNOWFLAKE_EPOCH_MS + 123_456);
        assert_eq!(snowflake_time(snowflake.next(now)), now);
        assert_eq!(snowflake_time(snowflake.next(now)), now);
    }

    #[test]
    fn an_id_is_a_decimal_string() {
        assert_eq!(serde_json_like(&"42".parse::<AccountId>().unwrap()), "42");
        for bad in ["", "0", "-1", "+1", "1.0", "abc", "99999999999999999999"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    fn serde_json_like(id: &AccountId) -> String {
        id.to_string()
    }
}
