//! What the schedules look for. Each look is bounded; what does not fit is seen at the next.

use kernel::{BroadcastId, Timestamp};
use ports::{
    sql::{Database, Row, SqlError},
    sqlx,
};

use super::row::{broadcast, select};
use crate::broadcasts::{lifecycle::Patience, model::Broadcast};

/// Those for which it is time for something.
pub(in crate::broadcasts) async fn due(
    database: &Database,
    now: Timestamp,
    patience: &Patience,
    limit: u32,
) -> Result<Vec<BroadcastId>, SqlError> {
    let select = "SELECT id FROM broadcasts WHERE state IN ('created', 'live', 'paused') AND ( \
                    (state = 'created' AND (scheduled_at_ms IS NULL OR scheduled_at_ms <= $1)) \
                    OR (state = 'live' AND stream = 'interrupted' AND silent_since_ms <= $2) \
                    OR (state = 'live' AND stream = 'absent' AND silent_since_ms <= $3) \
                    OR (state = 'paused' AND paused_at_ms <= $3)) \
                  ORDER BY id LIMIT $4";
    let rows = sqlx::query(select)
        .bind(now.as_millis())
        .bind(now.plus_millis(-patience.grace_ms).as_millis())
        .bind(now.plus_millis(-patience.pause_ms).as_millis())
        .bind(i64::from(limit))
        .fetch_all(database.reader())
        .await?;
    rows.iter().map(|row| row.try_get(0).map(BroadcastId::from_raw)).collect()
}

/// Those that have not ended and have, or are to have, a stream: on air, or published into before.
pub(in crate::broadcasts) async fn on_air(
    database: &Database,
    after: BroadcastId,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    let select = select!(
        "WHERE state IN ('created', 'ready', 'live', 'paused') \
         AND (state IN ('live', 'paused') OR publish_epoch > 0) AND id > $1 ORDER BY id LIMIT $2"
    );
    let rows = sqlx::query(select).bind(after.raw()).bind(i64::from(limit)).fetch_all(database.reader()).await?;
    rows.iter().map(broadcast).collect()
}

/// Those on air whose position 0 is not known yet.
pub(in crate::broadcasts) async fn without_timeline(
    database: &Database,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    let select = select!("WHERE state IN ('live', 'paused') AND timeline_start_ms IS NULL ORDER BY id LIMIT $1");
    let rows = sqlx::query(select).bind(i64::from(limit)).fetch_all(database.reader()).await?;
    rows.iter().map(broadcast).collect()
}

/// Those that ended and whose recording is not known to be kept or gone.
pub(in crate::broadcasts) async fn unsettled(
    database: &Database,
    after: BroadcastId,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    let select = select!("WHERE recording = 'pending' AND ended_at_ms IS NOT NULL AND id > $1 ORDER BY id LIMIT $2");
    let rows = sqlx::query(select).bind(after.raw()).bind(i64::from(limit)).fetch_all(database.reader()).await?;
    rows.iter().map(broadcast).collect()
}

/// Those whose recording is kept.
pub(in crate::broadcasts) async fn kept_after(
    database: &Database,
    after: BroadcastId,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    let select = select!("WHERE recording = 'kept' AND id > $1 ORDER BY id LIMIT $2");
    let rows = sqlx::query(select).bind(after.raw()).bind(i64::from(limit)).fetch_all(database.reader()).await?;
    rows.iter().map(broadcast).collect()
}

/// Those on air, and those changed since `since`.
pub(in crate::broadcasts) async fn changed_since(
    database: &Database,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    // Two looks put together, so that each uses its index and the many that are over are not read.
    let select = select!(
        "WHERE id IN (SELECT id FROM broadcasts WHERE state IN ('live', 'paused') \
                      UNION SELECT id FROM broadcasts WHERE updated_at_ms >= $1) \
         ORDER BY id DESC LIMIT $2"
    );
    let rows = sqlx::query(select).bind(since.as_millis()).bind(i64::from(limit)).fetch_all(database.reader()).await?;
    rows.iter().map(broadcast).collect()
}
