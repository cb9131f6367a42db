//! Where every request comes in: the client's address, a bounded body, one 500 for a panic, and the permission of listed
//! sites' pages. Nothing else, because the lean routes pass here as well.

use std::{any::Any, convert::Infallible, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use futures_util::FutureExt;
use http_body_util::Limited;
use hyper::{
    Method, Request,
    body::{Body as _, Incoming},
};
use kernel::{Problem, limits::JSON_BODY_BYTES};
use rest::{ClientAddress, Direct, Https, problem_response};
use tower::Service;

use crate::{
    Settings,
    body::{NotWhole, TimelyBody, whole},
    cors::Cors,
    problems,
    proxies::Proxies,
};

/// The entrance.
pub(crate) struct Front {
    router: Router,
    direct: Vec<Arc<dyn Direct>>,
    proxies: Proxies,
    cors: Option<Cors>,
    body_timeout: Duration,
    received: metrics::Counter,
}

impl Front {
    pub(crate) fn new(router: Router, direct: Vec<Arc<dyn Direct>>, settings: &Settings) -> Self {
        Self {
            router,
            direct,
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
            return Ok(problem_response(&problems::too_large(JSON_BODY_BYTES)));
        }
        let client = self.proxies.client(peer, request.headers());
        if let Some(direct) = self.direct(&request) {
            let answer = AssertUnwindSafe(self.answer_directly(direct, client.address, request)).catch_unwind();
            return Ok(answer.await.unwrap_or_else(|panic| panicked(&*panic)));
        }
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

    fn direct(&self, request: &Request<Incoming>) -> Option<&dyn Direct> {
        let path = request.uri().path();
        let found = self.direct.iter().find(|direct| request.method() == Method::POST && direct.path() == path);
        found.map(|direct| &**direct)
    }

    async fn answer_directly(&self, direct: &dyn Direct, client: IpAddr, request: Request<Incoming>) -> Response {
        match whole(TimelyBody::new(request.into_body(), self.body_timeout), direct.body_bytes_max()).await {
            Ok(body) => direct.answer(body, client).await,
            Err(NotWhole::TooLarge { max }) => problem_response(&problems::too_large(max)),
            Err(NotWhole::Broken) => problem_response(&problems::unreadable()),
        }
    }
}

/// The answer after a panic, which is logged.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    problem_response(&Problem::internal())
}
