//! Where TLS begins, if it is spoken here.
//!
//! Promise: a client that does not finish its handshake in time is let go; one that speaks plain HTTP to a port of TLS is
//! told so in words it understands, once there is a certificate.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::{
    Settings, Tls,
    socket::Socket,
    stream::{ClientStream, HTTP_2},
};

/// What a TLS handshake begins with (RFC 8446 §5.1: a record of type 22).
const HANDSHAKE: u8 = 22;
const HTTP_1: &[u8] = b"http/1.1";
/// How long it may take to tell a client that it should speak TLS.
const REFUSAL_TIME: Duration = Duration::from_secs(2);
const NOT_TLS: &str = "This port speaks TLS: the address begins with https://\n";

/// The way in.
#[derive(Clone)]
pub(crate) enum Doorway {
    Plain,
    Tls { acceptor: TlsAcceptor, handshake_timeout: Duration, is_certified: Arc<AtomicBool> },
}

impl Doorway {
    /// With TLS as `tls` says, and all that is spoken over it; none: without.
    pub(crate) fn new(tls: Option<&Tls>, settings: &Settings) -> Self {
        Self::to(&[HTTP_2, HTTP_1], tls, settings)
    }

    /// The same for clients that are refused, in HTTP/1.1.
    pub(crate) fn to_refusals(tls: Option<&Tls>, settings: &Settings) -> Self {
        Self::to(&[HTTP_1], tls, settings)
    }

    /// To these protocols, the best first (RFC 7301).
    fn to(protocols: &[&[u8]], tls: Option<&Tls>, settings: &Settings) -> Self {
        let Some(Tls { config, is_certified, only_shaking_hands }) = tls else { return Self::Plain };
        let mut config = ServerConfig::clone(config);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config.alpn_protocols.extend(only_shaking_hands.iter().cloned());
        let (handshake_timeout, is_certified) = (settings.header_timeout(), is_certified.clone());
        Self::Tls { acceptor: Arc::new(config).into(), handshake_timeout, is_certified }
    }

    /// The client's bytes; none when it did not come as far as that, or wanted no more than to come.
    pub(crate) async fn open(&self, socket: Socket) -> Option<ClientStream> {
        match self {
            Self::Plain => Some(ClientStream::Plain(socket)),
            Self::Tls { acceptor, handshake_timeout, is_certified } => {
                let opened = timeout(*handshake_timeout, shake_hands(acceptor, is_certified, socket)).await;
                let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                opened
                    .inspect_err(|error| {
                        metrics::counter!("madang_tls_handshakes_failed_total").increment(1);
                        tracing::debug!(%error, "a TLS handshake failed");
                    })
                    .ok()
                    .flatten()
            }
        }
    }
}

async fn shake_hands(
    acceptor: &TlsAcceptor,
    is_certified: &AtomicBool,
    socket: Socket,
) -> io::Result<Option<ClientStream>> {
    let mut first = [0];
    match socket.tcp().peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if first == [HANDSHAKE] => {
            let mut stream = acceptor.accept(socket).await?;
            if stream.get_ref().1.alpn_protocol().is_none_or(|protocol| [HTTP_1, HTTP_2].contains(&protocol)) {
                return Ok(Some(ClientStream::Tls(Box::new(stream))));
            }
            stream.shutdown().await?;
            Ok(None)
        }
        _ if !is_certified.load(Ordering::Acquire) => Ok(Some(ClientStream::Plain(socket))),
        _ => {
            // Whether it hears of it is its own affair.
            let _: Result<io::Result<()>, _> = timeout(REFUSAL_TIME, ask_for_tls(socket)).await;
            Err(io::Error::new(io::ErrorKind::InvalidData, "it was no TLS"))
        }
    }
}

async fn ask_for_tls(mut socket: Socket) -> io::Result<()> {
    // Takes the request in first: closing with unread bytes would reset the connection before the answer arrives.
    let mut unread = [0; 4096];
    let _ = socket.read(&mut unread).await?;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n{NOT_TLS}",
        NOT_TLS.len()
    );
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await
}
