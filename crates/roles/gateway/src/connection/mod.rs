//! One client's session: reads commands, answers them in their order, and sends what its subscriptions bring.
//!
//! Promise: commands run one after the other, so their effects and answers keep the client's order (consecutive
//! publications into one channel go together). Before a client acts, unless that was five seconds ago at the most, and
//! with each ping it is made sure that its session has not ended. What waits to be sent is bounded: when there is much of
//! it, no more commands are read; publications wait in their channels and in the room log, never here. Lost when the
//! connection ends: commands that were not answered; each may or may not have been carried out.

mod allowance;
mod catch_up;
mod commands;
mod connecting;
mod counters;
mod dispatch;
mod echo;
mod expiry;
mod heartbeat;
pub(crate) mod history;
mod identity;
mod inbox;
mod orders;
mod outbox;
mod recovery;
mod refreshing;
mod running;
mod seldom;
mod subscribing;
mod subscriptions;
#[cfg(test)]
mod tests;
mod transport;
mod wheel;

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Instant;

pub(crate) use counters::Counters;
pub use echo::echo;
use running::Running;
pub(crate) use transport::{CLOSE_TIMEOUT, WebSocketTransport};
pub(crate) use wheel::Wheel;

use crate::{
    admission::Admitted,
    gateway::Shared,
    hub::{Calls, Member, Order, Outlet, Round},
    protocol::{
        self, Command, Decoded, Encoding, Message, Push, Request,
        codes::{self, Disconnect},
    },
    settings::PAGE_BYTES_MAX,
    websocket::Framed,
};
use allowance::{Allowance, Verdict};
use commands::Work;
use heartbeat::{Beat, Heartbeat};
use identity::Identified;
use inbox::{Inbox, Waiting};
use outbox::Outbox;
use seldom::Seldom;
use subscriptions::{AtHand, Next, Origin, Subscriptions};
use transport::{Event, Incoming};
use wheel::Tick;

/// What is known of a client when its WebSocket opens.
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The session token its request carried.
    pub(crate) cookie: Option<Box<str>>,
    /// It wants pings of the WebSocket protocol.
    pub(crate) native_pings: bool,
    pub(crate) encoding: Encoding,
    /// Names the session for transports of several requests; empty for others.
    pub(crate) session: Arc<str>,
    /// Held as long as the connection is open.
    pub(crate) _place: Admitted,
}

/// One connection.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    transport: WebSocketTransport,
    peer: Peer,
    member: Arc<Member>,
    phase: Phase,
    inbox: Inbox,
    work: Option<Work>,
    subscriptions: Subscriptions,
    outbox: Outbox,
    /// What the server told it to do.
    orders: Seldom<Box<Order>>,
    /// When something of it runs out, at the earliest.
    first_over_at: Option<Instant>,
    ping_due: bool,
    /// It has to be found out again who the client is.
    identity_due: bool,
    heartbeat: Heartbeat,
    allowance: Allowance,
    sent_bytes: u64,
    /// It only finishes what is under way, and no longer than until then.
    drained_by: Option<Instant>,
    /// When the wheel wakes it.
    alarm: Option<Tick>,
}

/// How far the session is.
enum Phase {
    /// Nothing came yet.
    New,
    /// It was refused: nothing may follow.
    Refused,
    /// Commands are welcome.
    Open(Identified),
}

impl Connection {
    /// A connection where it stays: whoever serves it holds no more than the pointer.
    pub(crate) fn new(shared: Arc<Shared>, transport: WebSocketTransport, peer: Peer) -> Arc<Mutex<Self>> {
        let now = Instant::now();
        let (number, client) = shared.next_client();
        Arc::new(Mutex::new(Self {
            transport,
            member: Arc::new(Member::new(number, client)),
            phase: Phase::New,
            inbox: Inbox::default(),
            work: None,
            subscriptions: Subscriptions::new(peer.encoding),
            outbox: Outbox::new(peer.encoding),
            orders: Seldom::default(),
            first_over_at: None,
            ping_due: false,
            identity_due: false,
            heartbeat: Heartbeat::new(&shared.settings, now),
            allowance: Allowance::new(shared.settings.commands_per_second_max, now),
            sent_bytes: 0,
            drained_by: None,
            alarm: None,
            peer,
            shared,
        }))
    }

    /// What serves the client until one of both has enough.
    pub(crate) fn run(connection: Arc<Mutex<Self>>) -> Running {
        Running::begin(connection)
    }

    fn opened(&mut self, outlet: Weak<Mutex<Self>>) {
        self.shared.counters.opened();
        self.member.attach(outlet);
    }

    fn ended(&mut self, why: &Disconnect) {
        self.shared.counters.closed(why.code);
        tracing::debug!(client = %self.member.id(), code = why.code, reason = %why.reason, "a connection ends");
        // Before the farewell: it may take a while, and nobody is there any more.
        self.shared.registry.remove(&self.member, &self.peer.session);
        self.subscriptions = Subscriptions::new(self.peer.encoding);
        self.work = None;
        self.transport.close(why);
    }

    /// Ready when the session is over. A mistake of ours ends this connection and no other.
    fn poll_end_or_panic(&mut self, context: &mut Context<'_>) -> Poll<Disconnect> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.poll_end(context)));
        polled.unwrap_or(Poll::Ready(codes::SERVER_ERROR))
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Disconnect> {
        loop {
            match self.poll_step(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(why)) => return Poll::Ready(why),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Does all that can be done now, and one thing that was waited for.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Disconnect>> {
        if self.drained_by.is_none() {
            self.start_commands()?;
        }
        self.set_alarm();
        if self.drained_by.is_some() && self.work.is_none() && self.outbox.is_empty() && !self.transport.is_unflushed()
        {
            return Poll::Ready(Err(codes::SHUTDOWN));
        }
        // All that fits, before it is written with one call.
        while self.has_output() && self.transport.has_room() && self.send_next()? {}
        // Behind it: what was to be sent may have turned out to be in the log alone.
        self.subscriptions.catch_up();
        let may_read = self.may_read();
        if let Poll::Ready(calls) = self.member.poll_called(context) {
            return Poll::Ready(self.answer(calls, may_read));
        }
        if let Some(work) = &mut self.work
            && let Poll::Ready(done) = work.as_mut().poll(context)
        {
            self.work = None;
            return Poll::Ready(self.finish(done));
        }
        if let Poll::Ready(ended) = self.subscriptions.poll_page(context) {
            return Poll::Ready(self.announce(ended));
        }
        let has_output = self.has_output();
        Poll::Ready(match ready!(self.transport.poll_event(context, has_output, may_read)) {
            Event::Writable => Ok(()),
            Event::Incoming(incoming) => self.receive(incoming),
            Event::WriteFailed => Err(codes::WRITE_ERROR),
        })
    }

    /// Sends what is new in its channels. False: it has to be polled for the rest, which is something else than
    /// publications at hand, or more than the peer takes now.
    fn hand_out(&mut self, round: &mut Round) -> bool {
        if self.transport.is_unflushed() {
            // When the peer takes more, it is polled anyway.
            return true;
        }
        if self.drained_by.is_some() || self.ping_due || !self.outbox.is_empty() {
            return false;
        }
        let mut last: Option<Framed> = None;
        let none_left = loop {
            if !self.transport.has_room() {
                break false;
            }
            match self.subscriptions.next_at_hand(round) {
                AtHand::Frame(frame) => {
                    self.sent_bytes += frame.framed.payload_bytes() as u64;
                    round.sent(&frame);
                    if let Some(before) = last.replace(frame.framed) {
                        self.transport.send(before);
                    }
                }
                AtHand::Nothing => break true,
                AtHand::Other => break false,
            }
        };
        last.is_none_or(|last| self.transport.send_now(last)) && none_left
    }

    /// Does what it was called for. News need nothing: they are looked for in any case.
    fn answer(&mut self, calls: Calls, may_read: bool) -> Result<(), Disconnect> {
        if calls.orders {
            self.take_orders()?;
        }
        if !calls.time {
            return Ok(());
        }
        let now = Instant::now();
        self.alarm = self.alarm.filter(|alarm| *alarm > self.shared.wheel.tick_of(now));
        self.hear_of_the_end(now);
        if self.drained_by.is_some_and(|end| end <= now) {
            return Err(codes::SHUTDOWN);
        }
        if self.drained_by.is_none() && self.due_at() <= now {
            self.end_what_is_over()?;
            self.beat(now, may_read)?;
        }
        Ok(())
    }

    /// When something of it is due, at the earliest.
    fn due_at(&self) -> Instant {
        let beat = self.heartbeat.deadline();
        self.drained_by.unwrap_or_else(|| self.first_over_at.map_or(beat, |over| over.min(beat)))
    }

    /// Sees to it that it is woken when something is due. To be woken earlier than that does no harm.
    fn set_alarm(&mut self) {
        loop {
            let due = self.shared.wheel.tick_of(self.due_at());
            if self.alarm.is_some_and(|alarm| alarm <= due) {
                return;
            }
            self.alarm = Some(due);
            self.shared.wheel.wake_at(due, self.member.clone());
            // Behind it: whoever closes wakes those that have set their alarm, and only those.
            self.hear_of_the_end(Instant::now());
        }
    }

    fn hear_of_the_end(&mut self, now: Instant) {
        if self.shared.closing.is_cancelled() {
            self.drain(now);
        }
    }

    /// Has it finish what is under way and no more.
    fn drain(&mut self, now: Instant) {
        let by = now + Duration::from_millis(self.shared.settings.drain_ms);
        self.drained_by.get_or_insert(by);
    }

    /// Ends what holds more than a connection may.
    pub(super) fn bound(&self) -> Result<(), Disconnect> {
        let settings = &self.shared.settings;
        let limit = settings.unsent_bytes_max.max(settings.buffered_bytes_max + 2 * PAGE_BYTES_MAX);
        if self.outbox.bytes() > limit { Err(codes::SLOW) } else { Ok(()) }
    }

    fn may_read(&self) -> bool {
        let buffered = self.outbox.bytes() < self.shared.settings.buffered_bytes_max;
        self.drained_by.is_none() && buffered && !self.inbox.is_full()
    }

    fn beat(&mut self, now: Instant, may_read: bool) -> Result<(), Disconnect> {
        let busy = !may_read || self.transport.is_unflushed() || !self.outbox.is_empty();
        let taken_bytes = self.sent_bytes.saturating_sub(self.transport.unsent_bytes() as u64);
        let beat = self.heartbeat.beat(&self.shared.settings, now, self.sent_bytes, taken_bytes, busy);
        self.identity_due |= beat == Beat::Ping;
        match beat {
            Beat::Wait => Ok(()),
            Beat::Stale => Err(codes::STALE),
            Beat::NoPong => Err(codes::NO_PONG),
            Beat::Ping if self.peer.native_pings => {
                self.ping_due = true;
                Ok(())
            }
            Beat::Ping => {
                self.outbox.push_encoded(self.peer.encoding.ping().to_vec());
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
                let _ = self.peer.native_pings && self.heartbeat.pong(&self.shared.settings, now);
                self.count_frame(now)
            }
            Incoming::Frame(_, frame) => {
                let commands = protocol::decode(self.peer.encoding, &frame).map_err(|error| {
                    tracing::debug!(client = %self.member.id(), %error, "a malformed frame");
                    codes::BAD_FRAME
                })?;
                commands.into_iter().try_for_each(|Decoded { command, bytes }| self.accept(command, bytes, now))
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

    fn accept(&mut self, command: Command, bytes: usize, now: Instant) -> Result<(), Disconnect> {
        self.shared.counters.command(&command.request);
        let verdict = self.allowance.take(now);
        if verdict == Verdict::Intolerable {
            return Err(codes::TOO_MANY_COMMANDS);
        }
        if command.request == Request::Pong {
            let expected = matches!(self.phase, Phase::Open(_)) && !self.peer.native_pings;
            return if expected && self.heartbeat.pong(&self.shared.settings, now) {
                Ok(())
            } else {
                Err(codes::BAD_FRAME)
            };
        }
        self.inbox.push(Waiting { command, bytes, too_many: verdict == Verdict::Refused });
        Ok(())
    }

    fn has_output(&self) -> bool {
        let has_news = self.drained_by.is_none() && self.subscriptions.has_news();
        self.ping_due || !self.outbox.is_empty() || has_news
    }

    /// Hands the next thing to the transport; false: there was nothing after all.
    fn send_next(&mut self) -> Result<bool, Disconnect> {
        if std::mem::take(&mut self.ping_due) {
            self.transport.send_ping();
        } else if let Some(frame) = self.outbox.next_frame() {
            self.send(frame, 0);
        } else {
            match self.subscriptions.next() {
                Some(Next::Frame(frame)) => self.send(frame.framed, frame.publications),
                Some(Next::Movements(frame)) => self.send(frame, 0),
                None => return Ok(false),
                ended => self.announce(ended)?,
            }
        }
        Ok(true)
    }

    fn send(&mut self, frame: Framed, publications: u64) {
        self.sent_bytes += frame.payload_bytes() as u64;
        self.shared.counters.sent(frame.payload_bytes(), publications);
        self.transport.send(frame);
    }

    /// Tells the client of a subscription's end. One the server made cannot be begun again by the client alone.
    fn announce(&mut self, ended: Option<Next>) -> Result<(), Disconnect> {
        match ended {
            Some(Next::Ended(channel, Origin::Client, why)) => {
                self.outbox.push(&Message::Push(channel, Push::Unsubscribe(why)));
                Ok(())
            }
            Some(Next::Ended(_, Origin::Server, _)) => Err(codes::STATE_LOST),
            Some(Next::Frame(_) | Next::Movements(_)) | None => Ok(()),
        }
    }
}

impl Outlet for Mutex<Connection> {
    fn hand_out(&self, round: &mut Round) -> bool {
        // Whoever holds the lock may have looked for news already.
        let Ok(mut connection) = self.try_lock() else { return false };
        let handed_out = catch_unwind(AssertUnwindSafe(|| connection.hand_out(round)));
        handed_out.unwrap_or_else(|_| {
            connection.member.order(Order::Disconnect(codes::SERVER_ERROR));
            false
        })
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
