//! The routes of accounts.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::Problem;
use rest::{ApiResult, Body, CookieToken, Https, PathId, SignedIn, Visitor, session_cookie};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Account, Accounts, Changes, Error, NewAccount, Profile};
use crate::sessions::{Device, SignedInAnswer};

/// The routes of accounts.
pub fn router(accounts: Arc<Accounts>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_account))
        .routes(routes!(my_account, change_my_account))
        .routes(routes!(profile))
        .with_state(accounts)
}

/// Creates an account and signs it in: the answer carries the token, and sets the session cookie.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "people", request_body = NewAccount, responses(
    (status = 201, description = "Created, and signed in", body = SignedInAnswer),
    (status = 403, description = "`registration_closed`", body = Problem),
    (status = 409, description = "`handle_taken`", body = Problem),
    (status = 422, description = "`invalid_handle`, `invalid_password`, `invalid_display_name`", body = Problem),
    (status = 429, description = "`sign_up_rate`", body = Problem),
    (status = 503, description = "`sign_in_busy`", body = Problem),
))]
async fn create_account(
    State(accounts): State<Arc<Accounts>>,
    Visitor(caller): Visitor,
    https: Https,
    device: Device,
    Body(new): Body<NewAccount>,
) -> ApiResult<Response> {
    let (account, token) = accounts.sign_up(&caller, &device, new).await?;
    Ok(SignedInAnswer::new(account, token).into_response(accounts.cookie_lifetime_s(), https))
}

/// The caller's own account. A browser's session cookie is renewed with it.
#[utoipa::path(get, path = "/api/v1/me", tag = "people", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The account", body = Account),
    (status = 401, description = "`sign_in_required`", body = Problem),
))]
async fn my_account(
    State(accounts): State<Arc<Accounts>>,
    signed_in: SignedIn,
    https: Https,
    CookieToken(token): CookieToken,
) -> ApiResult<Response> {
    let account = accounts.account(signed_in.identity.account).await?;
    let mut response = Json(account).into_response();
    if let Some(token) = token {
        let cookie = session_cookie(&token, accounts.cookie_lifetime_s(), https);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Changes what the caller says about themselves.
#[utoipa::path(patch, path = "/api/v1/me", tag = "people", security(("bearer" = []), ("cookie" = [])),
    request_body = Changes, responses(
    (status = 200, description = "The account as it is now", body = Account),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 422, description = "`invalid_display_name`, `invalid_bio`", body = Problem),
))]
async fn change_my_account(
    State(accounts): State<Arc<Accounts>>,
    signed_in: SignedIn,
    Body(changes): Body<Changes>,
) -> ApiResult<(StatusCode, Json<Account>)> {
    let account = accounts.change(signed_in.identity.account, &changes).await?;
    Ok((StatusCode::OK, Json(account)))
}

/// Somebody's profile.
#[utoipa::path(get, path = "/api/v1/accounts/{handle}", tag = "people",
    params(("handle" = String, Path, description = "In any case of letters")), responses(
    (status = 200, description = "The profile", body = Profile),
    (status = 404, description = "`no_such_account`", body = Problem),
))]
async fn profile(State(accounts): State<Arc<Accounts>>, PathId(handle): PathId<String>) -> ApiResult<Json<Profile>> {
    let found = accounts.by_handle(&handle).await?;
    let account = found.ok_or_else(|| Error::Unknown(handle.chars().take(40).collect()))?;
    Ok(Json(account.into()))
}
