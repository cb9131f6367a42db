//! The route of a room's state.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::{BroadcastId, Problem};
use rest::{ApiResult, PathId, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{RoomState, RoomStates};

/// The route, with its full path.
pub fn router(states: Arc<RoomStates>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read)).with_state(states)
}

/// The room of the broadcast: its modes, its pinned message, and what the caller may do.
#[utoipa::path(
    get,
    path = "/api/v1/broadcasts/{id}/room",
    tag = "chat",
    params(("id" = BroadcastId, Path, description = "The broadcast")),
    responses(
        (status = 200, description = "As it is now", body = RoomState),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn read(
    State(states): State<Arc<RoomStates>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
) -> ApiResult<Json<RoomState>> {
    Ok(Json(states.state(&caller, broadcast).await?))
}
