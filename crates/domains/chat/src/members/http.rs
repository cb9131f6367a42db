//! The routes of approved members.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{AccountId, Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, PathIds, Query, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Member, Members};
use crate::moderators::ByHandle;
use crate::person::Person;

/// The routes, with their full paths.
pub fn router(members: Arc<Members>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, approve)).routes(routes!(remove)).with_state(members)
}

/// The approved members of the channel; for its moderators.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/members",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "By account", body = Page<Member>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(members): State<Arc<Members>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<Member>>> {
    Ok(Json(members.list(&caller, &channel, page.cursor_as()?, page.limit()?).await?))
}

/// Approves an account: it may write while the chat is members-only.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/members",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = ByHandle,
    responses(
        (status = 201, description = "It is approved", body = Person),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`account_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn approve(
    State(members): State<Arc<Members>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(new): Body<ByHandle>,
) -> ApiResult<(StatusCode, Json<Person>)> {
    Ok((StatusCode::CREATED, Json(members.approve(&caller, &channel, &new.handle).await?)))
}

/// Takes an approval back.
#[utoipa::path(
    delete,
    path = "/api/v1/channels/{handle}/members/{account}",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("account" = AccountId, Path, description = "The member"),
    ),
    responses(
        (status = 204, description = "It is not approved"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn remove(
    State(members): State<Arc<Members>>,
    PathIds(channel, account): PathIds<String, AccountId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    members.remove(&caller, &channel, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
