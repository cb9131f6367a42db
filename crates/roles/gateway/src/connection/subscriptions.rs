//! The subscriptions of one connection: a cursor each, and what comes next.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::time::Instant;

use super::{
    catch_up::{self, Page},
    expiry::earlier,
};
use crate::{
    hub::{Difference, Form, Frame, Round, Seat, Upcoming},
    needs::ChannelRules,
    protocol::{
        Encoding,
        codes::{self, Unsubscribe},
    },
    websocket::Framed,
};

/// Up to so many subscriptions, a connection has room for just those it has.
const FEW: usize = 4;
/// The cursor of who does not want to know who comes and leaves.
const NOT_WANTED: u64 = u64::MAX;

/// Who made a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Client,
    Server,
}

/// One subscription.
pub(super) struct Subscription {
    pub(super) seat: Seat,
    pub(super) rules: Arc<ChannelRules>,
    pub(super) origin: Origin,
    /// When it ends unless it is refreshed.
    pub(super) over_at: Option<Instant>,
    /// The next publication the client gets.
    cursor: u64,
    /// Of which history.
    replaced: u32,
    /// The next one who came or left the client gets.
    moved: u64,
    /// The next publication the client gets that its channel does not keep.
    passed: u64,
    difference: Difference,
    /// Its next publication is only in the room log.
    behind: bool,
}

impl Subscription {
    pub(super) fn new(seat: Seat, rules: Arc<ChannelRules>, origin: Origin, cursor: u64, replaced: u32) -> Self {
        let (moved, passed) = (NOT_WANTED, seat.channel().next_passing());
        let difference = Difference::Never;
        Self { seat, rules, origin, over_at: None, cursor, replaced, moved, passed, difference, behind: false }
    }

    pub(super) fn with_difference(self, difference: Difference) -> Self {
        Self { difference, ..self }
    }

    /// The same with movements from this number on.
    pub(super) fn with_movements(self, from: Option<u64>) -> Self {
        Self { moved: from.unwrap_or(NOT_WANTED), ..self }
    }

    pub(super) fn over_at(self, over_at: Option<Instant>) -> Self {
        Self { over_at, ..self }
    }

    fn has_news(&self) -> bool {
        let channel = self.seat.channel();
        let published = channel.next() > self.cursor || channel.replaced() != self.replaced;
        !self.behind && published || channel.next_passing() > self.passed || self.has_movements()
    }

    fn has_movements(&self) -> bool {
        self.moved != NOT_WANTED && self.seat.channel().next_movement() > self.moved
    }

    /// What the client gets next that its channel does not keep.
    fn passing(&mut self, form: Form) -> Option<Frame> {
        let (frame, next) = self.seat.channel().passing(self.passed, form);
        self.passed = next;
        if frame.is_some() {
            // It is none of those that differences are made to.
            self.lacks_before();
        }
        frame
    }

    /// The client may have something else than the channel holds as the publication before the next one.
    fn lacks_before(&mut self) {
        if self.difference == Difference::Always {
            self.difference = Difference::FirstWhole;
        }
    }

    /// The client gets everything before `next`.
    fn went_on(&mut self, next: u64) {
        self.cursor = next;
        // And so it has the publication before the next one.
        if self.difference == Difference::FirstWhole {
            self.difference = Difference::Always;
        }
    }
}

/// What a connection sends next.
pub(super) enum Next {
    /// Publications.
    Frame(Frame),
    /// Who came and left.
    Movements(Framed),
    /// The end of this channel's subscription.
    Ended(Arc<str>, Origin, Unsubscribe),
}

/// What can be sent without further ado.
pub(super) enum AtHand {
    /// Publications.
    Frame(Frame),
    /// There are no news.
    Nothing,
    /// There may be news of another kind.
    Other,
}

/// A subscription that catches up from the room log.
struct CatchingUp {
    channel: Arc<str>,
    page: Reading,
}

enum Reading {
    /// A page is being read.
    Page(Pin<Box<dyn Future<Output = Page> + Send>>),
    /// What the last page brought; goes out before anything else.
    Frames(VecDeque<Frame>),
}

/// All subscriptions of a connection. Besides the cursors it holds one page of the room log at the most.
pub(super) struct Subscriptions {
    encoding: Encoding,
    list: Vec<Subscription>,
    /// Whose turn it is: none starves another.
    turn: usize,
    /// One at a time; boxed, because it is rare.
    catching_up: Option<Box<CatchingUp>>,
}

impl Subscriptions {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, list: Vec::new(), turn: 0, catching_up: None }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn find(&self, channel: &str) -> Option<&Subscription> {
        self.list.iter().find(|subscription| **subscription.seat.channel().name() == *channel)
    }

    pub(super) fn find_mut(&mut self, channel: &str) -> Option<&mut Subscription> {
        self.list.iter_mut().find(|subscription| **subscription.seat.channel().name() == *channel)
    }

    pub(super) fn add(&mut self, subscription: Subscription) {
        // Most connections have one or two, and there are many connections.
        if self.list.len() < FEW {
            self.list.reserve_exact(1);
        }
        self.list.push(subscription);
    }

    /// Ends a subscription; false: there is none.
    pub(super) fn remove(&mut self, channel: &str) -> bool {
        let index = self.list.iter().position(|subscription| **subscription.seat.channel().name() == *channel);
        if let Some(index) = index {
            self.list.swap_remove(index);
        }
        self.catching_up.take_if(|catching_up| *catching_up.channel == *channel);
        index.is_some()
    }

    /// When the first of them is over.
    pub(super) fn first_over_at(&self) -> Option<Instant> {
        self.list.iter().fold(None, |first, subscription| earlier(first, subscription.over_at))
    }

    /// The channel of one that is over, and who made it.
    pub(super) fn over(&self, now: Instant) -> Option<(Arc<str>, Origin)> {
        let over = self.list.iter().find(|subscription| subscription.over_at.is_some_and(|at| at <= now))?;
        Some((over.seat.channel().name().clone(), over.origin))
    }

    /// Whether `next` may have something.
    pub(super) fn has_news(&self) -> bool {
        let read = self.catching_up.as_ref().is_some_and(|one| matches!(one.page, Reading::Frames(_)));
        read || self.list.iter().any(Subscription::has_news)
    }

    /// What to send next, when it is publications a channel has in memory.
    pub(super) fn next_at_hand(&mut self, round: &mut Round) -> AtHand {
        if self.catching_up.is_some() {
            return AtHand::Other;
        }
        for step in 0..self.list.len() {
            let index = (self.turn + step) % self.list.len();
            let Some(subscription) = self.list.get_mut(index).filter(|subscription| subscription.has_news()) else {
                continue;
            };
            if subscription.has_movements() {
                return AtHand::Other;
            }
            let form = Form { encoding: self.encoding, difference: subscription.difference };
            match round.upcoming(subscription.seat.channel(), subscription.cursor, subscription.replaced, form) {
                Upcoming::Batch { frame, publications, next } => {
                    subscription.went_on(next);
                    self.turn = index + 1;
                    return AtHand::Frame(Frame { framed: frame, publications });
                }
                Upcoming::FromLog | Upcoming::OtherHistory => return AtHand::Other,
                Upcoming::Nothing => {}
            }
            if let Some(frame) = subscription.passing(form) {
                self.turn = index + 1;
                return AtHand::Frame(frame);
            }
        }
        AtHand::Nothing
    }

    /// What to send next.
    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some(frame) = self.next_of_page() {
            return Some(Next::Frame(frame));
        }
        for step in 0..self.list.len() {
            let index = (self.turn + step) % self.list.len();
            let Some(subscription) = self.list.get_mut(index).filter(|subscription| subscription.has_news()) else {
                continue;
            };
            let channel = subscription.seat.channel().clone();
            if subscription.has_movements()
                && let Some((frame, next)) = channel.movements(subscription.moved, self.encoding)
            {
                subscription.moved = next;
                self.turn = index + 1;
                return Some(Next::Movements(frame));
            }
            let form = Form { encoding: self.encoding, difference: subscription.difference };
            let upcoming = match subscription.behind {
                true => Upcoming::Nothing,
                false => channel.upcoming(subscription.cursor, subscription.replaced, form),
            };
            match upcoming {
                Upcoming::Batch { frame, publications, next } => {
                    subscription.went_on(next);
                    self.turn = index + 1;
                    return Some(Next::Frame(Frame { framed: frame, publications }));
                }
                Upcoming::FromLog => subscription.behind = true,
                Upcoming::OtherHistory => {
                    let origin = subscription.origin;
                    self.remove(channel.name());
                    return Some(Next::Ended(channel.name().clone(), origin, codes::INSUFFICIENT_STATE));
                }
                Upcoming::Nothing => {}
            }
            if let Some(frame) = subscription.passing(form) {
                self.turn = index + 1;
                return Some(Next::Frame(frame));
            }
        }
        None
    }

    fn next_of_page(&mut self) -> Option<Frame> {
        let Reading::Frames(frames) = &mut self.catching_up.as_mut()?.page else { return None };
        let frame = frames.pop_front();
        if frames.is_empty() {
            self.catching_up = None;
        }
        frame
    }

    /// Begins to read from the room log for a subscription that needs it, unless it reads already.
    pub(super) fn catch_up(&mut self) {
        if self.catching_up.is_some() {
            return;
        }
        let Some(subscription) = self.list.iter().find(|subscription| subscription.behind) else { return };
        let channel = subscription.seat.channel().clone();
        let name = channel.name().clone();
        let form = Form { encoding: self.encoding, difference: subscription.difference };
        let page = Box::pin(catch_up::read(channel, subscription.cursor, form.with_first_whole()));
        self.catching_up = Some(Box::new(CatchingUp { channel: name, page: Reading::Page(page) }));
    }

    /// Ready when the page that is being read is there.
    pub(super) fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Next>> {
        let Some(CatchingUp { channel, page: Reading::Page(page) }) = self.catching_up.as_deref_mut() else {
            return Poll::Pending;
        };
        let page = ready!(page.as_mut().poll(context));
        let channel = channel.clone();
        self.catching_up = None;
        Poll::Ready(self.take_page(&channel, page))
    }

    /// Takes a page; the end of the subscription when the log has lost its place.
    fn take_page(&mut self, channel: &Arc<str>, page: Page) -> Option<Next> {
        let subscription = self.find_mut(channel)?;
        match page {
            // Meanwhile another history began: `next` will say so.
            _ if subscription.replaced != subscription.seat.channel().replaced() => {
                subscription.behind = false;
                None
            }
            Page::Frames(frames, next) => {
                subscription.cursor = next;
                subscription.behind = false;
                // What was read from the log may have been redacted there before the channel heard of it.
                subscription.lacks_before();
                let page = Reading::Frames(frames.into());
                self.catching_up = Some(Box::new(CatchingUp { channel: channel.clone(), page }));
                None
            }
            Page::Hole => {
                let origin = subscription.origin;
                self.remove(channel);
                Some(Next::Ended(channel.clone(), origin, codes::INSUFFICIENT_STATE))
            }
        }
    }
}
