//! Keeping and reading series.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, Row, SqlError, WriteTx};
use ports::sqlx::{self, any::AnyRow};

use super::{Moment, Moments, Resolution};
use crate::group_store;

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

/// Adds what happened in a broadcast.
pub(crate) async fn add(
    tx: &mut WriteTx,
    broadcast: BroadcastId,
    host: AccountId,
    moments: &Moments,
) -> Result<(), SqlError> {
    let mut rows = Vec::new();
    for resolution in Resolution::ALL {
        let mut sums = Moments::new();
        for (at_ms, moment) in moments {
            sums.entry(resolution.start_of(Timestamp::from_millis(*at_ms))).or_default().add(*moment);
        }
        rows.extend(sums.into_iter().map(|(at_ms, sum)| {
            let counts = [sum.concurrent as i64, sum.watch_time_ms as i64, sum.hearts as i64];
            [broadcast.raw(), resolution.millis(), at_ms, host.raw(), counts[0], counts[1], counts[2]]
        }));
    }
    group_store::write_rows(
        tx,
        "INSERT INTO audience_aggregates (broadcast, resolution_ms, at_ms, host, concurrent, watch_time_ms, hearts)",
        &rows,
        "ON CONFLICT (broadcast, resolution_ms, at_ms) DO UPDATE SET \
           concurrent = CASE WHEN excluded.concurrent > audience_aggregates.concurrent \
             THEN excluded.concurrent ELSE audience_aggregates.concurrent END, \
           watch_time_ms = audience_aggregates.watch_time_ms + excluded.watch_time_ms, \
           hearts = audience_aggregates.hearts + excluded.hearts",
    )
    .await?;
    Ok(())
}
