//! The route of the first administrator's link.

use std::sync::Arc;

use axum::{Json, extract::State};
use kernel::Problem;
use rest::{ApiResult, Body, SignedIn};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Administration;
use crate::accounts::Account;

/// The routes of administration.
pub fn router(administration: Arc<Administration>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(claim)).with_state(administration)
}

/// The token of the link. Not printable.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Claim {
    /// What the link carries as `?token=`.
    pub token: String,
}

/// Makes the caller administrator, with the one-time link that the first start printed.
#[utoipa::path(post, path = "/api/v1/admin/claim", tag = "people", security(("bearer" = []), ("cookie" = [])),
    request_body = Claim, responses(
    (status = 200, description = "The caller is administrator now", body = Account),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`link_over`", body = Problem),
))]
async fn claim(
    State(administration): State<Arc<Administration>>,
    signed_in: SignedIn,
    Body(request): Body<Claim>,
) -> ApiResult<Json<Account>> {
    Ok(Json(administration.claim(signed_in.identity.account, &request.token).await?))
}
