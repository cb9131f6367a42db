//! Pages of records, and where keys stand.

use std::collections::HashMap;

use ports::room_log::{Record, RoomLogError};
use ports::sql::{AnyPool, Row, SqlError};
use ports::sqlx::{self, AssertSqlSafe};

use super::{column, failed};
use crate::room_groups as group;

// The group that holds `from` begins at or before it; one statement, so that all of it comes from one view.
const GROUPS: &str = "SELECT g.first, g.entries FROM room_groups g JOIN rooms r ON r.id = g.room \
     WHERE r.name = $1 AND g.first < $3 AND g.first >= COALESCE( \
       (SELECT before.first FROM room_groups before WHERE before.room = r.id AND before.first <= $2 \
        ORDER BY before.first DESC LIMIT 1), 0) \
     ORDER BY g.first";

/// Up to `limit` records of `room` from `from` on.
pub(super) async fn records(
    readers: &AnyPool,
    room: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Record>, RoomLogError> {
    let end = from.saturating_add(limit as u64);
    let rows = sqlx::query(GROUPS).bind(room).bind(column(from)).bind(column(end)).fetch_all(readers).await;
    let mut records = Vec::with_capacity(limit.min(64));
    for row in rows.map_err(failed)? {
        let first: i64 = row.try_get(0).map_err(failed)?;
        let group = group::decode(first.unsigned_abs(), row.try_get(1).map_err(failed)?)?;
        records.extend(group.into_iter().filter(|record| (from..end).contains(&record.offset)));
    }
    Ok(records)
}

/// Where each of `keys` stands in `room`.
pub(super) async fn offsets(readers: &AnyPool, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, SqlError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (2..2 + keys.len()).map(|number| format!("${number}")).collect();
    let text = format!(
        "SELECT k.key, k.place FROM room_keys k JOIN rooms r ON r.id = k.room WHERE r.name = $1 AND k.key IN ({})",
        places.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(room);
    for key in keys {
        query = query.bind(key.as_str());
    }
    let mut found = HashMap::new();
    for row in query.fetch_all(readers).await? {
        found.insert(row.try_get::<String, _>(0)?, row.try_get::<i64, _>(1)?.unsigned_abs());
    }
    Ok(keys.iter().map(|key| found.get(key).copied()).collect())
}
