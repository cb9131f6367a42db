//! One broadcast's stream: from its publishers' packets to its window, through its stages.
//!
//! Promise: a sink never blocks; an older publish epoch's packets change nothing; the public never sees what came before
//! the show went live.

mod front;
mod head;
mod sink;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use kernel::{BroadcastId, Timestamp};
use tokio::sync::watch;

pub(crate) use sink::Sink;
pub use stage::Stage;

use crate::{
    packager::{
        Change, Kept, Output, SegmentName, Variant, Window, WindowLimits,
        health::{StreamHealth, Warning},
    },
    recording::{Follower, Recording},
    take::Take,
};
use front::Front;

/// What a host can see of the time before the show: it lives in memory only.
const PREVIEW: WindowLimits = WindowLimits { length_ms: 10_000, recorded: false };

/// The stream of one broadcast.
pub(crate) struct Stream {
    pub(crate) broadcast: BroadcastId,
    pub(crate) take: Take,
    window_length_ms: i64,
    // Lock order: front, then window. The front is held by whoever feeds the stream, the window for moments by readers.
    front: Mutex<Front>,
    window: Mutex<Window>,
    progress: watch::Sender<u64>,
    disk_failing: AtomicBool,
    /// Another process has the stream by now.
    is_elsewhere: AtomicBool,
}

impl Stream {
    /// A stream that nobody has published into here yet.
    pub(crate) fn new(broadcast: BroadcastId, take: Take, window_length_ms: i64, now: Timestamp) -> Self {
        // Previews are remembered nowhere; counting on from the clock, no two of them share a name.
        let first = u64::try_from(now.as_millis() / 1_000).unwrap_or(1);
        let counting_on = Take { sequence: take.sequence.max(first), ..take };
        let window = Window::of_take(PREVIEW, now, counting_on, first);
        Self::with(broadcast, take, window_length_ms, Front::new(now), window)
    }

    /// A stream that was on air when the process ended.
    pub(crate) fn restored(broadcast: BroadcastId, take: Take, window_length_ms: i64, window: Window) -> Self {
        let front = Front::restored(window.timeline_start(), window.edge());
        Self::with(broadcast, take, window_length_ms, front, window)
    }

    /// Goes on with the recording of a restored stream.
    pub(crate) fn go_on_recording(&self, recording: Recording) {
        self.front().recording = Some(recording);
    }

    fn with(broadcast: BroadcastId, take: Take, window_length_ms: i64, front: Front, window: Window) -> Self {
        let (front, window) = (Mutex::new(front), Mutex::new(window));
        Self {
            broadcast,
            take,
            window_length_ms,
            front,
            window,
            progress: watch::Sender::new(0),
            disk_failing: AtomicBool::new(false),
            is_elsewhere: AtomicBool::new(false),
        }
    }

    /// Moves to a stage; the stages and what they mean are described at [`Stage`]. `record` opens the recording when the
    /// show goes live.
    pub(crate) fn set_stage(&self, stage: Stage, now: Timestamp, record: impl FnOnce(Timestamp) -> Option<Recording>) {
        let mut front = self.front();
        let mut out = Vec::new();
        match (front.stage, stage) {
            (Stage::Ended, _) | (_, Stage::Preview) => return,
            (Stage::Live { .. }, Stage::Live { .. }) | (Stage::Paused, Stage::Paused) => return,
            (_, Stage::Live { timeline_start }) if !front.has_been_live() => {
                let recording = record(timeline_start);
                let limits = WindowLimits { length_ms: self.window_length_ms, recorded: recording.is_some() };
                let mut window = self.window();
                if window.is_empty() {
                    // Nobody can have seen anything: the show begins as if there had been no preview.
                    *window = Window::of_take(limits, timeline_start, self.take, 0);
                } else {
                    window.restart(limits, timeline_start);
                }
                drop(window);
                front.go_live(timeline_start, recording, &mut out);
            }
            (_, Stage::Live { .. }) => front.resume(),
            (Stage::Preview, stage) => {
                self.window().restart(PREVIEW, now);
                if stage == Stage::Ended {
                    front.end(now, &mut Vec::new())
                } else {
                    front.pause(false, &mut Vec::new())
                }
            }
            (_, Stage::Paused) => {
                // Players know of a segment before its first part; it must not vanish.
                let announced = self.window().open_segment().is_some_and(|held| held.parts.is_empty());
                front.pause(announced, &mut out);
            }
            (_, Stage::Ended) => front.end(now, &mut out),
        }
        self.emit(&mut front, out);
        if front.stage == Stage::Ended {
            self.window().end();
            if let Some(recording) = &front.recording {
                recording.end(now, front.frame_rate());
            }
        }
        self.advance();
    }

    /// The stage now.
    pub(crate) fn stage(&self) -> Stage {
        self.front().stage
    }

    /// Another process has the stream: nothing more is packaged here, and what was recorded is sealed as a take that is over.
    /// To those who watch here it is not the end.
    pub(crate) fn let_go(&self, now: Timestamp) {
        let mut front = self.front();
        self.is_elsewhere.store(true, Ordering::Release);
        let mut out = Vec::new();
        front.end(now, &mut out);
        self.emit(&mut front, out);
        if let Some(recording) = &front.recording {
            recording.end(now, front.frame_rate());
        }
        drop(front);
        self.advance();
    }

    /// Whether another process has the stream.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere.load(Ordering::Acquire)
    }

    /// Whether a publisher is feeding the stream into the show.
    pub(crate) fn is_fed(&self) -> bool {
        let front = self.front();
        front.is_connected() && !matches!(front.stage, Stage::Paused | Stage::Ended)
    }

    /// The incoming stream, as measured.
    pub(crate) fn health(&self, now: Timestamp) -> StreamHealth {
        let mut health = self.front().health(now);
        if self.disk_failing.load(Ordering::Relaxed) {
            let detail = "The disk refuses: the recording has a gap. Viewers are not affected.";
            health.warnings.push(Warning::new("recording_behind", detail));
        }
        health
    }

    /// What the multivariant playlist says; none before the first segment is complete.
    pub(crate) fn variant(&self) -> Option<Variant> {
        let frame_rate = self.front().frame_rate();
        let window = self.window();
        let (description, bandwidth) = window.measured()?;
        Some(Variant::of(description, frame_rate, bandwidth))
    }

    /// The window, for a moment.
    pub(crate) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of every change of the window.
    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// How long nobody has published, in milliseconds.
    pub(crate) fn idle_ms(&self, now: Timestamp) -> i64 {
        self.front().idle_ms(now)
    }

    /// The process is about to end: what is open is completed and handed to the recording, which stays open.
    pub(crate) fn flush(&self, now: Timestamp) {
        let mut front = self.front();
        let mut out = Vec::new();
        front.disconnect(now, &mut out);
        self.emit(&mut front, out);
        self.advance();
    }

    fn emit(&self, front: &mut Front, outputs: Vec<Output>) {
        if outputs.is_empty() {
            return;
        }
        let mut window = self.window();
        for output in outputs {
            let Some(change) = window.apply(output) else { continue };
            count(&change);
            let name = change.name();
            if front.recording.as_ref().is_some_and(|recording| !recording.take(change)) {
                window.settle(name, Kept::Nowhere);
            }
        }
        drop(window);
        self.advance();
    }

    fn advance(&self) {
        self.progress.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Stream {
    fn settle(&self, name: SegmentName, kept: Kept) {
        self.window().settle(name, kept);
    }

    fn failing(&self, failing: bool) {
        self.disk_failing.store(failing, Ordering::Relaxed);
    }
}

fn count(change: &Change) {
    match change {
        Change::Opened { .. } => {}
        Change::Grown { bytes, .. } => {
            metrics::counter!("madang_media_parts_total").increment(1);
            metrics::counter!("madang_media_packaged_bytes_total").increment(bytes.len() as u64);
        }
        Change::Closed { .. } => metrics::counter!("madang_media_segments_total").increment(1),
    }
}
