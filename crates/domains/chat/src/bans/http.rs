//! The routes of bans.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{AccountId, AddressBanId, Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, PathIds, Query, Visitor};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{AddressBan, Ban, Bans, NewAddressBan, NewBan};

/// The routes, with their full paths.
pub fn router(bans: Arc<Bans>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, ban))
        .routes(routes!(unban))
        .routes(routes!(list_addresses, ban_address))
        .routes(routes!(unban_address))
        .with_state(bans)
}

/// The accounts that are banned from the channel's chat; for its moderators.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/bans",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "By account", body = Page<Ban>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(bans): State<Arc<Bans>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<Ban>>> {
    Ok(Json(bans.list(&caller, &channel, page.cursor_as()?, page.limit()?).await?))
}

/// Bans an account from the channel's chat until that is lifted.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/bans",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = NewBan,
    responses(
        (status = 204, description = "It is banned"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`, `account_protected`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`account_unknown`, `invalid_reason`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn ban(
    State(bans): State<Arc<Bans>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(new): Body<NewBan>,
) -> ApiResult<StatusCode> {
    bans.ban(&caller, &channel, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lifts the ban of an account.
#[utoipa::path(
    delete,
    path = "/api/v1/channels/{handle}/bans/{account}",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("account" = AccountId, Path, description = "The banned account"),
    ),
    responses(
        (status = 204, description = "It is not banned"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn unban(
    State(bans): State<Arc<Bans>>,
    PathIds(channel, account): PathIds<String, AccountId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    bans.unban(&caller, &channel, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The addresses that are banned from the channel's chat; for its moderators. The address of an account is not shown.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}/address-bans",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle"), PageQuery),
    responses(
        (status = 200, description = "Oldest first", body = Page<AddressBan>),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list_addresses(
    State(bans): State<Arc<Bans>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<AddressBan>>> {
    Ok(Json(bans.addresses(&caller, &channel, page.cursor_as()?, page.limit()?).await?))
}

/// Bans the address an account wrote from within the last day, or a range of addresses, for some days.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{handle}/address-bans",
    tag = "moderation",
    params(("handle" = String, Path, description = "The streamer's handle")),
    request_body = NewAddressBan,
    responses(
        (status = 201, description = "It is banned", body = AddressBan),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`, `account_protected`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`address_unknown`: the account has not written here within a day through the process that answers; `limit_reached`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`account_unknown`, `invalid_reason`, `invalid_value`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn ban_address(
    State(bans): State<Arc<Bans>>,
    PathId(channel): PathId<String>,
    Visitor(caller): Visitor,
    Body(new): Body<NewAddressBan>,
) -> ApiResult<(StatusCode, Json<AddressBan>)> {
    Ok((StatusCode::CREATED, Json(bans.ban_address(&caller, &channel, new).await?)))
}

/// Lifts the ban of an address.
#[utoipa::path(
    delete,
    path = "/api/v1/channels/{handle}/address-bans/{id}",
    tag = "moderation",
    params(
        ("handle" = String, Path, description = "The streamer's handle"),
        ("id" = AddressBanId, Path, description = "The ban"),
    ),
    responses(
        (status = 204, description = "It is not banned"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`channel_unknown`, `not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn unban_address(
    State(bans): State<Arc<Bans>>,
    PathIds(channel, id): PathIds<String, AddressBanId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    bans.unban_address(&caller, &channel, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
