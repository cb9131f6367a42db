//! The routes of timeouts.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{AccountId, BroadcastId, Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, PathIds, Query, Visitor};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Timeout, Timeouts};

/// The routes, with their full paths.
pub fn router(timeouts: Arc<Timeouts>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, time_out)).routes(routes!(lift)).with_state(timeouts)
}

/// Whom to silence, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
struct NewTimeout {
    /// The account.
    account: AccountId,
    /// 1 second to 7 days.
    #[schema(minimum = 1, maximum = 604_800)]
    seconds: u32,
    /// Why, in up to 200 characters.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// The timeouts of the room that have not ended.
#[utoipa::path(
    get,
    path = "/api/v1/broadcasts/{id}/timeouts",
    tag = "moderation",
    params(("id" = BroadcastId, Path, description = "The broadcast"), PageQuery),
    responses(
        (status = 200, description = "By account", body = Page<Timeout>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(timeouts): State<Arc<Timeouts>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<Timeout>>> {
    Ok(Json(timeouts.list(&caller, broadcast, page.cursor_as()?, page.limit()?).await?))
}

/// Silences an account in the room for a while.
#[utoipa::path(
    post,
    path = "/api/v1/broadcasts/{id}/timeouts",
    tag = "moderation",
    params(("id" = BroadcastId, Path, description = "The broadcast")),
    request_body = NewTimeout,
    responses(
        (status = 204, description = "It is silenced"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`account_unknown`, `account_protected`, `invalid_seconds`, `invalid_reason`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn time_out(
    State(timeouts): State<Arc<Timeouts>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
    Body(new): Body<NewTimeout>,
) -> ApiResult<StatusCode> {
    timeouts.time_out(&caller, broadcast, new.account, new.seconds, new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an account write again.
#[utoipa::path(
    delete,
    path = "/api/v1/broadcasts/{id}/timeouts/{account}",
    tag = "moderation",
    params(
        ("id" = BroadcastId, Path, description = "The broadcast"),
        ("account" = AccountId, Path, description = "The account"),
    ),
    responses(
        (status = 204, description = "It may write"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn lift(
    State(timeouts): State<Arc<Timeouts>>,
    PathIds(broadcast, account): PathIds<BroadcastId, AccountId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    timeouts.lift(&caller, broadcast, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
