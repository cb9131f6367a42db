//! The host's commands: start, pause, resume, end, and a new stream key.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::{BroadcastId, Problem};
use rest::{ApiResult, HostName, PathId, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    broadcasts::{BroadcastView, Presenter, service::Command},
    channels::StreamKey,
};

pub(super) fn router() -> OpenApiRouter<Arc<Presenter>> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(end))
        .routes(routes!(rotate_stream_key))
}

/// Goes live. Asking for what is already so is no error.
#[utoipa::path(post, path = "/api/v1/broadcasts/{id}/start", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "On air", body = BroadcastView),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
))]
async fn start(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<BroadcastView>> {
    command(&presenter, &signed_in, id, Command::Start).await
}

/// Stops the picture for a while; after 30 minutes the broadcast ends by itself.
#[utoipa::path(post, path = "/api/v1/broadcasts/{id}/pause", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "Paused", body = BroadcastView),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
))]
async fn pause(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<BroadcastView>> {
    command(&presenter, &signed_in, id, Command::Pause).await
}

/// Goes on after a pause.
#[utoipa::path(post, path = "/api/v1/broadcasts/{id}/resume", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "On air again", body = BroadcastView),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
))]
async fn resume(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<BroadcastView>> {
    command(&presenter, &signed_in, id, Command::Resume).await
}

/// Ends the show for good, or calls it off; for the host and administrators.
#[utoipa::path(post, path = "/api/v1/broadcasts/{id}/end", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "Over", body = BroadcastView),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
))]
async fn end(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<BroadcastView>> {
    command(&presenter, &signed_in, id, Command::End).await
}

/// Makes a new stream key for this broadcast. It is shown this once; the one before is refused from now on.
#[utoipa::path(post, path = "/api/v1/broadcasts/{id}/stream_key", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "The new key, shown this once", body = StreamKey),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
))]
async fn rotate_stream_key(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    host: HostName,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<StreamKey>> {
    let stream_key = presenter.broadcasts().rotate_key(&signed_in.identity, id).await?;
    Ok(Json(StreamKey { stream_key, ingest_url: presenter.ingest_url(&host) }))
}

/// Done to its end even when the host's connection is lost in the middle: between what is kept and what media is told,
/// a picture could stay public.
async fn command(
    presenter: &Arc<Presenter>,
    signed_in: &SignedIn,
    id: BroadcastId,
    command: Command,
) -> ApiResult<Json<BroadcastView>> {
    let (broadcasts, identity) = (presenter.broadcasts().clone(), signed_in.identity.clone());
    let doing = tokio::spawn(async move { broadcasts.command(&identity, id, command).await });
    let broadcast = doing.await.map_err(|_| Problem::internal())??;
    Ok(Json(presenter.view(broadcast, Some(&signed_in.identity)).await?))
}
