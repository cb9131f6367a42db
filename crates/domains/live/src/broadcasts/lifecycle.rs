//! The life of a broadcast as a pure machine: created → ready → live ⇄ paused → ended, with its stream beside it.
//!
//! Promise: news of the stream may be lost, doubled or come in any order. Each carries its publish epoch; what comes
//! from an older epoch, or from an epoch that is over, changes nothing. Only the process that has the publisher can say
//! that an epoch which others took for over goes on. `Ended` is final.
//!
//! | state | stream | ends by itself |
//! |---|---|---|
//! | created, ready | absent ⇄ arriving | never |
//! | live | arriving ⇄ interrupted | when interrupted longer than the grace |
//! | live, started before any stream | absent | when that lasts longer than a pause may |
//! | paused | any | when paused longer than a pause may |
//! | ended | absent | – |

#[cfg(test)]
mod tests;

use kernel::{
    Timestamp,
    events::live::{BroadcastState, StreamState},
};

/// How long a broadcast goes on without what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Milliseconds a live broadcast waits for an encoder that went away.
    pub grace_ms: i64,
    /// Milliseconds of a pause, or of being live before any stream has come.
    pub pause_ms: i64,
}

/// Something that happens to a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// It may be time for something: a schedule, the end of a grace or of a pause.
    TimePassed,
    /// The host goes live.
    Start,
    /// The host stops the picture for a while.
    Pause,
    /// The host goes on.
    Resume,
    /// The host ends the show, or calls it off.
    End,
    /// A publisher was admitted: a new publish epoch begins.
    PublisherAdmitted,
    /// The first frames of an epoch have come.
    StreamArrived {
        /// Whose frames.
        publish_epoch: i64,
    },
    /// The publisher of an epoch is gone.
    StreamInterrupted {
        /// Who is gone.
        publish_epoch: i64,
    },
    /// Somebody took the publisher of an epoch for gone, and it is there.
    StreamGoesOn {
        /// Who is there.
        publish_epoch: i64,
    },
    /// The process that had the publisher of an epoch was down: whoever was publishing there is gone.
    ServerRestarted {
        /// Whose publisher it had last.
        publish_epoch: i64,
    },
}

/// A command that does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongState {
    /// Only a broadcast that has not begun can be started.
    #[error("The broadcast is paused; resume it instead.")]
    StartWhilePaused,
    /// Only a live broadcast can be paused.
    #[error("Only a live broadcast can be paused; this one has not begun.")]
    PauseBeforeLive,
    /// Only a paused broadcast can be resumed.
    #[error("Only a paused broadcast can be resumed; this one has not begun.")]
    ResumeBeforeLive,
    /// Nothing follows the end.
    #[error("The broadcast is over.")]
    Over,
    /// What is decided before the show cannot be changed in it.
    #[error("auto_start can be changed only before the broadcast has begun.")]
    AlreadyBegun,
}

/// Where a broadcast is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Its state.
    pub state: BroadcastState,
    /// Its stream.
    pub stream: StreamState,
    /// The latest publish epoch; 0 before the first publisher.
    pub publish_epoch: i64,
    /// The latest epoch whose publisher is taken for gone; the show's end leaves it as it was.
    pub gone_epoch: i64,
    /// Whether it goes live when its stream arrives.
    pub auto_start: bool,
    /// When it becomes ready, if that was to be later.
    pub scheduled_at: Option<Timestamp>,
    /// When it first went live.
    pub started_at: Option<Timestamp>,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Since when it is on air without a stream.
    pub silent_since: Option<Timestamp>,
    /// Position 0 of its timeline: the moment it first went live.
    pub timeline_start: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Life {
    /// The life of a new broadcast: ready at once, unless scheduled for later than `now`.
    pub fn new(auto_start: bool, scheduled_at: Option<Timestamp>, now: Timestamp) -> Self {
        let waits = scheduled_at.is_some_and(|due| due > now);
        Self {
            state: if waits { BroadcastState::Created } else { BroadcastState::Ready },
            stream: StreamState::Absent,
            publish_epoch: 0,
            gone_epoch: 0,
            auto_start,
            scheduled_at,
            started_at: None,
            paused_at: None,
            silent_since: None,
            timeline_start: None,
            ended_at: None,
        }
    }

    /// This life after `input` at `now`; an equal one when the input changes nothing.
    ///
    /// # Errors
    /// [`WrongState`] when a command does not fit. What is asked for and already so is no error.
    pub fn after(self, input: Input, now: Timestamp, patience: &Patience) -> Result<Self, WrongState> {
        match input {
            _ if self.state == BroadcastState::Ended => self.after_the_end(input),
            Input::TimePassed => Ok(self.time_passed(now, patience)),
            Input::Start => self.start(now),
            Input::Pause => self.pause(now),
            Input::Resume => self.resume(now),
            Input::End => Ok(self.ended(now)),
            Input::PublisherAdmitted => Ok(self.publisher_admitted(now)),
            Input::StreamArrived { publish_epoch } => Ok(self.stream_arrived(publish_epoch, now)),
            Input::StreamInterrupted { publish_epoch } => Ok(self.stream_interrupted(publish_epoch, now)),
            Input::StreamGoesOn { publish_epoch } => Ok(self.stream_goes_on(publish_epoch, now)),
            Input::ServerRestarted { publish_epoch } => Ok(self.server_restarted(publish_epoch, now)),
        }
    }

    /// Whether it is on air: live, or paused.
    pub fn is_on_air(&self) -> bool {
        matches!(self.state, BroadcastState::Live | BroadcastState::Paused)
    }

    /// Whether it ended while a publisher was there.
    pub fn ended_under_a_publisher(&self) -> bool {
        self.state == BroadcastState::Ended && self.publish_epoch > self.gone_epoch
    }

    /// Whether it is over without ever having had both a show and a publisher.
    pub fn nothing_was_recorded(&self) -> bool {
        self.state == BroadcastState::Ended && (self.started_at.is_none() || self.publish_epoch == 0)
    }

    /// Whether it has neither begun nor been called off.
    pub fn is_ahead(&self) -> bool {
        matches!(self.state, BroadcastState::Created | BroadcastState::Ready)
    }

    fn after_the_end(self, input: Input) -> Result<Self, WrongState> {
        match input {
            Input::Start | Input::Pause | Input::Resume | Input::PublisherAdmitted => Err(WrongState::Over),
            _ => Ok(self),
        }
    }

    fn time_passed(self, now: Timestamp, patience: &Patience) -> Self {
        let longer_than = |since: Option<Timestamp>, limit_ms| since.is_some_and(|at| now.millis_since(at) >= limit_ms);
        let silence_ms = match self.stream {
            StreamState::Interrupted => patience.grace_ms,
            StreamState::Absent | StreamState::Arriving => patience.pause_ms,
        };
        match self.state {
            BroadcastState::Created if self.scheduled_at.is_none_or(|due| due <= now) => {
                let ready = Self { state: BroadcastState::Ready, ..self };
                if ready.stream == StreamState::Arriving && ready.auto_start { ready.live(now) } else { ready }
            }
            BroadcastState::Live if longer_than(self.silent_since, silence_ms) => self.ended(now),
            BroadcastState::Paused if longer_than(self.paused_at, patience.pause_ms) => self.ended(now),
            _ => self,
        }
    }

    fn start(self, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            BroadcastState::Created | BroadcastState::Ready => Ok(self.live(now)),
            BroadcastState::Paused => Err(WrongState::StartWhilePaused),
            BroadcastState::Live | BroadcastState::Ended => Ok(self),
        }
    }

    fn pause(self, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            BroadcastState::Live => Ok(Self { state: BroadcastState::Paused, paused_at: Some(now), ..self }),
            BroadcastState::Created | BroadcastState::Ready => Err(WrongState::PauseBeforeLive),
            BroadcastState::Paused | BroadcastState::Ended => Ok(self),
        }
    }

    fn resume(self, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            // An encoder that was stopped for the pause gets the whole grace to come back.
            BroadcastState::Paused => Ok(self.live(now)),
            BroadcastState::Created | BroadcastState::Ready => Err(WrongState::ResumeBeforeLive),
            BroadcastState::Live | BroadcastState::Ended => Ok(self),
        }
    }

    fn publisher_admitted(self, now: Timestamp) -> Self {
        // The publisher before must be gone, even when nobody said so.
        let alone = self.without_publisher(now);
        Self { publish_epoch: self.publish_epoch + 1, ..alone }
    }

    fn stream_arrived(self, publish_epoch: i64, now: Timestamp) -> Self {
        let over = publish_epoch <= self.gone_epoch;
        if publish_epoch != self.publish_epoch || over || self.stream == StreamState::Arriving {
            return self;
        }
        let arriving = Self { stream: StreamState::Arriving, silent_since: None, ..self };
        let starts = self.state == BroadcastState::Ready && self.auto_start;
        if starts { arriving.live(now) } else { arriving }
    }

    fn stream_interrupted(self, publish_epoch: i64, now: Timestamp) -> Self {
        if publish_epoch == self.publish_epoch { self.without_publisher(now) } else { self }
    }

    fn stream_goes_on(self, publish_epoch: i64, now: Timestamp) -> Self {
        let taken_for_gone = publish_epoch >= 1 && publish_epoch <= self.gone_epoch;
        if publish_epoch != self.publish_epoch || !taken_for_gone {
            return self;
        }
        Self { gone_epoch: publish_epoch - 1, ..self }.stream_arrived(publish_epoch, now)
    }

    fn server_restarted(self, publish_epoch: i64, now: Timestamp) -> Self {
        if publish_epoch != self.publish_epoch {
            return self;
        }
        let without = self.without_publisher(now);
        // The time the server was away is not held against an encoder that could not come back.
        Self { silent_since: without.silent_since.map(|_| now), ..without }
    }

    fn without_publisher(self, now: Timestamp) -> Self {
        let gone = Self { gone_epoch: self.publish_epoch, ..self };
        match (self.stream, self.is_on_air()) {
            (StreamState::Arriving, true) => Self { stream: StreamState::Interrupted, silent_since: Some(now), ..gone },
            (StreamState::Arriving, false) => Self { stream: StreamState::Absent, ..gone },
            (StreamState::Absent | StreamState::Interrupted, _) => gone,
        }
    }

    fn live(self, now: Timestamp) -> Self {
        let arriving = self.stream == StreamState::Arriving;
        Self {
            state: BroadcastState::Live,
            started_at: self.started_at.or(Some(now)),
            timeline_start: self.timeline_start.or(self.started_at).or(Some(now)),
            paused_at: None,
            silent_since: (!arriving).then_some(now),
            ..self
        }
    }

    fn ended(self, now: Timestamp) -> Self {
        Self {
            state: BroadcastState::Ended,
            stream: StreamState::Absent,
            paused_at: None,
            silent_since: None,
            ended_at: Some(now),
            ..self
        }
    }
}
