//! Where every request comes in: the client's address, a bounded body, one 500 for a panic, and the permission of listed
//! sites' pages. Nothing else, because the lean routes pass here as well.

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

use crate::{Settings, body::TimelyBody, cors::Cors, problems, proxies::Proxies};

/// The entrance.
pub(crate) struct Front {
    router: Router,
    proxies: Proxies,
    cors: Option<Cors>,
    body_timeout: Duration,
    received: metrics::Counter,
}

impl Front {
    pub(crate) fn new(router: Router, settings: &Settings) -> Self {
        Self {
            router,
            proxies: Proxies::new(settings),
            cors: Cors::new(settings),
            body_timeout: settings.body_timeout(),
            received: metrics::counter!("madang_http_received_total"),
        }
    }

    /// Answers one request of the connection from `peer`.
    pub(crate) async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Result<Response, Infallible> {
        self.received.increment(1);
        let Some(reply) = self.cors.as_ref().and_then(|cors| cors.judge(&request)) else {
            return self.route(peer, request).await;
        };
        if let Some(permission) = reply.preflight() {
            return Ok(permission);
        }
        let mut response = self.route(peer, request).await?;
        reply.stamp(response.headers_mut());
        Ok(response)
    }

    async fn route(&self, peer: IpAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
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
