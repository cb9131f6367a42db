//! An account's standing, read in one go.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, SqlError};
use ports::sqlx::{self, Row as _};

use super::Standing;

/// What is kept of the account in the broadcast's room and its host's channel.
pub(super) async fn standing(
    database: &Database,
    broadcast: BroadcastId,
    host: AccountId,
    account: AccountId,
) -> Result<Standing, SqlError> {
    let row = sqlx::query(
        "SELECT (SELECT until_ms FROM chat_timeouts WHERE broadcast = $1 AND account = $3), \
                (SELECT at_ms FROM chat_bans WHERE host = $2 AND account = $3), \
                (SELECT at_ms FROM chat_members WHERE host = $2 AND account = $3)",
    )
    .bind(broadcast.raw())
    .bind(host.raw())
    .bind(account.raw())
    .fetch_one(database.reader())
    .await?;
    Ok(Standing {
        timed_out_until: row.try_get::<Option<i64>, _>(0)?.map(Timestamp::from_millis),
        banned: row.try_get::<Option<i64>, _>(1)?.is_some(),
        approved: row.try_get::<Option<i64>, _>(2)?.is_some(),
    })
}
