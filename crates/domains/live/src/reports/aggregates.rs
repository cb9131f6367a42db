//! The crowd over time: per 30 seconds, hour and day (UTC) of each broadcast.
//!
//! All three are added to in the transaction that keeps the counts, so they always agree.

use std::collections::BTreeMap;

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Migration, SqlError, WriteTx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::groups;

/// The table of aggregates.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_35,
    name: "the crowd over time",
    sql: "CREATE TABLE audience_aggregates (
            broadcast BIGINT NOT NULL,
            resolution_ms BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            host BIGINT NOT NULL,
            concurrent BIGINT NOT NULL,
            watch_time_ms BIGINT NOT NULL,
            hearts BIGINT NOT NULL,
            PRIMARY KEY (broadcast, resolution_ms, at_ms)
          );
          CREATE INDEX audience_aggregates_of_host ON audience_aggregates (host, resolution_ms, at_ms);",
}];

/// How long one point of a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub enum Resolution {
    /// 30 seconds.
    #[default]
    #[serde(rename = "30s")]
    HalfMinute,
    /// An hour.
    #[serde(rename = "hour")]
    Hour,
    /// A day, in UTC.
    #[serde(rename = "day")]
    Day,
}

impl Resolution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HalfMinute, Self::Hour, Self::Day];

    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Self::HalfMinute => 30_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// The beginning of the stretch of this length that `at` lies in, in milliseconds.
    pub const fn start_of(self, at: Timestamp) -> i64 {
        at.as_millis() - at.as_millis().rem_euclid(self.millis())
    }
}

/// What happened in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// The most players at one moment of it.
    pub concurrent: u64,
    /// How long all players together watched in it, in milliseconds.
    pub watch_time_ms: u64,
    /// Hearts that came in it.
    pub hearts: u64,
}

impl Moment {
    /// Takes in what else happened in the same stretch.
    pub(crate) fn add(&mut self, other: Self) {
        self.concurrent = self.concurrent.max(other.concurrent);
        self.watch_time_ms += other.watch_time_ms;
        self.hearts += other.hearts;
    }
}

/// What happened since it was last kept, by the beginning of its 30 seconds.
pub(crate) type Moments = BTreeMap<i64, Moment>;

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
    groups::write_rows(
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
