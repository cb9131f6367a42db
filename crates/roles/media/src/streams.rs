//! The streams of this process, by broadcast.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use kernel::BroadcastId;

use crate::stream::Stream;

/// All of them.
#[derive(Default)]
pub(crate) struct Streams {
    by_broadcast: RwLock<HashMap<BroadcastId, Arc<Stream>>>,
}

impl Streams {
    pub(crate) fn get(&self, broadcast: BroadcastId) -> Option<Arc<Stream>> {
        self.by_broadcast.read().unwrap_or_else(PoisonError::into_inner).get(&broadcast).cloned()
    }

    /// The broadcast's stream, made when there is none.
    pub(crate) fn get_or_add(&self, broadcast: BroadcastId, make: impl FnOnce() -> Stream) -> Arc<Stream> {
        if let Some(stream) = self.get(broadcast) {
            return stream;
        }
        let mut streams = self.by_broadcast.write().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.entry(broadcast).or_insert_with(|| Arc::new(make())).clone();
        metrics::gauge!("madang_media_streams").set(streams.len() as f64);
        stream
    }

    pub(crate) fn remove(&self, broadcast: BroadcastId) -> Option<Arc<Stream>> {
        let mut streams = self.by_broadcast.write().unwrap_or_else(PoisonError::into_inner);
        let removed = streams.remove(&broadcast);
        metrics::gauge!("madang_media_streams").set(streams.len() as f64);
        removed
    }

    pub(crate) fn all(&self) -> Vec<Arc<Stream>> {
        self.by_broadcast.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
