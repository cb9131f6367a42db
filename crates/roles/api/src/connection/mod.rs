//! How HTTP is spoken on a connection: HTTP/1.1, or HTTP/2 where a client asks for it over TLS.

mod http1;
mod http2;
mod movement;

pub(crate) use http1::Http1;
pub(crate) use http2::Http2;
