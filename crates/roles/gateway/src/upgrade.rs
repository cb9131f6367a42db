//! The HTTP side: who may open a WebSocket, and how.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use kernel::Problem;
use rest::{Credentials, DirectAnswer, Opened, Takeover, UpgradeRequest};

use crate::{
    connection::{Connection, Peer, WebSocketTransport},
    gateway::Shared,
    protocol::Encoding,
    websocket::{Handshake, NotWebSocket},
};

const SUBPROTOCOL: &str = "centrifuge-json";
const SUBPROTOCOL_PROTOBUF: &str = "centrifuge-protobuf";
/// How clients without subprotocols ask for Protobuf.
const PROTOBUF_QUERIES: [&str; 2] = ["format=protobuf", "cf_protocol=protobuf"];
const NATIVE_PINGS: &str = "cf_ws_frame_ping_pong=true";

/// `GET /connection/websocket`.
pub(crate) struct WebSocketRoute(pub(crate) Arc<Shared>);

impl Takeover for WebSocketRoute {
    fn path(&self) -> &'static str {
        "/connection/websocket"
    }

    fn open(&self, request: &UpgradeRequest<'_>) -> Result<Opened, DirectAnswer> {
        let Self(shared) = self;
        let handshake = Handshake::of(request.headers).map_err(refusal)?;
        let peer = prepare(shared, request, &handshake)?;
        let answer = handshake.accept(subprotocol(&handshake));
        let shared = shared.clone();
        let serve = move |wire, early| -> rest::Serving {
            let connection = Connection::new(shared, WebSocketTransport::new(wire, early, peer.encoding), peer);
            Box::pin(Connection::run(connection))
        };
        Ok(Opened { answer, serve: Box::new(serve) })
    }
}

fn prepare(shared: &Shared, request: &UpgradeRequest<'_>, handshake: &Handshake<'_>) -> Result<Peer, Problem> {
    if shared.is_ending() {
        return Err(Problem::unavailable("shutting_down", "This server is about to end.").retry_after(1));
    }
    if !origin_allowed(request.headers, &shared.settings.allowed_origins) {
        return Err(Problem::forbidden("origin_not_allowed", "Pages of this origin may not connect here."));
    }
    let address = request.client;
    let place = shared.admission.admit(address)?;
    let Credentials(cookie) = Credentials::of(request.headers);
    let cookie = cookie.map(String::into_boxed_str);
    let asks = |wish: &str| request.query.is_some_and(|query| query.split('&').any(|pair| pair == wish));
    let protobuf = match subprotocol(handshake) {
        Some(chosen) => chosen == SUBPROTOCOL_PROTOBUF,
        None => PROTOBUF_QUERIES.into_iter().any(asks),
    };
    let encoding = if protobuf { Encoding::Protobuf } else { Encoding::Json };
    Ok(Peer { address, cookie, native_pings: asks(NATIVE_PINGS), encoding, session: Arc::default(), _place: place })
}

/// The subprotocol of those the client offers.
fn subprotocol(handshake: &Handshake<'_>) -> Option<&'static str> {
    [SUBPROTOCOL, SUBPROTOCOL_PROTOBUF].into_iter().find(|name| handshake.offers(name))
}

pub(crate) fn refusal(why: NotWebSocket) -> DirectAnswer {
    match why {
        NotWebSocket::Malformed(header) => {
            let detail = format!("This is no WebSocket handshake (RFC 6455): look at the header {header}.");
            Problem::bad_request("not_a_websocket", detail).into()
        }
        NotWebSocket::OtherVersion => {
            let detail = "WebSocket is spoken here in version 13 (RFC 6455).";
            let problem = Problem { status: 426, ..Problem::bad_request("websocket_version", detail) };
            DirectAnswer { header: Some(("sec-websocket-version", "13")), ..problem.into() }
        }
    }
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
    use axum::http::HeaderValue;

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
