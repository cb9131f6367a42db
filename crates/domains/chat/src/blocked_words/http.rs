//! The routes of blocked words.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{BlockedWordId, Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, PathIds, Query, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{BlockedWord, BlockedWords, NewBlockedWord};

/// The routes, with their full paths.
pub fn router(words: Arc<BlockedWords>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, block))
        .routes(routes!(unblock))
        .routes(routes!(list_of_site, block_everywhere))
        .routes(routes!(unblock_everywhere))
        .with_state(words)
}

/// The words that are blocked in the channel's chat; for its moderators.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/blocked-words",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "Oldest first", body = Page<BlockedWord>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(words): State<Arc<BlockedWords>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<BlockedWord>>> {
    Ok(Json(words.list(&caller, &channel, page.cursor_as()?, page.limit()?).await?))
}

/// Blocks a word in the channel's chat. One that matches the same texts is replaced.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/blocked-words",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = NewBlockedWord,
    responses(
        (status = 201, description = "It is blocked", body = BlockedWord),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_value`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn block(
    State(words): State<Arc<BlockedWords>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(new): Body<NewBlockedWord>,
) -> ApiResult<(StatusCode, Json<BlockedWord>)> {
    Ok((StatusCode::CREATED, Json(words.block(&caller, &channel, new).await?)))
}

/// Unblocks a word of the channel.
#[utoipa::path(
    delete,
    path = "/api/v1/channels/{handle}/blocked-words/{id}",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("id" = BlockedWordId, Path, description = "The word"),
    ),
    responses(
        (status = 204, description = "It is not blocked"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`, `not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn unblock(
    State(words): State<Arc<BlockedWords>>,
    PathIds(channel, id): PathIds<String, BlockedWordId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    words.unblock(&caller, &channel, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The words that are blocked on the whole site; for administrators.
#[utoipa::path(
    get,
    path = "/api/v1/blocked-words",
    tag = "moderation",
    params(PageQuery),
    responses(
        (status = 200, description = "Oldest first", body = Page<BlockedWord>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list_of_site(
    State(words): State<Arc<BlockedWords>>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<BlockedWord>>> {
    Ok(Json(words.list_of_site(&caller, page.cursor_as()?, page.limit()?).await?))
}

/// Blocks a word on the whole site; for administrators.
#[utoipa::path(
    post,
    path = "/api/v1/blocked-words",
    tag = "moderation",
    request_body = NewBlockedWord,
    responses(
        (status = 201, description = "It is blocked", body = BlockedWord),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_value`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn block_everywhere(
    State(words): State<Arc<BlockedWords>>,
    Visitor(caller): Visitor,
    Body(new): Body<NewBlockedWord>,
) -> ApiResult<(StatusCode, Json<BlockedWord>)> {
    Ok((StatusCode::CREATED, Json(words.block_everywhere(&caller, new).await?)))
}

/// Unblocks a word of the site; for administrators.
#[utoipa::path(
    delete,
    path = "/api/v1/blocked-words/{id}",
    tag = "moderation",
    params(("id" = BlockedWordId, Path, description = "The word")),
    responses(
        (status = 204, description = "It is not blocked"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn unblock_everywhere(
    State(words): State<Arc<BlockedWords>>,
    PathId(id): PathId<BlockedWordId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    words.unblock_everywhere(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
