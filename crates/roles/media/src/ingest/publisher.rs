//! Publishes a clip to an RTMP server in real time: for `madang demo`, `madang bench` and tests.
//!
//! Promise: tags leave when they are due, those due together in one write; rounds follow each other without a jump of
//! time. It does not reconnect: its caller decides that.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::address::RtmpAddress;
use crate::codec::{
    flv::Clip,
    rtmp::{ClientEvent, ClientSession, RtmpError},
};

/// How long the server may take for each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// What is gathered at the most before it is written, when many tags are due.
const FLUSH_BYTES: usize = 256 * 1024;

/// Why publishing ended before the clip did.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The address is not `rtmp://host/live/KEY`.
    #[error("{0:?} is not an address to publish to: rtmp://host[:port]/live/KEY is expected")]
    Address(String),
    /// The connection cannot be made, or was lost.
    #[error("the connection to the RTMP server: {0}")]
    Connection(#[from] std::io::Error),
    /// The server closed the connection.
    #[error("the RTMP server closed the connection")]
    Closed,
    /// The server took too long.
    #[error("the RTMP server took too long")]
    TooSlow,
    /// The server cannot be understood.
    #[error(transparent)]
    Protocol(#[from] RtmpError),
    /// The server does not take the stream, or no longer.
    #[error("the RTMP server refused the stream: {code}: {description}")]
    Refused {
        /// The status, e.g. `NetStream.Publish.BadName`.
        code: String,
        /// The server's sentence.
        description: String,
    },
}

/// One publisher.
#[derive(Debug, Clone)]
pub struct Publisher {
    address: RtmpAddress,
    clip: Arc<Clip>,
    looped: bool,
}

struct Link {
    stream: TcpStream,
    session: ClientSession,
    buffer: Vec<u8>,
}

impl Publisher {
    /// Publishes `clip` once to `rtmp://host[:port]/live/KEY`.
    ///
    /// # Errors
    /// [`PublishError::Address`] when that is not what the address looks like.
    pub fn new(address: &str, clip: Arc<Clip>) -> Result<Self, PublishError> {
        let parsed = RtmpAddress::parse(address).ok_or_else(|| PublishError::Address(address.to_owned()))?;
        Ok(Self { address: parsed, clip, looped: false })
    }

    /// The same, round and round.
    #[must_use]
    pub fn looped(mut self) -> Self {
        self.looped = true;
        self
    }

    /// Publishes until the clip is over or `cancel`; both end the stream in good order.
    ///
    /// # Errors
    /// [`PublishError`] when the server or the connection ended it instead.
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), PublishError> {
        // The handshake's bytes only need to differ a little from one publisher to the next.
        let seed = self.clip.duration_ms();
        let connecting = timeout(STEP_TIMEOUT, TcpStream::connect(&self.address.authority));
        let stream = connecting.await.map_err(|_| PublishError::TooSlow)??;
        stream.set_nodelay(true)?;
        let session = ClientSession::new(self.address.target.clone(), seed);
        let mut link = Link { stream, session, buffer: vec![0; 4 * 1024] };
        timeout(STEP_TIMEOUT, link.begin()).await.map_err(|_| PublishError::TooSlow)??;
        if let Some(result) = cancel.run_until_cancelled(self.send(&mut link)).await {
            result?;
        }
        link.session.finish();
        link.flush().await?;
        link.stream.shutdown().await?;
        Ok(())
    }

    async fn send(&self, link: &mut Link) -> Result<(), PublishError> {
        let start = Instant::now();
        let end = if self.looped { u64::MAX } else { self.clip.tags() };
        let mut position = 0;
        while position < end {
            let elapsed_ms = start.elapsed().as_millis() as u64;
            let Some((due_ms, tag)) = self.clip.tag(position) else { break };
            if due_ms <= elapsed_ms {
                link.session.send(&tag);
                position += 1;
                if link.session.output_bytes() < FLUSH_BYTES {
                    continue;
                }
            }
            link.flush().await?;
            link.listen_until(start + Duration::from_millis(due_ms)).await?;
        }
        link.flush().await
    }
}

impl Link {
    /// Exchanges everything up to the server's leave to publish.
    async fn begin(&mut self) -> Result<(), PublishError> {
        loop {
            self.flush().await?;
            self.stream.readable().await?;
            if self.read()? {
                return Ok(());
            }
        }
    }

    async fn listen_until(&mut self, moment: Instant) -> Result<(), PublishError> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(moment) => return Ok(()),
                readable = self.stream.readable() => readable?,
            }
            self.read()?;
        }
    }

    /// Reads what is there; true when it was the leave to publish.
    fn read(&mut self) -> Result<bool, PublishError> {
        let length = match self.stream.try_read(&mut self.buffer) {
            Ok(0) => return Err(PublishError::Closed),
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let (mut input, mut publishing) = (&self.buffer[..length], false);
        while let Some(event) = self.session.next_event(&mut input)? {
            match event {
                ClientEvent::Publishing => publishing = true,
                ClientEvent::Refused { code, description } => return Err(PublishError::Refused { code, description }),
            }
        }
        Ok(publishing)
    }

    async fn flush(&mut self) -> Result<(), PublishError> {
        let output = self.session.take_output();
        if !output.is_empty() {
            timeout(STEP_TIMEOUT, self.stream.write_all(&output)).await.map_err(|_| PublishError::TooSlow)??;
        }
        Ok(())
    }
}
