//! The HTTP side: who may open a WebSocket, and how.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use kernel::Problem;
use rest::{ApiError, ClientAddress, Credentials};

use crate::{
    connection::{Connection, Peer, WebSocketTransport},
    gateway::Shared,
    settings::MESSAGE_BYTES_MAX,
};

/// Buffers of a connection. Small ones: most connections are idle, and large messages make theirs grow.
const READ_BUFFER_BYTES: usize = 2 << 10;
const WRITE_BUFFER_BYTES: usize = 4 << 10;
const SUBPROTOCOL: &str = "centrifuge-json";
const SUBPROTOCOL_PROTOBUF: &str = "centrifuge-protobuf";
const NATIVE_PINGS: &str = "cf_ws_frame_ping_pong=true";

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/connection/websocket", get(connect)).with_state(shared)
}

async fn connect(
    State(shared): State<Arc<Shared>>,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    match prepare(&shared, address, query.as_deref(), &headers, &upgrade) {
        Ok(peer) => upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(MESSAGE_BYTES_MAX)
            .max_frame_size(MESSAGE_BYTES_MAX)
            .on_upgrade(move |socket| {
                let connection = Connection::new(shared.clone(), WebSocketTransport::new(socket), peer);
                shared.connections.track_future(connection.run())
            }),
        Err(problem) => ApiError(problem).into_response(),
    }
}

fn prepare(
    shared: &Shared,
    ClientAddress(address): ClientAddress,
    query: Option<&str>,
    headers: &HeaderMap,
    upgrade: &WebSocketUpgrade,
) -> Result<Peer, Problem> {
    if shared.closing.is_cancelled() {
        return Err(Problem::unavailable("shutting_down", "This server is about to end.").retry_after(1));
    }
    if !origin_allowed(headers, &shared.settings.allowed_origins) {
        return Err(Problem::forbidden("origin_not_allowed", "Pages of this origin may not connect here."));
    }
    let offered = |name| upgrade.requested_protocols().any(|offer| *offer == HeaderValue::from_static(name));
    if offered(SUBPROTOCOL_PROTOBUF) && !offered(SUBPROTOCOL) {
        return Err(Problem::bad_request("unknown_subprotocol", "The JSON form of the protocol is spoken here."));
    }
    let place = shared.admission.admit(address)?;
    let Credentials(cookie) = Credentials::of(headers);
    let native_pings = query.is_some_and(|query| query.split('&').any(|pair| pair == NATIVE_PINGS));
    Ok(Peer { address, cookie, native_pings, place })
}

/// Browsers send the page's origin (RFC 6455 §10.2); a cookie must not serve other sites' pages. Other clients send none.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let same_host = matches!((authority, host), (Some(from), Some(to)) if from.eq_ignore_ascii_case(to));
    same_host || allowed.iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_site_itself_and_listed_origins_may_connect() {
        let check = |origin: Option<&str>, allowed: &[&str]| {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("show.example:8080"))]);
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            origin_allowed(&headers, &allowed.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert!(check(None, &[]));
        assert!(check(Some("http://Show.example:8080"), &[]));
        assert!(!check(Some("http://show.example"), &[]));
        assert!(!check(Some("null"), &[]));
        assert!(!check(Some("https://evil.example"), &["https://other.example"]));
        assert!(check(Some("https://other.example"), &["https://other.example"]));
        assert!(check(Some("https://evil.example"), &["*"]));
    }
}
