//! HTTP/1.1 with keep-alive, until the client leaves or the server drains.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use crate::{Settings, entrance::Rewound, front::Front, timer::ConnectionTimer};

/// HTTP/1.1.
#[derive(Debug, Clone)]
pub(crate) struct Http1(http1::Builder);

impl Http1 {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut builder = http1::Builder::new();
        builder
            .header_read_timeout(settings.header_timeout())
            // Without `pipeline_flush`: with unread bytes in its buffer it closes before the answer to a refused body is out.
            .max_header_size(settings.max_header_bytes as usize);
        Self(builder)
    }

    /// Serves a connection until it ends. After `drain` it ends with the request it is at.
    pub(crate) async fn serve(&self, stream: Rewound, peer: SocketAddr, front: Arc<Front>, drain: CancellationToken) {
        let (address, is_tls) = (peer.ip().to_canonical(), stream.is_tls());
        let service = service_fn(move |request| {
            let front = front.clone();
            async move { front.answer(address, is_tls, request).await }
        });
        let mut builder = self.0.clone();
        builder.timer(ConnectionTimer::default());
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}
