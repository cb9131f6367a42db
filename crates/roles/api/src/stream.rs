//! A client's TCP stream that holds its place, and fails when the client takes no byte for too long.

use std::{
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rest::Duplex;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use crate::places::Place;

/// Answers up to this size are copied together, which is cheaper than to have the kernel collect them.
const GATHERED_BYTES_MAX: usize = 1_024;

/// The stream. A timer exists only while a write waits, so that a client that keeps up costs none.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    /// None once it has left HTTP: its new protocol knows best who is alive.
    write_timeout: Option<Duration>,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Held as long as the stream, through an upgrade to another protocol as well.
    _place: Place,
}

impl ClientStream {
    pub(crate) fn new(stream: TcpStream, write_timeout: Duration, place: Place) -> Self {
        Self { stream, write_timeout: Some(write_timeout), stalled: None, _place: place }
    }

    /// The same without a bound on how long a write may wait.
    pub(crate) fn without_write_timeout(self) -> Self {
        Self { write_timeout: None, stalled: None, ..self }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let Some(timeout) = self.write_timeout else { return written };
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => {
                stalled.as_mut().reset(Instant::now() + timeout);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no bytes")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Duplex for ClientStream {
    fn write_now(self: Pin<&mut Self>, bytes: &[u8]) -> io::Result<usize> {
        // Past the runtime, whose bookkeeping would cost a quarter of it.
        SockRef::from(&self.stream).send(bytes)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let written = if length <= GATHERED_BYTES_MAX {
            let mut gathered = [0; GATHERED_BYTES_MAX];
            let mut room = &mut gathered[..];
            for slice in slices {
                room.write_all(slice)?;
            }
            Pin::new(&mut self.stream).poll_write(context, gathered.get(..length).unwrap_or_default())
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(context, slices)
        };
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
