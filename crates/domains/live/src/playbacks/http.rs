//! `POST /api/v1/playbacks`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::BroadcastId;
use rest::{ApiResult, Body, ClientAddress, Credentials, Https};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Playbacks, Viewer};

/// The cookie that recognises a browser without an account.
const VIEWER_COOKIE: &str = "madang_viewer";
/// 400 days, the longest a browser keeps a cookie.
const VIEWER_COOKIE_S: u32 = 400 * 24 * 60 * 60;

/// The route that issues sessions. It resolves credentials itself, so it needs no sign-in layer.
pub fn router(playbacks: Arc<Playbacks>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(issue)).with_state(playbacks)
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewPlayback {
    /// What the player plays.
    broadcast: BroadcastId,
}

#[derive(Debug, Serialize, ToSchema)]
struct Playback {
    /// The credential of this player's beats and hearts; keep it as it is.
    session: String,
    /// How often to send a beat, in milliseconds.
    beat_every_ms: u32,
}

/// Start a player: a signed session for its beats and hearts. No account is needed.
#[utoipa::path(
    post, path = "/api/v1/playbacks", tag = "viewers", request_body = NewPlayback,
    responses(
        (status = 201, description = "The session.", body = Playback),
        (status = 404, description = "`no_broadcast`: there is no such broadcast.", body = kernel::Problem),
        (status = 429, description = "`playback_rate`, `too_many_players`: limits of one address.", body = kernel::Problem),
    )
)]
async fn issue(
    State(playbacks): State<Arc<Playbacks>>,
    ClientAddress(address): ClientAddress,
    Credentials(token): Credentials,
    https: Https,
    headers: HeaderMap,
    Body(asked): Body<NewPlayback>,
) -> ApiResult<Response> {
    let issued = playbacks.issue(asked.broadcast, token.as_deref(), browser(&headers), address).await?;
    let answer = Playback { session: issued.session, beat_every_ms: issued.beat_every_ms };
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(value) = issued.new_browser.and_then(|browser| set_cookie(browser, https)) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(response)
}

fn set_cookie(browser: Viewer, https: Https) -> Option<HeaderValue> {
    let value = browser.cookie()?;
    let secure = if https.0 { "; Secure" } else { "" };
    let cookie = format!("{VIEWER_COOKIE}={value}; Path=/; Max-Age={VIEWER_COOKIE_S}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).ok()
}

fn browser(headers: &HeaderMap) -> Option<Viewer> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == VIEWER_COOKIE).then(|| Viewer::from_cookie(value)).flatten())
}
