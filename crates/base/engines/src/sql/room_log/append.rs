//! One conditional append inside a transaction.

use ports::room_log::{Appended, Entry, Redaction, RoomLogError};
use ports::sql::{AnyConnection, Row};
use ports::sqlx::{self, AssertSqlSafe};

use super::{column, failed, group};

/// A group that asks for its place; checked against the rules.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) room: String,
    pub(super) epoch: String,
    pub(super) expected_next: u64,
    pub(super) group: Vec<Entry>,
}

impl Append {
    /// What it holds while it waits, in bytes (about).
    pub(super) fn weight(&self) -> usize {
        let entry = |entry: &Entry| {
            let keys: usize = entry.keys.iter().map(String::len).sum();
            let about = entry.about.as_ref().map_or(0, |about| about.size());
            entry.data.len() + keys + about + entry.redacts.as_ref().map_or(0, |redaction| redaction.replacement.len())
        };
        self.group.iter().map(entry).sum()
    }

    fn end(&self) -> u64 {
        self.expected_next + self.group.len() as u64
    }
}

/// Does it. Anything but `Ok(Appended::Ok)` leaves writes behind that the caller must roll back.
pub(super) async fn append(connection: &mut AnyConnection, append: &Append) -> Result<Appended, RoomLogError> {
    let Some(room) = advance(connection, append).await? else {
        return Ok(Appended::Conflict { next: next(connection, &append.room).await? });
    };
    sqlx::query("INSERT INTO room_groups (room, first, entries) VALUES ($1, $2, $3)")
        .bind(room)
        .bind(column(append.expected_next))
        .bind(group::encode(&append.group))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if let Some(known) = keep_keys(connection, room, append).await? {
        return Ok(known);
    }
    for redaction in append.group.iter().filter_map(|entry| entry.redacts.as_ref()) {
        redact(connection, room, redaction).await?;
    }
    Ok(Appended::Ok)
}

/// Moves the log on if it stands where the writer expects; the room's number if it did.
async fn advance(connection: &mut AnyConnection, append: &Append) -> Result<Option<i64>, RoomLogError> {
    let row = sqlx::query("UPDATE rooms SET next = $4 WHERE name = $1 AND epoch = $2 AND next = $3 RETURNING id")
        .bind(append.room.as_str())
        .bind(append.epoch.as_str())
        .bind(column(append.expected_next))
        .bind(column(append.end()))
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.map(|row| row.try_get(0)).transpose().map_err(failed)
}

async fn next(connection: &mut AnyConnection, room: &str) -> Result<u64, RoomLogError> {
    let row = sqlx::query("SELECT next FROM rooms WHERE name = $1")
        .bind(room)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(1) };
    row.try_get::<i64, _>(0).map(i64::unsigned_abs).map_err(failed)
}

/// Writes the keys of all entries; the first one that was there before, if any was.
async fn keep_keys(
    connection: &mut AnyConnection,
    room: i64,
    append: &Append,
) -> Result<Option<Appended>, RoomLogError> {
    let keys: Vec<(&str, i64)> = append
        .group
        .iter()
        .zip(append.expected_next..)
        .flat_map(|(entry, offset)| entry.keys.iter().map(move |key| (key.as_str(), column(offset))))
        .collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let rows: Vec<String> = (0..keys.len()).map(|row| format!("($1, ${}, ${})", 2 * row + 2, 2 * row + 3)).collect();
    let text = format!("INSERT INTO room_keys (room, key, place) VALUES {} ON CONFLICT DO NOTHING", rows.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(room);
    for (key, place) in &keys {
        query = query.bind(*key).bind(*place);
    }
    let kept = query.execute(&mut *connection).await.map_err(failed)?.rows_affected();
    if kept == keys.len() as u64 {
        return Ok(None);
    }
    known(connection, room, append.expected_next, &keys).await.map(Some)
}

async fn known(
    connection: &mut AnyConnection,
    room: i64,
    first: u64,
    keys: &[(&str, i64)],
) -> Result<Appended, RoomLogError> {
    for (key, _) in keys {
        let row = sqlx::query("SELECT place FROM room_keys WHERE room = $1 AND key = $2 AND place < $3")
            .bind(room)
            .bind(*key)
            .bind(column(first))
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        if let Some(row) = row {
            let place: i64 = row.try_get(0).map_err(failed)?;
            return Ok(Appended::Known { key: (*key).to_owned(), offset: place.unsigned_abs() });
        }
    }
    Err(RoomLogError::Engine("a key was refused that is not there".into()))
}

/// Puts the replacement into the group that holds the place. The room's row is locked by then: nobody else rewrites it.
async fn redact(connection: &mut AnyConnection, room: i64, redaction: &Redaction) -> Result<(), RoomLogError> {
    let row = sqlx::query(
        "SELECT first, entries FROM room_groups WHERE room = $1 AND first <= $2 ORDER BY first DESC LIMIT 1",
    )
    .bind(room)
    .bind(column(redaction.offset))
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let first: i64 = row.try_get(0).map_err(failed)?;
    let mut records = group::decode(first.unsigned_abs(), row.try_get(1).map_err(failed)?)?;
    let Some(record) = records.iter_mut().find(|record| record.offset == redaction.offset) else {
        return Err(RoomLogError::Engine(format!("no entry stands at {}", redaction.offset)));
    };
    record.data = redaction.replacement.clone();
    sqlx::query("UPDATE room_groups SET entries = $3 WHERE room = $1 AND first = $2")
        .bind(room)
        .bind(first)
        .bind(group::encode_records(&records))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
