//! Who came to a channel and left it lately, for subscribers who want to know.
//!
//! May lose: what a subscriber was too slow for. Whoever needs to be sure asks for the channel's presence.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ports::bus::Movement;

use crate::protocol::{Encoding, Message, Push, encode};
use crate::websocket::Framed;

/// Movements a channel keeps for readers that are behind.
const KEPT: usize = 256;
/// Movements in one frame at the most.
const FRAME_MOVEMENTS_MAX: usize = 64;

/// The recent movements of one channel, numbered from 0.
#[derive(Default)]
pub(super) struct Movements {
    recent: Mutex<VecDeque<Movement>>,
    next: AtomicU64,
}

impl Movements {
    /// The number of the next movement.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    pub(super) fn take(&self, movements: &[Movement]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for movement in movements {
            if recent.len() == KEPT {
                recent.pop_front();
            }
            recent.push_back(movement.clone());
        }
        self.next.fetch_add(movements.len() as u64, Ordering::Release);
    }

    /// Movements from number `from` on as one frame, and the number behind them.
    pub(super) fn frame(&self, channel: &Arc<str>, from: u64, encoding: Encoding) -> Option<(Framed, u64)> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next();
        let from = from.max(next - recent.len() as u64);
        if from >= next {
            return None;
        }
        let start = recent.len() - (next - from) as usize;
        let (mut frame, mut to) = (Vec::new(), from);
        for movement in recent.range(start..).take(FRAME_MOVEMENTS_MAX) {
            let push = match movement {
                Movement::Joined(client) => Push::Join(client.clone()),
                Movement::Left(client) => Push::Leave(client.clone()),
            };
            encoding.append(&mut frame, &encode(encoding, &Message::Push(channel.clone(), push)));
            to += 1;
        }
        Some((encoding.frame(&frame), to))
    }
}
