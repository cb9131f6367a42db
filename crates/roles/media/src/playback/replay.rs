//! Files of a show that is over.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use kernel::BroadcastId;

use super::{cache::Cached, error::PlaybackError};
use crate::{
    packager::SegmentName,
    recording::{ReplayIndex, init_key, is_spooled, read_file, segment_key, thumbnail_key},
    service::MediaService,
};

/// How long an address of the store is good for: longer than the answer that names it is held.
const ADDRESS_HOLDS: Duration = Duration::from_secs(3_600);
/// How long a rendered playlist is kept, in milliseconds.
const PLAYLIST_STRETCH_MS: i64 = 10_000;

/// The multivariant playlist.
pub(super) async fn multivariant(media: &MediaService, broadcast: BroadcastId) -> Result<Bytes, PlaybackError> {
    let render = async { Ok(index(media, broadcast).await?.multivariant()) };
    media.cache().get((broadcast, Cached::Multivariant(stretch(media))), render).await
}

/// The media playlist.
pub(super) async fn playlist(media: &MediaService, broadcast: BroadcastId) -> Result<Bytes, PlaybackError> {
    let render = async { Ok(index(media, broadcast).await?.playlist()) };
    media.cache().get((broadcast, Cached::Media(stretch(media))), render).await
}

/// A recorded segment, in the spool or among the blobs.
pub(super) async fn segment(
    media: &MediaService,
    broadcast: BroadcastId,
    name: SegmentName,
) -> Result<Bytes, PlaybackError> {
    stored(media, broadcast, Cached::Segment(name), segment_key(broadcast, name)).await
}

/// A recorded initialisation segment.
pub(super) async fn init(
    media: &MediaService,
    broadcast: BroadcastId,
    name: SegmentName,
) -> Result<Bytes, PlaybackError> {
    stored(media, broadcast, Cached::Init(name), init_key(broadcast, name)).await
}

/// Where the store itself gives a segment to viewers, when the settings say so and it does; what is still in the spool is here.
pub(super) async fn elsewhere(media: &MediaService, key: &str) -> Result<Option<String>, PlaybackError> {
    if !media.sends_to_store() || is_spooled(media.spool(), key).await {
        return Ok(None);
    }
    Ok(media.blobs().address(key, ADDRESS_HOLDS).await?)
}

/// The picture that was kept with the recording.
pub(super) async fn thumbnail(media: &MediaService, broadcast: BroadcastId) -> Result<Bytes, PlaybackError> {
    stored(media, broadcast, Cached::Thumbnail, thumbnail_key(broadcast)).await
}

/// A replay grows when a process comes back that had a take of it.
fn stretch(media: &MediaService) -> i64 {
    media.now().as_millis() / PLAYLIST_STRETCH_MS
}

async fn index(media: &MediaService, broadcast: BroadcastId) -> Result<Arc<ReplayIndex>, PlaybackError> {
    let found = media.replays().find(broadcast).await?;
    found.map(Arc::new).ok_or(PlaybackError::NotFound)
}

async fn stored(
    media: &MediaService,
    broadcast: BroadcastId,
    file: Cached,
    key: String,
) -> Result<Bytes, PlaybackError> {
    let read = async { Ok(read_file(media.spool(), media.blobs(), &key).await?) };
    media.cache().get((broadcast, file), read).await
}
