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

use super::Channel;

/// Channels taken from the queue at once; none is in it twice.
const CHANNELS_AT_ONCE: usize = 4_096;
/// Rest for each subscriber: about twice what one write takes, so that a room keeps about half a core busy at the most.
const REST_PER_SUBSCRIBER: Duration = Duration::from_micros(16);
/// A shorter rest is none: the runtime's clock ticks in milliseconds.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// Wakes for as long as there are channels to come. No channel rests for longer than `longest_rest`.
pub(super) async fn run(mut dirty: UnboundedReceiver<Arc<Channel>>, longest_rest: Duration) {
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
                    let subscribers = channel.wake_members();
                    channel.rest_until(rest(subscribers, longest_rest).map(|rest| now + rest));
                }
            }
        }
    }
}

/// Whether a channel with so few subscribers can have them woken at any time.
pub(super) fn needs_no_rest(subscribers: usize) -> bool {
    rest(subscribers, Duration::MAX).is_none()
}

fn rest(subscribers: usize, longest: Duration) -> Option<Duration> {
    let rest = REST_PER_SUBSCRIBER.saturating_mul(u32::try_from(subscribers).unwrap_or(u32::MAX)).min(longest);
    (rest >= SHORTEST_REST).then_some(rest)
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
    fn small_rooms_do_not_rest_and_crowds_rest_no_longer_than_allowed() {
        let longest = Duration::from_millis(50);
        assert_eq!(rest(15, longest), None);
        assert_eq!(rest(500, longest), Some(Duration::from_millis(8)));
        assert_eq!(rest(100_000, longest), Some(longest));
        assert_eq!(rest(100_000, Duration::ZERO), None);
        assert!(needs_no_rest(62) && !needs_no_rest(63));
    }
}
