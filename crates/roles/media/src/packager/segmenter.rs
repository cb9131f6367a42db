//! Cuts timed frames into parts and segments.
//!
//! Promise: boundaries only grow; each part starts where the one before it ended, so durations add up. A frame is handed
//! on as soon as the next one has told how long it lasts. Segments are cut at the first keyframe after two seconds, and
//! at ten where there is none; a picture that stalls does not hold the sound back.

use std::{collections::VecDeque, sync::Arc};

use super::{
    fragment::fragment,
    init::{Init, Tracks},
    output::{Output, Part},
    sample::{Sample, TICKS_PER_MS, TICKS_PER_SECOND, Ticks},
};

/// A part is to last this long.
const PART: Ticks = 200 * TICKS_PER_MS;
/// A segment is cut at the first keyframe from here on.
const SEGMENT: Ticks = 2 * TICKS_PER_SECOND;
/// A segment is cut here even without a keyframe.
const SEGMENT_MAX: Ticks = 10 * TICKS_PER_SECOND;
/// When the sound is this far ahead of the last frame of the picture, the picture has stalled.
const STALLED: Ticks = TICKS_PER_SECOND;
/// The length of a frame before two of them have told it.
const FRAME_ASSUMED: Ticks = TICKS_PER_SECOND / 30;
/// A longer frame is taken for a gap, and says nothing about the next.
const FRAME_MAX: Ticks = TICKS_PER_SECOND;
/// A part is cut when it holds this many bytes, whatever its length.
const PART_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A part is cut when it holds this many frames.
const PART_FRAMES_MAX: usize = 512;
/// A segment is cut when it holds this many bytes, keyframe or not.
const SEGMENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The stretch that is being cut: between two discontinuities.
#[derive(Debug)]
struct Stretch {
    init: Arc<Init>,
    tracks: Tracks,
    audio_rate: i64,
    has_video: bool,
    /// Where it starts; none until its first frame.
    start: Option<Ticks>,
    /// The last frame of the picture; how long it lasts is not known yet.
    pending: Option<Sample>,
    /// How long a frame of the picture lasts, by the last two.
    frame: Ticks,
    segment: Option<OpenSegment>,
    /// The next segment does not go on from the one before.
    discontinuity: bool,
    audio: VecDeque<Sample>,
}

#[derive(Debug)]
struct OpenSegment {
    start: Ticks,
    bytes: usize,
    part_start: Ticks,
    video: Vec<Sample>,
    part_bytes: usize,
}

/// Cuts one broadcast's frames.
#[derive(Debug, Default)]
pub(crate) struct Segmenter {
    stretch: Option<Stretch>,
    fragments: u32,
    /// Where the last part ended.
    boundary: Ticks,
    /// Where the last frame ended.
    end: Ticks,
    any: bool,
}

impl Segmenter {
    /// Where everything that was handed on so far ends; what follows a discontinuity must not start before.
    pub(crate) fn end(&self) -> Ticks {
        let open = self.stretch.as_ref().map_or(0, |stretch| {
            let pending = stretch.pending.as_ref().map_or(0, |frame| frame.decode_time + stretch.frame);
            let audio = stretch.audio.back().map_or(0, |sample| stretch.audio_ticks(sample.end()));
            pending.max(audio)
        });
        self.end.max(open)
    }

    /// Begins a stretch with other settings, or with times that do not go on from those before. What was open is
    /// completed: at `at` where the same timestamps go on there, otherwise where it ends by itself.
    pub(crate) fn begin(
        &mut self,
        init: Arc<Init>,
        tracks: Tracks,
        audio_rate: u32,
        at: Option<Ticks>,
        out: &mut Vec<Output>,
    ) {
        let sound_before = self.stretch.as_ref().and_then(|stretch| stretch.tracks.audio.clone());
        let left = self.complete(at, out);
        let same_sound = at.is_some() && tracks.audio == sound_before;
        self.stretch = Some(Stretch {
            has_video: tracks.video.is_some(),
            init,
            tracks,
            audio_rate: i64::from(audio_rate.max(1)),
            start: None,
            pending: None,
            frame: FRAME_ASSUMED,
            segment: None,
            discontinuity: self.any,
            audio: if same_sound { left } else { VecDeque::new() },
        });
    }

    /// Takes a frame of the picture; `duration` in it is not used.
    pub(crate) fn video(&mut self, frame: Sample, out: &mut Vec<Output>) {
        let Some(mut stretch) = self.stretch.take() else { return };
        stretch.settle_pending(Some(frame.decode_time));
        match &stretch.segment {
            None => self.open(&mut stretch, frame.decode_time, frame.keyframe, out),
            Some(segment) => {
                let length = frame.decode_time - segment.start;
                let due = frame.keyframe && length >= SEGMENT - stretch.frame / 2;
                if due || length >= SEGMENT_MAX || segment.bytes + segment.part_bytes >= SEGMENT_BYTES_MAX {
                    let at = self.close(&mut stretch, frame.decode_time, out);
                    self.open(&mut stretch, at, frame.keyframe, out);
                } else if segment.is_full_before(frame.decode_time, stretch.frame) {
                    self.cut(&mut stretch, frame.decode_time, out);
                }
            }
        }
        stretch.pending = Some(frame);
        self.stretch = Some(stretch);
    }

    /// Takes a frame of the sound, its times counted in samples.
    pub(crate) fn audio(&mut self, sample: Sample, out: &mut Vec<Output>) {
        let Some(mut stretch) = self.stretch.take() else { return };
        let (start, end) = (stretch.audio_ticks(sample.decode_time), stretch.audio_ticks(sample.end()));
        match &stretch.segment {
            // Sound from before the stretch has no picture to go with, and may overlap what was already heard.
            _ if stretch.start.is_some_and(|from| start < from) => {}
            None if stretch.has_video => {}
            None => {
                self.open(&mut stretch, start, true, out);
                stretch.audio.push_back(sample);
            }
            Some(segment) => {
                let stalled = stretch.pending.as_ref().is_none_or(|frame| end - frame.decode_time > STALLED);
                if stalled || !stretch.has_video {
                    let frame = end - start;
                    let length = start - segment.start;
                    let due = !stretch.has_video && length >= SEGMENT - frame / 2;
                    if due || length >= SEGMENT_MAX || segment.bytes >= SEGMENT_BYTES_MAX {
                        let at = self.close(&mut stretch, start, out);
                        let independent = !stretch.has_video;
                        self.open(&mut stretch, at, independent, out);
                    } else if segment.is_full_before(start, frame) || stretch.audio.len() >= PART_FRAMES_MAX {
                        self.cut(&mut stretch, start, out);
                    }
                }
                stretch.audio.push_back(sample);
            }
        }
        self.stretch = Some(stretch);
    }

    /// Completes what is open: the publisher is gone.
    pub(crate) fn finish(&mut self, out: &mut Vec<Output>) {
        self.complete(None, out);
    }

    /// Completes what is open, at `at` or where it ends by itself; returns the sound that lies behind.
    fn complete(&mut self, at: Option<Ticks>, out: &mut Vec<Output>) -> VecDeque<Sample> {
        let Some(mut stretch) = self.stretch.take() else { return VecDeque::new() };
        let seen = stretch.pending.as_ref().map(|frame| frame.decode_time + stretch.frame);
        let heard = stretch.audio.back().map(|sample| stretch.audio_ticks(sample.end()));
        stretch.settle_pending(at);
        if let Some(segment) = &stretch.segment {
            let end = at.or(seen.max(heard)).unwrap_or(segment.part_start);
            self.close(&mut stretch, end, out);
        }
        stretch.audio
    }

    /// Forgets everything that is open, unseen.
    pub(crate) fn forget(&mut self) {
        self.stretch = None;
        self.any = false;
        (self.boundary, self.end) = (0, 0);
    }

    /// What follows does not go on from what is already there (restored from a recording, ending at `end`).
    pub(crate) fn go_on_after(&mut self, end: Ticks) {
        (self.boundary, self.end) = (end, end);
        self.any = true;
    }

    fn open(&mut self, stretch: &mut Stretch, start: Ticks, independent: bool, out: &mut Vec<Output>) {
        let discontinuity = std::mem::take(&mut stretch.discontinuity);
        // Sound that was cut while the picture stalled may reach beyond the keyframe that opens this one.
        let start = start.max(self.boundary);
        stretch.start.get_or_insert(start);
        self.any = true;
        stretch.segment = Some(OpenSegment::new(start));
        out.push(Output::Opened { start, init: stretch.init.clone(), discontinuity, independent });
    }

    fn close(&mut self, stretch: &mut Stretch, at: Ticks, out: &mut Vec<Output>) -> Ticks {
        let end = self.cut(stretch, at, out);
        if stretch.segment.take().is_some() {
            out.push(Output::Closed);
        }
        end
    }

    /// Ends the part at `at`, or a little later where that would not lie behind its start. Returns where it ended.
    fn cut(&mut self, stretch: &mut Stretch, at: Ticks, out: &mut Vec<Output>) -> Ticks {
        let Stretch { segment: Some(segment), audio, audio_rate, .. } = stretch else { return at };
        let heard = audio.partition_point(|sample| ticks_of(sample.decode_time, *audio_rate) < at);
        let sound: Vec<Sample> = audio.drain(..heard).collect();
        if segment.video.is_empty() && sound.is_empty() {
            return segment.part_start;
        }
        let at = at.max(segment.part_start + TICKS_PER_MS);
        self.fragments = self.fragments.wrapping_add(1);
        match fragment(self.fragments, &segment.video, &sound) {
            Ok(bytes) => {
                let independent = match segment.video.is_empty() {
                    true => !stretch.has_video,
                    false => segment.video.iter().any(|frame| frame.keyframe),
                };
                segment.bytes += bytes.len();
                let (start, duration) = (segment.part_start, at - segment.part_start);
                out.push(Output::Part(Part { start, duration, independent, bytes }));
            }
            Err(error) => tracing::error!(%error, "a part could not be written and is left out"),
        }
        segment.part_start = at;
        segment.video.clear();
        segment.part_bytes = 0;
        self.boundary = at;
        self.end = self.end.max(at);
        if let Some(last) = sound.last() {
            self.end = self.end.max(ticks_of(last.end(), *audio_rate));
        }
        at
    }
}

impl Stretch {
    fn audio_ticks(&self, samples: i64) -> Ticks {
        ticks_of(samples, self.audio_rate)
    }

    /// Puts the pending frame into the open part, now that the next one starts at `next`.
    fn settle_pending(&mut self, next: Option<Ticks>) {
        let Some(mut frame) = self.pending.take() else { return };
        let duration = next.map_or(self.frame, |next| (next - frame.decode_time).max(1));
        self.frame = duration.min(FRAME_MAX);
        frame.duration = u32::try_from(duration).unwrap_or(u32::MAX);
        if let Some(segment) = &mut self.segment {
            segment.part_bytes += frame.data.len();
            segment.video.push(frame);
        }
    }
}

impl OpenSegment {
    fn new(start: Ticks) -> Self {
        Self { start, bytes: 0, part_start: start, video: Vec::new(), part_bytes: 0 }
    }

    /// Whether a frame that starts at `start` would take the part over its length by more than half of itself.
    fn is_full_before(&self, start: Ticks, frame: Ticks) -> bool {
        let long = start + frame - self.part_start > PART + frame / 2;
        let started = start > self.part_start;
        started && (long || self.part_bytes >= PART_BYTES_MAX || self.video.len() >= PART_FRAMES_MAX)
    }
}

fn ticks_of(samples: i64, rate: i64) -> Ticks {
    samples.saturating_mul(TICKS_PER_SECOND) / rate
}
