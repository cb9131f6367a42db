//! One client's session: reads commands, answers them in their order, and sends what its subscriptions bring.
//!
//! Promise: commands run one after the other, so their effects and answers keep the client's order (consecutive
//! publications into one channel go together). What waits to be sent is bounded: when there is much of it, no more
//! commands are read; publications wait in their channels and in the room log, never here. Lost when the connection
//! ends: commands that were not answered; each may or may not have been carried out.

mod allowance;
mod catch_up;
mod commands;
mod counters;
mod heartbeat;
mod outbox;
mod recovery;
mod subscriptions;
mod transport;

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use kernel::Caller;
use tokio::time::{Instant, sleep_until};

pub(crate) use counters::Counters;
pub(crate) use transport::{CLOSE_TIMEOUT, WebSocketTransport};

use crate::{
    admission::Admitted,
    gateway::{Shared, mix},
    hub::Member,
    needs::{ClientError, Refused},
    protocol::{
        self, Command, ConnectResult, Request,
        codes::{self, Disconnect},
    },
    settings::SUBSCRIPTIONS_MAX,
};
use allowance::{Allowance, Verdict};
use commands::{Done, Session, Work};
use heartbeat::{Beat, Heartbeat};
use outbox::Outbox;
use subscriptions::{Next, Subscriptions};
use transport::{Event, Incoming};

/// While so many commands wait, no more are read.
const INBOX_MAX: usize = 64;
/// Publications that are handed on together at the most.
const PUBLISH_GROUP_MAX: usize = 64;

/// What is known of a client when its WebSocket opens.
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The session token its request carried.
    pub(crate) cookie: Option<String>,
    /// It wants pings of the WebSocket protocol.
    pub(crate) native_pings: bool,
    pub(crate) place: Admitted,
}

/// One connection.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    transport: WebSocketTransport,
    peer: Peer,
    member: Arc<Member>,
    phase: Phase,
    inbox: VecDeque<Waiting>,
    work: Option<Work>,
    subscriptions: Subscriptions,
    outbox: Outbox,
    ping_due: bool,
    heartbeat: Heartbeat,
    allowance: Allowance,
    sent_bytes: u64,
    /// It only finishes what is under way.
    draining: bool,
}

/// How far the session is.
enum Phase {
    /// Nothing came yet.
    New,
    /// It was refused: nothing may follow.
    Refused,
    /// Commands are welcome.
    Open(Arc<Caller>),
}

/// A command that waits for its turn.
struct Waiting {
    command: Command,
    /// There are too many: it fails when its turn comes.
    too_many: bool,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, transport: WebSocketTransport, peer: Peer) -> Self {
        let now = Instant::now();
        let (number, client) = shared.next_client();
        Self {
            transport,
            peer,
            member: Arc::new(Member::new(number, client)),
            phase: Phase::New,
            inbox: VecDeque::new(),
            work: None,
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            ping_due: false,
            heartbeat: Heartbeat::new(&shared.settings, now),
            allowance: Allowance::new(shared.settings.commands_per_second_max, now),
            sent_bytes: 0,
            draining: false,
            shared,
        }
    }

    /// Serves the client until one of both has enough.
    pub(crate) async fn run(mut self) {
        self.shared.counters.opened();
        let why = match self.serve().await {
            Ok(never) => match never {},
            Err(why) => why,
        };
        self.shared.counters.closed(why.code);
        tracing::debug!(client = self.member.client(), code = why.code, reason = why.reason, "a connection ends");
        let Self { transport, subscriptions, work, peer, .. } = self;
        // Before the farewell: it may take a while, and nobody is there any more.
        drop((subscriptions, work));
        transport.close(why).await;
        drop(peer.place);
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Disconnect> {
        let closing = self.shared.closing.clone();
        let mut closing = std::pin::pin!(closing.cancelled_owned());
        let mut timer = std::pin::pin!(sleep_until(self.heartbeat.deadline()));
        let mut drained_by = None;
        loop {
            if !self.draining {
                self.start_commands()?;
            } else if self.work.is_none() && self.outbox.is_empty() && !self.transport.is_unflushed() {
                return Err(codes::SHUTDOWN);
            }
            self.subscriptions.catch_up(self.shared.hub.log());
            let deadline = drained_by.unwrap_or(self.heartbeat.deadline());
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            let has_news = !self.draining && self.subscriptions.has_news();
            let has_output = self.ping_due || !self.outbox.is_empty() || has_news;
            let may_read = self.may_read();
            tokio::select! {
                biased;
                () = &mut closing, if !self.draining => {
                    self.draining = true;
                    drained_by = Some(Instant::now() + Duration::from_millis(self.shared.settings.drain_ms));
                }
                () = &mut timer => {
                    if drained_by.is_some() {
                        return Err(codes::SHUTDOWN);
                    }
                    self.beat(may_read)?;
                }
                done = finished(&mut self.work) => self.finish(done)?,
                ended = self.subscriptions.page_read() => self.announce(ended),
                event = self.transport.event(has_output, may_read) => match event {
                    Event::Writable => self.send_next()?,
                    Event::Incoming(incoming) => self.receive(incoming)?,
                    Event::WriteFailed => return Err(codes::WRITE_ERROR),
                },
                () = self.member.woken(), if !has_output => {}
            }
        }
    }

    fn may_read(&self) -> bool {
        let buffered = self.outbox.bytes() < self.shared.settings.buffered_bytes_max;
        !self.draining && buffered && self.inbox.len() < INBOX_MAX
    }

    fn beat(&mut self, may_read: bool) -> Result<(), Disconnect> {
        let busy = !may_read || self.transport.is_unflushed() || !self.outbox.is_empty();
        match self.heartbeat.beat(Instant::now(), self.sent_bytes, busy) {
            Beat::Wait => Ok(()),
            Beat::Stale => Err(codes::STALE),
            Beat::NoPong => Err(codes::NO_PONG),
            Beat::Ping if self.peer.native_pings => {
                self.ping_due = true;
                Ok(())
            }
            Beat::Ping => {
                self.outbox.push(protocol::PING.into());
                Ok(())
            }
        }
    }

    fn receive(&mut self, incoming: Incoming) -> Result<(), Disconnect> {
        let now = Instant::now();
        match incoming {
            Incoming::Ended(why) => Err(why),
            Incoming::Other => self.count_frame(now),
            Incoming::Pong => {
                // RFC 6455 §5.5.3 allows unsolicited ones.
                let _ = self.peer.native_pings && self.heartbeat.pong(now);
                self.count_frame(now)
            }
            Incoming::Frame(frame) => {
                let commands = protocol::decode(&frame).map_err(|error| {
                    tracing::debug!(client = self.member.client(), %error, "a malformed frame");
                    codes::BAD_FRAME
                })?;
                commands.into_iter().try_for_each(|command| self.accept(command, now))
            }
        }
    }

    /// Frames that are no commands cost something too.
    fn count_frame(&mut self, now: Instant) -> Result<(), Disconnect> {
        match self.allowance.take(now) {
            Verdict::Intolerable => Err(codes::TOO_MANY_COMMANDS),
            Verdict::Granted | Verdict::Refused => Ok(()),
        }
    }

    fn accept(&mut self, command: Command, now: Instant) -> Result<(), Disconnect> {
        self.shared.counters.command(command.request.kind());
        let verdict = self.allowance.take(now);
        if verdict == Verdict::Intolerable {
            return Err(codes::TOO_MANY_COMMANDS);
        }
        if command.request == Request::Pong {
            let expected = matches!(self.phase, Phase::Open(_)) && !self.peer.native_pings;
            return if expected && self.heartbeat.pong(now) { Ok(()) } else { Err(codes::BAD_FRAME) };
        }
        self.inbox.push_back(Waiting { command, too_many: verdict == Verdict::Refused });
        Ok(())
    }

    /// Starts commands until one takes time.
    fn start_commands(&mut self) -> Result<(), Disconnect> {
        while self.work.is_none() {
            let Some(Waiting { command: Command { id, request }, too_many }) = self.inbox.pop_front() else {
                if self.inbox.capacity() > INBOX_MAX {
                    self.inbox = VecDeque::new();
                }
                return Ok(());
            };
            match (&self.phase, request) {
                (Phase::New, Request::Connect(request)) if id > 0 => self.authenticate(id, request),
                (Phase::New | Phase::Refused, _) | (Phase::Open(_), Request::Connect(_)) => {
                    return Err(codes::BAD_FRAME);
                }
                (Phase::Open(_), Request::Send) => {}
                (Phase::Open(_), _) if id == 0 => return Err(codes::BAD_FRAME),
                (Phase::Open(_), _) if too_many => self.fail(id, codes::TOO_MANY_REQUESTS),
                (Phase::Open(caller), request) => {
                    let caller = caller.clone();
                    self.start(caller, id, request)?;
                }
            }
        }
        Ok(())
    }

    fn authenticate(&mut self, id: u32, request: protocol::Connect) {
        let (shared, cookie, address) = (self.shared.clone(), self.peer.cookie.take(), self.peer.address);
        self.work = Some(Box::pin(async move {
            let outcome = shared.connector.authenticate(request.token.as_deref(), cookie.as_deref(), address).await;
            Done::Authenticated { id, outcome }
        }));
    }

    fn start(&mut self, caller: Arc<Caller>, id: u32, request: Request) -> Result<(), Disconnect> {
        let session = Session { shared: self.shared.clone(), member: self.member.clone(), caller };
        match request {
            Request::Subscribe(request) => {
                if request.channel.is_empty() {
                    return Err(codes::BAD_FRAME);
                }
                match self.may_subscribe(&request.channel) {
                    Ok(()) => self.work = Some(Box::pin(session.subscribe(id, request))),
                    Err(error) => self.fail(id, error),
                }
            }
            Request::Unsubscribe { channel } => {
                self.subscriptions.remove(&channel);
                self.outbox.push(protocol::done(id, "unsubscribe"));
            }
            Request::Publish { channel, data: Some(data) } if is_channel(&channel) => {
                let (ids, group) = self.publish_group(&channel, id, data);
                self.work = Some(Box::pin(session.publish(channel, ids, group)));
            }
            Request::Presence { channel } if is_channel(&channel) => {
                let rules = self.rules(&channel);
                self.work = Some(Box::pin(session.presence(id, channel, rules)));
            }
            Request::PresenceStats { channel } if is_channel(&channel) => {
                let rules = self.rules(&channel);
                self.work = Some(Box::pin(session.presence_stats(id, channel, rules)));
            }
            Request::History(request) if is_channel(&request.channel) => {
                let rules = self.rules(&request.channel);
                self.work = Some(Box::pin(session.history(id, request, rules)));
            }
            Request::Rpc { method, data } => {
                let data = data.unwrap_or(bytes::Bytes::from_static(b"null"));
                self.work = Some(Box::pin(session.rpc(id, method, data)));
            }
            Request::Ping => self.outbox.push(protocol::done(id, "ping")),
            Request::Refresh | Request::SubRefresh => self.fail(id, codes::NOT_AVAILABLE),
            Request::Unknown => self.fail(id, codes::METHOD_NOT_FOUND),
            Request::Publish { .. }
            | Request::Presence { .. }
            | Request::PresenceStats { .. }
            | Request::History(_) => self.fail(id, codes::BAD_REQUEST),
            Request::Connect(_) | Request::Send | Request::Pong => return Err(codes::BAD_FRAME),
        }
        Ok(())
    }

    /// The publication, and those into the same channel that come right behind it.
    fn publish_group(&mut self, channel: &str, id: u32, data: bytes::Bytes) -> (Vec<u32>, Vec<bytes::Bytes>) {
        let (mut ids, mut group) = (vec![id], vec![data]);
        while group.len() < PUBLISH_GROUP_MAX {
            let same = |waiting: &mut Waiting| {
                let into = matches!(&waiting.command.request, Request::Publish { channel: into, data: Some(_) } if into == channel);
                into && waiting.command.id > 0 && !waiting.too_many
            };
            let Some(Waiting { command, .. }) = self.inbox.pop_front_if(same) else { break };
            if let Request::Publish { data: Some(data), .. } = command.request {
                ids.push(command.id);
                group.push(data);
            }
        }
        (ids, group)
    }

    fn may_subscribe(&self, channel: &str) -> Result<(), ClientError> {
        if !is_channel(channel) {
            return Err(ClientError::because(
                codes::BAD_REQUEST,
                format!("bad request: a channel's name has at most {} bytes", kernel::limits::CHANNEL_BYTES),
            ));
        }
        if self.subscriptions.find(channel).is_some() {
            return Err(codes::ALREADY_SUBSCRIBED.into());
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(ClientError::limit("subscriptions of a connection", SUBSCRIPTIONS_MAX));
        }
        Ok(())
    }

    fn rules(&self, channel: &str) -> Option<crate::needs::ChannelRules> {
        self.subscriptions.find(channel).map(|subscription| subscription.rules.clone())
    }

    fn finish(&mut self, done: Done) -> Result<(), Disconnect> {
        match done {
            Done::Replies(replies) => replies.into_iter().for_each(|reply| self.outbox.push(reply)),
            Done::Subscribed { subscription, reply } => {
                self.outbox.push(reply);
                self.subscriptions.add(*subscription);
            }
            Done::Authenticated { id, outcome: Ok(caller) } => self.open(id, caller),
            Done::Authenticated { outcome: Err(Refused::InvalidToken), .. } => return Err(codes::INVALID_TOKEN),
            Done::Authenticated { id, outcome: Err(refused) } => {
                self.phase = Phase::Refused;
                let expired = refused == Refused::TokenExpired;
                self.fail(id, if expired { codes::TOKEN_EXPIRED } else { codes::INTERNAL });
            }
        }
        Ok(())
    }

    fn open(&mut self, id: u32, caller: Caller) {
        if let Some(account) = caller.account() {
            self.member.identify(account.to_string());
        }
        self.heartbeat.connected(Instant::now(), mix(self.member.number()));
        let ping_s = if self.peer.native_pings { 0 } else { self.heartbeat.interval_s() };
        let time_ms = self.shared.clock.now().as_millis();
        let result = ConnectResult { client: self.member.client(), ping_s, time_ms };
        self.outbox.push(protocol::connected(id, &result));
        self.phase = Phase::Open(Arc::new(caller));
    }

    fn fail(&mut self, id: u32, error: impl Into<ClientError>) {
        self.outbox.push(protocol::failed(id, &error.into()));
    }

    fn send_next(&mut self) -> Result<(), Disconnect> {
        if std::mem::take(&mut self.ping_due) {
            return self.transport.send_ping();
        }
        if let Some(text) = self.outbox.next_frame() {
            return self.send(text, 0);
        }
        match self.subscriptions.next() {
            Some(Next::Frame(frame)) => self.send(frame.text, frame.publications),
            ended => {
                self.announce(ended);
                Ok(())
            }
        }
    }

    fn send(&mut self, text: protocol::Text, publications: u64) -> Result<(), Disconnect> {
        self.sent_bytes += text.len() as u64;
        self.shared.counters.sent(text.len(), publications);
        self.transport.send(text)
    }

    /// Tells the client of a subscription's end.
    fn announce(&mut self, ended: Option<Next>) {
        if let Some(Next::Ended(channel, why)) = ended {
            self.outbox.push(protocol::unsubscribe_push(&channel, why));
        }
    }
}

fn is_channel(name: &str) -> bool {
    (1..=kernel::limits::CHANNEL_BYTES).contains(&name.len())
}

/// Waits for the command under way; forever when there is none. Can be dropped and called again.
async fn finished(work: &mut Option<Work>) -> Done {
    let Some(running) = work else { return std::future::pending().await };
    let done = running.as_mut().await;
    *work = None;
    done
}
