//! Which server of a cluster keeps what.

use std::ops::RangeInclusive;

use redis::{RedisResult, Value};

use super::connect::Address;

const SLOTS: u16 = 16_384;

/// The slot of a name, by its hash tag if it has one (Redis cluster specification).
pub(super) fn slot_of(name: &str) -> u16 {
    let tag = name.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(name);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

/// The masters and their slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owners(Vec<(RangeInclusive<u16>, Address)>);

impl Owners {
    /// One server owns all.
    pub(super) fn one(address: Address) -> Self {
        Self(vec![(0..=SLOTS - 1, address)])
    }

    /// Reads the answer to `CLUSTER SLOTS`; a server without a name of its own is the one that was asked.
    pub(super) fn read(answer: &Value, asked: &Address) -> RedisResult<Self> {
        let unreadable = || (redis::ErrorKind::UnexpectedReturnType, "the cluster's slots cannot be read").into();
        let Value::Array(ranges) = answer else { return Err(unreadable()) };
        ranges.iter().map(|range| read_range(range, asked).ok_or_else(unreadable)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(&self, slot: u16) -> Option<&Address> {
        self.0.iter().find(|(slots, _)| slots.contains(&slot)).map(|(_, address)| address)
    }

    /// All of the servers.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.0.iter().map(|(_, address)| address)
    }
}

fn read_range(range: &Value, asked: &Address) -> Option<(RangeInclusive<u16>, Address)> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice() else { return None };
    let [host, Value::Int(port), ..] = master.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok().filter(|host| !host.is_empty() && host != "?"),
        Value::SimpleString(host) => Some(host.clone()),
        _ => None,
    };
    let host = host.unwrap_or_else(|| asked.host.clone());
    Some(((*first).try_into().ok()?..=(*last).try_into().ok()?, Address { host, port: (*port).try_into().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_the_same_tag_stand_in_one_slot() {
        // The values are those `CLUSTER KEYSLOT` gives.
        assert_eq!((slot_of("123456789"), slot_of("foo")), (12_739, 12_182));
        assert_eq!(slot_of("a|b|bus:{foo}"), slot_of("{foo}x"));
        assert_ne!(slot_of("{}x{foo}"), slot_of("{foo}"), "only the first brace counts");
        assert_ne!(slot_of("{}foo"), slot_of("foo"), "an empty tag is none");
    }

    #[test]
    fn slots_are_read_and_what_is_odd_is_an_error() {
        let asked = Address { host: "10.0.0.9".into(), port: 7_000 };
        let host = |host: &str| Value::BulkString(host.as_bytes().to_vec());
        let range = |first, last, host: Value, port| {
            Value::Array(vec![
                Value::Int(first),
                Value::Int(last),
                Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())]),
                Value::Array(vec![]),
            ])
        };
        let answer = Value::Array(vec![range(0, 99, host("10.0.0.1"), 1), range(100, 16_383, Value::Nil, 2)]);
        let owners = Owners::read(&answer, &asked).unwrap();
        assert_eq!(owners.of(99).map(|address| (address.host.as_str(), address.port)), Some(("10.0.0.1", 1)));
        assert_eq!(owners.of(100).map(|address| (address.host.as_str(), address.port)), Some(("10.0.0.9", 2)));
        assert_eq!(Owners::read(&Value::Array(vec![]), &asked).unwrap().of(5), None);
        for odd in [Value::Nil, Value::Array(vec![Value::Int(1)]), Value::Array(vec![range(0, 70_000, Value::Nil, 1)])]
        {
            assert!(Owners::read(&odd, &asked).is_err(), "{odd:?}");
        }
    }
}
