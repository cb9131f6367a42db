//! Looking after the watch for as long as the process lives.

use std::{sync::Arc, time::Duration};

use ports::{
    sql::SqlError,
    sqlx::{AnyConnection, Connection},
};
use tokio::time::{sleep, timeout};

use super::{
    OwnershipError,
    members::Members,
    watch::{self, Hold},
};

/// How often the watch is looked after, unless a member was refused; and how long it may take to answer.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// How long one try to take it again may take: a server that goes silent in the middle must not hold it up for ever.
const TRY_TIME: Duration = Duration::from_secs(15);
/// Between two tries to take the lock again.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks after the watch until the database is another's.
pub(super) async fn keep(
    url: String,
    hold: Hold,
    owner: String,
    mut held: AnyConnection,
    members: Arc<Members>,
    lost: tokio::sync::watch::Sender<bool>,
) {
    loop {
        tokio::select! { () = sleep(LOOK_EVERY) => (), () = members.refused.notified() => () }
        if matches!(timeout(ANSWER_TIME, held.ping()).await, Ok(Ok(()))) {
            continue;
        }
        tracing::error!("the connection that holds the lock of engines.sql is lost; taking the lock again");
        drop(held);
        let Some(next) = take_again(&url, members.name(), hold, &owner).await else {
            tracing::error!("another process has taken the database of engines.sql over; this one ends");
            let _ = lost.send(true);
            return;
        };
        held = next;
        tracing::info!("the lock of engines.sql is held again");
    }
}

/// A new watch; none when another process has it, or has had it.
async fn take_again(url: &str, name: &str, hold: Hold, owner: &str) -> Option<AnyConnection> {
    let mut is_told = false;
    loop {
        let tried = timeout(TRY_TIME, look(url, name, hold, owner))
            .await
            .unwrap_or_else(|_| Err(SqlError::PoolTimedOut.into()));
        match tried {
            Ok(answer) => return answer,
            Err(error) if !is_told => tracing::warn!(%error, "the lock of engines.sql cannot be taken now"),
            Err(_) => (),
        }
        is_told = true;
        sleep(PAUSE).await;
    }
}

async fn look(url: &str, name: &str, hold: Hold, owner: &str) -> Result<Option<AnyConnection>, OwnershipError> {
    let Some(mut next) = watch::open(url, name, hold).await? else { return Ok(None) };
    let is_ours = watch::signature(&mut next).await?.as_deref() == Some(owner);
    Ok(is_ours.then_some(next))
}
