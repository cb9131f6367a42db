//! `POST /api/v1/hearts` and `GET /api/v1/broadcasts/{id}/hearts`.

use std::{net::IpAddr, sync::Arc};

use axum::{Json, body::Bytes, extract::State};
use kernel::{BroadcastId, Problem};
use rest::{Answering, ApiResult, ClientAddress, Direct, DirectAnswer, PathId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Batch, Error, Hearts, HeartsAnswer, KeptHearts};
use crate::{
    crowd::BODY_BYTES,
    needs::Names,
    reports::{Fan, with_names},
};

/// Fans in a ranking.
const RANKING: u32 = 100;

/// The route of batches; the session in the body is the credential.
pub fn lean_router(hearts: Arc<Hearts>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(accept)).with_state(hearts)
}

/// The route that tells the hearts of a broadcast.
pub fn router(hearts: Arc<KeptHearts>, names: Arc<dyn Names>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(tell)).with_state(Telling { hearts, names })
}

#[derive(Clone)]
struct Telling {
    hearts: Arc<KeptHearts>,
    names: Arc<dyn Names>,
}

/// Send a batch of taps, about every three seconds and at the end. Sending the last batch of a session again is
/// harmless: it is answered with `duplicate: true` and counts nothing. The session must have been issued to somebody who
/// was signed in. `text/plain` is taken too, for `sendBeacon`.
#[utoipa::path(
    post, path = "/api/v1/hearts", tag = "hearts", request_body = Batch,
    responses(
        (status = 200, description = "Counted, or known already.", body = HeartsAnswer),
        (status = 401, description = "`sign_in_required`: the session was issued without an account. `bad_session`: not one of this site, or expired.", body = kernel::Problem),
        (status = 409, description = "`replayed_batch`, `broadcast_not_live`, `broadcast_over`: the show ended more than ten seconds ago, or before these positions.", body = kernel::Problem),
        (status = 422, description = "`too_many_taps`, `no_taps`, `impossible_position`, `impossible_seq`, `invalid_hearts`", body = kernel::Problem),
        (status = 429, description = "`heart_rate`: faster than a person.", body = kernel::Problem),
        (status = 503, description = "`hearts_full`, `try_again`", body = kernel::Problem),
    )
)]
async fn accept(State(hearts): State<Arc<Hearts>>, ClientAddress(address): ClientAddress, body: Bytes) -> DirectAnswer {
    answer(&hearts, &body, address).await
}

impl Direct for Hearts {
    fn path(&self) -> &'static str {
        "/api/v1/hearts"
    }

    fn body_bytes_max(&self) -> usize {
        BODY_BYTES
    }

    fn answer(&self, body: Bytes, client: IpAddr) -> Answering<'_> {
        Box::pin(async move { answer(self, &body, client).await })
    }
}

async fn answer(hearts: &Hearts, body: &[u8], address: IpAddr) -> DirectAnswer {
    match hearts.accept(body, address).await {
        Ok(answer) => DirectAnswer::json(&answer),
        Err(error) => Problem::from(error).into(),
    }
}

/// The hearts of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
struct HeartsOfBroadcast {
    /// All of them.
    total: u64,
    /// Where on the timeline they were tapped, in steps of five seconds; steps without hearts are left out.
    timeline: Vec<TimelineStep>,
    /// The accounts with the most hearts, most first, up to 100.
    ranking: Vec<Fan>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TimelineStep {
    /// Where the step begins, in milliseconds.
    position_ms: i64,
    /// Hearts in it.
    hearts: u64,
}

/// The hearts of a broadcast: all, over its timeline, and who gave most.
#[utoipa::path(
    get, path = "/api/v1/broadcasts/{id}/hearts", tag = "hearts",
    params(("id" = BroadcastId, Path, description = "The broadcast.")),
    responses(
        (status = 200, description = "The hearts.", body = HeartsOfBroadcast),
        (status = 404, description = "`no_broadcast`", body = kernel::Problem),
    )
)]
async fn tell(
    State(telling): State<Telling>,
    PathId(broadcast): PathId<BroadcastId>,
) -> ApiResult<Json<HeartsOfBroadcast>> {
    let hearts = &telling.hearts;
    hearts.require_shown(broadcast).await?;
    let total = hearts.total(broadcast).await?;
    let steps = hearts.timeline(broadcast).await?;
    let timeline = steps.into_iter().map(|(position_ms, hearts)| TimelineStep { position_ms, hearts }).collect();
    let fans = hearts.fans(broadcast, RANKING).await?;
    let ranking = with_names(&*telling.names, fans).await.map_err(Error::from)?;
    Ok(Json(HeartsOfBroadcast { total, timeline, ranking }))
}
