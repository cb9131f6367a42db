//! The server API: what a backend of somebody else tells the gateway to do, in the conventions of Centrifuge servers.
//!
//! `POST /api/<method>` with a JSON body and the key in `X-API-Key` (or `Authorization: apikey …`). A request with the right key
//! is always answered with status 200 and a `result` or an `error`.
//!
//! Promise: a publication that was answered with an offset is as durable as its namespace makes it. With the same
//! `idempotency_key` it is made once: in a durable namespace for good, in a window as long as it stands there, elsewhere for five
//! minutes in this process. What is ordered of connections (subscribe, unsubscribe, disconnect, refresh) reaches those of all
//! gateways, and is carried out after the answer; an error says that some gateway may not have been reached.
//!
//! Limits: 64 KiB a request; 1,000 channels in a broadcast, 1,000 commands in a batch, 1,000 clients in a presence.

mod answer;
mod batch;
mod connections;
mod key;
mod methods;
mod publications;
mod readings;
mod settings;
#[cfg(test)]
mod tests;
mod versions;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use kernel::{Clock, Problem};
use rest::problem_response;

pub use settings::ServerApiSettings;

use crate::{Gateway, namespaces::Publishing};
use answer::Answer;
use key::ApiKey;
use methods::Method;
use publications::Recently;
use versions::Versions;

/// What the methods work on.
pub struct ServerApi {
    gateway: Arc<Gateway>,
    publishing: Arc<Publishing>,
    clock: Arc<dyn Clock>,
    recently: Recently,
    versions: Versions,
}

impl ServerApi {
    /// An API for these channels and the connections of this gateway.
    pub fn new(gateway: Arc<Gateway>, publishing: Arc<Publishing>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (recently, versions) = (Recently::default(), Versions::default());
        Arc::new(Self { gateway, publishing, clock, recently, versions })
    }

    /// Its routes; none when the settings have no key.
    pub fn router(self: &Arc<Self>, settings: &ServerApiSettings) -> Router {
        let Some(key) = ApiKey::new(settings) else { return Router::new() };
        Router::new().route("/api/{method}", post(answer)).with_state(Arc::new((self.clone(), key)))
    }

    /// Carries one command out.
    async fn call(&self, method: Method, body: &[u8]) -> Answer {
        match method {
            Method::Publish => self.publish(answer::read(body)?).await,
            Method::PublishToAll => self.broadcast(answer::read(body)?).await,
            Method::Subscribe => self.subscribe(answer::read(body)?).await,
            Method::Unsubscribe => self.unsubscribe(answer::read(body)?).await,
            Method::Disconnect => self.disconnect(answer::read(body)?).await,
            Method::Refresh => self.refresh(answer::read(body)?).await,
            Method::Presence => self.presence(answer::read(body)?).await,
            Method::PresenceStats => self.presence_stats(answer::read(body)?).await,
            Method::History => self.history(answer::read(body)?).await,
            Method::HistoryRemove => self.history_remove(answer::read(body)?).await,
            Method::Channels => self.channels(answer::read(body)?).await,
            Method::Info => self.info().await,
            // One batch in another would be work without a bound.
            Method::Batch => Err(answer::bad_request("a batch cannot stand in a batch")),
        }
    }
}

type Shared = Arc<(Arc<ServerApi>, ApiKey)>;

async fn answer(State(shared): State<Shared>, Path(method): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let (api, key) = &*shared;
    if !key.opens_for(&headers) {
        let detail = "The server API wants its key in the header X-API-Key, or as Authorization: apikey KEY.";
        return problem_response(&Problem::unauthorized("api_key_required", detail));
    }
    let Some(method) = Method::named(&method) else {
        let detail = format!("The server API has no method {method:?}.");
        return problem_response(&Problem::not_found("unknown_method", detail));
    };
    let body = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
    metrics::counter!("madang_server_api_requests_total", "method" => method.name()).increment(1);
    let outcome = match method {
        Method::Batch => match answer::read(&body) {
            Ok(batch) => api.batch(batch).await,
            Err(error) => Err(error),
        },
        method => api.call(method, &body).await,
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, answer::object(outcome).to_string()).into_response()
}
