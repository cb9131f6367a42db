//! One connection, from its first byte to `publish`, and through it to its end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use kernel::BroadcastId;
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::rustls::ServerConfig;

use super::{
    admission::Ticket,
    line::Line,
    publishers::Claim,
    server::Context,
    session::{End, PublisherSession},
};
use crate::{
    codec::rtmp::{PublishStatus, ServerEvent, ServerSession},
    needs::Refusal,
};

/// The only application: `rtmp://host/live`.
const APP: &str = "live";
/// Enough for everything before `publish`, most of the time in one read.
const WAITING_BUFFER_BYTES: usize = 4 * 1024;
/// How long a peer may take to read what is sent to it, and the gatekeeper to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A peer's line and its RTMP state.
pub(super) struct Connection {
    pub(super) line: Line<TcpStream>,
    pub(super) rtmp: ServerSession,
}

/// What a waiting peer wants.
enum Asked {
    /// To publish; `rest` was read behind it.
    Publish { stream_key: String, rest: Vec<u8> },
    /// Something that is not here; the sentence says so.
    Elsewhere(String),
}

/// A publisher that was let in.
pub(super) struct Admitted {
    pub(super) broadcast: BroadcastId,
    pub(super) publish_epoch: i64,
    pub(super) claim: Claim,
}

/// Why a publisher was not let in.
struct Refused {
    status: PublishStatus,
    reason: &'static str,
    description: String,
}

/// Serves a connection until it ends; every end is logged once, here.
pub(super) async fn serve(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    peer: SocketAddr,
    ticket: Ticket,
    context: Arc<Context>,
) {
    let seed = (context.clock.now().as_millis() as u64).rotate_left(20) ^ ticket.id();
    let end = match open(stream, tls, &ticket, &context).await {
        Ok(line) => Connection { line, rtmp: ServerSession::new(APP, seed) }.serve(peer, ticket, &context).await,
        Err(end) => Err(end),
    };
    match end {
        Ok(()) => {}
        Err(End::Protocol(error)) => {
            metrics::counter!("madang_ingest_refused_total", "reason" => "protocol").increment(1);
            tracing::info!(%peer, %error, "an RTMP connection is closed: it broke the protocol");
        }
        Err(end) => tracing::debug!(%peer, reason = %end, "an RTMP connection ended"),
    }
}

/// The line to a peer; over TLS, once its handshake is done.
async fn open(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    ticket: &Ticket,
    context: &Context,
) -> Result<Line<TcpStream>, End> {
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Line::plain(stream)) };
    let patience = Duration::from_millis(context.settings.handshake_timeout_ms);
    // A future of kilobytes, which the connection does not keep.
    let shaking = Box::pin(timeout(patience, Line::over_tls(stream, tls)));
    let shaken = ticket.cancelled.run_until_cancelled(shaking).await.ok_or(End::MadeRoom)?;
    let line = shaken.map_err(|_| End::TooSlow).and_then(|line| line.map_err(End::Lost));
    line.inspect_err(|_| metrics::counter!("madang_ingest_refused_total", "reason" => "tls").increment(1))
}

impl Connection {
    async fn serve(mut self, peer: SocketAddr, mut ticket: Ticket, context: &Arc<Context>) -> Result<(), End> {
        self.rtmp.set_message_bytes_max(context.settings.message_bytes_max);
        let cancelled = ticket.cancelled.clone();
        let waiting = self.wait_for_publish(context);
        let (stream_key, rest) = cancelled.run_until_cancelled(waiting).await.ok_or(End::MadeRoom)??;
        // Until it is let in it must go on making room: a flood of made-up keys would hold every place.
        let resolving = resolve(&stream_key, peer, context);
        let resolved = cancelled.run_until_cancelled(resolving).await.ok_or(End::MadeRoom)?;
        let admitted = match resolved {
            Ok((broadcast, claim)) if ticket.publishes() => begin(broadcast, claim, context).await,
            Ok(_) => return Err(End::MadeRoom),
            Err(refused) => Err(refused),
        };
        match admitted {
            Ok(admitted) => {
                self.rtmp.accept();
                // A publisher's state is large and lives long; waiting connections do not pay for it.
                let session = Box::pin(PublisherSession::run(self, rest, admitted, cancelled, Arc::clone(context)));
                session.await;
                Ok(())
            }
            Err(refused) => {
                metrics::counter!("madang_ingest_refused_total", "reason" => refused.reason).increment(1);
                tracing::info!(%peer, reason = refused.description, "an RTMP publisher is refused");
                self.rtmp.refuse(refused.status, &refused.description);
                cancelled.run_until_cancelled(self.say_goodbye()).await.ok_or(End::MadeRoom)
            }
        }
    }

    /// Reads until the peer asks to publish; gives the stream key and the bytes that came behind it.
    async fn wait_for_publish(&mut self, context: &Context) -> Result<(String, Vec<u8>), End> {
        let started = Instant::now();
        let handshake_until = started + Duration::from_millis(context.settings.handshake_timeout_ms);
        let publish_until = started + Duration::from_millis(context.settings.publish_timeout_ms);
        loop {
            let until = if self.rtmp.is_open() { publish_until } else { handshake_until };
            let readable = timeout_at(until, self.line.readable()).await;
            readable.map_err(|_| End::TooSlow)?.map_err(End::Lost)?;
            match self.read_waiting()? {
                Some(Asked::Publish { stream_key, rest }) => return Ok((stream_key, rest)),
                Some(Asked::Elsewhere(reason)) => {
                    metrics::counter!("madang_ingest_refused_total", "reason" => "address").increment(1);
                    self.say_goodbye().await;
                    return Err(End::Refused(reason));
                }
                None => self.flush().await?,
            }
        }
    }

    /// Reads what is there by way of the stack, so that a waiting connection keeps no buffer.
    fn read_waiting(&mut self) -> Result<Option<Asked>, End> {
        let mut buffer = [0; WAITING_BUFFER_BYTES];
        let Some(length) = read(&mut self.line, &mut buffer)? else { return Ok(None) };
        let mut input = &buffer[..length];
        while let Some(event) = self.rtmp.next_event(&mut input)? {
            match event {
                ServerEvent::Publish { stream_key } => {
                    return Ok(Some(Asked::Publish { stream_key, rest: input.to_vec() }));
                }
                ServerEvent::Refused(reason) => return Ok(Some(Asked::Elsewhere(reason))),
                ServerEvent::Tag(_) | ServerEvent::Unpublished => {}
            }
        }
        Ok(None)
    }

    /// Sends what the protocol wants sent.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let output = self.rtmp.take_output();
        if output.is_empty() {
            return Ok(());
        }
        let written = timeout(ANSWER_TIMEOUT, self.line.write_all(&output)).await;
        written.map_err(|_| End::TooSlow)?.map_err(End::Lost)
    }

    /// Sends the last status and closes in good order, so that the peer reads it before it sees the end: closing with
    /// unread bytes would reset the connection and take the status away.
    pub(super) async fn say_goodbye(&mut self) {
        if self.flush().await.is_err() || self.line.shutdown().await.is_err() {
            return;
        }
        let mut scrap = vec![0; WAITING_BUFFER_BYTES];
        let drained = async {
            while self.line.readable().await.is_ok() {
                match self.line.read(&mut scrap) {
                    Ok(0) => return,
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                    _ => {}
                }
            }
        };
        // A peer that goes on sending regardless is cut off in the end.
        let _ = timeout(Duration::from_secs(1), drained).await;
    }
}

/// Reads what is there; `None` when nothing is after all.
fn read(line: &mut Line<TcpStream>, buffer: &mut [u8]) -> Result<Option<usize>, End> {
    match line.read(buffer) {
        Ok(0) => Err(End::Closed),
        Ok(length) => Ok(Some(length)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(End::Lost(error)),
    }
}

/// Asks for the key and claims the broadcast, which nobody else can claim then.
async fn resolve(stream_key: &str, peer: SocketAddr, context: &Context) -> Result<(BroadcastId, Claim), Refused> {
    let resolved = timeout(ANSWER_TIMEOUT, context.gatekeeper.resolve(stream_key, peer)).await;
    let broadcast = resolved.unwrap_or(Err(Refusal::Unavailable))?;
    let now = context.clock.now();
    let claim = context.publishers.claim(broadcast, now, context.settings.silence_ms).ok_or_else(|| Refused {
        status: PublishStatus::BadName,
        reason: "already_publishing",
        description: "Another encoder is publishing with this stream key.".into(),
    })?;
    Ok((broadcast, claim))
}

/// Opens the broadcast's epoch. It may be open before the answer comes, so what is under way is never cancelled: an
/// answer that comes too late is waited for elsewhere.
async fn begin(broadcast: BroadcastId, claim: Claim, context: &Arc<Context>) -> Result<Admitted, Refused> {
    let gatekeeper = Arc::clone(&context.gatekeeper);
    let mut beginning = tokio::spawn(async move { gatekeeper.begin(broadcast).await });
    let Ok(begun) = timeout(ANSWER_TIMEOUT, &mut beginning).await else {
        tokio::spawn(end_late(broadcast, claim, beginning, Arc::clone(context)));
        return Err(Refusal::Unavailable.into());
    };
    // A panic of the gatekeeper is logged by the runtime.
    let publish_epoch = begun.unwrap_or(Err(Refusal::Unavailable))?;
    Ok(Admitted { broadcast, publish_epoch, claim })
}

/// Tells of the end of an epoch that was opened when its publisher had been refused. The claim is held until then, so that
/// no epoch of another publisher is overtaken by it.
async fn end_late(
    broadcast: BroadcastId,
    claim: Claim,
    beginning: JoinHandle<Result<i64, Refusal>>,
    context: Arc<Context>,
) {
    if let Ok(Ok(publish_epoch)) = beginning.await {
        tracing::warn!(%broadcast, publish_epoch, "a publish epoch was opened too late for its publisher");
        drop(claim);
        context.gatekeeper.interrupted(broadcast, publish_epoch).await;
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, reason) = match refusal {
            Refusal::UnknownKey => (PublishStatus::BadName, "unknown_key"),
            Refusal::NotNow(_) => (PublishStatus::Denied, "not_now"),
            Refusal::Unavailable => (PublishStatus::Failed, "unavailable"),
        };
        Self { status, reason, description: refusal.to_string() }
    }
}
