//! The routes of playback.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use kernel::BroadcastId;

use super::{
    access,
    answers::{self, Holds},
    elsewhere,
    error::PlaybackError,
    file_name::FileName,
    live::{self, Directives},
    replay,
};
use crate::{
    needs::{Admission, Standing},
    packager::SegmentName,
    recording::segment_key,
    service::MediaService,
    stream::Stream,
    thumbnails::Picture,
};

/// How long a live multivariant playlist holds, in seconds.
const MULTIVARIANT_S: u16 = 1;
/// How long a replay's picture holds, in seconds. Its playlists do not hold at all: a recording can be deleted at any moment.
const REPLAY_PICTURE_S: u16 = 60;
/// How long the answer that names an address of the store holds, in seconds.
const ADDRESS_S: u16 = 600;
/// How long a live picture holds, in seconds.
const THUMBNAIL_S: u16 = 10;

/// The router of `/live/{broadcast}/{file}`, and of `/live/{broadcast}/{token}/{file}`.
pub(crate) fn router(media: Arc<MediaService>) -> Router {
    let preflight = || async { answers::preflight() };
    Router::new()
        .route("/live/{broadcast}/{file}", get(open).options(preflight))
        .route("/live/{broadcast}/{token}/{file}", get(signed).options(preflight))
        .with_state(media)
}

type Said = Result<Query<Directives>, axum::extract::rejection::QueryRejection>;

async fn open(
    State(media): State<Arc<MediaService>>,
    Path((broadcast, name)): Path<(String, String)>,
    directives: Said,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    file(&media, (&broadcast, None, &name), directives, uri, headers).await
}

async fn signed(
    State(media): State<Arc<MediaService>>,
    Path((broadcast, token, name)): Path<(String, String, String)>,
    directives: Said,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    file(&media, (&broadcast, Some(&token), &name), directives, uri, headers).await
}

async fn file(
    media: &Arc<MediaService>,
    (broadcast, token, file): (&str, Option<&str>, &str),
    directives: Said,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let directives = directives.map(|Query(directives)| directives).unwrap_or_default();
    let (Ok(broadcast), Some(name)) = (broadcast.parse(), FileName::parse(file)) else {
        return answers::failure(PlaybackError::NotFound);
    };
    let admission = match media.usher().admit(token, broadcast) {
        Ok(admission) => admission,
        Err(refused) => return answers::failure(refused.into()),
    };
    let asked = Asked { broadcast, admission, name, directives, uri, headers };
    let answer = match media.stream(broadcast) {
        Some(stream) => match of_stream(media, &stream, &asked).await {
            Err(PlaybackError::Moved) => without_stream(media, &asked).await,
            answer => answer,
        },
        None => without_stream(media, &asked).await,
    };
    let mut answer = answer.unwrap_or_else(answers::failure);
    if let Some(expires_at) = admission.expires_at {
        answers::hold_no_longer(&mut answer, expires_at.millis_since(media.now()) / 1_000);
    }
    answer
}

/// What a request asks for.
struct Asked {
    broadcast: BroadcastId,
    admission: Admission,
    name: FileName,
    directives: Directives,
    uri: Uri,
    headers: HeaderMap,
}

async fn of_stream(media: &MediaService, stream: &Arc<Stream>, asked: &Asked) -> Result<Response, PlaybackError> {
    let Asked { admission, name, directives, headers, .. } = asked;
    let (admission, name) = (*admission, *name);
    let preview = access::check(media.usher(), stream, admission, headers).await?;
    let holds = |holds| if preview { Holds::Private } else { holds };
    match name {
        FileName::Multivariant => {
            let text = live::multivariant(stream).await?;
            Ok(answers::whole(answers::PLAYLIST, holds(Holds::Seconds(MULTIVARIANT_S)), text))
        }
        FileName::Media => {
            let text = live::media(stream, directives).await?;
            Ok(answers::whole(answers::PLAYLIST, holds(Holds::NotAtAll), text))
        }
        FileName::Part(name, index) => {
            let bytes = live::part(stream, name, index).await?;
            answers::file(headers, answers::SEGMENT, holds(Holds::Forever), bytes)
        }
        FileName::Segment(name) => {
            let bytes = segment(media, stream, name).await?;
            answers::file(headers, answers::SEGMENT, holds(Holds::Forever), bytes)
        }
        FileName::Init(name) => {
            let listed = stream.window().init(name).map(|init| init.bytes.clone());
            let bytes = match listed {
                Some(bytes) => bytes,
                None if preview => return Err(PlaybackError::NotFound),
                None => replay::init(media, stream.broadcast, name).await?,
            };
            answers::file(headers, answers::VIDEO, holds(Holds::Forever), bytes)
        }
        FileName::Thumbnail => Ok(picture(media.thumbnail(stream.broadcast), holds(Holds::Seconds(THUMBNAIL_S)))),
    }
}

async fn segment(media: &MediaService, stream: &Stream, name: SegmentName) -> Result<Bytes, PlaybackError> {
    let (found, next) = {
        let window = stream.window();
        (window.segment(name), window.next_name())
    };
    match found {
        Some((_, Some(bytes))) => Ok(bytes),
        Some((_, None)) => replay::segment(media, stream.broadcast, name).await,
        None if name < next => Err(PlaybackError::Gone),
        None => Err(PlaybackError::NotFound),
    }
}

/// What is answered where the stream is not: what the process that packages it answers, and a replay for as long as the
/// broadcast's row has one.
async fn without_stream(media: &Arc<MediaService>, asked: &Asked) -> Result<Response, PlaybackError> {
    let Asked { broadcast, admission, name, directives, uri, headers } = asked;
    let (broadcast, admission, name) = (*broadcast, *admission, *name);
    let refusal = match media.usher().standing(broadcast).await {
        Some(Standing::Over) => {
            // It may just have ended: the process that has its last segments still plays them, and the replay lacks them.
            if matches!(name, FileName::Multivariant | FileName::Media)
                && let Ok(answer) = elsewhere::file(media, broadcast, name, directives, headers).await
                && answer.status().is_success()
            {
                return Ok(answer);
            }
            match of_replay(media, broadcast, name, headers).await {
                Err(PlaybackError::NotFound | PlaybackError::Gone) => {
                    let answer = elsewhere::file(media, broadcast, name, directives, headers).await;
                    return answer.map_err(|_| PlaybackError::NotFound);
                }
                answer => return answer,
            }
        }
        Some(Standing::OnAir) => match elsewhere::file(media, broadcast, name, directives, headers).await {
            Err(error) => error,
            answer => return answer,
        },
        Some(Standing::Nothing) => {
            if access::may_preview(media.usher(), broadcast, admission, headers).await {
                let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
                return elsewhere::preview(media, broadcast, path, headers).await;
            }
            PlaybackError::NotFound
        }
        Some(Standing::Gone) => {
            media.cache().forget(broadcast);
            PlaybackError::NotFound
        }
        None => PlaybackError::Unavailable,
    };
    match name {
        FileName::Thumbnail => Ok(picture(Picture::placeholder(), Holds::Seconds(THUMBNAIL_S))),
        _ => Err(refusal),
    }
}

async fn of_replay(
    media: &MediaService,
    broadcast: BroadcastId,
    name: FileName,
    headers: &HeaderMap,
) -> Result<Response, PlaybackError> {
    match name {
        FileName::Multivariant => {
            let text = replay::multivariant(media, broadcast).await?;
            Ok(answers::whole(answers::PLAYLIST, Holds::NotAtAll, text))
        }
        FileName::Media => {
            let text = replay::playlist(media, broadcast).await?;
            Ok(answers::whole(answers::PLAYLIST, Holds::NotAtAll, text))
        }
        FileName::Segment(name) => {
            if let Some(address) = replay::elsewhere(media, &segment_key(broadcast, name)).await? {
                return Ok(answers::elsewhere(&address, Holds::Seconds(ADDRESS_S)));
            }
            let bytes = replay::segment(media, broadcast, name).await?;
            answers::file(headers, answers::SEGMENT, Holds::Forever, bytes)
        }
        FileName::Init(name) => {
            let bytes = replay::init(media, broadcast, name).await?;
            answers::file(headers, answers::VIDEO, Holds::Forever, bytes)
        }
        FileName::Part(..) => Err(PlaybackError::Gone),
        FileName::Thumbnail => {
            let kept = replay::thumbnail(media, broadcast).await;
            let shown = kept.map_or_else(|_| Picture::placeholder(), Picture::Jpeg);
            Ok(picture(shown, Holds::Seconds(REPLAY_PICTURE_S)))
        }
    }
}

fn picture(picture: Picture, holds: Holds) -> Response {
    match picture {
        Picture::Jpeg(bytes) => answers::whole(answers::JPEG, holds, bytes),
        Picture::Placeholder(text) => answers::whole(answers::SVG, holds, text),
    }
}
