//! Keeps channels true to their logs: fills gaps, looks from time to time whether the newest publication was missed, and
//! gives up channels nobody listens to.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc::UnboundedReceiver, task::JoinSet};

use super::{Channel, Hub};
use crate::settings::PAGE_PUBLICATIONS_MAX;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After so many reads that found nothing, what the log says of itself counts, not what was heard.
const READS_IN_VAIN_MAX: u32 = 8;
/// Between two times that channels let go of what they kept for a burst.
const REST: Duration = Duration::from_secs(10);
const SHORTEST_SWEEP: Duration = Duration::from_millis(10);

/// The hub's background work.
pub(super) struct Caretaker {
    pub(super) hub: Arc<Hub>,
    pub(super) position_check: Duration,
    pub(super) idle: Duration,
}

impl Caretaker {
    /// Works until it is dropped.
    pub(super) async fn run(self, behind: UnboundedReceiver<Arc<Channel>>) {
        tokio::join!(
            self.fill_gaps(behind),
            self.check_positions(),
            self.let_channels_rest(),
            self.give_up_idle_channels()
        );
    }

    async fn fill_gaps(&self, mut behind: UnboundedReceiver<Arc<Channel>>) {
        // Rooms do not wait for each other; reads are bounded by the log reader, repairs by the number of channels.
        let mut repairs = JoinSet::new();
        loop {
            tokio::select! {
                Some(channel) = behind.recv() => drop(repairs.spawn(repair(self.hub.clone(), channel))),
                Some(_) = repairs.join_next() => {}
                else => return,
            }
        }
    }

    async fn check_positions(&self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.position_check) => {}
                () = self.hub.interrupted.notified() => {}
            }
            for channel in self.hub.all() {
                let Some(log) = channel.log().filter(|_| !channel.is_empty()) else { continue };
                let epoch = channel.position().0;
                match log.head().await {
                    Ok(head) if *head.epoch != *epoch => {
                        channel.correct(&epoch, &head);
                        self.hub.attend(&channel);
                    }
                    Ok(head) => self.hub.heard(&channel, head.next),
                    Err(error) => {
                        tracing::warn!(channel = %channel.name(), %error, "a channel's position was not checked");
                    }
                }
            }
        }
    }

    async fn let_channels_rest(&self) {
        loop {
            tokio::time::sleep(REST).await;
            self.hub.all().iter().for_each(|channel| channel.rest());
        }
    }

    async fn give_up_idle_channels(&self) {
        loop {
            tokio::time::sleep((self.idle / 2).max(SHORTEST_SWEEP)).await;
            for channel in self.hub.all() {
                if !channel.is_idle(self.idle) {
                    continue;
                }
                let _stripe = self.hub.stripe(channel.name()).lock().await;
                if self.hub.remove_if_idle(&channel, self.idle) {
                    self.hub.bus.unsubscribe(channel.name()).await;
                }
            }
        }
    }
}

/// Reads what the channel has missed until nothing is missing, or nobody is there to miss it.
async fn repair(hub: Arc<Hub>, channel: Arc<Channel>) {
    let Some(log) = channel.log() else { return };
    let mut pause = FIRST_PAUSE;
    let mut in_vain = 0;
    while let Some(from) = channel.gap() {
        let (past, epoch) = (channel.past_changes(), channel.position().0);
        match log.read(from, PAGE_PUBLICATIONS_MAX).await {
            Ok(records) if !records.is_empty() => {
                channel.repair(&records, past);
                hub.attend(&channel);
                (pause, in_vain) = (FIRST_PAUSE, 0);
                continue;
            }
            Ok(_) => in_vain += 1,
            Err(error) => tracing::warn!(channel = %channel.name(), %error, "a gap could not be filled yet"),
        }
        if channel.is_empty() {
            break;
        }
        if in_vain >= READS_IN_VAIN_MAX
            && let Ok(head) = log.head().await
        {
            channel.correct(&epoch, &head);
            hub.attend(&channel);
            in_vain = 0;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    channel.repaired();
    // What was heard between the last look and now found a repair under way.
    if !channel.is_empty() {
        hub.mend(&channel);
    }
}
