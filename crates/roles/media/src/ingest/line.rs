//! A publisher's bytes: as they are, or out of TLS.
//!
//! Nothing here waits but what says so: the bytes of a publisher are looked at in rounds, and TLS is taken off in the same look.

use std::{
    io::{self, Read, Write},
    net::TcpStream as StdStream,
    sync::Arc,
};

use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, ServerConnection},
};

/// Bytes that wait in TLS for the peer to take them, at the most.
const UNSENT_BYTES_MAX: usize = 16 * 1024;

/// A socket that is read and written without waiting.
pub(super) trait Socket {
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl Socket for TcpStream {
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer)
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

impl Socket for StdStream {
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut socket = self;
        socket.read(buffer)
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = self;
        socket.write(bytes)
    }
}

/// A socket as TLS wants it.
struct Now<'a, S>(&'a S);

impl<S: Socket> Read for Now<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_now(buffer)
    }
}

impl<S: Socket> Write for Now<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_now(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket, and the TLS on it if there is any.
#[derive(Debug)]
pub(super) struct Line<S> {
    socket: S,
    tls: Option<Box<ServerConnection>>,
}

impl<S: Socket> Line<S> {
    /// Reads what is there; 0 is the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.read_now(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // RTMP knows by itself when it is over, so an end that TLS did not announce is one all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            tls.read_tls(&mut Now(&self.socket))?;
            let processed = tls.process_new_packets();
            // An answer of TLS's own, or the alert that says what is wrong; what does not leave now goes with what is sent next.
            if tls.wants_write() {
                let _ = tls.write_tls(&mut Now(&self.socket));
            }
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    /// Whether a read of fewer bytes than there was room for has taken all there were.
    pub(super) fn ends_with_a_short_read(&self) -> bool {
        self.tls.is_none()
    }

    /// Takes what can be taken of these bytes, and sends what the peer takes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.write_now(bytes) };
        let taken = tls.writer().write(bytes)?;
        while tls.wants_write() {
            match tls.write_tls(&mut Now(&self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Whether something that was taken has not been sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }
}

impl Line<TcpStream> {
    /// A connection without TLS.
    pub(super) fn plain(socket: TcpStream) -> Self {
        Self { socket, tls: None }
    }

    /// A connection once its TLS handshake is done.
    pub(super) async fn over_tls(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let (socket, mut tls) = TlsAcceptor::from(config).accept(socket).await?.into_inner();
        tls.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Ok(Self { socket, tls: Some(Box::new(tls)) })
    }

    /// Returns when there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match &self.tls {
            // It has read ahead.
            Some(tls) if !tls.wants_read() => Ok(()),
            _ => self.socket.readable().await,
        }
    }

    /// Sends all of these bytes.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if self.tls.is_none() {
            return self.socket.write_all(bytes).await;
        }
        loop {
            let taken = self.write(bytes)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() && !self.is_unsent() {
                return Ok(());
            }
            self.socket.writable().await?;
        }
    }

    /// Says that nothing follows.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.write_all(&[]).await?;
        }
        self.socket.shutdown().await
    }

    /// The same out of the reactor.
    pub(super) fn into_quiet(self) -> io::Result<Line<StdStream>> {
        Ok(Line { socket: self.socket.into_std()?, tls: self.tls })
    }
}

impl Line<StdStream> {
    /// The same back in the reactor.
    pub(super) fn into_waiting(self) -> io::Result<Line<TcpStream>> {
        Ok(Line { socket: TcpStream::from_std(self.socket)?, tls: self.tls })
    }
}
