//! `POST /api/v1/beats`.

use std::{net::IpAddr, sync::Arc};

use axum::{body::Bytes, extract::State, http::StatusCode};
use kernel::Problem;
use rest::{Answering, ApiResult, ClientAddress, Direct, DirectAnswer};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Beat, Viewers};
use crate::crowd::BODY_BYTES;

/// The route of beats; the session in the body is the credential.
pub fn router(viewers: Arc<Viewers>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(beat)).with_state(viewers)
}

/// Say that a player is still there (every five seconds), or that it leaves. `text/plain` is taken too, for `sendBeacon`.
#[utoipa::path(
    post, path = "/api/v1/beats", tag = "viewers", request_body = Beat,
    responses(
        (status = 204, description = "Taken."),
        (status = 401, description = "`bad_session`: not a session of this site, or expired.", body = kernel::Problem),
        (status = 409, description = "`session_left`: this session has left, which is final.", body = kernel::Problem),
        (status = 422, description = "`invalid_beat`", body = kernel::Problem),
        (status = 429, description = "`too_many_players`", body = kernel::Problem),
    )
)]
async fn beat(
    State(viewers): State<Arc<Viewers>>,
    ClientAddress(address): ClientAddress,
    body: Bytes,
) -> ApiResult<StatusCode> {
    viewers.beat(&body, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Direct for Viewers {
    fn path(&self) -> &'static str {
        "/api/v1/beats"
    }

    fn body_bytes_max(&self) -> usize {
        BODY_BYTES
    }

    fn answer(&self, body: Bytes, client: IpAddr) -> Answering<'_> {
        Box::pin(async move {
            match self.beat(&body, client).await {
                Ok(()) => DirectAnswer::no_content(),
                Err(error) => Problem::from(error).into(),
            }
        })
    }
}
