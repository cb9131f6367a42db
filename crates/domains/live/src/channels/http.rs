//! Routes of a streamer's own channel.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::{ChannelId, Problem};
use rest::{ApiResult, Body, HostName, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Channel, Channels};

/// The routes.
pub fn router(channels: Arc<Channels>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(show, change)).routes(routes!(rotate_stream_key)).with_state(channels)
}

/// The caller's channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnChannel {
    id: ChannelId,
    handle: String,
    display_name: String,
    /// The title of broadcasts that begin with the lasting key.
    default_title: String,
    /// Whether a lasting stream key was made.
    has_stream_key: bool,
    /// Where an encoder publishes.
    ingest_url: String,
}

/// What to change of a channel.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChannelChange {
    /// 1 to 120 characters.
    default_title: String,
}

/// A new stream key. It is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamKey {
    /// What the encoder shows.
    pub(crate) stream_key: String,
    /// Where the encoder publishes.
    pub(crate) ingest_url: String,
}

/// The caller's channel; made at the first request.
#[utoipa::path(get, path = "/api/v1/me/channel", tag = "live", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The channel", body = OwnChannel),
    (status = 401, description = "`sign_in_required`", body = Problem),
))]
async fn show(
    State(channels): State<Arc<Channels>>,
    signed_in: SignedIn,
    host: HostName,
) -> ApiResult<Json<OwnChannel>> {
    let channel = channels.of_account(signed_in.identity.account).await?;
    own_channel(&channels, channel, &host).await
}

/// Changes the default title.
#[utoipa::path(patch, path = "/api/v1/me/channel", tag = "live", security(("bearer" = []), ("cookie" = [])),
    request_body = ChannelChange, responses(
    (status = 200, description = "Changed", body = OwnChannel),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 422, description = "`invalid_title`", body = Problem),
))]
async fn change(
    State(channels): State<Arc<Channels>>,
    signed_in: SignedIn,
    host: HostName,
    Body(change): Body<ChannelChange>,
) -> ApiResult<Json<OwnChannel>> {
    let channel = channels.set_default_title(signed_in.identity.account, &change.default_title).await?;
    own_channel(&channels, channel, &host).await
}

/// Makes a new lasting stream key. It is shown this once; the one before is refused from now on.
#[utoipa::path(post, path = "/api/v1/me/channel/stream_key", tag = "live",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The new key, shown this once", body = StreamKey),
    (status = 401, description = "`sign_in_required`", body = Problem),
))]
async fn rotate_stream_key(
    State(channels): State<Arc<Channels>>,
    signed_in: SignedIn,
    host: HostName,
) -> ApiResult<Json<StreamKey>> {
    let stream_key = channels.rotate_key(signed_in.identity.account).await?;
    Ok(Json(StreamKey { stream_key, ingest_url: channels.ingest_url(&host) }))
}

async fn own_channel(channels: &Channels, channel: Channel, host: &HostName) -> ApiResult<Json<OwnChannel>> {
    let name = channels.name(channel.account).await?;
    Ok(Json(OwnChannel {
        id: channel.id,
        handle: name.handle,
        display_name: name.display_name,
        default_title: channel.default_title,
        has_stream_key: channel.has_stream_key,
        ingest_url: channels.ingest_url(host),
    }))
}
