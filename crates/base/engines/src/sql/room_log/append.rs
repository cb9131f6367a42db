//! One conditional append inside a transaction.

use ports::room_log::{Appended, Entry, Redaction, RoomLogError};
use ports::sql::{AnyConnection, Dialect, Row, SqlError};
use ports::sqlx::{self, AssertSqlSafe};

use super::column;
use crate::room_groups as group;

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

    /// The keys of all entries, each with its place.
    fn keys(&self) -> Vec<(&str, i64)> {
        let places = self.group.iter().zip(self.expected_next..);
        places.flat_map(|(entry, offset)| entry.keys.iter().map(move |key| (key.as_str(), column(offset)))).collect()
    }

    fn end(&self) -> u64 {
        self.expected_next + self.group.len() as u64
    }
}

/// Does it with one statement, or one text of them. Nothing is written when the log stands elsewhere; an error leaves
/// writes behind that the caller must roll back. A key that is there already is a unique violation: see [`known`].
pub(super) async fn append(
    connection: &mut AnyConnection,
    dialect: Dialect,
    append: &Append,
) -> Result<Appended, SqlError> {
    let keys = append.keys();
    let mut query = sqlx::query(AssertSqlSafe(text(dialect, keys.len())))
        .bind(append.room.as_str())
        .bind(append.epoch.as_str())
        .bind(column(append.expected_next))
        .bind(column(append.end()))
        .bind(group::encode(&append.group));
    for (key, place) in &keys {
        query = query.bind(*key).bind(*place);
    }
    // All rows: with the first one alone the texts behind it would not be carried out.
    let rows = query.fetch_all(&mut *connection).await?;
    let Some(row) = rows.first() else {
        return Ok(Appended::Conflict { next: next(connection, &append.room).await? });
    };
    let room = row.try_get(0)?;
    for redaction in append.group.iter().filter_map(|entry| entry.redacts.as_ref()) {
        redact(connection, room, redaction).await?;
    }
    Ok(Appended::Ok)
}

/// Moves the log on if it stands where the writer expects, and only then keeps the group and its keys.
fn text(dialect: Dialect, keys: usize) -> String {
    let advance = "UPDATE rooms SET next = $4 WHERE name = $1 AND epoch = $2 AND next = $3 RETURNING id";
    let rows = (0..keys).map(|row| format!("(CAST(${} AS TEXT), CAST(${} AS BIGINT))", 2 * row + 6, 2 * row + 7));
    let rows = rows.collect::<Vec<_>>().join(", ");
    match dialect {
        Dialect::Sqlite => {
            // `changes()` counts what the statement before has written.
            let mut text = format!(
                "{advance}; \
                 INSERT INTO room_groups (room, first, entries) \
                 SELECT id, $3, $5 FROM rooms WHERE name = $1 AND changes() = 1"
            );
            if keys > 0 {
                text += &format!(
                    "; INSERT INTO room_keys (room, key, place) \
                     SELECT rooms.id, new.column1, new.column2 FROM rooms, (VALUES {rows}) AS new \
                     WHERE rooms.name = $1 AND changes() = 1"
                );
            }
            text
        }
        Dialect::Postgres => {
            let marked = match keys {
                0 => String::new(),
                _ => format!(
                    ", marked AS (INSERT INTO room_keys (room, key, place) \
                     SELECT moved.id, new.key, new.place FROM moved, (VALUES {rows}) AS new (key, place))"
                ),
            };
            format!(
                "WITH moved AS ({advance}), \
                 kept AS (INSERT INTO room_groups (room, first, entries) SELECT id, $3, $5 FROM moved){marked} \
                 SELECT id FROM moved"
            )
        }
    }
}

async fn next(connection: &mut AnyConnection, room: &str) -> Result<u64, SqlError> {
    let row = sqlx::query("SELECT next FROM rooms WHERE name = $1").bind(room).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(1) };
    row.try_get::<i64, _>(0).map(i64::unsigned_abs)
}

/// Which of its keys was there before, once the append was rolled back.
pub(super) async fn known(connection: &mut AnyConnection, append: &Append) -> Result<Option<Appended>, SqlError> {
    for (key, _) in append.keys() {
        let row = sqlx::query(
            "SELECT place FROM room_keys JOIN rooms ON rooms.id = room_keys.room \
             WHERE rooms.name = $1 AND room_keys.key = $2",
        )
        .bind(append.room.as_str())
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = row {
            let place: i64 = row.try_get(0)?;
            return Ok(Some(Appended::Known { key: key.to_owned(), offset: place.unsigned_abs() }));
        }
    }
    Ok(None)
}

/// Puts the replacement into the group that holds the place. The room's row is locked by then: nobody else rewrites it.
async fn redact(connection: &mut AnyConnection, room: i64, redaction: &Redaction) -> Result<(), SqlError> {
    let row = sqlx::query(
        "SELECT first, entries FROM room_groups WHERE room = $1 AND first <= $2 ORDER BY first DESC LIMIT 1",
    )
    .bind(room)
    .bind(column(redaction.offset))
    .fetch_one(&mut *connection)
    .await?;
    let first: i64 = row.try_get(0)?;
    let mut records = group::decode(first.unsigned_abs(), row.try_get(1)?).map_err(damaged)?;
    let Some(record) = records.iter_mut().find(|record| record.offset == redaction.offset) else {
        return Err(SqlError::Protocol(format!("no entry stands at {}", redaction.offset)));
    };
    record.data = redaction.replacement.clone();
    sqlx::query("UPDATE room_groups SET entries = $3 WHERE room = $1 AND first = $2")
        .bind(room)
        .bind(first)
        .bind(group::encode_records(&records))
        .execute(connection)
        .await?;
    Ok(())
}

fn damaged(error: RoomLogError) -> SqlError {
    SqlError::Decode(Box::new(error))
}
