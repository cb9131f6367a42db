//! Measures what a publisher sends: rates over windows of two seconds, keyframe distances, jumps.

use std::collections::VecDeque;

use kernel::Timestamp;

use super::health::{AudioHealth, StreamHealth, VideoHealth, Warning};
use crate::frame::{AudioConfig, VideoConfig};

/// Length of a window, in milliseconds of the wall clock.
const WINDOW_MS: i64 = 2_000;
/// Windows that are looked back at.
const WINDOWS: usize = 5;
/// Keyframes further apart than this make viewers wait, in milliseconds.
const KEYFRAME_INTERVAL_MAX_MS: u32 = 4_000;
/// A track that has sent nothing for this long is missing, in milliseconds.
const MISSING_MS: i64 = 5_000;
/// A jump is mentioned for this long, in milliseconds.
const JUMP_MENTIONED_MS: i64 = 60_000;
/// Less media than this part of the time that passed is unsteady.
const STEADY: f64 = 0.8;

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    video_bytes: usize,
    audio_bytes: usize,
    elapsed_ms: i64,
    media_ms: i64,
}

/// The measurements of one publisher session.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    window: Window,
    window_from: Option<Timestamp>,
    windows: VecDeque<Window>,
    started: Option<Timestamp>,
    last_video: Option<(Timestamp, u32)>,
    last_audio: Option<Timestamp>,
    last_keyframe_ms: Option<u32>,
    keyframe_interval_ms: Option<u32>,
    /// Timestamps of the latest frames, for the frame rate.
    frames: VecDeque<u32>,
    announced_rate: Option<f64>,
    jumps: u64,
    last_jump: Option<Timestamp>,
    refused: Option<String>,
}

impl Meter {
    pub(crate) fn video(&mut self, now: Timestamp, timestamp_ms: u32, keyframe: bool, bytes: usize) {
        self.roll(now);
        self.window.video_bytes += bytes;
        if let Some((_, last_ms)) = self.last_video {
            let step = timestamp_ms.wrapping_sub(last_ms).cast_signed();
            self.window.media_ms += i64::from(step.clamp(0, 10_000));
        }
        self.last_video = Some((now, timestamp_ms));
        if keyframe {
            self.keyframe_interval_ms = self.last_keyframe_ms.map(|last| timestamp_ms.wrapping_sub(last));
            self.last_keyframe_ms = Some(timestamp_ms);
        }
        if self.frames.len() == 240 {
            self.frames.pop_front();
        }
        self.frames.push_back(timestamp_ms);
    }

    pub(crate) fn audio(&mut self, now: Timestamp, bytes: usize) {
        self.roll(now);
        self.window.audio_bytes += bytes;
        self.last_audio = Some(now);
    }

    pub(crate) fn announced(&mut self, frame_rate: Option<f64>) {
        self.announced_rate = frame_rate.filter(|rate| rate.is_finite() && *rate > 0.0);
    }

    pub(crate) fn jumped(&mut self, now: Timestamp) {
        self.jumps += 1;
        self.last_jump = Some(now);
        self.frames.clear();
        self.last_keyframe_ms = None;
    }

    pub(crate) fn refused(&mut self, why: Option<String>) {
        self.refused = why;
    }

    /// Frames per second over the last frames; the encoder's own figure where it agrees within 1 %.
    pub(crate) fn frame_rate(&self) -> Option<f64> {
        let (first, last) = (*self.frames.front()?, *self.frames.back()?);
        let span_ms = last.wrapping_sub(first);
        if self.frames.len() < 8 || span_ms == 0 || span_ms > 600_000 {
            return None;
        }
        let measured = (self.frames.len() - 1) as f64 * 1_000.0 / f64::from(span_ms);
        let agreed = self.announced_rate.filter(|rate| (rate / measured - 1.0).abs() < 0.01);
        Some(agreed.unwrap_or(measured))
    }

    pub(crate) fn health(
        &self,
        now: Timestamp,
        video: Option<&VideoConfig>,
        audio: Option<&AudioConfig>,
    ) -> StreamHealth {
        let total = self.windows.iter().fold(Window::default(), |sum, window| sum.plus(window));
        // Before the first window is full, what has come so far is all there is.
        let total = if self.windows.is_empty() { self.window.until(now, self.window_from) } else { total };
        StreamHealth {
            video: video.map(|config| VideoHealth {
                codec: config.codec_string.clone(),
                width: config.width,
                height: config.height,
                fps: self.frame_rate().map_or(0.0, |rate| (rate * 100.0).round() / 100.0),
                bitrate_bps: total.bits_per_second(total.video_bytes),
                keyframe_interval_ms: self.keyframe_interval_ms,
            }),
            audio: audio.map(|config| AudioHealth {
                codec: config.codec_string.clone(),
                sample_rate: config.sample_rate,
                channels: config.channels,
                bitrate_bps: total.bits_per_second(total.audio_bytes),
            }),
            warnings: self.warnings(now, &total),
            ..StreamHealth::default()
        }
    }

    fn warnings(&self, now: Timestamp, total: &Window) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(interval_ms) = self.keyframe_interval_ms.filter(|ms| *ms > KEYFRAME_INTERVAL_MAX_MS) {
            let seconds = f64::from(interval_ms) / 1_000.0;
            let detail = format!("Keyframes are {seconds:.1} s apart; set the encoder to one every 2 s.");
            warnings.push(Warning::new("keyframe_interval", detail));
        }
        let missing = |last: Option<Timestamp>| match (last, self.started) {
            (Some(last), _) => now.millis_since(last) > MISSING_MS,
            (None, Some(started)) => now.millis_since(started) > MISSING_MS,
            (None, None) => false,
        };
        if missing(self.last_audio) {
            warnings.push(Warning::new("no_audio", "The stream has no sound."));
        }
        if missing(self.last_video.map(|(at, _)| at)) {
            warnings.push(Warning::new("no_video", "The stream has no picture."));
        }
        if self.windows.len() == WINDOWS && total.media_ms > 0 {
            let share = total.media_ms as f64 / total.elapsed_ms.max(1) as f64;
            if share < STEADY {
                let detail = format!("Only {:.0} % of the picture arrives in time.", share * 100.0);
                warnings.push(Warning::new("bitrate_unstable", detail));
            }
        }
        if self.last_jump.is_some_and(|at| now.millis_since(at) <= JUMP_MENTIONED_MS) {
            let detail = format!("The encoder's timestamps have jumped ({} times so far).", self.jumps);
            warnings.push(Warning::new("timestamps_jumped", detail));
        }
        if let Some(why) = &self.refused {
            warnings.push(Warning::new("settings_unusable", format!("The stream cannot be packaged: {why}.")));
        }
        warnings
    }

    fn roll(&mut self, now: Timestamp) {
        self.started.get_or_insert(now);
        let from = *self.window_from.get_or_insert(now);
        if now.millis_since(from) < WINDOW_MS {
            return;
        }
        if self.windows.len() == WINDOWS {
            self.windows.pop_front();
        }
        self.windows.push_back(self.window.until(now, Some(from)));
        self.window = Window::default();
        self.window_from = Some(now);
    }
}

impl Window {
    fn plus(self, other: &Self) -> Self {
        Self {
            video_bytes: self.video_bytes + other.video_bytes,
            audio_bytes: self.audio_bytes + other.audio_bytes,
            elapsed_ms: self.elapsed_ms + other.elapsed_ms,
            media_ms: self.media_ms + other.media_ms,
        }
    }

    fn until(self, now: Timestamp, from: Option<Timestamp>) -> Self {
        Self { elapsed_ms: from.map_or(0, |from| now.millis_since(from)), ..self }
    }

    fn bits_per_second(&self, bytes: usize) -> u64 {
        match u64::try_from(self.elapsed_ms) {
            Ok(elapsed_ms) if elapsed_ms > 0 => bytes as u64 * 8_000 / elapsed_ms,
            _ => 0,
        }
    }
}
