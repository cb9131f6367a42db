//! The bytes of a connection whose requests are read here: in time, and without a buffer while none are there.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::stream::ClientStream;

/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;
/// A connection that waits keeps a buffer of at most this size.
const KEPT_BYTES_MAX: usize = 1 << 10;
/// How long a closed connection's last bytes are taken in, so that the answer before them is not lost to a reset.
const LINGER: Duration = Duration::from_millis(500);

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) head: Duration,
    pub(crate) body: Duration,
}

/// How waiting for bytes ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Some,
    /// The client left or took too long, or the server drains.
    Ended,
}

/// A connection and what of it is not yet dealt with.
pub(super) struct Incoming {
    stream: ClientStream,
    unread: Vec<u8>,
    timeouts: Timeouts,
    /// When the head that is being waited for has to be there.
    deadline: Instant,
    /// Set to an earlier time than the deadline more often than not: to put it off costs less than to set it anew.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Incoming {
    pub(super) fn new(stream: ClientStream, timeouts: Timeouts) -> Self {
        let deadline = Instant::now() + timeouts.head;
        Self { stream, unread: Vec::new(), timeouts, deadline, alarm: None }
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Sends all of these bytes.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    pub(super) fn into_parts(self) -> (ClientStream, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// Waits for more of a head.
    pub(super) async fn more(&mut self, drain: &CancellationToken) -> Read {
        let mut draining = pin!(drain.cancelled());
        poll_fn(|context| {
            if let Poll::Ready(read) = self.poll_more(context) {
                return Poll::Ready(read);
            }
            draining.as_mut().poll(context).map(|()| Read::Ended)
        })
        .await
    }

    /// Waits until `length` bytes are there.
    pub(super) async fn body(&mut self, length: usize) -> Read {
        if self.unread.len() < length {
            self.deadline = Instant::now() + self.timeouts.body;
        }
        while self.unread.len() < length {
            if poll_fn(|context| self.poll_more(context)).await == Read::Ended {
                return Read::Ended;
            }
        }
        Read::Some
    }

    /// Takes a request out, `length` bytes in all; gives its body.
    pub(super) fn take(&mut self, body_at: usize, length: usize) -> Bytes {
        let body = Bytes::copy_from_slice(self.unread.get(body_at..length).unwrap_or_default());
        self.unread.drain(..length.min(self.unread.len()));
        self.deadline = Instant::now() + self.timeouts.head;
        body
    }

    /// Says that nothing follows, and takes in what the client still sends for a moment.
    pub(super) async fn close(&mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        self.deadline = Instant::now() + LINGER;
        while poll_fn(|context| self.poll_more(context)).await == Read::Some {
            self.unread.clear();
        }
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Read> {
        match self.poll_read(context) {
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Read::Ended),
            Poll::Ready(Ok(_)) => return Poll::Ready(Read::Some),
            Poll::Pending => {}
        }
        if self.unread.is_empty() && self.unread.capacity() > KEPT_BYTES_MAX {
            self.unread = Vec::new();
        }
        self.poll_alarm(context).map(|()| Read::Ended)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        READ.with_borrow_mut(|room| {
            let mut buffer = ReadBuf::new(room);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            self.unread.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if alarm.deadline() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}
