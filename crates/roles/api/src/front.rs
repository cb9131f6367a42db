//! Where every request comes in: the client's address, a bounded body, one 500 for a panic, and the permission of listed
//! sites' pages. Nothing else, because the lean routes pass here as well.

use std::{any::Any, convert::Infallible, net::IpAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Limited;
use hyper::{
    Request,
    body::{Body as _, Incoming},
};
use kernel::{Problem, limits::JSON_BODY_BYTES};
use rest::{ClientAddress, Direct, DirectAnswer, Https, Opened, Takeover, UpgradeRequest, problem_response};
use tower::Service;

use crate::{
    Settings,
    body::{NotWhole, TimelyBody, whole},
    cors::Cors,
    entrance::{Head, Timeouts},
    origin::Origins,
    problems,
    proxies::Proxies,
};

/// The entrance.
pub(crate) struct Front {
    router: Router,
    direct: Vec<Arc<dyn Direct>>,
    takeovers: Vec<Arc<dyn Takeover>>,
    origins: Arc<Origins>,
    proxies: Proxies,
    timeouts: Timeouts,
    cors: Option<Cors>,
    received: metrics::Counter,
}

impl Front {
    pub(crate) fn new(
        router: Router,
        direct: Vec<Arc<dyn Direct>>,
        takeovers: Vec<Arc<dyn Takeover>>,
        origins: Arc<Origins>,
        settings: &Settings,
    ) -> Self {
        Self {
            router,
            direct,
            takeovers,
            origins,
            proxies: Proxies::new(settings),
            timeouts: Timeouts { head: settings.header_timeout(), body: settings.body_timeout() },
            cors: Cors::new(settings),
            received: metrics::counter!("madang_http_received_total"),
        }
    }

    /// Answers one request of the connection from `peer`.
    pub(crate) async fn answer(
        &self,
        peer: IpAddr,
        is_tls: bool,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        self.received.increment(1);
        let Some(reply) = self.cors.as_ref().and_then(|cors| cors.judge(&request)) else {
            return self.route(peer, is_tls, request).await;
        };
        if let Some(permission) = reply.preflight() {
            return Ok(permission);
        }
        let mut response = self.route(peer, is_tls, request).await?;
        reply.stamp(response.headers_mut());
        Ok(response)
    }

    async fn route(&self, peer: IpAddr, is_tls: bool, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if request.body().size_hint().lower() > JSON_BODY_BYTES as u64 {
            return Ok(problem_response(&problems::too_large(JSON_BODY_BYTES)));
        }
        let client = self.proxies.client(peer, is_tls, request.headers());
        if let Some(route) = self.direct(request.method().as_str(), request.uri().path()) {
            return Ok(self.answer_directly(&**route, client.address, request).await.into_response());
        }
        request.extensions_mut().insert(ClientAddress(client.address));
        if client.https {
            request.extensions_mut().insert(Https(true));
        }
        let timeout = self.timeouts.body;
        let request = request.map(|body| Body::new(Limited::new(TimelyBody::new(body, timeout), JSON_BODY_BYTES)));
        // The router is the same after a panic as before: handlers keep what they share behind locks.
        let answer = AssertUnwindSafe(self.router.clone().call(request)).catch_unwind();
        answer.await.unwrap_or_else(|panic| Ok(problem_response(&panicked(&*panic))))
    }

    async fn answer_directly(&self, route: &dyn Direct, client: IpAddr, request: Request<Incoming>) -> DirectAnswer {
        match whole(TimelyBody::new(request.into_body(), self.timeouts.body), route.body_bytes_max()).await {
            Ok(body) => answered(route, client, body).await,
            Err(NotWhole::TooLarge { max }) => problems::too_large(max).into(),
            Err(NotWhole::Broken) => problems::unreadable().into(),
        }
    }
}

/// What the entrance asks for, before or instead of a request of hyper's.
impl Front {
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The direct route of a request.
    pub(crate) fn direct(&self, method: &str, path: &str) -> Option<&Arc<dyn Direct>> {
        self.direct.iter().find(|route| method == "POST" && route.path() == path)
    }

    /// Whether the route needs no more than the body of a request with this head.
    pub(crate) fn may_answer_directly(&self, route: &Arc<dyn Direct>, head: &Head<'_>) -> bool {
        let fits = head.content_length.is_some_and(|length| length <= route.body_bytes_max());
        // Pages of listed sites are given permission with the answer.
        head.is_plain && fits && !(head.has_origin && self.cors.is_some())
    }

    /// The address of the client that sent this head.
    pub(crate) fn client(&self, peer: IpAddr, head: &Head<'_>) -> IpAddr {
        if self.proxies.trust(peer) { self.proxies.address(peer, &head.header_map()) } else { peer }
    }

    /// Answers a request that was received whole.
    pub(crate) async fn answer_direct(&self, route: &dyn Direct, client: IpAddr, body: Bytes) -> DirectAnswer {
        self.received.increment(1);
        answered(route, client, body).await
    }

    /// The route below `path` that takes connections over.
    pub(crate) fn takeover(&self, path: &str) -> Option<&dyn Takeover> {
        self.takeovers.iter().find(|route| route.path() == path).map(|route| &**route)
    }

    /// Opens an upgrade, or says why not.
    pub(crate) fn open(&self, route: &dyn Takeover, peer: IpAddr, head: &Head<'_>) -> Result<Opened, DirectAnswer> {
        self.received.increment(1);
        let headers = head.header_map();
        if !self.origins.permit(&headers) {
            return Err(problems::foreign_origin().into());
        }
        let client = self.proxies.address(peer, &headers);
        let request = UpgradeRequest { query: head.query, headers: &headers, client };
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| route.open(&request)));
        opened.unwrap_or_else(|panic| Err(panicked(&*panic).into()))
    }
}

async fn answered(route: &dyn Direct, client: IpAddr, body: Bytes) -> DirectAnswer {
    let answer = AssertUnwindSafe(route.answer(body, client)).catch_unwind();
    answer.await.unwrap_or_else(|panic| panicked(&*panic).into())
}

/// The answer after a panic, which is logged.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    Problem::internal()
}
