//! Routes of broadcasts.

mod bodies;
mod commands;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{BroadcastId, Page, Problem};
use rest::{ApiResult, Body, HostName, PageQuery, PathId, Query, SignedIn, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::bodies::{BroadcastChange, ListQuery, NewBroadcast, OwnBroadcast};
use super::{BroadcastView, Presenter, presenter::Health, service::Change};

/// The routes.
pub fn router(presenter: Arc<Presenter>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, delete))
        .routes(routes!(health))
        .merge(commands::router())
        .with_state(presenter)
}

/// Makes a broadcast. Its stream key is shown this once.
#[utoipa::path(post, path = "/api/v1/broadcasts", tag = "live", security(("bearer" = []), ("cookie" = [])),
    request_body = NewBroadcast, responses(
    (status = 201, description = "Made; the stream key is shown this once", body = OwnBroadcast),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`new_broadcasts_closed`", body = Problem),
    (status = 409, description = "`too_many_open_broadcasts`", body = Problem),
    (status = 422, description = "`invalid_title`, `invalid_schedule`", body = Problem),
    (status = 429, description = "`broadcast_rate`", body = Problem),
))]
async fn create(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    host: HostName,
    Body(new): Body<NewBroadcast>,
) -> ApiResult<(StatusCode, Json<OwnBroadcast>)> {
    let (broadcast, stream_key) = presenter.broadcasts().create(signed_in.identity.account, new.into()).await?;
    let broadcast = presenter.view(broadcast, Some(&signed_in.identity)).await?;
    let ingest_url = presenter.ingest_url(&host);
    Ok((StatusCode::CREATED, Json(OwnBroadcast { broadcast, stream_key, ingest_url })))
}

/// Broadcasts, newest first: those on air, those with a replay, and the caller's own.
#[utoipa::path(get, path = "/api/v1/broadcasts", tag = "live", security(("bearer" = []), ("cookie" = [])),
    params(ListQuery), responses(
    (status = 200, description = "A page, newest first", body = Page<BroadcastView>),
    (status = 422, description = "`invalid_state`, `invalid_limit`, `invalid_cursor`", body = Problem),
))]
async fn list(
    State(presenter): State<Arc<Presenter>>,
    Visitor(caller): Visitor,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<BroadcastView>>> {
    let state = query.state()?;
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let (before, limit) = (page.cursor_as::<BroadcastId>()?, page.limit()?);
    let host = match &query.channel {
        None => None,
        Some(handle) => match presenter.host(handle).await? {
            Some(host) => Some(host),
            None => return Ok(Json(Page { items: Vec::new(), next_cursor: None })),
        },
    };
    let Page { items, next_cursor } = presenter.broadcasts().list(&caller, state, host, before, limit).await?;
    Ok(Json(Page { items: presenter.views(items, caller.identity.as_deref()).await?, next_cursor }))
}

/// One broadcast.
#[utoipa::path(get, path = "/api/v1/broadcasts/{id}", tag = "live", security(("bearer" = []), ("cookie" = [])),
    params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "The broadcast", body = BroadcastView),
    (status = 404, description = "`not_found`", body = Problem),
))]
async fn show(
    State(presenter): State<Arc<Presenter>>,
    Visitor(caller): Visitor,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<BroadcastView>> {
    let broadcast = presenter.broadcasts().find(id).await?;
    Ok(Json(presenter.view(broadcast, caller.identity.as_deref()).await?))
}

/// Changes title or `auto_start`; for the host.
#[utoipa::path(patch, path = "/api/v1/broadcasts/{id}", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)),
    request_body = BroadcastChange, responses(
    (status = 200, description = "Changed", body = BroadcastView),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
    (status = 422, description = "`invalid_title`", body = Problem),
))]
async fn change(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
    Body(change): Body<BroadcastChange>,
) -> ApiResult<Json<BroadcastView>> {
    let change = Change { title: change.title, auto_start: change.auto_start };
    let broadcast = presenter.broadcasts().change(&signed_in.identity, id, change).await?;
    Ok(Json(presenter.view(broadcast, Some(&signed_in.identity)).await?))
}

/// Removes the recording of a show that is over; its numbers stay.
#[utoipa::path(delete, path = "/api/v1/broadcasts/{id}", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
    (status = 409, description = "`wrong_state`", body = Problem),
))]
async fn delete(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<StatusCode> {
    presenter.broadcasts().delete_recording(&signed_in.identity, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the incoming stream and the players are doing; for the host.
#[utoipa::path(get, path = "/api/v1/broadcasts/{id}/health", tag = "live",
    security(("bearer" = []), ("cookie" = [])), params(("id" = BroadcastId, Path)), responses(
    (status = 200, description = "Stream and players", body = Health),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_host`", body = Problem),
    (status = 404, description = "`not_found`", body = Problem),
))]
async fn health(
    State(presenter): State<Arc<Presenter>>,
    signed_in: SignedIn,
    PathId(id): PathId<BroadcastId>,
) -> ApiResult<Json<Health>> {
    Ok(Json(presenter.health(&signed_in.identity, id).await?))
}
