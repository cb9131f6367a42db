//! What the schedules look for. Each look is bounded; what does not fit is seen at the next.

use kernel::{BroadcastId, Timestamp};
use ports::{
    sql::{Database, Row, SqlError},
    sqlx::{self, AssertSqlSafe},
};

use super::{
    row::{broadcast, select},
    streams::ALIVE_MS,
};
use crate::broadcasts::{lifecycle::Patience, model::Broadcast};

/// Those for which it is time for something.
pub(in crate::broadcasts) async fn due(
    database: &Database,
    now: Timestamp,
    patience: &Patience,
    here: &str,
    limit: u32,
) -> Result<Vec<BroadcastId>, SqlError> {
    let engine_now = database.dialect().now_ms();
    // An encoder that came back within the grace, but whose first frames have not been heard of yet, is waited for.
    let select = format!(
        "SELECT id FROM broadcasts WHERE state IN ('created', 'live', 'paused') AND ( \
           (state = 'created' AND (scheduled_at_ms IS NULL OR scheduled_at_ms <= $1)) \
           OR (state = 'live' AND stream = 'interrupted' AND silent_since_ms <= $2 AND NOT EXISTS ( \
                SELECT 1 FROM stream_now WHERE stream_now.broadcast = broadcasts.id \
                AND stream_now.publish_epoch > broadcasts.gone_epoch \
                AND (stream_now.owner = $4 OR stream_now.at_ms > {engine_now} - $5))) \
           OR (state = 'live' AND stream = 'absent' AND silent_since_ms <= $3) \
           OR (state = 'paused' AND paused_at_ms <= $3)) \
         ORDER BY id LIMIT $6"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(now.as_millis())
        .bind(now.plus_millis(-patience.grace_ms).as_millis())
        .bind(now.plus_millis(-patience.pause_ms).as_millis())
        .bind(here)
        .bind(ALIVE_MS)
        .bind(i64::from(limit))
        .fetch_all(database.reader())
        .await?;
    rows.iter().map(|row| row.try_get(0).map(BroadcastId::from_raw)).collect()
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
