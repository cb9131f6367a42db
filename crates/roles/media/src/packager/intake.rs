//! Takes one publisher session's packets, gives each frame its place in time, and decides when the segmenter begins anew.
//!
//! A stretch begins at a keyframe: once the settings of both tracks are known (or one has been alone for a second), when
//! settings change, and when timestamps jump. Settings that are sent again unchanged do nothing.

use std::{collections::VecDeque, sync::Arc};

use kernel::Timestamp;

use super::{
    audio_clock::AudioClock,
    audio_frames::AudioFrames,
    health::StreamHealth,
    init::{Init, Tracks},
    meter::Meter,
    output::Output,
    sample::{Sample, TICKS_PER_MS},
    segmenter::Segmenter,
    timeline::{Timeline, Track},
    video_clock::VideoClock,
};
use crate::frame::{AudioConfig, Packet, VideoConfig};

/// How long one track waits for the other's settings.
const GATHERING_MS: i64 = 1_000;
/// How long sound waits for a picture that has settings but no keyframe.
const KEYFRAME_WAIT_MS: i64 = 10_000;
/// Frames that wait at the most; enough for a second of 120 pictures and of sound in pieces of 2.5 ms.
const WAITING_FRAMES: usize = 600;
/// Bytes that wait at the most.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// A frame with its place, waiting for its stretch to begin.
#[derive(Debug)]
struct Waiting {
    track: Track,
    sample: Sample,
}

/// What the segmenter is being fed with.
#[derive(Debug)]
struct Running {
    tracks: Tracks,
    era: u32,
}

/// One publisher session on its way into the segmenter.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    timeline: Timeline,
    video: Option<Arc<VideoConfig>>,
    audio: Option<(Arc<AudioConfig>, AudioFrames)>,
    video_clock: VideoClock,
    audio_clock: Option<AudioClock>,
    /// Whether sound has come since its settings; settings alone are no track, or players would wait for it.
    heard: bool,
    /// Settings that could not be packaged, so that this is said once.
    refused: Option<Tracks>,
    era: u32,
    running: Option<Running>,
    waiting: VecDeque<Waiting>,
    waiting_since_ms: Option<i64>,
    meter: Meter,
}

impl Intake {
    /// Takes a packet that came at `now`; `position_ms` is where `now` is on the broadcast's timeline.
    pub(crate) fn push(
        &mut self,
        packet: Packet,
        now: Timestamp,
        position_ms: i64,
        segmenter: &mut Segmenter,
        out: &mut Vec<Output>,
    ) {
        let end_ms = (segmenter.end() + TICKS_PER_MS - 1) / TICKS_PER_MS;
        match packet {
            Packet::VideoConfig(config) => {
                if self.video.as_deref() != Some(&*config) {
                    self.video = Some(config);
                }
            }
            Packet::AudioConfig(config) => {
                if self.audio.as_ref().map(|(known, _)| &**known) != Some(&*config) {
                    let frames = AudioFrames::of(&config);
                    let before = self.audio_clock.as_ref();
                    let clock =
                        before.map_or_else(|| AudioClock::new(frames.rate), |clock| clock.followed_by(frames.rate));
                    self.audio_clock = Some(clock);
                    self.audio = Some((config, frames));
                    self.heard = false;
                    self.waiting.retain(|frame| frame.track == Track::Video);
                }
            }
            Packet::Video { timestamp_ms, composition_ms, keyframe, data } => {
                if self.video.is_none() || data.is_empty() {
                    return;
                }
                self.meter.video(now, timestamp_ms, keyframe, data.len());
                let Some(place) = self.timeline.place(Track::Video, timestamp_ms, position_ms, end_ms) else { return };
                self.enter(place.era, now);
                let (decode_time, composition) = self.video_clock.place(place.position_ms, composition_ms);
                let sample = Sample { decode_time, duration: 0, composition, keyframe, data };
                self.take_video(place.position_ms, sample, segmenter, out);
            }
            Packet::Audio { timestamp_ms, data } => {
                let Some((_, frames)) = &self.audio else { return };
                let duration = frames.samples(&data);
                if duration == 0 {
                    return;
                }
                self.meter.audio(now, data.len());
                let Some(place) = self.timeline.place(Track::Audio, timestamp_ms, position_ms, end_ms) else { return };
                self.enter(place.era, now);
                let clock = self.audio_clock.as_mut();
                let Some(decode_time) = clock.and_then(|clock| clock.place(place.position_ms, duration)) else {
                    return;
                };
                self.heard = true;
                let sample = Sample { decode_time, duration, composition: 0, keyframe: true, data };
                self.take_audio(place.position_ms, sample, segmenter, out);
            }
            Packet::Metadata(metadata) => self.meter.announced(metadata.frame_rate),
        }
    }

    /// The publisher is gone: what waits begins after all, and everything open is completed.
    pub(crate) fn finish(&mut self, segmenter: &mut Segmenter, out: &mut Vec<Output>) {
        // Sound alone of a stream that has a picture would change the tracks, which players cannot follow.
        let lacks_picture = self.video.is_some() && !self.waiting.iter().any(|frame| frame.track == Track::Video);
        if self.running.is_none() && !self.waiting.is_empty() && !lacks_picture {
            self.begin(segmenter, out);
        }
        segmenter.finish(out);
        self.running = None;
        self.waiting.clear();
    }

    /// What follows begins anew at the next keyframe (after a pause, or when the show goes live).
    pub(crate) fn begin_anew(&mut self) {
        let (video, audio, meter) = (self.video.take(), self.audio.take(), std::mem::take(&mut self.meter));
        let audio_clock = audio.as_ref().map(|(_, frames)| AudioClock::new(frames.rate));
        *self = Self { video, audio, meter, audio_clock, ..Self::default() };
    }

    /// What the publisher sends, as measured.
    pub(crate) fn health(&self, now: Timestamp) -> StreamHealth {
        self.meter.health(now, self.video.as_deref(), self.audio.as_ref().map(|(config, _)| &**config))
    }

    /// Frames per second of the picture, as measured.
    pub(crate) fn frame_rate(&self) -> Option<f64> {
        self.meter.frame_rate()
    }

    fn enter(&mut self, era: u32, now: Timestamp) {
        if era == self.era {
            return;
        }
        self.era = era;
        self.meter.jumped(now);
        self.video_clock = VideoClock::default();
        self.audio_clock = self.audio.as_ref().map(|(_, frames)| AudioClock::new(frames.rate));
        self.waiting.clear();
        self.waiting_since_ms = None;
    }

    fn take_video(&mut self, position_ms: i64, sample: Sample, segmenter: &mut Segmenter, out: &mut Vec<Output>) {
        if self.runs_with(&self.tracks()) {
            return segmenter.video(sample, out);
        }
        let keyframe = sample.keyframe;
        let waits_for_picture = !self.waiting.iter().any(|frame| frame.track == Track::Video);
        if let Some(running) = &self.running {
            if keyframe {
                self.wait(Track::Video, sample);
                self.begin(segmenter, out);
            } else if running.era == self.era && running.tracks.video == self.video {
                // Only the sound is about to change; the picture goes on until its next keyframe.
                segmenter.video(sample, out);
            }
            return;
        }
        if waits_for_picture && !keyframe {
            return;
        }
        self.wait(Track::Video, sample);
        self.begin_if_gathered(position_ms, segmenter, out);
    }

    fn take_audio(&mut self, position_ms: i64, sample: Sample, segmenter: &mut Segmenter, out: &mut Vec<Output>) {
        let audio = self.audio.as_ref().map(|(config, _)| config);
        let fits = |running: &Running| running.era == self.era && running.tracks.audio.as_ref() == audio;
        if self.running.as_ref().is_some_and(fits) {
            return segmenter.audio(sample, out);
        }
        self.wait(Track::Audio, sample);
        self.begin_if_gathered(position_ms, segmenter, out);
    }

    fn begin_if_gathered(&mut self, position_ms: i64, segmenter: &mut Segmenter, out: &mut Vec<Output>) {
        let since = *self.waiting_since_ms.get_or_insert(position_ms);
        let waited = position_ms - since;
        let picture = self.waiting.iter().any(|frame| frame.track == Track::Video);
        let gathered = match (self.video.is_some(), picture, self.heard) {
            (true, true, true) => true,
            // New sound, too, waits for the picture's next keyframe.
            (true, false, _) => waited >= KEYFRAME_WAIT_MS,
            _ => waited >= GATHERING_MS || self.waiting.len() >= WAITING_FRAMES,
        };
        if gathered {
            self.begin(segmenter, out);
        }
    }

    /// Begins a stretch with what waits.
    fn begin(&mut self, segmenter: &mut Segmenter, out: &mut Vec<Output>) {
        let picture = self.waiting.iter().position(|frame| frame.track == Track::Video);
        let mut tracks = self.tracks();
        if picture.is_none() {
            tracks.video = None;
        }
        let goes_on = self.running.as_ref().is_some_and(|running| running.era == self.era);
        let first = picture.and_then(|at| self.waiting.get(at)).map(|frame| frame.sample.decode_time);
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_since_ms = None;
        let init = match Init::new(&tracks) {
            Ok(init) => Arc::new(init),
            Err(error) => {
                if self.refused.as_ref() != Some(&tracks) {
                    tracing::warn!(%error, codecs = tracks.codecs(), "these settings cannot be packaged");
                    self.meter.refused(Some(error.to_string()));
                    self.refused = Some(tracks);
                }
                return;
            }
        };
        if self.refused.take().is_some() {
            self.meter.refused(None);
        }
        let rate = self.audio.as_ref().map_or(1, |(_, frames)| frames.rate);
        segmenter.begin(init, tracks.clone(), rate, first.filter(|_| goes_on), out);
        self.running = Some(Running { tracks, era: self.era });
        // The picture opens the stretch; sound that came before it is weighed against its first frame.
        let (mut first_picture, rest): (VecDeque<_>, VecDeque<_>) =
            waiting.into_iter().enumerate().partition(|(index, _)| Some(*index) == picture);
        for (_, Waiting { track, sample }) in first_picture.drain(..).chain(rest) {
            match track {
                Track::Video => segmenter.video(sample, out),
                Track::Audio => segmenter.audio(sample, out),
            }
        }
    }

    fn wait(&mut self, track: Track, sample: Sample) {
        let alone = self.waiting.iter().all(|frame| frame.track == Track::Audio);
        let bytes: usize = self.waiting.iter().map(|frame| frame.sample.data.len()).sum();
        if alone && self.waiting.len() >= WAITING_FRAMES {
            self.waiting.pop_front();
        } else if self.waiting.len() >= WAITING_FRAMES * 2 || bytes >= WAITING_BYTES {
            self.waiting.clear();
            return;
        }
        self.waiting.push_back(Waiting { track, sample });
    }

    fn tracks(&self) -> Tracks {
        let audio = self.audio.as_ref().filter(|_| self.heard);
        Tracks { video: self.video.clone(), audio: audio.map(|(config, _)| config.clone()) }
    }

    fn runs_with(&self, tracks: &Tracks) -> bool {
        self.running.as_ref().is_some_and(|running| running.era == self.era && running.tracks == *tracks)
    }
}
