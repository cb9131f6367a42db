//! One publisher session: tags in, packets to the packager, until it ends one way or another.

use std::sync::Arc;

use kernel::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Admitted, Connection},
    rounds::{Found, QuietSocket},
    server::Context,
};
use crate::{
    codec::{
        Tag,
        flv::{FlvError, Unpacker},
        rtmp::{PublishStatus, RtmpError, ServerEvent, ServerSession},
    },
    frame::Packet,
    needs::PacketSink,
};

/// Holds what arrives between two rounds, at 25 Mbit/s.
const BUFFER_BYTES: usize = 64 * 1024;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("it made room for a newer one")]
    MadeRoom,
    #[error("it took too long")]
    TooSlow,
    #[error("{0}")]
    Refused(String),
    #[error("the peer closed it")]
    Closed,
    #[error("it was lost: {0}")]
    Lost(#[from] std::io::Error),
    #[error("the publisher is done")]
    Unpublished,
    #[error("the publisher has sent nothing for too long")]
    Silent,
    #[error("another publisher took over, or the show is over")]
    Displaced,
    #[error("the server is stopping")]
    Stopping,
    #[error("{0}")]
    Protocol(#[from] RtmpError),
    #[error("{0}")]
    Unsupported(#[from] FlvError),
}

/// The packets' way from one publisher to the packager.
pub(super) struct PublisherSession {
    context: Arc<Context>,
    admitted: Admitted,
    sink: Box<dyn PacketSink>,
    unpacker: Unpacker,
    /// Tells the gatekeeper that frames have come; beside the reading, which must not wait for it.
    arrived: Option<JoinHandle<()>>,
    bytes: metrics::Counter,
}

impl PublisherSession {
    /// Takes the publisher's tags until it ends, and tells everyone who must know. `rest` was read behind `publish`.
    pub(super) async fn run(
        connection: Connection,
        rest: Vec<u8>,
        admitted: Admitted,
        stopping: CancellationToken,
        context: Arc<Context>,
    ) {
        let (broadcast, publish_epoch) = (admitted.broadcast, admitted.publish_epoch);
        tracing::info!(%broadcast, publish_epoch, "a publisher begins");
        let sink = context.packager.open(broadcast, publish_epoch);
        let bytes = metrics::counter!("madang_ingest_bytes_total");
        let mut session = Self { context, admitted, sink, unpacker: Unpacker::default(), arrived: None, bytes };
        let Connection { line, mut rtmp } = connection;
        let (end, line) = match QuietSocket::new(line) {
            Ok(mut socket) => {
                let end = session.read(&mut socket, &mut rtmp, &rest, stopping).await;
                (end, socket.into_line())
            }
            Err(error) => (End::Lost(error), None),
        };
        tracing::info!(%broadcast, publish_epoch, reason = %end, "a publisher ends");
        session.finish().await;
        if let Some((status, description)) = farewell(&end) {
            rtmp.refuse(status, &description);
        }
        if let Some(line) = line {
            Connection { line, rtmp }.say_goodbye().await;
        }
    }

    /// Reads until something ends the session; says what.
    async fn read(
        &mut self,
        socket: &mut QuietSocket,
        rtmp: &mut ServerSession,
        rest: &[u8],
        stopping: CancellationToken,
    ) -> End {
        let mut buffer = vec![0; BUFFER_BYTES];
        let displaced = self.admitted.claim.displaced.clone();
        let silence_ms = i64::try_from(self.context.settings.silence_timeout_ms).unwrap_or(i64::MAX);
        let rounds = self.context.rounds;
        tokio::pin! {
            let displaced = displaced.cancelled();
            let stopping = stopping.cancelled();
        }
        let mut found = self.take(rtmp, rest).map(|()| Found::Open);
        loop {
            match found {
                Ok(Found::Open) => {}
                Ok(Found::Closed) => return End::Closed,
                Err(end) => return end,
            }
            if let Err(error) = socket.send(&rtmp.take_output()) {
                return End::Lost(error);
            }
            if self.context.clock.now().millis_since(self.admitted.claim.last_heard()) >= silence_ms {
                return End::Silent;
            }
            tokio::select! {
                biased;
                () = &mut displaced => return End::Displaced,
                () = &mut stopping => return End::Stopping,
                () = rounds.next() => found = socket.read(&mut buffer, |bytes| {
                    self.bytes.increment(bytes.len() as u64);
                    self.take(rtmp, bytes)
                }),
            }
        }
    }

    fn take(&mut self, rtmp: &mut ServerSession, mut input: &[u8]) -> Result<(), End> {
        let now = self.context.clock.now();
        while let Some(event) = rtmp.next_event(&mut input)? {
            match event {
                ServerEvent::Tag(tag) => self.take_tag(tag, now)?,
                ServerEvent::Unpublished => return Err(End::Unpublished),
                ServerEvent::Refused(reason) => return Err(End::Refused(reason)),
                ServerEvent::Publish { .. } => {}
            }
        }
        Ok(())
    }

    fn take_tag(&mut self, tag: Tag, now: Timestamp) -> Result<(), End> {
        self.admitted.claim.heard(now);
        let (sink, mut first_frame) = (&mut self.sink, false);
        self.unpacker.unpack(tag, |packet| {
            first_frame |= matches!(packet, Packet::Audio { .. } | Packet::Video { keyframe: true, .. });
            sink.push(packet, now);
        })?;
        if first_frame && self.arrived.is_none() {
            let (context, broadcast) = (Arc::clone(&self.context), self.admitted.broadcast);
            let publish_epoch = self.admitted.publish_epoch;
            self.arrived =
                Some(tokio::spawn(async move { context.gatekeeper.arrived(broadcast, publish_epoch).await }));
        }
        Ok(())
    }

    async fn finish(self) {
        let Admitted { broadcast, publish_epoch, claim } = self.admitted;
        self.sink.close(self.context.clock.now());
        // From here on the encoder may come back: its new epoch makes the late news below harmless.
        drop(claim);
        if let Some(arrived) = self.arrived {
            // The news must come in their order; a panic of the gatekeeper is logged by the runtime.
            let _ = arrived.await;
        }
        self.context.gatekeeper.interrupted(broadcast, publish_epoch).await;
    }
}

/// What the publisher is told at the end, if it is not the one who ended it.
fn farewell(end: &End) -> Option<(PublishStatus, String)> {
    match end {
        End::Unsupported(_) => Some((PublishStatus::Failed, end.to_string())),
        End::Displaced | End::Silent | End::Stopping => Some((PublishStatus::Denied, end.to_string())),
        _ => None,
    }
}
