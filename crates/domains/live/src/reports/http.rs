//! `GET /api/v1/broadcasts/{id}/report` and `GET /api/v1/me/channel/report`.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::{BroadcastId, Timestamp};
use rest::{ApiResult, PathId, Query, SignedIn};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{BroadcastReport, ChannelReport, Reports, Resolution};

/// The routes of reports.
pub fn router(reports: Arc<Reports>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(broadcast)).routes(routes!(channel)).with_state(reports)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BroadcastQuery {
    /// How long one point of the series is: `30s` unless said, `hour`, `day`.
    #[serde(default)]
    #[param(inline)]
    resolution: Resolution,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChannelQuery {
    /// How long one point of the series is: `day` unless said, `hour`.
    #[param(inline)]
    resolution: Option<Resolution>,
    /// From when on; 30 points before the end unless said.
    from: Option<Timestamp>,
    /// Until when; now unless said.
    to: Option<Timestamp>,
}

/// What a broadcast came to; for its host.
#[utoipa::path(
    get, path = "/api/v1/broadcasts/{id}/report", tag = "reports",
    params(("id" = BroadcastId, Path, description = "The broadcast."), BroadcastQuery),
    responses(
        (status = 200, description = "The report.", body = BroadcastReport),
        (status = 401, description = "`sign_in_required`", body = kernel::Problem),
        (status = 403, description = "`not_host`", body = kernel::Problem),
        (status = 404, description = "`no_broadcast`", body = kernel::Problem),
    )
)]
async fn broadcast(
    State(reports): State<Arc<Reports>>,
    asker: SignedIn,
    PathId(broadcast): PathId<BroadcastId>,
    Query(query): Query<BroadcastQuery>,
) -> ApiResult<Json<BroadcastReport>> {
    Ok(Json(reports.broadcast(asker.identity.account, broadcast, query.resolution).await?))
}

/// What the caller's broadcasts came to over time.
#[utoipa::path(
    get, path = "/api/v1/me/channel/report", tag = "reports", params(ChannelQuery),
    responses(
        (status = 200, description = "The report.", body = ChannelReport),
        (status = 401, description = "`sign_in_required`", body = kernel::Problem),
        (status = 422, description = "`invalid_range`, `range_too_long`, `invalid_resolution`", body = kernel::Problem),
    )
)]
async fn channel(
    State(reports): State<Arc<Reports>>,
    host: SignedIn,
    Query(query): Query<ChannelQuery>,
) -> ApiResult<Json<ChannelReport>> {
    let resolution = query.resolution.unwrap_or(Resolution::Day);
    Ok(Json(reports.channel(host.identity.account, resolution, query.from, query.to).await?))
}
