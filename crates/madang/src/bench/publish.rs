//! Streams published in real time to any RTMP server.

use std::{path::Path, sync::Arc, time::Duration};

use media::{codec::flv::Clip, ingest::publisher::Publisher};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{AnyError, processor};

pub(crate) async fn run(url: &str, keys: &[String], flv: &Path, seconds: u64, pids: &[u32]) -> Result<Value, AnyError> {
    let clip = Arc::new(Clip::from_flv(std::fs::read(flv)?.into())?);
    let (cancel, mut publishers) = (CancellationToken::new(), JoinSet::new());
    let before = processor::seconds(pids)?;
    let begun = std::time::Instant::now();
    for key in keys {
        let publisher = Publisher::new(&format!("{}/{key}", url.trim_end_matches('/')), clip.clone())?.looped();
        let cancel = cancel.clone();
        publishers.spawn(async move { publisher.run(cancel).await });
        // Spread over a GOP, as streams of different people are.
        tokio::time::sleep(Duration::from_millis(2_000 / keys.len().max(1) as u64)).await;
    }
    let ended_early = tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(seconds)) => None,
        ended = publishers.join_next() => ended,
    };
    if let Some(ended) = ended_early {
        ended??;
        return Err("a publisher ended before its time".into());
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), processor::seconds(pids)? - before);
    cancel.cancel();
    while let Some(ended) = publishers.join_next().await {
        ended??;
    }
    Ok(json!({ "streams": keys.len(), "wall_s": wall, "cpu_s": cpu }))
}
