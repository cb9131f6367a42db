//! Where keys stand: hints, and the groups that prove them.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ports::room_log::RoomLogError;
use scylla::statement::batch::{Batch, BatchType};

use super::{Store, bucket_of, column, failed};

/// Partitions over which the keys of a room are spread.
const SHARDS: u64 = 32;
/// Keys of one request; ScyllaDB takes no more.
const KEYS_ASKED_MAX: usize = 100;
/// Hints of one request.
const HINTS_MAX: usize = 250;
/// Requests of one group at a time.
const AT_ONCE: usize = 32;

/// Says where keys will stand if the group at `first` comes about.
pub(super) async fn hint(store: &Store, room: &str, keys: &[String], first: u64) -> Result<(), RoomLogError> {
    let parts = parts(keys, HINTS_MAX);
    let requests = parts.into_iter().map(|(shard, keys)| async move {
        let statement = &store.statements.hint_key;
        // One partition, so one write.
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(true);
        let values: Vec<_> = keys.into_iter().map(|key| (room, shard, key, column(first))).collect();
        values.iter().for_each(|_| batch.append_statement(statement.clone()));
        store.session.batch(&batch, values).await.map(drop).map_err(failed)
    });
    stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await
}

/// Those of `keys` that stand before `end`, with their places.
pub(super) async fn find(
    store: &Store,
    room: &str,
    keys: &[String],
    end: u64,
) -> Result<HashMap<String, u64>, RoomLogError> {
    let requests = parts(keys, KEYS_ASKED_MAX).into_iter().map(|(shard, keys)| hints(store, room, shard, keys));
    let hints: Vec<Vec<(String, i64)>> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
    let firsts: HashSet<u64> =
        hints.iter().flatten().map(|(_, first)| first.unsigned_abs()).filter(|first| *first < end).collect();
    let proofs = firsts.into_iter().map(|first| keys_of_group(store, room, first));
    let proofs: Vec<HashMap<String, i64>> = stream::iter(proofs).buffer_unordered(AT_ONCE).try_collect().await?;
    let found = |key: &String| {
        let place = proofs.iter().find_map(|proof| proof.get(key))?;
        Some((key.clone(), place.unsigned_abs()))
    };
    Ok(keys.iter().filter_map(found).collect())
}

async fn hints(store: &Store, room: &str, shard: i32, keys: Vec<String>) -> Result<Vec<(String, i64)>, RoomLogError> {
    let rows = store.session.execute_iter(store.statements.keys.clone(), (room, shard, keys)).await.map_err(failed)?;
    rows.rows_stream::<(String, i64)>().map_err(failed)?.try_collect().await.map_err(failed)
}

async fn keys_of_group(store: &Store, room: &str, first: u64) -> Result<HashMap<String, i64>, RoomLogError> {
    let values = (room, column(bucket_of(first)), column(first));
    let result = store.session.execute_unpaged(&store.statements.keys_of_group, values).await.map_err(failed)?;
    let rows = result.into_rows_result().map_err(failed)?;
    let row = rows.maybe_first_row::<(Option<HashMap<String, i64>>,)>().map_err(failed)?;
    Ok(row.and_then(|(keys,)| keys).unwrap_or_default())
}

/// The keys of each shard, so many at a time.
fn parts(keys: &[String], at_a_time: usize) -> Vec<(i32, Vec<String>)> {
    let mut shards: HashMap<i32, Vec<String>> = HashMap::new();
    for key in keys {
        shards.entry(shard_of(key)).or_default().push(key.clone());
    }
    let mut parts = Vec::with_capacity(shards.len());
    for (shard, keys) in shards {
        parts.extend(keys.chunks(at_a_time).map(|piece| (shard, piece.to_vec())));
    }
    parts
}

/// FNV-1a: it must never change, whatever the version.
fn shard_of(key: &str) -> i32 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    // The low bits of a short key's hash alone are not spread well.
    ((hash ^ (hash >> 32)) % SHARDS) as i32
}
