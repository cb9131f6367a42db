//! What happened on the connections of a busy room. Viewers have the first numbers, senders those behind.

use std::{io, time::Instant};

use serde_json::{Value, json};

use super::{
    Shape,
    outage::Outage,
    returning::Returning,
    sender::Sender,
    viewer::{Count, Viewer},
};
use crate::bench::realtime::{
    crowd::Event,
    dialects::{Part, Position, Said},
    payload,
};

#[derive(Default)]
pub(super) struct Account {
    pub(super) viewers: Vec<Viewer>,
    pub(super) senders: Vec<Sender>,
    pub(super) returning: Returning,
    outage: Outage,
    /// Different messages, over all viewers.
    pub(super) arrived: u64,
    /// What nobody sent, and acknowledgements of it.
    foreign: u64,
    refused: u64,
    pub(super) connections_ended: u64,
    first_refusal: Option<String>,
    first_end: Option<String>,
}

impl Account {
    pub(super) fn new(shape: &Shape) -> Self {
        let viewers = (0..shape.viewers).map(|_| Viewer::new(shape.senders)).collect();
        let senders = (0..shape.senders).map(|_| Sender::default()).collect();
        Self { viewers, senders, ..Self::default() }
    }

    pub(super) fn take(&mut self, number: usize, event: Event<'_>) {
        match event {
            Event::Said(Said::Message { payload, offset }) => {
                match (self.viewers.get_mut(number), payload::read(payload)) {
                    (Some(viewer), Some((sender, index))) => {
                        self.arrived += u64::from(viewer.take(sender, index, offset));
                    }
                    _ => self.foreign += 1,
                }
            }
            Event::Said(Said::Acknowledged(message)) => {
                let sender = number.checked_sub(self.viewers.len()).and_then(|index| self.senders.get_mut(index));
                let known = sender.is_some_and(|sender| sender.acknowledged(message));
                self.foreign += u64::from(!known);
            }
            Event::Said(Said::Ready(epoch)) => self.ready(number, epoch),
            Event::Said(Said::Refused(why)) => {
                self.refused += 1;
                let text = String::from_utf8_lossy(why);
                self.first_refusal.get_or_insert_with(|| format!("connection {number}: {text}"));
            }
            Event::Said(Said::Leave(why)) => {
                let text = String::from_utf8_lossy(why);
                self.first_end.get_or_insert_with(|| format!("connection {number}: {text}"));
            }
            Event::Said(Said::Ping(_)) => {}
            Event::Ended(error) => self.ended(number, &error),
        }
    }

    /// A connection is ready, for the first time or again.
    pub(super) fn ready(&mut self, number: usize, epoch: &str) {
        let is_back = self.returning.is_back(number);
        if let Some(viewer) = self.viewers.get_mut(number) {
            viewer.reads(epoch);
            self.outage.subscribed(number, &self.viewers);
        } else if let Some(sender) = self.senders.get_mut(number - self.viewers.len())
            && is_back
        {
            sender.returned();
        }
    }

    /// A connection ended, or could not be made again.
    pub(super) fn ended(&mut self, number: usize, error: &io::Error) {
        if !self.returning.is_away(number) {
            self.connections_ended += 1;
            if number < self.viewers.len() {
                self.outage.ended(number, Instant::now());
            }
        }
        self.returning.ended(number, Instant::now());
        self.first_end.get_or_insert_with(|| format!("connection {number}: {error}"));
    }

    /// Looks which viewers are live by now.
    pub(super) fn look(&mut self) {
        self.outage.look(&self.viewers, Instant::now());
    }

    /// As what a connection comes back.
    pub(super) fn part(&self, number: usize) -> Part {
        match self.viewers.get(number) {
            None => Part::Sender,
            Some(viewer) => Part::Viewer(Some(Position { epoch: viewer.epoch().to_owned(), offset: viewer.offset() })),
        }
    }

    /// How many different messages have to arrive, over all viewers, when each sender sends at least so many.
    pub(super) fn wanted(&self, each: usize) -> u64 {
        let messages: usize = self.senders.iter().map(|sender| sender.sent().max(each)).sum();
        (messages * self.viewers.len()) as u64
    }

    /// Whether nothing waits for its acknowledgement.
    pub(super) fn all_acknowledged(&self) -> bool {
        self.senders.iter().all(Sender::is_done)
    }

    /// What viewers saw, in sum.
    pub(super) fn count(&self) -> Count {
        let sent_again = |sender: usize, message| self.senders.get(sender).map_or(0, |sender| sender.repeats(message));
        let mut count = Count::default();
        self.viewers.iter().for_each(|viewer| count += viewer.count(sent_again));
        count
    }

    /// Viewers who saw other messages than the first one, or in another order.
    fn differing(&self) -> usize {
        let first = self.viewers.first().map(Viewer::digest);
        self.viewers.iter().filter(|viewer| Some(viewer.digest()) != first).count()
    }

    /// All of it, for the result of the load; `wanted` is how many deliveries there should have been.
    pub(super) fn told(&self, wanted: u64) -> Value {
        let count = self.count();
        let live_again = |share| self.outage.until_live(share).map(|time| time.as_secs_f64());
        json!({
            "deliveries": count.delivered, "lost": wanted.saturating_sub(count.delivered),
            "doubled": count.doubled, "out_of_order": count.out_of_order, "offset_breaks": count.offset_breaks,
            "differing_viewers": self.differing(), "foreign": self.foreign, "refused": self.refused,
            "connections_ended": self.connections_ended, "reconnected": self.returning.returned(),
            "sent_again": self.senders.iter().map(Sender::sent_again).sum::<u64>(), "came_again": count.came_again,
            "half_live_again_s": live_again(0.5), "p99_live_again_s": live_again(0.99), "all_live_again_s": live_again(1.0),
            "first_refusal": self.first_refusal, "first_end": self.first_end,
        })
    }
}
