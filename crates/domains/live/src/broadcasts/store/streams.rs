//! Whose streams are whose, and how they are now, in SQL.
//!
//! A row is there from a broadcast's first publisher until its owner has nothing of it any more. Its time is that of
//! the engine's clock: whatever the clocks of the processes say, they agree about how old it is.

use kernel::BroadcastId;
use ports::{
    sql::{Database, Dialect, Migration, Row, SqlError, WriteTx},
    sqlx::{self, AssertSqlSafe, any::AnyRow},
};

use super::row::{broadcast, select_of};
use crate::{
    broadcasts::model::{Broadcast, StreamPlace},
    needs::{StreamNow, Take},
};

/// How old the row of a running process may be, in milliseconds.
pub(in crate::broadcasts) const ALIVE_MS: i64 = 5_000;

pub(crate) const MIGRATION: Migration = Migration {
    version: 2026_11_27_30,
    name: "streams",
    // Streams from before have no owner: whoever finds one in its spool takes it, and the others are over.
    sql: "CREATE TABLE stream_now (
            broadcast BIGINT PRIMARY KEY,
            owner TEXT NOT NULL,
            address TEXT NOT NULL,
            publish_epoch BIGINT NOT NULL,
            health TEXT NOT NULL,
            at_ms BIGINT NOT NULL
          );
          CREATE INDEX stream_now_owner ON stream_now (owner, broadcast);
          INSERT INTO stream_now (broadcast, owner, address, publish_epoch, health, at_ms)
            SELECT id, '', '', publish_epoch, '', 0 FROM broadcasts
            WHERE publish_epoch > 0 AND (state <> 'ended' OR recording = 'pending');
          UPDATE broadcasts SET recording = 'gone', version = version + 1
            WHERE recording = 'pending' AND state = 'ended' AND (started_at_ms IS NULL OR publish_epoch = 0);
          UPDATE broadcasts SET timeline_start_ms = started_at_ms, version = version + 1
            WHERE timeline_start_ms IS NULL AND started_at_ms IS NOT NULL;
          CREATE TABLE recordings_mark (
            one BIGINT PRIMARY KEY CHECK (one = 1),
            mark TEXT NOT NULL
          );",
};

/// Takes of streams that move from one process to another.
pub(crate) const TAKES_MIGRATION: Migration = Migration {
    version: 2026_11_28_30,
    name: "takes of streams",
    sql: "ALTER TABLE stream_now ADD COLUMN take BIGINT NOT NULL DEFAULT 0;
          ALTER TABLE stream_now ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
          ALTER TABLE stream_now ADD COLUMN discontinuities BIGINT NOT NULL DEFAULT 0;",
};

/// Who is given a stream.
pub(in crate::broadcasts) struct NewOwner<'a> {
    pub(in crate::broadcasts) owner: &'a str,
    pub(in crate::broadcasts) address: &'a str,
    pub(in crate::broadcasts) publish_epoch: i64,
    /// The latest epoch whose publisher is known to be gone.
    pub(in crate::broadcasts) gone_epoch: i64,
    /// Whether the stream is in its memory already, so that it can go on with its take.
    pub(in crate::broadcasts) goes_on: bool,
}

/// The stream of the broadcast is this owner's from now on. False: it is another process's that was heard of just now, and
/// whose publisher is not known to be gone.
///
/// A new take begins beyond every number that the process before can have used since it wrote its own last: a segment lasts
/// half a second at the least.
pub(in crate::broadcasts) async fn own(
    tx: &mut WriteTx,
    dialect: Dialect,
    id: BroadcastId,
    new: NewOwner<'_>,
) -> Result<bool, SqlError> {
    let now = dialect.now_ms();
    let goes_on = "(stream_now.owner = excluded.owner AND $6 = 1)";
    let skipped = format!("(10 + ({now} - stream_now.at_ms) / 500)");
    let upsert = format!(
        "INSERT INTO stream_now (broadcast, owner, address, publish_epoch, health, at_ms) \
         VALUES ($1, $2, $3, $4, '', {now}) \
         ON CONFLICT (broadcast) DO UPDATE SET owner = excluded.owner, address = excluded.address, \
           publish_epoch = excluded.publish_epoch, health = '', at_ms = excluded.at_ms, \
           take = CASE WHEN {goes_on} THEN stream_now.take ELSE excluded.publish_epoch END, \
           sequence = stream_now.sequence + CASE WHEN {goes_on} THEN 0 ELSE {skipped} END, \
           discontinuities = stream_now.discontinuities + CASE WHEN {goes_on} THEN 0 ELSE {skipped} END \
         WHERE stream_now.owner = excluded.owner OR stream_now.publish_epoch <= $5 OR stream_now.at_ms <= {now} - $7"
    );
    let own = sqlx::query(AssertSqlSafe(upsert)).bind(id.raw()).bind(new.owner).bind(new.address);
    let own = own.bind(new.publish_epoch).bind(new.gone_epoch).bind(i64::from(new.goes_on)).bind(ALIVE_MS);
    Ok(own.execute(tx.conn()).await?.rows_affected() > 0)
}

/// The take of the broadcast's stream, if it is this owner's.
pub(in crate::broadcasts) async fn take_of(
    database: &Database,
    id: BroadcastId,
    owner: &str,
) -> Result<Option<Take>, SqlError> {
    let select = "SELECT take, sequence, discontinuities FROM stream_now WHERE broadcast = $1 AND owner = $2";
    let row = sqlx::query(select).bind(id.raw()).bind(owner).fetch_optional(database.reader()).await?;
    row.as_ref().map(|row| take(row, 0)).transpose()
}

/// Where the process is that has the stream, if it was heard of just now.
pub(in crate::broadcasts) async fn address_of(
    database: &Database,
    id: BroadcastId,
) -> Result<Option<StreamPlace>, SqlError> {
    let now = database.dialect().now_ms();
    let select = format!("SELECT owner, address FROM stream_now WHERE broadcast = $1 AND at_ms > {now} - $2");
    let row =
        sqlx::query(AssertSqlSafe(select)).bind(id.raw()).bind(ALIVE_MS).fetch_optional(database.reader()).await?;
    row.map(|row| Ok(StreamPlace { owner: row.try_get(0)?, address: row.try_get(1)? })).transpose()
}

fn take(row: &AnyRow, first: usize) -> Result<Take, SqlError> {
    let (number, sequence) = (row.try_get(first)?, row.try_get(first + 1)?);
    Ok(Take { number, sequence, discontinuities: row.try_get(first + 2)? })
}

/// What is in the spool of `owner` is its own, unless somebody else has it.
pub(in crate::broadcasts) async fn adopt(
    tx: &mut WriteTx,
    id: BroadcastId,
    owner: &str,
    address: &str,
) -> Result<(), SqlError> {
    let adopt = "INSERT INTO stream_now (broadcast, owner, address, publish_epoch, health, at_ms) \
                 SELECT id, $2, $3, publish_epoch, '', 0 FROM broadcasts WHERE id = $1 \
                 ON CONFLICT (broadcast) DO UPDATE SET owner = excluded.owner, address = excluded.address \
                 WHERE stream_now.owner = ''";
    sqlx::query(adopt).bind(id.raw()).bind(owner).bind(address).execute(tx.conn()).await?;
    Ok(())
}

/// The broadcasts whose streams are `owner`'s, each with the epoch of the last publisher there, and its take.
pub(in crate::broadcasts) async fn owned(
    database: &Database,
    owner: &str,
    after: BroadcastId,
    limit: u32,
) -> Result<Vec<(Broadcast, i64, i64)>, SqlError> {
    let select = select_of!(
        ", stream_now.publish_epoch, take FROM broadcasts JOIN stream_now ON stream_now.broadcast = broadcasts.id \
         WHERE stream_now.owner = $1 AND stream_now.broadcast > $2 ORDER BY stream_now.broadcast LIMIT $3"
    );
    let rows = sqlx::query(select).bind(owner).bind(after.raw()).bind(i64::from(limit));
    let rows = rows.fetch_all(database.reader()).await?;
    rows.iter().map(|row| Ok((broadcast(row)?, row.try_get(18)?, row.try_get(19)?))).collect()
}

/// Whose stream the broadcast's is; none where it never had a publisher.
pub(in crate::broadcasts) async fn owner_of(database: &Database, id: BroadcastId) -> Result<Option<String>, SqlError> {
    let select = "SELECT owner FROM stream_now WHERE broadcast = $1";
    sqlx::query_scalar(select).bind(id.raw()).fetch_optional(database.reader()).await
}

/// The process of `owner` is there, and its streams are as in `streams` (at least one); a row that is somebody else's
/// by now stays.
pub(in crate::broadcasts) async fn renew(
    database: &Database,
    owner: &str,
    address: &str,
    streams: &[(BroadcastId, StreamNow)],
) -> Result<(), SqlError> {
    let now = database.dialect().now_ms();
    let column = |name: &str, place: usize| {
        let case = |nth| format!("WHEN ${} THEN ${}", 3 + 4 * nth, 3 + 4 * nth + place);
        let cases: Vec<String> = (0..streams.len()).map(case).collect();
        format!("{name} = CASE broadcast {} ELSE {name} END", cases.join(" "))
    };
    let columns = [column("health", 1), column("sequence", 2), column("discontinuities", 3)].join(", ");
    let update = format!("UPDATE stream_now SET at_ms = {now}, address = $2, {columns} WHERE owner = $1");
    let mut renew = sqlx::query(AssertSqlSafe(update)).bind(owner).bind(address);
    for (broadcast, StreamNow { take, health, .. }) in streams {
        renew = renew.bind(broadcast.raw()).bind(health.to_string()).bind(take.sequence).bind(take.discontinuities);
    }
    let mut tx = database.write().await?;
    renew.execute(tx.conn()).await?;
    tx.commit().await
}

/// `owner` has nothing of the broadcast any more.
pub(in crate::broadcasts) async fn release(database: &Database, id: BroadcastId, owner: &str) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    let delete = "DELETE FROM stream_now WHERE broadcast = $1 AND owner = $2";
    sqlx::query(delete).bind(id.raw()).bind(owner).execute(tx.conn()).await?;
    tx.commit().await
}

/// How the stream was when its process wrote last, if that was not long ago.
pub(in crate::broadcasts) async fn health(database: &Database, id: BroadcastId) -> Result<Option<String>, SqlError> {
    let now = database.dialect().now_ms();
    let select = format!("SELECT health FROM stream_now WHERE broadcast = $1 AND at_ms > {now} - $2 AND health <> ''");
    sqlx::query_scalar(AssertSqlSafe(select)).bind(id.raw()).bind(ALIVE_MS).fetch_optional(database.reader()).await
}

/// Publishers that nobody has said to be gone, in processes that have not been heard of for too long; `here` is this
/// one.
pub(in crate::broadcasts) async fn lapsed(
    database: &Database,
    here: &str,
    limit: u32,
) -> Result<Vec<(BroadcastId, i64)>, SqlError> {
    let now = database.dialect().now_ms();
    let select = format!(
        "SELECT stream_now.broadcast, stream_now.publish_epoch FROM stream_now \
         JOIN broadcasts ON broadcasts.id = stream_now.broadcast \
         WHERE stream_now.at_ms <= {now} - $1 AND stream_now.owner <> $2 AND broadcasts.state <> 'ended' \
           AND broadcasts.gone_epoch < stream_now.publish_epoch \
         ORDER BY stream_now.broadcast LIMIT $3"
    );
    let rows = sqlx::query(AssertSqlSafe(select)).bind(ALIVE_MS).bind(here).bind(i64::from(limit));
    let rows = rows.fetch_all(database.reader()).await?;
    rows.iter().map(|row| Ok((BroadcastId::from_raw(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// What the site's recordings are marked with, once they are.
pub(in crate::broadcasts) async fn mark(database: &Database) -> Result<Option<String>, SqlError> {
    sqlx::query_scalar("SELECT mark FROM recordings_mark WHERE one = 1").fetch_optional(database.reader()).await
}

/// Keeps the mark; the first one stays.
pub(in crate::broadcasts) async fn set_mark(database: &Database, mark: &str) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    let insert = "INSERT INTO recordings_mark (one, mark) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
    sqlx::query(insert).bind(mark).execute(tx.conn()).await?;
    tx.commit().await
}
