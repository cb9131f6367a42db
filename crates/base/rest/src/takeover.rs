//! Routes that take a connection out of HTTP (RFC 9110 §7.8), and leave nothing of HTTP with it.

use std::{io, net::IpAddr, pin::Pin};

use axum::{body::Bytes, http::HeaderMap};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpStream,
};

use crate::DirectAnswer;

/// A connection's bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send {
    /// Writes as much as the kernel takes at once, on behalf of whoever holds the connection. `WouldBlock`: nothing now; the
    /// usual way of writing tells when.
    fn write_now(self: Pin<&mut Self>, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Duplex for DuplexStream {}

impl Duplex for TcpStream {
    fn write_now(self: Pin<&mut Self>, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

/// A connection that is no longer HTTP's.
pub type Wire = Pin<Box<dyn Duplex>>;

/// A `GET` request that asks to upgrade its connection.
#[derive(Debug)]
pub struct UpgradeRequest<'a> {
    /// Its query, without the question mark.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The client's address, after trusted proxies.
    pub client: IpAddr,
}

/// A `GET` route that upgrades connections; found by its path alone.
pub trait Takeover: Send + Sync + 'static {
    /// The path, without parameters.
    fn path(&self) -> &'static str;

    /// What becomes of the connection. After a refusal it is closed.
    fn open(&self, request: &UpgradeRequest<'_>) -> Result<Opened, DirectAnswer>;
}

/// A granted upgrade.
pub struct Opened {
    /// The whole head of the answer, `101 Switching Protocols` first.
    pub answer: Vec<u8>,
    /// Serves the connection once the answer is out; the bytes are what came behind the request's head.
    pub serve: Serve,
}

/// What serves a connection that was taken over.
pub type Serve = Box<dyn FnOnce(Wire, Bytes) -> Serving + Send>;

/// A connection being served.
pub type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;
