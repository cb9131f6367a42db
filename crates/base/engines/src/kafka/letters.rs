//! A letter as a record: its key and payload are the fact's, the rest stands in headers. The record's own time is that of its
//! sending, because Kafka keeps records for a time from then on: an old fact that is tried again must not be over at once.

use kernel::Timestamp;
use ports::{
    broker::{BrokerError, Letter},
    event_log::{Cursor, Fact},
};
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};

const KIND: &str = "kind";
const TRANSACTION: &str = "transaction";
const ID: &str = "id";
const AT: &str = "at";
const ATTEMPTS: &str = "attempts";
const DUE: &str = "due";
const TROUBLE: &str = "trouble";
/// What is kept of a reason why a letter was put aside, in bytes.
const TROUBLE_BYTES_MAX: usize = 2_000;

/// The headers of a letter.
pub(super) fn headers(letter: &Letter) -> OwnedHeaders {
    let Letter { fact, attempts, due, trouble } = letter;
    let trouble = &trouble[..trouble.floor_char_boundary(TROUBLE_BYTES_MAX)];
    let all = [
        (KIND, fact.kind.clone()),
        (TRANSACTION, fact.cursor.transaction.to_string()),
        (ID, fact.cursor.id.to_string()),
        (AT, fact.at.as_millis().to_string()),
        (ATTEMPTS, attempts.to_string()),
        (DUE, due.as_millis().to_string()),
        (TROUBLE, trouble.to_owned()),
    ];
    let new = OwnedHeaders::new_with_capacity(all.len());
    all.iter().fold(new, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

/// The letter of a record; one that somebody else wrote may be none.
pub(super) fn read(record: &impl Message) -> Result<Letter, BrokerError> {
    let header = |name: &str| -> Result<&str, BrokerError> {
        let found = record.headers().into_iter().flat_map(|headers| headers.iter()).find(|header| header.key == name);
        found.and_then(|header| std::str::from_utf8(header.value?).ok()).ok_or_else(|| unreadable(record, name))
    };
    let number = |name: &str| header(name)?.parse::<i64>().map_err(|_| unreadable(record, name));
    let text = |bytes: Option<&[u8]>, name: &str| {
        bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .map(str::to_owned)
            .ok_or_else(|| unreadable(record, name))
    };
    let fact = Fact {
        cursor: Cursor { transaction: number(TRANSACTION)?, id: number(ID)? },
        kind: header(KIND)?.to_owned(),
        key: text(record.key(), "key")?,
        payload: text(record.payload(), "payload")?,
        at: Timestamp::from_millis(number(AT)?),
    };
    let attempts = u32::try_from(number(ATTEMPTS)?).map_err(|_| unreadable(record, ATTEMPTS))?;
    Ok(Letter { fact, attempts, due: Timestamp::from_millis(number(DUE)?), trouble: header(TROUBLE)?.to_owned() })
}

fn unreadable(record: &impl Message, what: &str) -> BrokerError {
    let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
    BrokerError(format!("record {offset} of {topic}, partition {partition}, is no letter of ours: {what}"))
}
