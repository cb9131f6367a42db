//! Ways to connect where WebSockets do not get through: a response that does not end carries what the server sends, and each
//! frame of the client is a request of its own.
//!
//! `POST /connection/http_stream` (JSON lines, or Protobuf messages behind their lengths), `GET /connection/sse?cf_connect=…`
//! (server-sent events, JSON), and `POST /emulation` for the client's frames.
//!
//! Promise: behind each of them is the same [`Connection`](crate::connection::Connection) as behind a WebSocket, with the same
//! limits, order and drain; here its frames only travel otherwise. The session's name is 128 random bits and all it takes to
//! send into it.
//!
//! Limits: 64 KiB a request; 16 frames of a client that wait, then it is told to try again.

mod bridge;
mod emulation;
mod http_stream;
mod sessions;
mod sse;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use kernel::Problem;
use rest::{ClientAddress, Credentials};
use tokio::sync::mpsc;

pub(crate) use sessions::Sessions;

use crate::{
    connection::{Connection, Peer, WebSocketTransport},
    gateway::Shared,
    protocol::Encoding,
};

/// What both ways down share.
struct Fallbacks {
    shared: Arc<Shared>,
}

/// The routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let fallbacks = Arc::new(Fallbacks { shared });
    Router::new()
        .route("/connection/http_stream", post(http_stream::open))
        .route("/connection/sse", get(sse::open))
        .route("/emulation", post(emulation::send))
        .with_state(fallbacks)
}

impl Fallbacks {
    /// Begins a session whose first frame is `first`; what it sends, frame by frame.
    fn begin(
        &self,
        ClientAddress(address): ClientAddress,
        headers: &HeaderMap,
        encoding: Encoding,
        first: Bytes,
    ) -> Result<mpsc::Receiver<Bytes>, Problem> {
        if self.shared.is_ending() {
            return Err(Problem::unavailable("shutting_down", "This server is about to end.").retry_after(1));
        }
        let place = self.shared.admission.admit(address)?;
        let (session, up) = self.shared.sessions.begin()?;
        let Credentials(cookie) = Credentials::of(headers);
        let (wire, other_end) = tokio::io::duplex(bridge::BUFFER_BYTES);
        let (down, frames) = mpsc::channel(bridge::FRAMES_DOWN_MAX);
        let peer = Peer {
            address,
            cookie: cookie.map(String::into_boxed_str),
            native_pings: false,
            encoding,
            session: session.name().clone(),
            _place: place,
        };
        let transport = WebSocketTransport::new(Box::pin(wire), Bytes::new(), encoding);
        let connection = Connection::new(self.shared.clone(), transport, peer);
        tokio::spawn(Connection::run(connection));
        tokio::spawn(bridge::carry(other_end, first, up, down, encoding, session));
        Ok(frames)
    }
}

/// A response that goes on as long as the session does. `form` is how a frame stands in it.
fn endless(
    content_type: &'static str,
    frames: mpsc::Receiver<Bytes>,
    form: impl Fn(Bytes) -> Bytes + Send + 'static,
) -> Response {
    let body = stream::unfold((frames, form), |(mut frames, form)| async move {
        let frame = frames.recv().await?;
        let formed = form(frame);
        Some((Ok::<_, Infallible>(formed), (frames, form)))
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, must-revalidate"));
    // Proxies that gather an answer before they hand it on would keep it for ever.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
