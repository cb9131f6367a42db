//! The WebSocket under a connection: frames in, frames out, and the close.

use std::{
    cell::RefCell,
    io::IoSlice,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use rest::Wire;
use tokio::io::ReadBuf;

use super::seldom::Seldom;
use crate::{
    protocol::{
        Encoding,
        codes::{self, Disconnect},
    },
    settings::MESSAGE_BYTES_MAX,
    websocket::{self, Decoder, Framed, Kind, Violation},
};

/// How long a peer has to take the close frame and answer it.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes read at once. All connections of a thread share the room for it: an idle connection has none.
const READ_BYTES: usize = 16 << 10;
/// Frames that are no longer together are sent as one.
const GATHERED_BYTES: usize = 4 << 10;
/// While so many bytes wait for the kernel, no more are taken.
const UNSENT_BYTES: usize = 128 << 10;
/// Frames given to the kernel at once.
const SLICES_MAX: usize = 16;

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// What comes from the peer.
pub(super) enum Incoming {
    /// A message.
    Frame(Kind, Bytes),
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

/// One WebSocket. It holds back a bounded number of bytes and the frame that went over it, no more.
pub(crate) struct WebSocketTransport {
    wire: Wire,
    /// Which kind of messages it takes; none: both.
    takes: Option<Kind>,
    decoder: Decoder,
    /// Read and not yet asked for.
    arrived: Seldom<Incoming>,
    unsent: Seldom<Bytes>,
    unsent_bytes: usize,
    /// Something was written that the wire may still hold (TLS does).
    flush_due: bool,
    reads_first: bool,
    /// The peer said goodbye, or failed.
    ended: bool,
}

impl WebSocketTransport {
    /// `early` is what came behind the opening handshake.
    pub(crate) fn new(wire: Wire, early: Bytes, encoding: Encoding) -> Self {
        Self::begin(wire, early, Some(encoding.kind()), MESSAGE_BYTES_MAX)
    }

    /// The same for messages of both kinds, of so many bytes.
    pub(super) fn for_both(wire: Wire, early: Bytes, message_bytes_max: usize) -> Self {
        Self::begin(wire, early, None, message_bytes_max)
    }

    fn begin(wire: Wire, early: Bytes, takes: Option<Kind>, message_bytes_max: usize) -> Self {
        let mut transport = Self {
            wire,
            takes,
            decoder: Decoder::new(message_bytes_max),
            arrived: Seldom::default(),
            unsent: Seldom::default(),
            unsent_bytes: 0,
            flush_due: false,
            reads_first: true,
            ended: false,
        };
        transport.decode(&mut early.to_vec());
        transport
    }

    /// Ready when there is something to do. It sends what it was given.
    pub(super) fn poll_event(&mut self, context: &mut Context<'_>, has_output: bool, may_read: bool) -> Poll<Event> {
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
    }

    /// Whether it takes another frame now.
    pub(super) fn has_room(&self) -> bool {
        self.unsent_bytes < UNSENT_BYTES
    }

    /// Takes a whole frame; only while it has room.
    pub(super) fn send(&mut self, frame: Framed) {
        self.push(frame.into_bytes());
    }

    /// Takes a ping of the WebSocket protocol; only while it has room.
    pub(super) fn send_ping(&mut self) {
        self.push(websocket::frame(Kind::Ping, b""));
    }

    fn push(&mut self, frame: Bytes) {
        self.unsent_bytes += frame.len();
        self.unsent.push_back(frame);
    }

    /// What it took and the kernel has not.
    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    /// Whether something it took may not have reached the kernel yet.
    pub(super) fn is_unflushed(&self) -> bool {
        self.flush_due || !self.unsent.is_empty()
    }

    /// Closes with the code, once [`Self::poll_farewell`] is called.
    pub(super) fn close(&mut self, why: &Disconnect) {
        if !self.ended {
            self.push(websocket::close(why.code, &why.reason));
        }
    }

    /// Ready when the peer has agreed to the close, or failed.
    pub(super) fn poll_farewell(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let sent = ready!(self.poll_send(context));
        let shut = ready!(self.wire.as_mut().poll_shutdown(context));
        // The rest of the peer's bytes is seen off, or the close frame would be lost to a reset.
        while sent.is_ok() && shut.is_ok() && ready!(self.poll_discard(context)) {}
        Poll::Ready(())
    }

    /// Takes a last frame and sends what the kernel takes now; whether that was all. If not, the connection has to be polled:
    /// it is not woken for this.
    pub(super) fn send_now(&mut self, frame: Framed) -> bool {
        let mut bytes = frame.into_bytes();
        if self.is_unflushed() {
            self.push(bytes);
            // What the wire holds back goes first, and only its own task is told when it can.
            return !self.flush_due && self.send_gathered();
        }
        let sent = self.write_now(&bytes);
        bytes.advance(sent);
        let all = bytes.is_empty();
        if !all {
            self.push(bytes);
        }
        all
    }

    /// Sends the frames that wait as one piece, when they are so short that to copy them together costs less than to have the
    /// kernel gather them. Whether that was all.
    fn send_gathered(&mut self) -> bool {
        if self.unsent_bytes > GATHERED_BYTES {
            return matches!(self.poll_send(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
        }
        let mut room = [0; GATHERED_BYTES];
        let mut length = 0;
        for frame in self.unsent.iter() {
            let Some(place) = room.get_mut(length..length + frame.len()) else { break };
            place.copy_from_slice(frame);
            length += frame.len();
        }
        let sent = self.write_now(room.get(..length).unwrap_or_default());
        self.sent(sent);
        self.unsent.is_empty()
    }

    /// Writes what the kernel takes now. An error is met again by whoever sends the rest.
    fn write_now(&mut self, bytes: &[u8]) -> usize {
        self.wire.as_mut().write_now(bytes).unwrap_or(0).min(bytes.len())
    }

    fn poll_output(&mut self, context: &mut Context<'_>, has_output: bool) -> Poll<Event> {
        if has_output && self.has_room() {
            return Poll::Ready(Event::Writable);
        }
        match ready!(self.poll_send(context)) {
            Ok(()) if has_output => Poll::Ready(Event::Writable),
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(Event::WriteFailed),
        }
    }

    /// Sends until nothing waits.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while let Some(first) = self.unsent.front() {
            let written = if self.unsent.len() == 1 {
                self.wire.as_mut().poll_write(context, first)
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                slices.iter_mut().zip(self.unsent.iter()).for_each(|(slice, frame)| *slice = IoSlice::new(frame));
                let count = self.unsent.len().min(SLICES_MAX);
                self.wire.as_mut().poll_write_vectored(context, slices.get(..count).unwrap_or_default())
            };
            self.flush_due = true;
            match ready!(written) {
                Ok(0) => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                Ok(count) => self.sent(count),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if self.flush_due {
            ready!(self.wire.as_mut().poll_flush(context))?;
            self.flush_due = false;
        }
        Poll::Ready(Ok(()))
    }

    fn sent(&mut self, mut count: usize) {
        self.unsent_bytes -= count;
        while count > 0
            && let Some(first) = self.unsent.front_mut()
        {
            let now = count.min(first.len());
            first.advance(now);
            count -= now;
            if first.is_empty() {
                self.unsent.pop_front();
            }
        }
    }

    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            if let Some(incoming) = self.arrived.pop_front() {
                return Poll::Ready(incoming);
            }
            if self.ended {
                return Poll::Ready(Incoming::Ended(codes::CONNECTION_CLOSED));
            }
            ready!(self.poll_read(context));
        }
    }

    /// Reads once, and decodes what came.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        READ.with_borrow_mut(|room| {
            let mut buffer = ReadBuf::new(room);
            let count = match ready!(self.wire.as_mut().poll_read(context, &mut buffer)) {
                Ok(()) => buffer.filled().len(),
                Err(_) => 0,
            };
            match room.get_mut(..count) {
                Some(bytes) if count > 0 => self.decode(bytes),
                _ => self.end(codes::CONNECTION_CLOSED),
            }
            Poll::Ready(())
        })
    }

    fn decode(&mut self, bytes: &mut [u8]) {
        let Self { takes, decoder, arrived, unsent, unsent_bytes, .. } = self;
        let mut goodbye = false;
        let decoded = decoder.feed(bytes, |event| {
            arrived.push_back(match event {
                websocket::Event::Text(text) => taken(*takes, Kind::Text, text),
                websocket::Event::Binary(bytes) => taken(*takes, Kind::Binary, bytes),
                websocket::Event::Pong => Incoming::Pong,
                websocket::Event::Ping(payload) => {
                    // While it cannot be sent, a peer that pings on gets no more than this many answers (RFC 6455 §5.5.3).
                    if *unsent_bytes < UNSENT_BYTES {
                        let pong = websocket::frame(Kind::Pong, &payload);
                        *unsent_bytes += pong.len();
                        unsent.push_back(pong);
                    }
                    Incoming::Other
                }
                websocket::Event::Close(code) => {
                    goodbye = true;
                    let echo = websocket::close(code.unwrap_or(1000), "");
                    *unsent_bytes += echo.len();
                    unsent.push_back(echo);
                    Incoming::Ended(codes::CONNECTION_CLOSED)
                }
            });
        });
        self.ended |= goodbye;
        match decoded {
            Ok(()) => {}
            Err(Violation::Protocol(what)) => {
                tracing::debug!(what, "a client broke the WebSocket protocol");
                self.arrived.push_back(Incoming::Ended(codes::PROTOCOL_ERROR));
            }
            Err(Violation::NotUtf8) => self.arrived.push_back(Incoming::Ended(codes::BAD_FRAME)),
            Err(Violation::TooLong) => self.arrived.push_back(Incoming::Ended(codes::MESSAGE_TOO_BIG)),
        }
    }

    fn end(&mut self, why: Disconnect) {
        self.ended = true;
        self.arrived.push_back(Incoming::Ended(why));
    }

    /// Takes in what the peer still sends. False: nothing any more.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        READ.with_borrow_mut(|room| {
            let mut buffer = ReadBuf::new(room);
            let read = ready!(self.wire.as_mut().poll_read(context, &mut buffer));
            Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
        })
    }
}

fn taken(takes: Option<Kind>, kind: Kind, bytes: Bytes) -> Incoming {
    if takes.is_none_or(|one| one == kind) {
        Incoming::Frame(kind, bytes)
    } else {
        Incoming::Ended(codes::INAPPROPRIATE_PROTOCOL)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::{Arc, Mutex},
    };

    use rest::Duplex;
    use tokio::io::{AsyncRead, AsyncWrite};

    use super::*;

    /// Keeps what is written until it is flushed, as TLS may, and lets that happen only when it is open.
    #[derive(Clone, Default)]
    struct Holding(Arc<Mutex<Held>>);

    #[derive(Default)]
    struct Held {
        is_open: bool,
        written: Vec<u8>,
        out: Vec<u8>,
    }

    impl AsyncRead for Holding {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Holding {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
            self.0.lock().unwrap().written.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            let mut held = self.0.lock().unwrap();
            if !held.is_open {
                return Poll::Pending;
            }
            let Held { written, out, .. } = &mut *held;
            out.append(written);
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            self.poll_flush(context)
        }
    }

    impl Duplex for Holding {}

    /// Takes so many bytes with each call until they are `limit` in all.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<(Vec<Vec<u8>>, usize)>>);

    impl AsyncRead for Slow {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Slow {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
            match self.write_now(bytes) {
                Ok(0) => Poll::Pending,
                written => Poll::Ready(written),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Duplex for Slow {
        fn write_now(self: Pin<&mut Self>, bytes: &[u8]) -> std::io::Result<usize> {
            let (written, left) = &mut *self.0.lock().unwrap();
            let taken = bytes.len().min(*left);
            *left -= taken;
            written.push(bytes[..taken].to_vec());
            Ok(taken)
        }
    }

    #[test]
    fn frames_that_wait_go_out_together_in_order_and_none_is_cut_short_for_good() {
        let frame = |length: usize, byte: u8| Framed::new(Kind::Binary, &vec![byte; length]);
        let short = [10, 200, 90].as_slice();
        let long = [10, 200, GATHERED_BYTES, 5_000, 2 * READ_BYTES, 7].as_slice();
        for lengths in [short, long] {
            let framed = |(length, byte): (&usize, u8)| frame(*length, byte).into_bytes();
            let expected = lengths.iter().zip(b'a'..).map(framed).collect::<Vec<_>>().concat();
            for limit in
                [0, 1, 100, 300, GATHERED_BYTES, READ_BYTES, expected.len()].map(|some| some.min(expected.len()))
            {
                let wire = Slow::default();
                wire.0.lock().unwrap().1 = limit;
                let mut transport = WebSocketTransport::new(Box::pin(wire.clone()), Bytes::new(), Encoding::Protobuf);
                let (last, before) = lengths.split_last().unwrap();
                before.iter().zip(b'a'..).for_each(|(length, byte)| transport.send(frame(*length, byte)));
                let all = transport.send_now(frame(*last, b'a' + before.len() as u8));
                let left = expected.len() - limit;
                assert_eq!((all, transport.unsent_bytes()), (left == 0, left), "{limit}");
                let writes = wire.0.lock().unwrap().0.len();
                assert!(lengths != short || writes == 1, "{writes} writes");
                wire.0.lock().unwrap().1 = usize::MAX;
                assert!(transport.poll_event(&mut Context::from_waker(Waker::noop()), false, true).is_pending());
                assert!(wire.0.lock().unwrap().0.concat() == expected, "{limit}");
            }
        }
    }

    #[test]
    fn what_a_wire_holds_back_is_flushed_and_counts_as_unsent_until_then() {
        let (wire, mut context) = (Holding::default(), Context::from_waker(Waker::noop()));
        let mut transport = WebSocketTransport::new(Box::pin(wire.clone()), Bytes::new(), Encoding::Json);
        transport.send(Framed::new(Kind::Text, b"first"));
        assert!(transport.poll_event(&mut context, false, true).is_pending());
        assert!(transport.is_unflushed(), "nothing has left");
        assert!(!transport.send_now(Framed::new(Kind::Text, b"second")), "it has to be polled for this");

        wire.0.lock().unwrap().is_open = true;
        assert!(transport.poll_event(&mut context, false, true).is_pending());
        assert!(!transport.is_unflushed());
        let expected = [websocket::frame(Kind::Text, b"first"), websocket::frame(Kind::Text, b"second")].concat();
        assert_eq!(wire.0.lock().unwrap().out, expected);
    }
}
