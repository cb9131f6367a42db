//! The side of a stream that is fed: the publisher session, the stage, the segmenter.

use kernel::Timestamp;

use super::{head::Head, stage::Stage};
use crate::{
    frame::Packet,
    packager::{
        Intake, Output, Segmenter, Ticks,
        health::{StreamHealth, Warning},
    },
    recording::Recording,
};

/// Where frames go in, and by which rules.
pub(super) struct Front {
    pub(super) stage: Stage,
    pub(super) recording: Option<Recording>,
    live: bool,
    timeline_start: Timestamp,
    segmenter: Segmenter,
    session: Option<Session>,
    idle_since: Timestamp,
    publish_epoch: i64,
    /// The frame rate of the latest session, which outlives it.
    frame_rate: Option<f64>,
}

struct Session {
    since: Timestamp,
    intake: Intake,
    head: Head,
}

impl Front {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            stage: Stage::Preview,
            recording: None,
            live: false,
            timeline_start: now,
            segmenter: Segmenter::default(),
            session: None,
            idle_since: now,
            publish_epoch: 0,
            frame_rate: None,
        }
    }

    pub(super) fn restored(timeline_start: Timestamp, edge: Ticks) -> Self {
        let mut front = Self::new(timeline_start);
        front.stage = Stage::Live { timeline_start };
        front.live = true;
        front.segmenter.go_on_after(edge);
        front
    }

    pub(super) fn publish_epoch(&self) -> i64 {
        self.publish_epoch
    }

    /// How long nobody has published, in milliseconds.
    pub(super) fn idle_ms(&self, now: Timestamp) -> i64 {
        if self.session.is_some() { 0 } else { now.millis_since(self.idle_since) }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.session.is_some()
    }

    /// A publisher has come; an older one is over.
    pub(super) fn connect(&mut self, publish_epoch: i64, now: Timestamp, out: &mut Vec<Output>) {
        if publish_epoch <= self.publish_epoch {
            return;
        }
        self.disconnect(now, out);
        self.publish_epoch = publish_epoch;
        self.session = Some(Session { since: now, intake: Intake::default(), head: Head::new() });
    }

    /// The publisher is gone.
    pub(super) fn disconnect(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if let Some(mut session) = self.session.take() {
            self.idle_since = now;
            self.frame_rate = session.intake.frame_rate().or(self.frame_rate);
            session.intake.finish(&mut self.segmenter, out);
        }
    }

    /// A packet has come.
    pub(super) fn push(&mut self, packet: Packet, now: Timestamp, out: &mut Vec<Output>) {
        let Some(session) = &mut self.session else { return };
        let frame = matches!(packet, Packet::Video { .. } | Packet::Audio { .. });
        match self.stage {
            Stage::Ended => return,
            Stage::Paused if frame => return,
            Stage::Preview => session.head.remember(&packet, now),
            _ => {}
        }
        let position_ms = now.millis_since(self.timeline_start);
        session.intake.push(packet, now, position_ms, &mut self.segmenter, out);
    }

    /// The show goes on air; what the preview has made is forgotten.
    pub(super) fn go_live(&mut self, timeline_start: Timestamp, recording: Option<Recording>, out: &mut Vec<Output>) {
        self.stage = Stage::Live { timeline_start };
        self.live = true;
        self.timeline_start = timeline_start;
        self.recording = recording;
        self.segmenter.forget();
        let Some(session) = &mut self.session else { return };
        match session.head.take() {
            Some(packets) => {
                session.intake = Intake::default();
                for (packet, at) in packets {
                    let position_ms = at.millis_since(timeline_start);
                    session.intake.push(packet, at, position_ms, &mut self.segmenter, out);
                }
            }
            None => session.intake.begin_anew(),
        }
    }

    /// Whether the show has its timeline already.
    pub(super) fn has_been_live(&self) -> bool {
        self.live
    }

    /// The show goes on after a pause. The position went on meanwhile, as the clock did.
    pub(super) fn resume(&mut self) {
        self.stage = Stage::Live { timeline_start: self.timeline_start };
        if let Some(session) = &mut self.session {
            session.intake.begin_anew();
        }
    }

    /// The host stops the picture for a while: frames that nobody has seen yet are not shown any more, unless a segment was
    /// `announced` that would have none.
    pub(super) fn pause(&mut self, announced: bool, out: &mut Vec<Output>) {
        self.stage = Stage::Paused;
        if let Some(session) = &mut self.session {
            let mut unseen = Vec::new();
            session.intake.finish(&mut self.segmenter, &mut unseen);
            session.head = Head::Over;
            // The segment ends with its last part; the part that was being built is dropped.
            out.extend(unseen.into_iter().filter(|output| announced || matches!(output, Output::Closed)));
        }
    }

    /// The show is over.
    pub(super) fn end(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.disconnect(now, out);
        self.stage = Stage::Ended;
    }

    pub(super) fn frame_rate(&self) -> Option<f64> {
        let measured = self.session.as_ref().and_then(|session| session.intake.frame_rate());
        measured.or(self.frame_rate)
    }

    pub(super) fn health(&self, now: Timestamp) -> StreamHealth {
        let session = self.session.as_ref();
        let mut health = session.map(|session| session.intake.health(now)).unwrap_or_default();
        health.connected = session.is_some();
        health.publish_epoch = self.publish_epoch;
        health.since = session.map(|session| session.since);
        if self.recording.as_ref().is_some_and(Recording::is_behind) {
            let detail = "The disk does not keep up: the recording has a gap. Viewers are not affected.";
            health.warnings.push(Warning::new("recording_behind", detail));
        }
        health
    }
}
