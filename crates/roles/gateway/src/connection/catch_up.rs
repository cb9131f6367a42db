//! Reads on from the room log for a subscription that fell behind what its channel keeps in memory.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use ports::room_log::Record;

use crate::{
    hub::{BATCH_BYTES_MAX, LogReader, join},
    protocol::{Push, Text},
};

/// Records in one read: what a connection holds while its client takes them.
const RECORDS_MAX: usize = 128;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A log that has nothing where it must have something has lost it, if it still has nothing after so many reads.
const READS_IN_VAIN_MAX: u32 = 8;

/// What a read brought.
pub(super) enum Page {
    /// Frames to send, and the place behind them.
    Frames(VecDeque<Frame>, u64),
    /// The log does not hold the place any more.
    Hole,
}

/// Pushes joined to one text.
pub(super) struct Frame {
    pub(super) text: Text,
    pub(super) publications: u64,
}

/// One page from `from` on. A log that fails is asked again until it answers.
pub(super) async fn read(log: LogReader, room: Arc<str>, channel: Arc<str>, epoch: Arc<str>, from: u64) -> Page {
    let mut pause = FIRST_PAUSE;
    let mut in_vain = 0;
    loop {
        match log.read(&room, from, RECORDS_MAX).await {
            Ok(records) if records.first().is_some_and(|record| record.offset == from) => {
                return frames(&channel, &epoch, from, &records);
            }
            Ok(records) => {
                in_vain += 1;
                if in_vain == READS_IN_VAIN_MAX || !records.is_empty() {
                    return Page::Hole;
                }
            }
            Err(error) => tracing::warn!(%channel, %error, "a slow reader could not be served from the room log yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn frames(channel: &str, epoch: &str, from: u64, records: &[Record]) -> Page {
    let contiguous = records.iter().zip(from..).take_while(|(record, expected)| record.offset == *expected);
    let pushes: Vec<Push> =
        contiguous.map(|(record, _)| Push::positioned(channel, &record.data, record.offset, epoch)).collect();
    let mut frames = VecDeque::new();
    let mut rest = pushes.as_slice();
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|push| {
            bytes += push.text().len() + 1;
            bytes <= BATCH_BYTES_MAX
        });
        let (now, later) = rest.split_at(fitting.count().clamp(1, rest.len()));
        frames.push_back(Frame { text: join(now.iter().map(Push::text)), publications: now.len() as u64 });
        rest = later;
    }
    Page::Frames(frames, from + pushes.len() as u64)
}
