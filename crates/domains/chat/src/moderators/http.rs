//! The routes of moderators.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{AccountId, Page, Problem};
use rest::{ApiResult, Body, PathId, PathIds, Visitor};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Moderator, Moderators};
use crate::person::Person;

/// The routes, with their full paths.
pub fn router(moderators: Arc<Moderators>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, appoint)).routes(routes!(dismiss)).with_state(moderators)
}

/// An account by its handle.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ByHandle {
    /// Its unique name.
    pub(crate) handle: String,
}

/// The moderators of the channel (at most 100, on one page); for them and the streamer.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/moderators",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    responses(
        (status = 200, description = "By account", body = Page<Moderator>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(moderators): State<Arc<Moderators>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
) -> ApiResult<Json<Page<Moderator>>> {
    Ok(Json(Page { items: moderators.list(&caller, &channel).await?, next_cursor: None }))
}

/// Makes an account a moderator of the channel.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/moderators",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = ByHandle,
    responses(
        (status = 201, description = "It is one now", body = Person),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`, `not_streamer`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`account_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn appoint(
    State(moderators): State<Arc<Moderators>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(new): Body<ByHandle>,
) -> ApiResult<(StatusCode, Json<Person>)> {
    Ok((StatusCode::CREATED, Json(moderators.appoint(&caller, &channel, &new.handle).await?)))
}

/// Ends an account's moderation of the channel; moderators may end their own.
#[utoipa::path(
    delete,
    path = "/api/v1/channels/{handle}/moderators/{account}",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("account" = AccountId, Path, description = "The moderator"),
    ),
    responses(
        (status = 204, description = "It is none"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`, `not_streamer`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn dismiss(
    State(moderators): State<Arc<Moderators>>,
    PathIds(channel, account): PathIds<String, AccountId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    moderators.dismiss(&caller, &channel, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
