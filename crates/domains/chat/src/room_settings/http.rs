//! The routes of room settings.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::Problem;
use rest::{ApiResult, Body, PathId, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{RoomSettings, RoomSettingsChange, RoomSettingsDesk};

/// The routes, with their full paths.
pub fn router(settings: Arc<RoomSettingsDesk>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read, change)).with_state(settings)
}

/// The modes of the channel's chat.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/chat-settings",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    responses(
        (status = 200, description = "As they are now", body = RoomSettings),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn read(
    State(settings): State<Arc<RoomSettingsDesk>>,
    PathId(channel): PathId<String>,
) -> ApiResult<Json<RoomSettings>> {
    Ok(Json(settings.read(&channel).await?))
}

/// Changes modes of the channel's chat; they hold at once.
#[utoipa::path(
    patch,
    path = "/api/v1/channels/{handle}/chat-settings",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = RoomSettingsChange,
    responses(
        (status = 200, description = "As they are now", body = RoomSettings),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_value`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn change(
    State(settings): State<Arc<RoomSettingsDesk>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(change): Body<RoomSettingsChange>,
) -> ApiResult<Json<RoomSettings>> {
    Ok(Json(settings.change(&caller, &channel, &change).await?))
}
