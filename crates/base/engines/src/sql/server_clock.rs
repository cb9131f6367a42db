//! The clock of the database's server, as far as this process knows it.
//!
//! Promise: processes that share a database agree on the time to within what a question takes, however wrong the clocks of their
//! machines are. When a machine's clock steps, their time steps, too, until the next look; what needs order has its own counter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use kernel::{Clock, Timestamp};
use ports::{
    sql::{Database, SqlError},
    sqlx::{self, AssertSqlSafe},
};

/// How often the server is asked at first: the fastest answer says the most.
const FIRST_LOOKS: usize = 3;

/// The machine's clock, set right by that of the database's server.
pub struct ServerClock {
    machine: Arc<dyn Clock>,
    database: Database,
    ahead_ms: AtomicI64,
}

/// What one question has told.
struct Look {
    /// How far the machine's clock is ahead of the server's, as it seems.
    ahead_ms: i64,
    /// By how much that may be wrong.
    unsure_ms: i64,
}

impl ServerClock {
    /// Asks the server for the first time.
    pub async fn of(database: &Database, machine: Arc<dyn Clock>) -> Result<Self, SqlError> {
        let clock = Self { machine, database: database.clone(), ahead_ms: AtomicI64::new(0) };
        let mut best = clock.ask().await?;
        for _ in 1..FIRST_LOOKS {
            let look = clock.ask().await?;
            if look.unsure_ms < best.unsure_ms {
                best = look;
            }
        }
        clock.ahead_ms.store(best.ahead_ms, Ordering::Relaxed);
        Ok(clock)
    }

    /// Asks again, and believes the answer if it cannot be reconciled with what is known. Gives how far the machine's clock is ahead,
    /// in milliseconds.
    pub async fn look(&self) -> Result<i64, SqlError> {
        let (look, known) = (self.ask().await?, self.ahead_ms.load(Ordering::Relaxed));
        if (look.ahead_ms - known).abs() <= look.unsure_ms {
            return Ok(known);
        }
        self.ahead_ms.store(look.ahead_ms, Ordering::Relaxed);
        Ok(look.ahead_ms)
    }

    async fn ask(&self) -> Result<Look, SqlError> {
        let text = format!("SELECT {}", self.database.dialect().now_ms());
        let (asked, begun) = (self.machine.now(), Instant::now());
        let theirs: i64 = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(self.database.reader()).await?;
        // They looked at their clock at some moment in between, which took so long. Both clocks tell whole milliseconds.
        let unsure_ms = begun.elapsed().as_millis() as i64 / 2 + 1;
        Ok(Look { ahead_ms: asked.plus_millis(unsure_ms).as_millis() - theirs, unsure_ms })
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.machine.now().plus_millis(-self.ahead_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{system::SystemClock, testing::databases};

    /// A question to a server on this machine, when it is busy.
    const LATE_MS: i64 = 2_000;

    #[derive(Default)]
    struct WrongClock(AtomicI64);

    impl Clock for WrongClock {
        fn now(&self) -> Timestamp {
            SystemClock.now().plus_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[tokio::test]
    async fn a_wrong_clock_is_set_right_at_once_and_when_it_steps() {
        for db in databases(&[]).await {
            let machine = Arc::new(WrongClock(AtomicI64::new(3_600_000)));
            let clock = ServerClock::of(&db.database, machine.clone()).await.unwrap();
            let wrong = |ahead: i64| (clock.now().millis_since(SystemClock.now()) - ahead).abs() > LATE_MS;
            assert!(!wrong(0), "{}", db.engine);
            machine.0.store(-60_000, Ordering::Relaxed);
            assert!(wrong(0), "{}: nobody has looked", db.engine);
            let ahead = clock.look().await.unwrap();
            assert!(!wrong(0) && (ahead + 60_000).abs() <= LATE_MS, "{}: {ahead}", db.engine);
        }
    }
}
