//! The subscriptions of one connection: a cursor each, and what comes next.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use super::catch_up::{self, Page};
use crate::{
    hub::{Frame, Seat, Upcoming},
    needs::ChannelRules,
    protocol::codes::{self, Unsubscribe},
};

/// Up to so many subscriptions, a connection has room for just those it has.
const FEW: usize = 4;

/// One subscription.
pub(super) struct Subscription {
    pub(super) seat: Seat,
    pub(super) rules: Arc<ChannelRules>,
    /// The next publication the client gets.
    pub(super) cursor: u64,
    /// Of which history.
    pub(super) replaced: u32,
    /// Its next publication is only in the room log.
    behind: bool,
}

impl Subscription {
    pub(super) fn new(seat: Seat, rules: Arc<ChannelRules>, cursor: u64, replaced: u32) -> Self {
        Self { seat, rules, cursor, replaced, behind: false }
    }

    fn has_news(&self) -> bool {
        let channel = self.seat.channel();
        !self.behind && (channel.next() > self.cursor || channel.replaced() != self.replaced)
    }
}

/// What a connection sends next.
pub(super) enum Next {
    /// Publications.
    Frame(Frame),
    /// The end of this channel's subscription.
    Ended(Arc<str>, Unsubscribe),
}

/// A page being read, and for which channel.
struct Reading {
    channel: Arc<str>,
    page: Pin<Box<dyn Future<Output = Page> + Send>>,
}

/// All subscriptions of a connection. Besides the cursors it holds one page of the room log at the most.
#[derive(Default)]
pub(super) struct Subscriptions {
    list: Vec<Subscription>,
    /// Whose turn it is: none starves another.
    turn: usize,
    reading: Option<Reading>,
    /// What the last page brought; goes out before anything else.
    page: VecDeque<Frame>,
    /// Whose page it is.
    page_channel: Option<Arc<str>>,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn find(&self, channel: &str) -> Option<&Subscription> {
        self.list.iter().find(|subscription| **subscription.seat.channel().name() == *channel)
    }

    pub(super) fn add(&mut self, subscription: Subscription) {
        // Most connections have one or two, and there are many connections.
        if self.list.len() < FEW {
            self.list.reserve_exact(1);
        }
        self.list.push(subscription);
    }

    pub(super) fn remove(&mut self, channel: &str) {
        if let Some(index) = self.list.iter().position(|subscription| **subscription.seat.channel().name() == *channel)
        {
            self.list.swap_remove(index);
        }
        if self.reading.as_ref().is_some_and(|reading| *reading.channel == *channel) {
            self.reading = None;
        }
        if self.page_channel.as_deref() == Some(channel) {
            self.page.clear();
        }
    }

    /// Whether `next` may have something.
    pub(super) fn has_news(&self) -> bool {
        !self.page.is_empty() || self.list.iter().any(Subscription::has_news)
    }

    /// What to send next.
    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some(frame) = self.page.pop_front() {
            return Some(Next::Frame(frame));
        }
        for step in 0..self.list.len() {
            let index = (self.turn + step) % self.list.len();
            let Some(subscription) = self.list.get_mut(index).filter(|subscription| subscription.has_news()) else {
                continue;
            };
            let channel = subscription.seat.channel();
            match channel.upcoming(subscription.cursor, subscription.replaced) {
                Upcoming::Batch { text, publications, next } => {
                    subscription.cursor = next;
                    self.turn = index + 1;
                    return Some(Next::Frame(Frame { text, publications }));
                }
                Upcoming::FromLog => subscription.behind = true,
                Upcoming::OtherHistory => {
                    let name = channel.name().clone();
                    self.remove(&name);
                    return Some(Next::Ended(name, codes::INSUFFICIENT_STATE));
                }
                Upcoming::Nothing => {}
            }
        }
        None
    }

    /// Begins to read from the room log for a subscription that needs it, unless it reads already.
    pub(super) fn catch_up(&mut self) {
        if self.reading.is_some() || !self.page.is_empty() {
            return;
        }
        let Some(subscription) = self.list.iter().find(|subscription| subscription.behind) else { return };
        let channel = subscription.seat.channel().clone();
        let name = channel.name().clone();
        let page = Box::pin(catch_up::read(channel, subscription.cursor));
        self.reading = Some(Reading { channel: name, page });
    }

    /// Waits for the page that is being read; forever when none is. Can be dropped and called again.
    pub(super) async fn page_read(&mut self) -> Option<Next> {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let page = reading.page.as_mut().await;
        let channel = reading.channel.clone();
        self.reading = None;
        self.take_page(&channel, page)
    }

    /// Takes a page; the end of the subscription when the log has lost its place.
    fn take_page(&mut self, channel: &Arc<str>, page: Page) -> Option<Next> {
        let subscription = self.list.iter_mut().find(|subscription| subscription.seat.channel().name() == channel)?;
        match page {
            // Meanwhile another history began: `next` will say so.
            _ if subscription.replaced != subscription.seat.channel().replaced() => {
                subscription.behind = false;
                None
            }
            Page::Frames(frames, next) => {
                self.page = frames.into();
                self.page_channel = Some(channel.clone());
                subscription.cursor = next;
                subscription.behind = false;
                None
            }
            Page::Hole => {
                self.remove(channel);
                Some(Next::Ended(channel.clone(), codes::INSUFFICIENT_STATE))
            }
        }
    }
}
