//! `GET /api/v1/gateways`: where a client connects best.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use gateway::{Gateway, Profile};
use rest::Https;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The route, answered by one of the gateways.
pub(crate) fn gateways(gateway: Arc<Gateway>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).with_state(gateway)
}

#[derive(Debug, Serialize, ToSchema)]
struct GatewayView {
    /// Its name for as long as it runs.
    id: String,
    /// Where its WebSockets are.
    url: String,
    /// Connections it has.
    connections: u64,
    /// Connections it may have.
    connections_max: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct GatewayList {
    /// The emptiest first.
    items: Vec<GatewayView>,
    /// Always null: all of them are here.
    next_cursor: Option<String>,
}

/// Gateways of the realtime connection that take clients, the emptiest first.
#[utoipa::path(
    get, path = "/api/v1/gateways", tag = "realtime",
    responses((status = 200, description = "A client connects to the first, and to the next when that fails.", body = GatewayList))
)]
async fn list(State(gateway): State<Arc<Gateway>>, https: Https, headers: HeaderMap) -> Response {
    let items = gateway.gateways().into_iter().map(|Profile { id, url, connections, connections_max, .. }| {
        let url = if url.is_empty() { same_host(https, &headers) } else { url };
        GatewayView { id, url, connections, connections_max }
    });
    let list = GatewayList { items: items.collect(), next_cursor: None };
    ([(header::CACHE_CONTROL, "no-store")], Json(list)).into_response()
}

/// The WebSockets of a server that has no address of its own to tell: where its API was found.
fn same_host(Https(is_https): Https, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{}://{host}/connection/websocket", if is_https { "wss" } else { "ws" })
}
