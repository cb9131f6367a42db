//! Where every request comes in: the client's address, a bounded body, and one 500 for a panic. Nothing else, because
//! the lean routes pass here as well.

use std::{any::Any, convert::Infallible, net::IpAddr, panic::AssertUnwindSafe, time::Duration};

use axum::{Router, body::Body, response::Response};
use futures_util::FutureExt;
use http_body_util::Limited;
use hyper::{
    Request,
    body::{Body as _, Incoming},
};
use kernel::{Problem, limits::JSON_BODY_BYTES};
use rest::{ClientAddress, Https, problem_response};
use tower::Service;

use crate::{Settings, body::TimelyBody, problems, proxies::Proxies};

/// The entrance.
pub(crate) struct Front {
    router: Router,
    proxies: Proxies,
    body_timeout: Duration,
    received: metrics::Counter,
}

impl Front {
    pub(crate) fn new(router: Router, settings: &Settings) -> Self {
        Self {
            router,
            proxies: Proxies::new(settings),
            body_timeout: settings.body_timeout(),
            received: metrics::counter!("madang_http_received_total"),
        }
    }

    /// Answers one request of the connection from `peer`.
    pub(crate) async fn answer(&self, peer: IpAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        self.received.increment(1);
        if request.body().size_hint().lower() > JSON_BODY_BYTES as u64 {
            return Ok(problem_response(&problems::too_large()));
        }
        let client = self.proxies.client(peer, request.headers());
        request.extensions_mut().insert(ClientAddress(client.address));
        if client.https {
            request.extensions_mut().insert(Https(true));
        }
        let timeout = self.body_timeout;
        let request = request.map(|body| Body::new(Limited::new(TimelyBody::new(body, timeout), JSON_BODY_BYTES)));
        // The router is the same after a panic as before: handlers keep what they share behind locks.
        let answer = AssertUnwindSafe(self.router.clone().call(request)).catch_unwind();
        answer.await.unwrap_or_else(|panic| Ok(panicked(&*panic)))
    }
}

/// The answer after a panic, which is logged.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    problem_response(&Problem::internal())
}
