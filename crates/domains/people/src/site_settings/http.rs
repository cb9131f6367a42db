//! The routes of site settings.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use kernel::{Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, Query, SignedIn};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{NewSiteSetting, SettingsDesk, SiteSetting, SiteSettingChange, SiteSettings};

/// The routes of site settings.
pub fn router(desk: Arc<SettingsDesk>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(changes))
        .routes(routes!(show, set, reset))
        .with_state(desk)
}

/// `?version=` of a removal.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeenQuery {
    /// The `changed.version` that the caller has seen: when somebody else was faster, nothing is changed.
    pub version: Option<i64>,
}

/// What administrators can change while the site runs, with the values that hold.
#[utoipa::path(get, path = "/api/v1/admin/settings", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses(
    (status = 200, description = "Every setting", body = SiteSettings),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
))]
async fn list(State(desk): State<Arc<SettingsDesk>>, signed_in: SignedIn) -> ApiResult<Json<SiteSettings>> {
    Ok(Json(desk.list(&signed_in.identity).await?))
}

/// Who changed which setting, when, from what to what; newest first.
#[utoipa::path(get, path = "/api/v1/admin/settings/changes", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(PageQuery), responses(
    (status = 200, description = "A page, newest first", body = Page<SiteSettingChange>),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 422, description = "`invalid_limit`, `invalid_cursor`", body = Problem),
))]
async fn changes(
    State(desk): State<Arc<SettingsDesk>>,
    signed_in: SignedIn,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<Page<SiteSettingChange>>> {
    Ok(Json(desk.changes(&signed_in.identity, page.cursor_as()?, page.limit()?).await?))
}

/// One setting.
#[utoipa::path(get, path = "/api/v1/admin/settings/{name}", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(("name" = String, Path, description = "As in the settings file")),
    responses(
    (status = 200, description = "The setting", body = SiteSetting),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_setting`", body = Problem),
))]
async fn show(
    State(desk): State<Arc<SettingsDesk>>,
    signed_in: SignedIn,
    PathId(name): PathId<String>,
) -> ApiResult<Json<SiteSetting>> {
    Ok(Json(desk.find(&signed_in.identity, &name).await?))
}

/// Sets a value: it holds in every process within two seconds.
#[utoipa::path(put, path = "/api/v1/admin/settings/{name}", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(("name" = String, Path, description = "As in the settings file")),
    request_body = NewSiteSetting, responses(
    (status = 200, description = "The setting as it is now", body = SiteSetting),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_setting`", body = Problem),
    (status = 409, description = "`changed_meanwhile`", body = Problem),
    (status = 422, description = "`invalid_value`", body = Problem),
))]
async fn set(
    State(desk): State<Arc<SettingsDesk>>,
    signed_in: SignedIn,
    PathId(name): PathId<String>,
    Body(new): Body<NewSiteSetting>,
) -> ApiResult<Json<SiteSetting>> {
    Ok(Json(desk.set(&signed_in.identity, &name, &new).await?))
}

/// Removes what was set: the settings file holds again.
#[utoipa::path(delete, path = "/api/v1/admin/settings/{name}", tag = "people",
    security(("bearer" = []), ("cookie" = [])),
    params(("name" = String, Path, description = "As in the settings file"), SeenQuery), responses(
    (status = 204, description = "The settings file holds"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_setting`", body = Problem),
    (status = 409, description = "`changed_meanwhile`", body = Problem),
))]
async fn reset(
    State(desk): State<Arc<SettingsDesk>>,
    signed_in: SignedIn,
    PathId(name): PathId<String>,
    Query(seen): Query<SeenQuery>,
) -> ApiResult<StatusCode> {
    desk.reset(&signed_in.identity, &name, seen.version).await?;
    Ok(StatusCode::NO_CONTENT)
}
