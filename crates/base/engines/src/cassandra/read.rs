//! Pages of records.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{TryStreamExt as _, future::try_join_all, try_join};
use ports::room_log::{Record, RoomLogError};

use super::{
    Store, bucket_of, column, failed,
    redactions::{self, Replaced},
};
use crate::room_groups as group;

/// A group as it was kept.
struct Group {
    records: Vec<Record>,
    redactions: Vec<Replaced>,
}

type Row = (i64, Option<Vec<u8>>, Option<HashMap<i64, Vec<u8>>>);

/// Up to `limit` records of `room` from `from` on.
pub(super) async fn records(store: &Store, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
    let end = from.saturating_add(limit as u64).min(i64::MAX as u64);
    if end <= from {
        return Ok(Vec::new());
    }
    let buckets = bucket_of(from)..=bucket_of(end - 1);
    let (first, later, elsewhere) = try_join!(
        holding(store, room, from),
        try_join_all(buckets.map(|bucket| between(store, room, bucket, from, end))),
        redactions::between(store, room, from, end),
    )?;
    let groups: Vec<Group> = first.into_iter().chain(later.into_iter().flatten()).collect();
    let mut newest: HashMap<u64, (u64, Bytes)> = HashMap::new();
    let mut records: Vec<Record> = Vec::with_capacity(limit.min(64));
    let mut redactions = elsewhere;
    for group in groups {
        redactions.extend(group.redactions);
        for record in group.records.into_iter().filter(|record| (from..end).contains(&record.offset)) {
            // The questions were asked at the same time: a later group may be seen without the one before it.
            if record.offset == from + records.len() as u64 {
                records.push(record);
            }
        }
    }
    for Replaced { place, by_group, replacement } in redactions {
        let entry = newest.entry(place).or_insert_with(|| (by_group, replacement.clone()));
        if entry.0 < by_group {
            *entry = (by_group, replacement);
        }
    }
    for record in &mut records {
        if let Some((_, replacement)) = newest.remove(&record.offset) {
            record.data = replacement;
        }
    }
    Ok(records)
}

/// The first offset and the entries of the group that holds `offset`, or of the last one before it.
pub(super) async fn row_of(store: &Store, room: &str, offset: u64) -> Result<Option<(u64, Vec<u8>)>, RoomLogError> {
    let row = row_before(store, room, offset).await?;
    Ok(row.and_then(|(first, entries, _)| Some((first.unsigned_abs(), entries?))))
}

/// The group that holds `offset`, or the last one before it.
async fn holding(store: &Store, room: &str, offset: u64) -> Result<Option<Group>, RoomLogError> {
    match row_before(store, room, offset).await? {
        Some(row) => Group::of(row),
        None => Ok(None),
    }
}

async fn row_before(store: &Store, room: &str, offset: u64) -> Result<Option<Row>, RoomLogError> {
    let bucket = bucket_of(offset);
    // The first offsets of a bucket may belong to a group that begins in the one before.
    for bucket in [Some(bucket), bucket.checked_sub(1)].into_iter().flatten() {
        let values = (room, column(bucket), column(offset));
        let result = store.session.execute_unpaged(&store.statements.group_before, values).await.map_err(failed)?;
        let row = result.into_rows_result().map_err(failed)?.maybe_first_row::<Row>().map_err(failed)?;
        if row.is_some() {
            return Ok(row);
        }
    }
    Ok(None)
}

/// The groups that begin after `after` and before `end`.
async fn between(store: &Store, room: &str, bucket: u64, after: u64, end: u64) -> Result<Vec<Group>, RoomLogError> {
    let values = (room, column(bucket), column(after), column(end));
    let rows = store.session.execute_iter(store.statements.groups_between.clone(), values).await.map_err(failed)?;
    let mut rows = rows.rows_stream::<Row>().map_err(failed)?;
    let mut groups = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        groups.extend(Group::of(row)?);
    }
    Ok(groups)
}

impl Group {
    /// None for the row of a bucket that has been begun and holds nothing.
    fn of((first, entries, redactions): Row) -> Result<Option<Self>, RoomLogError> {
        let by_group = first.unsigned_abs();
        let Some(entries) = entries else { return Ok(None) };
        let redactions = redactions.unwrap_or_default().into_iter();
        let redactions = redactions.map(|(place, replacement)| Replaced {
            place: place.unsigned_abs(),
            by_group,
            replacement: replacement.into(),
        });
        Ok(Some(Self { records: group::decode(by_group, entries)?, redactions: redactions.collect() }))
    }
}
