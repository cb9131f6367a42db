//! The conditional append.

use std::collections::HashMap;

use futures_util::try_join;
use ports::room_log::{Appended, Entry, RoomLogError};

use super::{
    Store, bucket_of, column, end_of, failed,
    head::{self, Condition, Standing},
    keys, redactions,
};
use crate::room_groups as group;

/// A group that asks for its place; checked against the rules.
pub(super) struct Append {
    room: String,
    epoch: String,
    first: u64,
    group: Vec<Entry>,
    /// Each key with its place.
    keys: HashMap<String, i64>,
    /// What it replaces in older groups.
    redactions: HashMap<i64, Vec<u8>>,
}

impl Append {
    pub(super) fn new(room: &str, epoch: &str, first: u64, mut group: Vec<Entry>) -> Self {
        let keys = group
            .iter()
            .zip(first..)
            .flat_map(|(entry, place)| entry.keys.iter().map(move |key| (key.clone(), column(place))));
        let keys = keys.collect();
        let mut redactions = HashMap::new();
        for redaction in group.iter().filter_map(|entry| entry.redacts.clone()).collect::<Vec<_>>() {
            let own = redaction.offset.checked_sub(first).and_then(|place| group.get_mut(place as usize));
            match own {
                // It was never there for anybody.
                Some(entry) => entry.data = redaction.replacement,
                None => drop(redactions.insert(column(redaction.offset), redaction.replacement.to_vec())),
            }
        }
        Self { room: room.into(), epoch: epoch.into(), first, group, keys, redactions }
    }

    /// What it holds while it waits, in bytes (about).
    pub(super) fn weight(&self) -> usize {
        let entries: usize = self
            .group
            .iter()
            .map(|entry| entry.data.len() + entry.about.as_ref().map_or(0, |about| about.size()))
            .sum();
        let keys: usize = self.keys.keys().map(String::len).sum();
        entries + keys + self.redactions.values().map(Vec::len).sum::<usize>()
    }

    fn end(&self) -> u64 {
        self.first + self.group.len() as u64
    }

    pub(super) async fn run(&self, store: &Store, standing: &Standing) -> Result<Appended, RoomLogError> {
        if standing.of(&self.room) != Some(self.first)
            && let Some(conflict) = self.stands_elsewhere(store, standing).await?
        {
            return Ok(conflict);
        }
        // The log is known to have come to `first`, so whatever stands before that is found.
        let asked: Vec<String> = self.keys.keys().cloned().collect();
        let ((), (), known) = try_join!(
            keys::hint(store, &self.room, &asked, self.first),
            redactions::hint(store, &self.room, self.redactions.keys().copied(), self.first),
            keys::find(store, &self.room, &asked, self.first),
        )?;
        if let Some((key, offset)) = known.into_iter().next() {
            return Ok(Appended::Known { key, offset });
        }
        let mut condition = self.put(store).await?;
        if !condition.applied && condition.number("next").is_none() && self.begin_bucket(store).await? {
            condition = self.put(store).await?;
        }
        if condition.applied {
            standing.has_reached(&self.room, self.end());
            redactions::overwrite(store, &self.room, &self.redactions).await;
            return Ok(Appended::Ok);
        }
        match condition.number("next") {
            // The bucket is the newest one: it says where the log stands.
            Some(next) if next < end_of(bucket_of(self.first)) => {
                standing.has_reached(&self.room, next);
                Ok(Appended::Conflict { next })
            }
            _ => Ok(Appended::Conflict { next: self.next(store, standing).await? }),
        }
    }

    /// A conflict, when the log does not stand where it is expected.
    async fn stands_elsewhere(&self, store: &Store, standing: &Standing) -> Result<Option<Appended>, RoomLogError> {
        let next = self.next(store, standing).await?;
        Ok((next != self.first).then_some(Appended::Conflict { next }))
    }

    async fn next(&self, store: &Store, standing: &Standing) -> Result<u64, RoomLogError> {
        let Some(head) = head::found(store, &self.room).await? else { return Ok(1) };
        standing.has_reached(&self.room, head.next);
        Ok(head.next)
    }

    /// The one lightweight transaction.
    async fn put(&self, store: &Store) -> Result<Condition, RoomLogError> {
        let first = column(self.first);
        let values = (
            column(self.end()),
            group::encode(&self.group),
            &self.keys,
            &self.redactions,
            &self.room,
            column(bucket_of(self.first)),
            first,
            &self.epoch,
            first,
        );
        Condition::of(store.session.execute_unpaged(&store.statements.append, values).await.map_err(failed)?)
    }

    /// Whether the bucket before was left exactly here, and this one is therefore begun.
    async fn begin_bucket(&self, store: &Store) -> Result<bool, RoomLogError> {
        let Some(before) = bucket_of(self.first).checked_sub(1) else { return Ok(false) };
        match head::standing(store, &self.room, before).await? {
            Some(left) if left.next == self.first => {
                head::begin_bucket(store, &self.room, before + 1, &left.epoch, left.next).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
