//! The route of the moderation log.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::{Page, Problem};
use rest::{ApiResult, PageQuery, PathId, Query, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ModLog, ModLogEntry};

/// The route, with its full path.
pub fn router(log: Arc<ModLog>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).with_state(log)
}

/// Who did what to whom in the channel's chat, latest first; for its moderators.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/mod-log",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "Latest first", body = Page<ModLogEntry>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(log): State<Arc<ModLog>>,
    PathId(handle): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<ModLogEntry>>> {
    Ok(Json(log.entries(&caller, &handle, page.cursor_as()?, page.limit()?).await?))
}
