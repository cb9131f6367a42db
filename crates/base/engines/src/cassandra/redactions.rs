//! Which entries were replaced: hints, and the groups that prove them.
//!
//! A hint that a reader has proved is given the replacement itself, so that it is proved once. One that a group refutes is
//! dropped. What is proved or refuted stays so: what a group redacts never changes.
//!
//! The bytes that were replaced are overwritten beneath as soon as the group is kept. Readers do not rely on it.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ports::room_log::RoomLogError;

use super::{Store, bucket_of, column, failed, head::Condition, read};
use crate::room_groups as group;

/// Requests at a time.
const AT_ONCE: usize = 16;
/// Others may overwrite another entry of the same group.
const OVERWRITE_TRIES: u32 = 10;

/// The replacement of an entry, and the group that brought it.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) place: u64,
    pub(super) by_group: u64,
    pub(super) replacement: Bytes,
}

/// Says that the entries at `places` will be replaced if the group at `first` comes about.
pub(super) async fn hint(
    store: &Store,
    room: &str,
    places: impl Iterator<Item = i64>,
    first: u64,
) -> Result<(), RoomLogError> {
    let requests = places.map(|place| async move {
        let values = (room, column(bucket_of(place.unsigned_abs())), place, column(first));
        store.session.execute_unpaged(&store.statements.hint_redaction, values).await.map(drop).map_err(failed)
    });
    stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await
}

/// Writes the replacements over what they replace. What does not succeed is hidden from readers all the same.
pub(super) async fn overwrite(store: &Store, room: &str, redactions: &HashMap<i64, Vec<u8>>) {
    for (place, replacement) in redactions {
        if let Err(error) = overwrite_one(store, room, place.unsigned_abs(), replacement).await {
            tracing::warn!(room, place, %error, "an entry is redacted, but its first bytes still stand beneath");
        }
    }
}

async fn overwrite_one(store: &Store, room: &str, place: u64, replacement: &[u8]) -> Result<(), RoomLogError> {
    for _ in 0..OVERWRITE_TRIES {
        let Some((first, before)) = read::row_of(store, room, place).await? else { return Ok(()) };
        let mut records = group::decode(first, before.clone())?;
        let Some(record) = records.iter_mut().find(|record| record.offset == place) else { return Ok(()) };
        record.data = Bytes::copy_from_slice(replacement);
        let after = group::encode_records(&records);
        let values = (after, room, column(bucket_of(first)), column(first), before);
        let result = store.session.execute_unpaged(&store.statements.overwrite, values).await.map_err(failed)?;
        if Condition::of(result)?.applied {
            return Ok(());
        }
    }
    Err(failed("others overwrite the same group"))
}

/// What was replaced in `from .. end`, in no order.
pub(super) async fn between(store: &Store, room: &str, from: u64, end: u64) -> Result<Vec<Replaced>, RoomLogError> {
    let buckets = bucket_of(from)..=bucket_of(end.saturating_sub(1));
    let found = buckets.map(|bucket| in_bucket(store, room, bucket, from, end));
    let found: Vec<Vec<Replaced>> = stream::iter(found).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn in_bucket(store: &Store, room: &str, bucket: u64, from: u64, end: u64) -> Result<Vec<Replaced>, RoomLogError> {
    let values = (room, column(bucket), column(from), column(end));
    let rows = store.session.execute_iter(store.statements.redactions.clone(), values).await.map_err(failed)?;
    let hints: Vec<(i64, i64, Option<Vec<u8>>)> =
        rows.rows_stream().map_err(failed)?.try_collect().await.map_err(failed)?;
    let proved = hints.into_iter().map(|(place, first, replacement)| async move {
        let (place, by_group) = (place.unsigned_abs(), first.unsigned_abs());
        let replacement = match replacement {
            Some(known) => Some(known),
            None => prove(store, room, place, by_group).await?,
        };
        let replaced = replacement.map(|bytes| Replaced { place, by_group, replacement: bytes.into() });
        Ok::<_, RoomLogError>(replaced)
    });
    let proved: Vec<Option<Replaced>> = stream::iter(proved).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(proved.into_iter().flatten().collect())
}

async fn prove(store: &Store, room: &str, place: u64, first: u64) -> Result<Option<Vec<u8>>, RoomLogError> {
    let values = (room, column(bucket_of(first)), column(first));
    let result = store.session.execute_unpaged(&store.statements.redactions_of_group, values).await.map_err(failed)?;
    let rows = result.into_rows_result().map_err(failed)?;
    let row = rows.maybe_first_row::<(Option<HashMap<i64, Vec<u8>>>,)>().map_err(failed)?;
    // No group begins there, or not yet.
    let Some((redactions,)) = row else { return Ok(None) };
    let replacement = redactions.and_then(|mut redactions| redactions.remove(&column(place)));
    let key = (room, column(bucket_of(place)), column(place), column(first));
    let noted = match &replacement {
        Some(bytes) => {
            let values = (bytes, key.0, key.1, key.2, key.3);
            store.session.execute_unpaged(&store.statements.confirm_redaction, values).await
        }
        None => store.session.execute_unpaged(&store.statements.forget_redaction, key).await,
    };
    if let Err(error) = noted {
        tracing::debug!(room, %error, "a redaction is looked up again by the next reader");
    }
    Ok(replacement)
}
