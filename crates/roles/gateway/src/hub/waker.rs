//! Wakes the subscribers of channels with news.
//!
//! The first news after a quiet time goes out at once. After that a channel rests for as long as its last wake gave the
//! machine to do, and news gathers meanwhile: a write costs the same whatever it carries, so a crowd is served with few
//! long writes and a small room with short ones that do not wait.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc::UnboundedReceiver, time::sleep_until};

use super::{Channel, Member, Round, Sent};

/// Channels taken from the queue at once; none is in it twice.
const CHANNELS_AT_ONCE: usize = 4_096;
/// Subscribers that are told one after the other; others on the same core wait for them.
const TOLD_AT_ONCE: usize = 64;
/// Rest for each subscriber: about twice what one write takes, so that a room keeps about half a core busy at the most.
const REST_PER_SUBSCRIBER: Duration = Duration::from_micros(17);
/// What comes within it goes out together, also in the smallest room. Subscribers that need no more are few: whoever brings
/// them news can as well spend that time.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// Wakes for as long as there are channels to come. No channel rests for longer than `longest_rest`.
pub(super) async fn run(mut dirty: UnboundedReceiver<Arc<Channel>>, longest_rest: Duration, sent: Sent) {
    let mut resting = Resting::default();
    let mut channels = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = dirty.recv_many(&mut channels, CHANNELS_AT_ONCE) => {
                if count == 0 {
                    return;
                }
            }
            () = resting.first_rested() => {}
        }
        let now = Instant::now();
        for channel in channels.drain(..).chain(resting.rested(now)) {
            match channel.rests_until() {
                Some(until) if until > now => resting.add(until, channel),
                _ => {
                    let members = channel.take_dirty();
                    channel.rest_until(now + rest(members.len()).min(longest_rest));
                    tell_news(members, &sent);
                }
            }
        }
    }
}

/// Tells them of news, on all of the machine's cores.
fn tell_news(mut members: Vec<Arc<Member>>, sent: &Sent) {
    while !members.is_empty() {
        let some = members.split_off(members.len().saturating_sub(TOLD_AT_ONCE));
        let sent = sent.clone();
        tokio::spawn(async move { Round::tell(&some, &sent) });
    }
}

/// Tells the subscribers here and now, without the way over the waker, if they are few and the channel is rested. False: it
/// is the waker's.
pub(super) fn tell_few(channel: &Channel, sent: &Sent) -> bool {
    let subscribers = channel.subscribers();
    if !are_few(subscribers) {
        return false;
    }
    let now = Instant::now();
    let rested = channel.rests_until().is_none_or(|until| until <= now);
    if rested {
        channel.rest_until(now + rest(subscribers));
        Round::tell(&channel.take_dirty(), sent);
    }
    rested
}

fn are_few(subscribers: usize) -> bool {
    work(subscribers) < SHORTEST_REST
}

fn rest(subscribers: usize) -> Duration {
    work(subscribers).max(SHORTEST_REST)
}

fn work(subscribers: usize) -> Duration {
    REST_PER_SUBSCRIBER.saturating_mul(u32::try_from(subscribers).unwrap_or(u32::MAX))
}

/// Channels that have news and rest, the first to be rested on top.
#[derive(Default)]
struct Resting(BinaryHeap<Rests>);

struct Rests {
    until: Reverse<Instant>,
    channel: Arc<Channel>,
}

impl Resting {
    fn add(&mut self, until: Instant, channel: Arc<Channel>) {
        self.0.push(Rests { until: Reverse(until), channel });
    }

    /// Waits until a channel is rested; forever when none rests.
    async fn first_rested(&self) {
        match self.0.peek() {
            Some(Rests { until: Reverse(until), .. }) => sleep_until((*until).into()).await,
            None => std::future::pending().await,
        }
    }

    /// Those that are rested at `now`.
    fn rested(&mut self, now: Instant) -> Vec<Arc<Channel>> {
        let mut rested = Vec::new();
        while self.0.peek().is_some_and(|first| first.until.0 <= now)
            && let Some(first) = self.0.pop()
        {
            rested.push(first.channel);
        }
        rested
    }
}

impl PartialEq for Rests {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Rests {}

impl PartialOrd for Rests {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rests {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crowds_rest_longer() {
        assert_eq!(rest(15), SHORTEST_REST);
        assert_eq!(rest(1_000), Duration::from_millis(17));
        assert!(are_few(58) && !are_few(59));
    }
}
