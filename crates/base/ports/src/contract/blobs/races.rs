//! Writers and readers of one key at once.

use std::sync::Arc;

use super::noise;
use crate::blobs::Blobs;

/// How often each writer writes.
const TIMES: u64 = 20;
/// Bytes of a version: several pieces on the way.
const LENGTH: usize = 200_000;

pub(super) async fn readers_see_one_version_or_the_other(blobs: &Arc<dyn Blobs>) {
    let key = "races/one";
    blobs.put(key, noise(LENGTH, 0)).await.unwrap();
    let writers: Vec<_> = [0, 1]
        .into_iter()
        .map(|version| {
            let blobs = blobs.clone();
            tokio::spawn(async move {
                for _ in 0..TIMES {
                    blobs.put(key, noise(LENGTH, version)).await.unwrap();
                }
            })
        })
        .collect();
    let versions = [noise(LENGTH, 0), noise(LENGTH, 1)];
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let read = blobs.get(key, None).await.unwrap();
        assert!(versions.contains(&read), "{} bytes of neither version", read.len());
    }
    for writer in writers {
        writer.await.unwrap();
    }
}
