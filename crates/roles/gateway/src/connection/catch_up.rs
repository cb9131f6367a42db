//! Reads on from the room log for a subscription that fell behind what its channel keeps in memory.

use std::{sync::Arc, time::Duration};

use crate::hub::{Channel, Form, Frame};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A log that has nothing where it must have something has lost it, if it still has nothing after so many reads.
const READS_IN_VAIN_MAX: u32 = 8;

/// What a read brought.
pub(super) enum Page {
    /// Frames to send, and the place behind them.
    Frames(Vec<Frame>, u64),
    /// The log does not hold the place any more.
    Hole,
}

/// One page from `from` on. A log that fails is asked again until it answers.
pub(super) async fn read(channel: Arc<Channel>, from: u64, form: Form) -> Page {
    let mut pause = FIRST_PAUSE;
    let mut in_vain = 0;
    loop {
        match channel.page(from).await {
            Ok(page) if !page.publications().is_empty() => {
                return Page::Frames(page.frames(channel.name(), form), from + page.publications().len() as u64);
            }
            Ok(_) => {
                in_vain += 1;
                if in_vain == READS_IN_VAIN_MAX {
                    return Page::Hole;
                }
            }
            Err(error) => {
                tracing::warn!(channel = %channel.name(), %error, "a slow reader could not be served from the room log yet");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
