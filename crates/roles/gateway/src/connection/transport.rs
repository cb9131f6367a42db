//! The WebSocket under a connection: frames in, frames out, and the close.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::tungstenite;

use crate::protocol::{
    Text,
    codes::{self, Disconnect},
};

/// How long a peer has to take the close frame and answer it.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What comes from the peer.
pub(super) enum Incoming {
    /// A frame of commands.
    Frame(Bytes),
    /// The answer to a ping of the WebSocket protocol.
    Pong,
    /// Something that needs no answer from here.
    Other,
    /// The end, and what to call it.
    Ended(Disconnect),
}

/// What a transport is waited for.
pub(super) enum Event {
    /// It takes another frame.
    Writable,
    /// The peer sent something.
    Incoming(Incoming),
    /// It cannot be written to any more.
    WriteFailed,
}

/// One WebSocket. Of what is sent it holds back a few kilobytes and the last frame, no more: it takes the next frame only
/// when the kernel has taken the one before.
pub(crate) struct WebSocketTransport {
    socket: WebSocket,
    unflushed: bool,
    reads_first: bool,
}

impl WebSocketTransport {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self { socket, unflushed: false, reads_first: true }
    }

    /// Waits until there is something to do; can be dropped and called again without loss. Without output it flushes.
    pub(super) async fn event(&mut self, has_output: bool, may_read: bool) -> Event {
        poll_fn(|context| {
            // In turns, so that neither a firehose of output nor one of input starves the other.
            self.reads_first = !self.reads_first;
            if self.reads_first
                && may_read
                && let Poll::Ready(incoming) = self.poll_incoming(context)
            {
                return Poll::Ready(Event::Incoming(incoming));
            }
            if let Poll::Ready(event) = self.poll_output(context, has_output) {
                return Poll::Ready(event);
            }
            if !self.reads_first
                && may_read
                && let Poll::Ready(incoming) = self.poll_incoming(context)
            {
                return Poll::Ready(Event::Incoming(incoming));
            }
            Poll::Pending
        })
        .await
    }

    /// Takes a frame; only after [`Event::Writable`].
    pub(super) fn send(&mut self, text: Text) -> Result<(), Disconnect> {
        self.start(Message::Text(text))
    }

    /// Takes a ping of the WebSocket protocol; only after [`Event::Writable`].
    pub(super) fn send_ping(&mut self) -> Result<(), Disconnect> {
        self.start(Message::Ping(Bytes::new()))
    }

    /// Whether something it took may not have reached the kernel yet.
    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Closes with the code, and waits a little for the peer to agree.
    pub(super) async fn close(mut self, why: Disconnect) {
        let frame = CloseFrame { code: why.code, reason: Text::from_static(why.reason) };
        let farewell = async {
            // A peer that closed first or has gone takes no frame: then there is only the rest of its bytes to see off.
            let _ = self.socket.send(Message::Close(Some(frame))).await;
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, farewell).await;
    }

    fn start(&mut self, message: Message) -> Result<(), Disconnect> {
        self.unflushed = true;
        Pin::new(&mut self.socket).start_send(message).map_err(|_| codes::WRITE_ERROR)
    }

    fn poll_output(&mut self, context: &mut Context<'_>, has_output: bool) -> Poll<Event> {
        let socket = Pin::new(&mut self.socket);
        if has_output {
            return socket.poll_ready(context).map(|ready| match ready {
                Ok(()) => Event::Writable,
                Err(_) => Event::WriteFailed,
            });
        }
        if self.unflushed
            && let Poll::Ready(flushed) = socket.poll_flush(context)
        {
            self.unflushed = false;
            if flushed.is_err() {
                return Poll::Ready(Event::WriteFailed);
            }
        }
        Poll::Pending
    }

    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        Pin::new(&mut self.socket).poll_next(context).map(|message| match message {
            Some(Ok(Message::Text(text))) => Incoming::Frame(text.into()),
            Some(Ok(Message::Binary(_))) => Incoming::Ended(codes::INAPPROPRIATE_PROTOCOL),
            Some(Ok(Message::Pong(_))) => Incoming::Pong,
            Some(Ok(Message::Ping(_))) => Incoming::Other,
            Some(Ok(Message::Close(_))) | None => Incoming::Ended(codes::CONNECTION_CLOSED),
            Some(Err(error)) => Incoming::Ended(reason(error)),
        })
    }
}

/// What a failed read is called.
fn reason(error: axum::Error) -> Disconnect {
    let inner = error.into_inner();
    match inner.downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => codes::MESSAGE_TOO_BIG,
        Some(tungstenite::Error::Utf8(_)) => codes::BAD_FRAME,
        Some(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            codes::CONNECTION_CLOSED
        }
        Some(tungstenite::Error::Protocol(_)) => codes::PROTOCOL_ERROR,
        _ => codes::CONNECTION_CLOSED,
    }
}
