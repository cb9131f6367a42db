//! Routes of the crowd, which a server answers so often that finding them must cost nothing.

use std::{net::IpAddr, pin::Pin};

use axum::{body::Bytes, response::Response};

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// A `POST` route that is found by its path alone and wants nothing but the whole body and the client's address.
///
/// It is documented and reachable as a route of a router as well; the shell only takes the shorter way to it.
pub trait Direct: Send + Sync + 'static {
    /// The path, without parameters.
    fn path(&self) -> &'static str;

    /// Bytes of a body at the most.
    fn body_bytes_max(&self) -> usize;

    /// Answers a request with this body, from a client at this address (see [`crate::ClientAddress`]).
    fn answer(&self, body: Bytes, client: IpAddr) -> Answering<'_>;
}
