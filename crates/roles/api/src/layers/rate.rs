//! The general limit of documented requests from one address. Generous: it is there for what runs wild.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use kernel::{Adjustable, Clock, Problem, Rate, RateLimiter, caller::network, rate::TooOften};
use rest::{ClientAddress, problem_response};

/// Addresses counted at the same time.
const COUNTED_ADDRESSES: usize = 50_000;

/// The counts.
pub(crate) struct Limiter {
    clock: Arc<dyn Clock>,
    counts: Mutex<RateLimiter<IpAddr>>,
}

impl Limiter {
    pub(crate) fn new(rate: Adjustable<Rate>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, counts: Mutex::new(RateLimiter::new(rate, COUNTED_ADDRESSES)) }
    }

    fn take(&self, address: IpAddr) -> Result<(), TooOften> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.take(network(address), self.clock.now())
    }
}

/// The layer.
pub(crate) async fn limit(
    State(limiter): State<Arc<Limiter>>,
    address: ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    match limiter.take(address.0) {
        Ok(()) => next.run(request).await,
        Err(too_often) => {
            let seconds = too_often.retry_after_s();
            let detail = format!("Too many requests from this address; try again in {seconds} s.");
            problem_response(&Problem::too_many("request_rate", detail).retry_after(seconds))
        }
    }
}
