//! One show: its host signs up, makes a broadcast, and a clip loops into it over RTMP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media::{codec::flv::Clip, ingest::publisher::Publisher};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{cast::Show, crowd::text};
use crate::{client::ApiClient, run::AnyError};

/// The password of every host of the demo.
pub(crate) const PASSWORD: &str = "a demo password";

/// A show that is on air.
pub(crate) struct RunningShow {
    pub(crate) broadcast: String,
    /// When position 0 of the show was, about.
    pub(crate) began: Instant,
}

/// Begins the show and returns when it is on air.
pub(crate) async fn begin(
    show: &'static Show,
    client: &ApiClient,
    ingest_url: &str,
    tasks: &mut JoinSet<()>,
    cancel: &CancellationToken,
) -> Result<RunningShow, AnyError> {
    let host = json!({ "handle": show.handle, "password": PASSWORD, "display_name": show.display_name });
    let token = text(&client.post("/api/v1/accounts", None, &host).await?, "token");
    let broadcast = client.post("/api/v1/broadcasts", Some(&token), &json!({ "title": show.title })).await?;
    let (id, key) = (text(&broadcast, "id"), text(&broadcast, "stream_key"));
    let publisher =
        Publisher::new(&format!("{ingest_url}/{key}"), Arc::new(Clip::from_flv(Bytes::from_static(show.clip))?))?
            .looped();
    let cancel = cancel.clone();
    tasks.spawn(async move {
        while !cancel.is_cancelled() {
            if let Err(error) = publisher.run(cancel.clone()).await {
                tracing::warn!(%error, show = show.title, "a show of the demo was interrupted; it comes back");
            }
            tokio::select! { () = cancel.cancelled() => (), () = tokio::time::sleep(Duration::from_secs(1)) => () }
        }
    });
    let path = format!("/api/v1/broadcasts/{id}");
    let asked = Instant::now();
    while text(&client.get(&path, None).await?, "state") != "live" {
        if asked.elapsed() > Duration::from_secs(20) {
            return Err(format!("{} did not get on air", show.title).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(RunningShow { broadcast: id, began: Instant::now() })
}
