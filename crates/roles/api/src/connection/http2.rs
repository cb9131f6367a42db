//! HTTP/2 (RFC 9113), until the client leaves, the server drains, or nothing moves.
//!
//! Promise: a request is answered as over HTTP/1.1, with the same limits and times; many go side by side. WebSockets stay with
//! HTTP/1.1, for which browsers open a connection of its own.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{
    Request,
    body::Incoming,
    header::{HOST, HeaderValue},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::movement::{End, Movement, Times};
use crate::{Settings, front::Front, stream::ClientStream};

/// Requests of a connection at once; a client waits with more.
const STREAMS_MAX: u32 = 100;
/// Bytes of a request's body, and of all bodies of a connection, that a client may send ahead.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of an answer that wait for the client, beyond the piece that went over it.
const UNSENT_BYTES_MAX: usize = 128 * 1024;

/// HTTP/2.
#[derive(Debug, Clone)]
pub(crate) struct Http2 {
    builder: http2::Builder<TokioExecutor>,
    times: Times,
}

impl Http2 {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        // Floods of streams that are opened and reset end the connection, within the bounds that hyper has for them.
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(settings.max_header_bytes)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(UNSENT_BYTES_MAX)
            .keep_alive_interval(settings.header_timeout())
            .keep_alive_timeout(settings.header_timeout());
        Self { builder, times: Times { idle: settings.header_timeout(), stalled: settings.write_timeout() } }
    }

    /// Serves a connection until it ends. After `drain` it ends with the requests it is at.
    pub(crate) async fn serve(
        &self,
        stream: ClientStream,
        peer: SocketAddr,
        front: Arc<Front>,
        drain: CancellationToken,
    ) {
        let (address, is_tls) = (peer.ip().to_canonical(), stream.is_tls());
        let movement = Movement::begin();
        let asked = movement.clone();
        let service = service_fn(move |mut request| {
            let (front, asked) = (front.clone(), asked.ask());
            async move {
                name_host(&mut request);
                front.answer(address, is_tls, request).await.map(|response| response.map(|body| asked.watch(body)))
            }
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            end = movement.ceases(self.times) => {
                tracing::debug!(%peer, ?end, "nothing moves on a connection");
                let last: Duration = match end {
                    End::Idle => self.times.idle,
                    End::Stalled => return,
                };
                connection.as_mut().graceful_shutdown();
                timeout(last, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}

/// Puts the host where it stands in HTTP/1.1; `:authority` is what counts (RFC 9113 §8.3.1).
fn name_host(request: &mut Request<Incoming>) {
    let host = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
}
