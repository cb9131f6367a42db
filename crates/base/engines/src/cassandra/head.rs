//! Where a room's log stands, and the beginnings of rooms and buckets.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use ports::room_log::{Head, RoomLogError};
use scylla::{
    response::query_result::QueryResult,
    value::{CqlValue, Row},
};

use super::{Store, column, end_of, failed};

const EPOCH_BYTES: usize = 8;
/// Rooms of which is remembered how far they have come; beyond, all are forgotten, and asked for again.
const ROOMS_KNOWN_MAX: usize = 100_000;

/// How far logs are known to have come: a log never goes back.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<HashMap<String, u64>>);

impl Standing {
    pub(super) fn has_reached(&self, room: &str, next: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ROOMS_KNOWN_MAX && !known.contains_key(room) {
            known.clear();
        }
        let reached = known.entry(room.to_owned()).or_insert(next);
        *reached = next.max(*reached);
    }

    pub(super) fn of(&self, room: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(room).copied()
    }
}

/// What the first row of a conditional statement's answer says.
pub(super) struct Condition {
    pub(super) applied: bool,
    columns: HashMap<String, CqlValue>,
}

impl Condition {
    pub(super) fn of(result: QueryResult) -> Result<Self, RoomLogError> {
        let rows = result.into_rows_result().map_err(failed)?;
        let names: Vec<String> = rows.column_specs().iter().map(|column| column.name().to_owned()).collect();
        let row: Row = rows.first_row().map_err(failed)?;
        let columns: HashMap<String, CqlValue> =
            names.into_iter().zip(row.columns).filter_map(|(name, value)| Some((name, value?))).collect();
        let applied = matches!(columns.get("[applied]"), Some(CqlValue::Boolean(true)));
        Ok(Self { applied, columns })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.columns.get(name)?.as_text().map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.columns.get(name)?.as_bigint().map(i64::unsigned_abs)
    }
}

/// The head of `room`; begins its log when there is none.
pub(super) async fn head(store: &Store, room: &str) -> Result<Head, RoomLogError> {
    match found(store, room).await? {
        Some(head) => Ok(head),
        None => {
            let own = new_epoch()?;
            let result = store.session.execute_unpaged(&store.statements.begin_room, (room, own.as_str())).await;
            let begun = Condition::of(result.map_err(failed)?)?;
            // Of two that begin the same room, the first one's epoch stays.
            let epoch = if begun.applied { Some(own.as_str()) } else { begun.text("epoch") };
            let epoch = epoch.ok_or_else(|| failed("a room without an epoch"))?;
            follow(store, room, epoch, begun.number("bucket").unwrap_or(0)).await
        }
    }
}

/// The head of `room`, if its log was begun.
pub(super) async fn found(store: &Store, room: &str) -> Result<Option<Head>, RoomLogError> {
    match room_row(store, room).await? {
        Some((epoch, bucket)) => follow(store, room, &epoch, bucket).await.map(Some),
        None => Ok(None),
    }
}

/// The epoch, and a bucket at or before the newest.
pub(super) async fn room_row(store: &Store, room: &str) -> Result<Option<(String, u64)>, RoomLogError> {
    let result = store.session.execute_unpaged(&store.statements.room, (room,)).await.map_err(failed)?;
    let row = result.into_rows_result().map_err(failed)?.maybe_first_row::<(String, i64)>().map_err(failed)?;
    Ok(row.map(|(epoch, bucket)| (epoch, bucket.unsigned_abs())))
}

async fn follow(store: &Store, room: &str, epoch: &str, mut bucket: u64) -> Result<Head, RoomLogError> {
    let mut behind = None;
    loop {
        match standing(store, room, bucket).await? {
            Some(head) if head.next < end_of(bucket) => return Ok(head),
            Some(head) => {
                behind = Some(head);
                bucket += 1;
            }
            None if behind.is_none() && bucket == 0 => begin_bucket(store, room, 0, epoch, 1).await?,
            None => return behind.ok_or_else(|| failed(format!("the bucket {bucket} of the room {room} is gone"))),
        }
    }
}

/// Where the log stood when it was in this bucket last; none when it has not come there, as far as this bucket says.
pub(super) async fn standing(store: &Store, room: &str, bucket: u64) -> Result<Option<Head>, RoomLogError> {
    let result = store.session.execute_unpaged(&store.statements.standing, (room, column(bucket))).await;
    let rows = result.map_err(failed)?.into_rows_result().map_err(failed)?;
    let row = rows.maybe_first_row::<(Option<String>, Option<i64>)>().map_err(failed)?;
    let Some((Some(epoch), Some(next))) = row else { return Ok(None) };
    Ok(Some(Head { epoch, next: next.unsigned_abs() }))
}

/// Begins a bucket at the place where the one before it was left: whoever does it does the same.
pub(super) async fn begin_bucket(
    store: &Store,
    room: &str,
    bucket: u64,
    epoch: &str,
    next: u64,
) -> Result<(), RoomLogError> {
    let values = (epoch, column(next), room, column(bucket));
    store.session.execute_unpaged(&store.statements.begin_bucket, values).await.map_err(failed)?;
    if bucket > 0 {
        // A room that names an older bucket is only followed from there.
        let values = (column(bucket), room, column(bucket));
        if let Err(error) = store.session.execute_unpaged(&store.statements.name_bucket, values).await {
            tracing::debug!(room, %error, "the newest bucket of the room is not named");
        }
    }
    Ok(())
}

fn new_epoch() -> Result<String, RoomLogError> {
    let mut random = [0; EPOCH_BYTES];
    getrandom::fill(&mut random).map_err(|error| RoomLogError::Engine(format!("no randomness: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
