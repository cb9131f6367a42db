//! Where every connection comes in, before it is known what it wants.
//!
//! Promise: requests of direct routes are answered here, with one read and one write each and no HTTP machinery; an
//! upgrade leaves nothing of HTTP behind; everything else goes on to hyper with all bytes that were read, and stays there.
//! What is not a whole and plain HTTP/1.1 head is hyper's to answer as well, so that there is one judge of what is valid.

mod answer;
mod head;
mod incoming;
mod rewound;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use rest::{Direct, DirectAnswer, Opened, Serving};
use tokio_util::sync::CancellationToken;

use crate::{
    Settings,
    connection::{Http1, Http2},
    front::Front,
    problems,
    stream::ClientStream,
};
pub(crate) use head::Head;
pub(crate) use incoming::Timeouts;
use incoming::{Incoming, Read};
pub(crate) use rewound::Rewound;

/// Knows what to do with a new connection. All share one: what each of thousands that come at once holds is memory.
pub(crate) struct Entrance {
    front: Arc<Front>,
    http1: Http1,
    http2: Http2,
    head_bytes_max: usize,
}

/// What a connection's next bytes turned out to be.
enum Next {
    /// More has to be read to tell.
    More,
    /// A request of a direct route, `length` bytes in all.
    Direct { route: Arc<dyn Direct>, client: IpAddr, body_at: usize, length: usize, keep_alive: bool },
    /// A granted or refused upgrade, whose request ends at `end`.
    Upgrade { opened: Result<Opened, DirectAnswer>, end: usize },
    /// Anything else.
    Other,
}

impl Entrance {
    pub(crate) fn new(front: Arc<Front>, settings: &Settings) -> Self {
        let head_bytes_max = settings.max_header_bytes as usize;
        Self { front, http1: Http1::new(settings), http2: Http2::new(settings), head_bytes_max }
    }

    /// Serves a connection as long as it sends direct requests; what goes on with it then, if it goes on. After `drain`
    /// it ends with the request it is at.
    pub(crate) async fn admit(
        self: Arc<Self>,
        stream: ClientStream,
        peer: SocketAddr,
        drain: CancellationToken,
    ) -> Option<Serving> {
        if stream.is_http2() {
            return Some(Box::pin(async move { self.http2.serve(stream, peer, self.front.clone(), drain).await }));
        }
        let mut incoming = Incoming::new(stream, self.front.timeouts());
        loop {
            match self.next(incoming.unread(), peer.ip().to_canonical()) {
                Next::More => {
                    if incoming.more(&drain).await == Read::Ended {
                        return None;
                    }
                }
                Next::Direct { route, client, body_at, length, mut keep_alive } => {
                    let answer = match incoming.body(length).await {
                        Read::Some => self.front.answer_direct(&*route, client, incoming.take(body_at, length)).await,
                        Read::Ended => {
                            keep_alive = false;
                            problems::unreadable().into()
                        }
                    };
                    keep_alive &= !drain.is_cancelled();
                    let bytes = answer::bytes(&answer, keep_alive);
                    if incoming.send(&bytes).await.is_err() || !keep_alive {
                        incoming.close().await;
                        return None;
                    }
                }
                Next::Upgrade { opened, end } => return upgrade(incoming, opened, end).await,
                Next::Other => {
                    let (stream, read) = incoming.into_parts();
                    let stream = Rewound::new(read, stream);
                    return Some(Box::pin(
                        async move { self.http1.serve(stream, peer, self.front.clone(), drain).await },
                    ));
                }
            }
        }
    }

    fn next(&self, unread: &[u8], peer: IpAddr) -> Next {
        let head = match Head::parse(unread) {
            Ok(Some(head)) if head.bytes <= self.head_bytes_max => head,
            Ok(None) if unread.len() < self.head_bytes_max => return Next::More,
            _ => return Next::Other,
        };
        if head.method == "GET"
            && let Some(takeover) = self.front.takeover(head.path)
        {
            return Next::Upgrade { opened: self.front.open(takeover, peer, &head), end: head.bytes };
        }
        match (self.front.direct(head.method, head.path), head.content_length) {
            (Some(route), Some(length)) if self.front.may_answer_directly(route, &head) => {
                let client = self.front.client(peer, &head);
                let (body_at, length) = (head.bytes, head.bytes + length);
                Next::Direct { route: route.clone(), client, body_at, length, keep_alive: head.keep_alive }
            }
            _ => Next::Other,
        }
    }
}

async fn upgrade(mut incoming: Incoming, opened: Result<Opened, DirectAnswer>, end: usize) -> Option<Serving> {
    match opened {
        Ok(Opened { answer, serve }) => {
            incoming.send(&answer).await.ok()?;
            let (stream, read) = incoming.into_parts();
            Some(serve(Box::pin(stream.after_upgrade()), behind(read, end)))
        }
        Err(refusal) => {
            let bytes = answer::bytes(&refusal, false);
            incoming.send(&bytes).await.ok()?;
            incoming.close().await;
            None
        }
    }
}

/// What came behind a head that ends at `end`; usually nothing, which takes no memory.
fn behind(read: Vec<u8>, end: usize) -> Bytes {
    if read.len() <= end { Bytes::new() } else { Bytes::copy_from_slice(read.get(end..).unwrap_or_default()) }
}
