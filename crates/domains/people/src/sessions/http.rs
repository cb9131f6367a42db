//! The routes of sessions.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use kernel::Problem;
use rest::{ApiResult, Body, Credentials, Https, SignedIn, Visitor, session_cookie};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Device, NewPassword, Sessions, SignIn, SignedInAnswer};

/// The routes of sessions.
pub fn router(sessions: Arc<Sessions>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_session))
        .routes(routes!(end_session))
        .routes(routes!(change_password))
        .with_state(sessions)
}

/// Signs in: the answer carries the token, and sets the session cookie.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "people", request_body = SignIn, responses(
    (status = 201, description = "Signed in", body = SignedInAnswer),
    (status = 401, description = "`wrong_credentials`", body = Problem),
    (status = 429, description = "`sign_in_rate`", body = Problem),
    (status = 503, description = "`sign_in_busy`", body = Problem),
))]
async fn create_session(
    State(sessions): State<Arc<Sessions>>,
    Visitor(caller): Visitor,
    https: Https,
    device: Device,
    Body(request): Body<SignIn>,
) -> ApiResult<Response> {
    let (account, token) = sessions.sign_in(&caller, &device, request).await?;
    Ok(SignedInAnswer::new(account, token).into_response(sessions.cookie_lifetime_s(), https))
}

/// Signs out. Harmless when the session is over already.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses((status = 204, description = "Signed out; the cookie is cleared")))]
async fn end_session(
    State(sessions): State<Arc<Sessions>>,
    https: Https,
    Credentials(token): Credentials,
) -> ApiResult<impl IntoResponse> {
    if let Some(token) = token {
        sessions.sign_out(&token).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, session_cookie("", 0, https))])))
}

/// Changes the password; the account's other sessions end.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "people", security(("bearer" = []), ("cookie" = [])),
    request_body = NewPassword, responses(
    (status = 204, description = "Changed"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`wrong_password`", body = Problem),
    (status = 422, description = "`invalid_password`", body = Problem),
    (status = 429, description = "`sign_in_rate`", body = Problem),
))]
async fn change_password(
    State(sessions): State<Arc<Sessions>>,
    signed_in: SignedIn,
    Body(request): Body<NewPassword>,
) -> ApiResult<StatusCode> {
    sessions.change_password(&signed_in.identity, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
