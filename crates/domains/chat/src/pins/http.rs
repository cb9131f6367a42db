//! The routes of the pinned message.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use kernel::{BroadcastId, MessageId, Problem};
use rest::{ApiResult, Body, PathId, Visitor};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Pins;

/// The routes, with their full paths.
pub fn router(pins: Arc<Pins>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(pin, unpin)).with_state(pins)
}

/// Which message to pin.
#[derive(Debug, Deserialize, ToSchema)]
struct NewPin {
    /// A message of the room.
    message: MessageId,
}

/// Pins a message of the room, in place of the one that is pinned.
#[utoipa::path(
    put,
    path = "/api/v1/broadcasts/{id}/pinned-message",
    tag = "moderation",
    params(("id" = BroadcastId, Path, description = "The broadcast")),
    request_body = NewPin,
    responses(
        (status = 204, description = "It is pinned"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`, `message_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`message_deleted`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn pin(
    State(pins): State<Arc<Pins>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
    Body(new): Body<NewPin>,
) -> ApiResult<StatusCode> {
    pins.pin(&caller, broadcast, new.message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the pinned message down.
#[utoipa::path(
    delete,
    path = "/api/v1/broadcasts/{id}/pinned-message",
    tag = "moderation",
    params(("id" = BroadcastId, Path, description = "The broadcast")),
    responses(
        (status = 204, description = "Nothing is pinned"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn unpin(
    State(pins): State<Arc<Pins>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    pins.unpin(&caller, broadcast).await?;
    Ok(StatusCode::NO_CONTENT)
}
