//! Leases in a table, on the clock of the database's server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::{
    leases::{Fence, LeaseError, Leases},
    sql::{Database, Migration, SqlError},
    sqlx::{self, AssertSqlSafe},
};

/// The table of leases.
pub const LEASE_MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_27_01,
    name: "leases",
    sql: "CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            holder TEXT NOT NULL,
            fence BIGINT NOT NULL,
            until_ms BIGINT NOT NULL
          );",
}];

/// The leases of a database, which has [`LEASE_MIGRATIONS`].
#[derive(Debug, Clone)]
pub struct SqlLeases {
    database: Database,
}

impl SqlLeases {
    /// The leases of `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn take_row(&self, name: &str, holder: &str, time: Duration) -> Result<Option<i64>, SqlError> {
        let now = self.database.dialect().now_ms();
        let text = format!(
            "INSERT INTO leases (name, holder, fence, until_ms) VALUES ($1, $2, 1, {now} + $3) \
             ON CONFLICT (name) DO UPDATE SET \
               fence = CASE WHEN leases.holder = excluded.holder THEN leases.fence ELSE leases.fence + 1 END, \
               holder = excluded.holder, until_ms = {now} + $3 \
             WHERE leases.holder = excluded.holder OR leases.until_ms <= {now} \
             RETURNING fence"
        );
        let mut tx = self.database.write().await?;
        let fence = sqlx::query_scalar(AssertSqlSafe(text))
            .bind(name)
            .bind(holder)
            .bind(i64::try_from(time.as_millis()).unwrap_or(i64::MAX >> 1))
            .fetch_optional(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(fence)
    }

    async fn end_row(&self, name: &str, holder: &str) -> Result<(), SqlError> {
        let mut tx = self.database.write().await?;
        // The row stays: fences go on.
        sqlx::query("UPDATE leases SET until_ms = 0, holder = '' WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(tx.conn())
            .await?;
        tx.commit().await
    }
}

#[async_trait]
impl Leases for SqlLeases {
    async fn take(&self, name: &str, holder: &str, time: Duration) -> Result<Option<Fence>, LeaseError> {
        let taken = self.take_row(name, holder, time).await.map_err(failed)?;
        Ok(taken.map(|number| Fence { lease: Arc::from(name), number }))
    }

    async fn give_back(&self, name: &str, holder: &str) -> Result<(), LeaseError> {
        self.end_row(name, holder).await.map_err(failed)
    }
}

fn failed(error: SqlError) -> LeaseError {
    LeaseError(error.to_string())
}

#[cfg(test)]
mod tests {
    use ports::sql::Dialect;

    use super::*;
    use crate::testing::databases;

    const TIME: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_has_it_until_it_ends_and_each_new_holder_has_a_higher_fence() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            let leases = SqlLeases::new(db.database.clone());
            let first = leases.take("batch", "a", TIME).await.unwrap().expect("nobody had it");
            assert_eq!(leases.take("batch", "b", TIME).await.unwrap(), None, "{}", db.engine);
            assert_eq!(leases.take("batch", "a", TIME).await.unwrap(), Some(first.clone()), "renewed");
            assert!(leases.take("other", "b", TIME).await.unwrap().is_some());

            leases.give_back("batch", "b").await.unwrap();
            assert_eq!(leases.take("batch", "b", TIME).await.unwrap(), None, "it was not b's to give");
            leases.give_back("batch", "a").await.unwrap();
            let second = leases.take("batch", "b", Duration::ZERO).await.unwrap().expect("it was given back");
            assert!(second.number > first.number);
            let third = leases.take("batch", "a", TIME).await.unwrap().expect("b's has ended by itself");
            assert!(third.number > second.number);
        }
    }

    #[tokio::test]
    async fn of_many_that_take_it_at_once_one_has_it() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            let takers: Vec<_> = (0..16)
                .map(|holder| {
                    let leases = SqlLeases::new(db.database.clone());
                    tokio::spawn(async move { leases.take("batch", &holder.to_string(), TIME).await.unwrap() })
                })
                .collect();
            let mut holders = 0;
            for taker in takers {
                holders += usize::from(taker.await.unwrap().is_some());
            }
            assert_eq!(holders, 1, "{}", db.engine);
        }
    }

    #[tokio::test]
    async fn a_write_under_a_fence_that_another_holder_has_passed_is_refused() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            let leases = SqlLeases::new(db.database.clone());
            let old = leases.take("batch", "a", Duration::ZERO).await.unwrap().unwrap();
            let write = || async { db.database.write().await?.commit().await };
            assert!(old.clone().guard(write()).await.is_ok(), "it ran out, but nobody else has it: {}", db.engine);
            let new = leases.take("batch", "b", TIME).await.unwrap().unwrap();
            let refused = old.guard(write()).await.unwrap_err();
            assert!(refused.to_string().contains("batch"), "{refused}");
            assert!(new.guard(write()).await.is_ok(), "{}", db.engine);
            assert!(write().await.is_ok(), "who writes under no fence is not asked");
        }
    }

    /// What an old holder has under way is kept before the new one has the lease.
    #[tokio::test]
    async fn a_new_holder_waits_for_the_writes_that_are_under_way() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            if db.database.dialect() == Dialect::Sqlite {
                continue; // Writes go one after the other there.
            }
            let leases = SqlLeases::new(db.database.clone());
            let old = leases.take("batch", "a", Duration::ZERO).await.unwrap().unwrap();
            let open = old.guard(db.database.write()).await.unwrap();
            let taking = tokio::spawn(async move { leases.take("batch", "b", TIME).await.unwrap() });
            let waits =
                "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            loop {
                let waiting: i64 = sqlx::query_scalar(waits).fetch_one(db.database.reader()).await.unwrap();
                assert!(!taking.is_finished(), "it took the lease under the feet of a write");
                if waiting > 0 {
                    break;
                }
            }
            open.commit().await.unwrap();
            assert!(taking.await.unwrap().is_some());
        }
    }
}
