//! Reading series.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, Row, SqlError};
use ports::sqlx::{self, any::AnyRow};

use super::{Moment, Resolution};

/// The last `limit` stretches of a broadcast, in order.
pub(super) async fn of_broadcast(
    database: &Database,
    broadcast: BroadcastId,
    resolution: Resolution,
    limit: i64,
) -> Result<Vec<(Timestamp, Moment)>, SqlError> {
    let rows = sqlx::query(
        "SELECT at_ms, concurrent, watch_time_ms, hearts FROM audience_aggregates \
         WHERE broadcast = $1 AND resolution_ms = $2 ORDER BY at_ms DESC LIMIT $3",
    )
    .bind(broadcast.raw())
    .bind(resolution.millis())
    .bind(limit)
    .fetch_all(database.reader())
    .await?;
    rows.iter().rev().map(stretch).collect()
}

/// The stretches of all broadcasts of a host that begin in `from..to`, in order.
pub(super) async fn of_host(
    database: &Database,
    host: AccountId,
    resolution: Resolution,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, Moment)>, SqlError> {
    let rows = sqlx::query(
        "SELECT at_ms, MAX(concurrent), CAST(SUM(watch_time_ms) AS BIGINT), CAST(SUM(hearts) AS BIGINT) \
         FROM audience_aggregates WHERE host = $1 AND resolution_ms = $2 AND at_ms >= $3 AND at_ms < $4 \
         GROUP BY at_ms ORDER BY at_ms",
    )
    .bind(host.raw())
    .bind(resolution.millis())
    .bind(from.as_millis())
    .bind(to.as_millis())
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(stretch).collect()
}

fn stretch(row: &AnyRow) -> Result<(Timestamp, Moment), SqlError> {
    let moment = Moment {
        concurrent: row.try_get::<i64, _>(1)?.unsigned_abs(),
        watch_time_ms: row.try_get::<i64, _>(2)?.unsigned_abs(),
        hearts: row.try_get::<i64, _>(3)?.unsigned_abs(),
    };
    Ok((Timestamp::from_millis(row.try_get(0)?), moment))
}
