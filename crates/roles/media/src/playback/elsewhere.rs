//! Files of a stream that another process packages: parts and playlists are asked of it, sealed segments of the blobs.
//!
//! Promise: that process is asked once for all who want the same here, and never by one who was asked by a process itself;
//! when it is gone, the answer is a clear temporary error within seconds.

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use kernel::BroadcastId;
use rest::Credentials;
use tokio::time::Instant;

use super::{
    answers::{self, Holds},
    cache::Cached,
    error::PlaybackError,
    file_name::FileName,
    live::Directives,
};
use crate::{
    needs::{ASKED_BY_NODE, NodeAnswer},
    recording::{init_key, segment_key},
    service::MediaService,
};

/// How long an answer is waited for at the most; playback waits no longer than that for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether that process still has the stream.
const LOOK: Duration = Duration::from_secs(1);
/// How long a playlist holds that was waited for: what it was asked to hold, it holds.
const WAITED_FOR_HOLDS: Duration = Duration::from_secs(1);
/// How long any other playlist holds: as long as a part.
const PLAYLIST_HOLDS: Duration = Duration::from_millis(200);
/// How long a picture holds.
const PICTURE_HOLDS: Duration = Duration::from_secs(5);

/// A file of a broadcast whose stream is in another process.
pub(super) async fn file(
    media: &Arc<MediaService>,
    broadcast: BroadcastId,
    name: FileName,
    directives: &Directives,
    headers: &HeaderMap,
) -> Result<Response, PlaybackError> {
    let folder = match media.usher().own_token(broadcast) {
        Some(token) => format!("/live/{broadcast}/{token}"),
        None => format!("/live/{broadcast}"),
    };
    let ask = async |file: String, holds| ask(media, broadcast, format!("{folder}/{file}"), holds, headers).await;
    let passed_on = |answer: Arc<NodeAnswer>| answers::passed_on(&answer);
    match name {
        FileName::Multivariant => ask("index.m3u8".into(), PLAYLIST_HOLDS).await.map(passed_on),
        FileName::Media => {
            let query = directives.query();
            let holds = if query.contains("_HLS_msn") { WAITED_FOR_HOLDS } else { PLAYLIST_HOLDS };
            ask(format!("media.m3u8{query}"), holds).await.map(passed_on)
        }
        FileName::Thumbnail => ask("thumbnail.jpg".into(), PICTURE_HOLDS).await.map(passed_on),
        FileName::Part(segment, index) => {
            let key = (broadcast, Cached::Part(segment, index));
            let asked = ask(format!("part-{segment}.{index}.m4s"), Duration::ZERO);
            kept(media, key, headers, answers::SEGMENT, asked).await
        }
        FileName::Segment(segment) => {
            let key = (broadcast, Cached::Segment(segment));
            if let Some(bytes) = sealed(media, key, &segment_key(broadcast, segment)).await? {
                return answers::file(headers, answers::SEGMENT, Holds::Forever, bytes);
            }
            let asked = ask(format!("seg-{segment}.m4s"), Duration::ZERO);
            kept(media, key, headers, answers::SEGMENT, asked).await
        }
        FileName::Init(segment) => {
            let key = (broadcast, Cached::Init(segment));
            if let Some(bytes) = sealed(media, key, &init_key(broadcast, segment)).await? {
                return answers::file(headers, answers::VIDEO, Holds::Forever, bytes);
            }
            let asked = ask(format!("init-{segment}.mp4"), Duration::ZERO);
            kept(media, key, headers, answers::VIDEO, asked).await
        }
    }
}

/// The same for somebody who may see what is not public yet: asked for this one alone, and kept nowhere.
pub(super) async fn preview(
    media: &Arc<MediaService>,
    broadcast: BroadcastId,
    path_and_query: &str,
    headers: &HeaderMap,
) -> Result<Response, PlaybackError> {
    let (Some(nodes), Some(address)) = (media.nodes(), place(media, broadcast, headers).await) else {
        return Err(PlaybackError::NotFound);
    };
    let Credentials(token) = Credentials::of(headers);
    let fetched = tokio::time::timeout(PATIENCE, nodes.fetch(&address, path_and_query, token.as_deref())).await;
    match fetched {
        Ok(Ok(answer)) => Ok(answers::passed_on(&answer)),
        Ok(Err(_)) | Err(_) => Err(PlaybackError::Away),
    }
}

/// What was sealed, from here or from the blobs.
async fn sealed(media: &MediaService, key: (BroadcastId, Cached), blob: &str) -> Result<Option<Bytes>, PlaybackError> {
    let read = async { Ok::<_, PlaybackError>(media.blobs().get(blob, None).await?) };
    match media.cache().get(key, read).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(PlaybackError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that never changes, from here or as it is answered.
async fn kept(
    media: &MediaService,
    key: (BroadcastId, Cached),
    headers: &HeaderMap,
    kind: axum::http::HeaderValue,
    asked: impl Future<Output = Result<Arc<NodeAnswer>, PlaybackError>>,
) -> Result<Response, PlaybackError> {
    let bytes = match media.cache().peek(key) {
        Some(bytes) => bytes,
        None => {
            let answer = asked.await?;
            if answer.status != 200 {
                return Ok(answers::passed_on(&answer));
            }
            let body = answer.body.clone();
            media.cache().get(key, async { Ok::<_, PlaybackError>(body) }).await?
        }
    };
    answers::file(headers, kind, Holds::Forever, bytes)
}

async fn place(media: &MediaService, broadcast: BroadcastId, headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(ASKED_BY_NODE) {
        return None;
    }
    media.usher().packaged_at(broadcast).await
}

async fn ask(
    media: &Arc<MediaService>,
    broadcast: BroadcastId,
    path: String,
    holds: Duration,
    headers: &HeaderMap,
) -> Result<Arc<NodeAnswer>, PlaybackError> {
    let place = place(media, broadcast, headers).await;
    let (Some(nodes), Some(address)) = (media.nodes().cloned(), place) else { return Err(PlaybackError::Away) };
    let (of_all, asked) = (media.clone(), path.clone());
    let question = async move {
        let mut fetch = nodes.fetch(&address, &asked, None);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match tokio::time::timeout(LOOK, &mut fetch).await {
                Ok(Ok(answer)) => return Some(Arc::new(answer)),
                Ok(Err(error)) => {
                    tracing::warn!(%error, %broadcast, address, "the process that packages a stream does not answer");
                    return None;
                }
                Err(_) => {
                    // A process that stands still holds its connections, and is not heard of any more.
                    if of_all.usher().packaged_at(broadcast).await.as_ref() != Some(&address) {
                        return None;
                    }
                }
            }
        }
        None
    };
    media.flights().ask(path, holds, question).await.ok_or(PlaybackError::Away)
}
