//! A way to S3 that loses things: between the client and the server, request by request.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

/// What the way does with requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Lets all pass.
    Open,
    /// Half of the requests fail, each in one of the ways of [`Fate`].
    Half,
    /// All are refused as a server does that is too busy.
    Busy,
    /// Those with this in their address are forbidden.
    Forbids(&'static str),
    /// Those with this in their address are never answered.
    Swallows(&'static str),
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// Answered with 503.
    Refused,
    /// The connection ends before the server sees it.
    Lost,
    /// The server does it, and the connection ends before the answer.
    AnswerLost,
    /// The server does it, and the connection ends in the middle of the answer.
    AnswerTorn,
    Forbidden,
    Swallowed,
}

type Body = BoxBody<Bytes, std::io::Error>;

/// A listener before a server.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    server: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    manner: Mutex<Manner>,
    requests: AtomicU64,
    fates: Mutex<Vec<Fate>>,
}

impl Way {
    pub(crate) async fn to(server: SocketAddr) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            server,
            client: Client::builder(TokioExecutor::new()).build_http(),
            manner: Mutex::new(Manner::Open),
            requests: AtomicU64::new(0),
            fates: Mutex::default(),
        });
        let listening = way.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let way = listening.clone();
                let answer = service_fn(move |request| {
                    let way = way.clone();
                    async move { way.answer(request).await }
                });
                // It ends with an error whenever something is lost on purpose.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
            }
        });
        way
    }

    pub(crate) fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// How many requests ended so.
    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.fates.lock().unwrap().iter().filter(|one| **one == fate).count()
    }

    fn fate(&self, address: &str) -> Fate {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let fate = match *self.manner.lock().unwrap() {
            Manner::Open => Fate::Passes,
            Manner::Half => match kernel::random::mix(number) % 8 {
                0 => Fate::Refused,
                1 => Fate::Lost,
                2 => Fate::AnswerLost,
                3 => Fate::AnswerTorn,
                _ => Fate::Passes,
            },
            Manner::Busy => Fate::Refused,
            Manner::Forbids(text) if address.contains(text) => Fate::Forbidden,
            Manner::Swallows(text) if address.contains(text) => Fate::Swallowed,
            Manner::Forbids(_) | Manner::Swallows(_) => Fate::Passes,
        };
        self.fates.lock().unwrap().push(fate);
        fate
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
        let cut = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let fate = self.fate(&request.uri().to_string());
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        match fate {
            Fate::Refused => return Ok(complaint(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
            Fate::Forbidden => return Ok(complaint(StatusCode::FORBIDDEN, "AccessDenied")),
            Fate::Lost => return Err(cut()),
            Fate::Swallowed => return std::future::pending().await,
            _ => (),
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let address: Uri = format!("http://{}{path}", self.server).parse().unwrap();
        let mut onward = Request::builder().method(parts.method).uri(address).body(Full::new(body)).unwrap();
        *onward.headers_mut() = parts.headers;
        let (parts, body) = self.client.request(onward).await.map_err(std::io::Error::other)?.into_parts();
        let whole = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        match fate {
            Fate::AnswerLost => Err(cut()),
            Fate::AnswerTorn if !whole.is_empty() => {
                let half = whole.slice(..whole.len() / 2);
                let torn = StreamBody::new(stream::iter([Ok(Frame::data(half)), Err(cut())]));
                Ok(Response::from_parts(parts, torn.boxed()))
            }
            Fate::AnswerTorn => Err(cut()),
            _ => Ok(Response::from_parts(parts, full(whole))),
        }
    }
}

fn complaint(status: StatusCode, code: &str) -> Response<Body> {
    let text = format!("<Error><Code>{code}</Code><Message>on purpose</Message></Error>");
    Response::builder().status(status).body(full(text.into())).unwrap()
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed()
}
