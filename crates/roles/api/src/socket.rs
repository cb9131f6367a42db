//! A client's TCP socket that holds its place, and fails when the client takes no byte for too long.

use std::{
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use crate::places::Place;

/// Answers up to this size are copied together, which is cheaper than to have the kernel collect them.
const GATHERED_BYTES_MAX: usize = 1_024;

/// While the kernel has so many bytes that it has not sent, it takes no more of an upgraded connection (TCP_NOTSENT_LOWAT).
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 128 << 10;

/// The socket. A timer exists only while a write waits, so that a client that keeps up costs none.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// None once it has left HTTP: its new protocol knows best who is alive.
    write_timeout: Option<Duration>,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Held as long as the stream, through an upgrade to another protocol as well. None for one that is refused.
    _place: Option<Place>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, write_timeout: Duration, place: Option<Place>) -> Self {
        Self { stream, write_timeout: Some(write_timeout), stalled: None, _place: place }
    }

    /// The TCP stream.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// It leaves HTTP: from now on there is no bound on how long a write may wait, but one on what the kernel holds of it.
    pub(crate) fn upgrade(&mut self) {
        bound_unsent(&self.stream);
        (self.write_timeout, self.stalled) = (None, None);
    }

    /// Writes what the kernel takes at once.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        // Past the runtime, whose bookkeeping would cost a quarter of it.
        SockRef::from(&self.stream).send(bytes)
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

/// A kernel takes megabytes for a client that reads slowly: old news by the time they are read, in memory that all connections of
/// the machine share. What it does not take now is written later, and with it what came meanwhile.
#[cfg(target_os = "linux")]
fn bound_unsent(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
        tracing::debug!(%error, "the kernel does not bound what it has not sent");
    }
}

#[cfg(not(target_os = "linux"))]
fn bound_unsent(_: &TcpStream) {}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
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

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// The bytes the kernel takes for a client that reads nothing.
    async fn taken(prepare: impl FnOnce(&mut Socket)) -> usize {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let slow = TcpSocket::new_v4().unwrap();
        slow.set_recv_buffer_size(4096).unwrap();
        let _client = slow.connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = Socket::new(stream, Duration::from_secs(60), None);
        prepare(&mut socket);
        let (bytes, mut taken) = (vec![0; 16 << 10], 0);
        while let Ok(count) = socket.write_now(&bytes) {
            taken += count;
        }
        taken
    }

    #[tokio::test]
    async fn the_kernel_holds_little_for_a_slow_client_after_an_upgrade() {
        let bound = UNSENT_BYTES_MAX as usize;
        assert!(taken(|_| ()).await > 4 * bound, "or this test shows nothing");
        assert!(taken(Socket::upgrade).await < 2 * bound);
    }
}
