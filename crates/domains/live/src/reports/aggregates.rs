//! The crowd over time: per 30 seconds, hour and day (UTC) of each broadcast.
//!
//! All three are added to in the transaction that keeps the counts, so they always agree.

use std::collections::BTreeMap;

use kernel::Timestamp;
use ports::sql::Migration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
