//! The routes of review.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{MessageId, Page, Problem};
use rest::{ApiResult, PageQuery, PathId, PathIds, Query, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Review, ReviewItem};
use crate::messages::Message;

/// The routes, with their full paths.
pub fn router(review: Arc<Review>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(approve)).routes(routes!(reject)).with_state(review)
}

/// The messages that wait for review in the channel, oldest first; for its moderators.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/held-messages",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "Oldest first", body = Page<ReviewItem>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(review): State<Arc<Review>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<ReviewItem>>> {
    Ok(Json(review.waiting(&caller, &channel, page.cursor_as()?, page.limit()?).await?))
}

/// Publishes a held message in its room, now.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/held-messages/{id}/approve",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("id" = MessageId, Path, description = "The held message"),
    ),
    responses(
        (status = 200, description = "As it stands in the room", body = Message),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`, `not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`already_decided`, `room_closed`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn approve(
    State(review): State<Arc<Review>>,
    PathIds(channel, id): PathIds<String, MessageId>,
    Visitor(caller): Visitor,
) -> ApiResult<Json<Message>> {
    Ok(Json(review.approve(&caller, &channel, id).await?))
}

/// Refuses a held message.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/held-messages/{id}/reject",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("id" = MessageId, Path, description = "The held message"),
    ),
    responses(
        (status = 204, description = "It is not published"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`, `not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`already_decided`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn reject(
    State(review): State<Arc<Review>>,
    PathIds(channel, id): PathIds<String, MessageId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    review.reject(&caller, &channel, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
