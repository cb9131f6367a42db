//! One channel: its recent publications, where its log is known to stand, and its subscribers.

use std::{
    cmp::Ordering::{Equal, Greater, Less},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use doorbell::Errand;
use ports::{
    about::ClientInfo,
    bus::{Movement, Publication},
    room_log::{Head, Record, Redaction, RoomLogError},
};

use super::{
    LogReader, Member, Missed,
    batches::Form,
    members::Members,
    movements::Movements,
    pages::{Frame, PageFrom, Pages},
    passing::Passing,
    ring::{Limits, Ring},
};
use crate::{
    needs::ChannelRules,
    protocol::{Encoding, Published},
    settings::{PAGE_BYTES_MAX, PAGE_PUBLICATIONS_MAX},
    websocket::Framed,
};

/// Publications a channel without a log keeps for readers that are behind.
const PASSING_PUBLICATIONS: usize = 64;

/// What a subscriber gets next.
pub(crate) enum Upcoming {
    /// Publications as one frame.
    Batch {
        frame: Framed,
        publications: u64,
        /// The place behind them.
        next: u64,
    },
    /// Nothing now.
    Nothing,
    /// What the room log holds from its place on: the ring does not reach back so far.
    FromLog,
    /// Nothing any more: its history was replaced by another.
    OtherHistory,
}

/// One channel.
pub(crate) struct Channel {
    name: Arc<str>,
    log: Option<LogReader>,
    state: Mutex<State>,
    /// The same as the ring's, to be looked at without the lock.
    next: AtomicU64,
    /// How often the history was replaced by another.
    replaced: AtomicU32,
    /// How often something of its past was changed: replaced, redacted, or perhaps redacted unheard.
    past_changes: AtomicU64,
    open: AtomicBool,
    /// To tell the subscribers of news.
    telling: Errand,
    /// To fill gaps.
    repairing: Errand,
    /// Apart from the state: whoever looks at it does not wait for publications.
    rests_until: Mutex<Option<Instant>>,
    members: Members,
    movements: Movements,
    passing: Passing,
    pages: Pages,
}

struct State {
    limits: Limits,
    ring: Ring,
    epoch: Arc<str>,
    /// Behind the newest publication anybody has told of.
    heard: u64,
}

impl Channel {
    /// A channel that is not open yet: it only remembers how far its log is said to go.
    pub(super) fn new(name: &str, log: Option<LogReader>, limits: Limits) -> Self {
        let limits = match log {
            Some(_) => limits,
            // What was let go of is lost to readers: they are to see the newest, not a burst.
            None => Limits { publications: limits.publications.min(PASSING_PUBLICATIONS), burst_bytes: 0, ..limits },
        };
        Self {
            name: name.into(),
            log,
            pages: Pages::new(&limits),
            state: Mutex::new(State { ring: Ring::new(limits.clone(), 1), limits, epoch: "".into(), heard: 1 }),
            next: AtomicU64::new(1),
            replaced: AtomicU32::new(0),
            past_changes: AtomicU64::new(0),
            open: AtomicBool::new(false),
            telling: Errand::default(),
            repairing: Errand::default(),
            rests_until: Mutex::default(),
            members: Members::none(),
            movements: Movements::default(),
            passing: Passing::default(),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The log that holds its publications.
    pub(crate) fn log(&self) -> Option<&LogReader> {
        self.log.as_ref()
    }

    /// Behind the newest publication it holds.
    pub(crate) fn next(&self) -> u64 {
        // Acquire, with the release of `publish_next`: who sees the number also gets the publication.
        self.next.load(Ordering::Acquire)
    }

    /// How often the history was replaced by another.
    pub(crate) fn replaced(&self) -> u32 {
        self.replaced.load(Ordering::Acquire)
    }

    /// How often something of its past was changed: what was read from the log before a change is not to be kept.
    pub(super) fn past_changes(&self) -> u64 {
        self.past_changes.load(Ordering::Acquire)
    }

    /// Its epoch, the place behind its newest publication, and how often the history was replaced, as of one moment.
    pub(crate) fn position(&self) -> (Arc<str>, u64, u32) {
        let state = self.state();
        (state.epoch.clone(), state.ring.next(), self.replaced())
    }

    /// What a subscriber at `cursor` gets next.
    pub(crate) fn upcoming(&self, cursor: u64, replaced: u32, form: Form) -> Upcoming {
        let mut state = self.state();
        if replaced != self.replaced() {
            return Upcoming::OtherHistory;
        }
        if cursor >= state.ring.next() {
            return Upcoming::Nothing;
        }
        let reachable = match self.log {
            Some(_) if cursor < state.ring.first() => return Upcoming::FromLog,
            Some(_) => cursor,
            None if cursor < state.ring.first() => state.ring.next() - 1,
            None => cursor,
        };
        let form = if reachable > cursor { form.with_first_whole() } else { form };
        match state.ring.batch(&self.name, reachable, form) {
            Some((frame, next)) => Upcoming::Batch { frame, publications: next - reachable, next },
            None => Upcoming::Nothing,
        }
    }

    /// What a reader at `from` has missed: one page of it.
    pub(crate) fn missed(&self, from: u64) -> Missed {
        self.state().ring.missed(from, PAGE_PUBLICATIONS_MAX, PAGE_BYTES_MAX)
    }

    /// What its log holds from `from` on, a page of it; nothing when the log does not hold that place.
    pub(crate) async fn page(&self, from: u64) -> Result<PageFrom, RoomLogError> {
        let log = self.log.as_ref().ok_or_else(|| RoomLogError::Refused("a channel without a room".into()))?;
        self.pages.page(self, log, from).await
    }

    /// The subscribers, unless there are more than `limit`.
    pub(crate) fn members(&self, limit: usize) -> Option<Vec<ClientInfo>> {
        self.members.list(limit)
    }

    /// How many connections and how many different users are subscribed; anonymous visitors are one user.
    pub(crate) fn count(&self) -> (u64, u64) {
        self.members.count()
    }

    /// The different users that are subscribed, unless there are more than `limit`.
    pub(crate) fn users(&self, limit: usize) -> Option<Vec<Arc<str>>> {
        self.members.users(limit)
    }

    /// The number of the next movement (see [`Self::movements`]).
    pub(crate) fn next_movement(&self) -> u64 {
        self.movements.next()
    }

    /// Who came and left from movement number `from` on, as one frame, and the number behind it.
    pub(crate) fn movements(&self, from: u64, encoding: Encoding) -> Option<(Framed, u64)> {
        self.movements.frame(&self.name, from, encoding)
    }

    /// The number of the next publication that is not kept (see [`Self::passing`]).
    pub(crate) fn next_passing(&self) -> u64 {
        self.passing.next()
    }

    /// Publications that are not kept, of a channel that has a log, from number `from` on as one frame, if any is held, and
    /// the number to go on from.
    pub(crate) fn passing(&self, from: u64, form: Form) -> (Option<Frame>, u64) {
        self.passing.frame(&self.name, from, form)
    }

    pub(super) fn moved(&self, movements: &[Movement]) {
        self.movements.take(movements);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Opens a channel with a log: `recent` are its records from `from` on, read after `past` changes of its past.
    pub(super) fn open(&self, head: &Head, from: u64, recent: &[Record], past: u64) {
        let mut state = self.state();
        // One of the records may have been redacted since they were read: whoever wants them reads the log.
        let (from, recent) = if past == self.past_changes() { (from, recent) } else { (head.next, &[][..]) };
        state.epoch = head.epoch.as_str().into();
        state.ring = Ring::new(state.limits.clone(), from);
        state.heard = state.heard.max(head.next);
        self.fill(&mut state, recent);
        self.publish_next(&state);
        self.open.store(true, Ordering::Release);
    }

    /// Opens a channel without a log.
    pub(super) fn open_passing(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Takes what the bus brings.
    pub(super) fn take(&self, publications: &[Publication]) {
        let mut state = self.state();
        for publication in publications {
            match (&self.log, &publication.position) {
                (None, _) => {
                    state.ring.push(Published::passing(publication.data.clone(), publication.about.clone()));
                }
                (Some(_), None) => {
                    self.passing.take(Published::passing(publication.data.clone(), publication.about.clone()));
                }
                (Some(_), Some(position)) if !self.is_open() => {
                    state.heard = state.heard.max(position.offset.saturating_add(1));
                    if publication.redacts.is_some() {
                        self.past_changed();
                    }
                }
                (Some(_), Some(position)) => {
                    if position.epoch != state.epoch {
                        self.replace(&mut state, &position.epoch, position.offset);
                    }
                    state.heard = state.heard.max(position.offset.saturating_add(1));
                    if let Some(redaction) = &publication.redacts {
                        self.redact(&mut state, redaction);
                    }
                    match position.offset.cmp(&state.ring.next()) {
                        Equal => {
                            let (data, about) = (publication.data.clone(), publication.about.clone());
                            let offset = position.offset;
                            state.ring.push(Published::positioned(data, about, offset, &position.epoch));
                        }
                        // Below: had it already. Above: the log fills the gap, and has this one too.
                        Less | Greater => {}
                    }
                }
            }
        }
        self.publish_next(&state);
    }

    /// Says that the log goes on to `next`.
    pub(super) fn heard(&self, next: u64) {
        let mut state = self.state();
        state.heard = state.heard.max(next);
    }

    /// The log owns the offset: it says where it stands. Another epoch replaces the history here, unless the bus has brought
    /// one meanwhile in the place of `known`, which it was before the log was asked.
    pub(super) fn correct(&self, known: &str, head: &Head) {
        let mut state = self.state();
        if *state.epoch != *known {
            return;
        }
        if *state.epoch != *head.epoch {
            self.replace(&mut state, &head.epoch.as_str().into(), head.next);
        }
        state.heard = head.next.max(state.ring.next());
        self.publish_next(&state);
    }

    /// The place from which publications are missing, if any are.
    pub(super) fn gap(&self) -> Option<u64> {
        let state = self.state();
        (state.ring.next() < state.heard).then(|| state.ring.next())
    }

    /// Takes what was read from the log after `past` changes of its past; what is here already is passed over, and
    /// everything when the past was changed meanwhile.
    pub(super) fn repair(&self, records: &[Record], past: u64) {
        let mut state = self.state();
        let brings_news = records.last().is_some_and(|last| last.offset >= state.ring.next());
        if past == self.past_changes() && brings_news {
            // The bus would have said what these redact, a record does not: what is kept from before may be outdated.
            state.ring = Ring::new(state.limits.clone(), state.ring.next());
            self.past_changed();
            self.fill(&mut state, records);
            self.publish_next(&state);
        }
    }

    /// Whether somebody must now be told to wake the subscribers.
    pub(super) fn became_dirty(&self) -> bool {
        self.telling.take_on()
    }

    /// Who is to be told of the news.
    pub(super) fn take_dirty(&self) -> Vec<Arc<Member>> {
        // First: what comes from now on is announced again.
        self.telling.put_down();
        self.members.all()
    }

    /// How many subscribers it has.
    pub(super) fn subscribers(&self) -> usize {
        self.members.len()
    }

    /// Until when its subscribers are not to be woken.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says until when its subscribers are not to be woken.
    pub(super) fn rest_until(&self, until: Instant) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Whether somebody must now be told to fill a gap.
    pub(super) fn fell_behind(&self) -> bool {
        self.is_open() && self.gap().is_some() && self.repairing.take_on()
    }

    /// Whoever filled the gaps stops, unless another look finds more.
    pub(super) fn repaired(&self) {
        self.repairing.put_down();
    }

    pub(super) fn share(&self, rules: ChannelRules) -> Arc<ChannelRules> {
        self.members.share(rules)
    }

    pub(super) fn join(&self, member: Arc<Member>, rules: Arc<ChannelRules>) {
        self.members.join(member, rules);
    }

    pub(super) fn update(&self, member: &Member, rules: Arc<ChannelRules>) {
        self.members.update(member, rules);
    }

    pub(super) fn leave(&self, member: &Member) {
        self.members.leave(member);
    }

    /// Whether nobody is subscribed.
    pub(super) fn is_empty(&self) -> bool {
        self.members.empty_for().is_some()
    }

    /// Lets go of what is kept for readers that were behind.
    pub(super) fn rest(&self) {
        self.pages.forget();
        self.passing.rest();
        self.state().ring.rest();
    }

    /// Whether nobody has been subscribed for `idle`.
    pub(super) fn is_idle(&self, idle: Duration) -> bool {
        self.members.empty_for().is_some_and(|time| time >= idle)
    }

    fn fill(&self, state: &mut State, records: &[Record]) {
        for record in records {
            if record.offset > state.ring.next() {
                // The log itself has a hole here: the ring goes on behind it, and readers find the hole in the log.
                state.ring = Ring::new(state.limits.clone(), record.offset);
            }
            if record.offset == state.ring.next() {
                let (data, about) = (record.data.clone(), record.about.clone());
                state.ring.push(Published::positioned(data, about, record.offset, &state.epoch));
            }
        }
        state.heard = state.heard.max(state.ring.next());
    }

    fn redact(&self, state: &mut State, redaction: &Redaction) {
        state.ring.redact(redaction.offset, redaction.replacement.clone());
        self.past_changed();
    }

    fn past_changed(&self) {
        self.past_changes.fetch_add(1, Ordering::AcqRel);
        self.pages.forget_all();
    }

    fn replace(&self, state: &mut State, epoch: &Arc<str>, next: u64) {
        tracing::warn!(channel = %self.name, from = %state.epoch, to = %epoch, "a channel's history was replaced by another");
        state.epoch = epoch.clone();
        state.ring = Ring::new(state.limits.clone(), next);
        state.heard = next;
        self.replaced.fetch_add(1, Ordering::AcqRel);
        self.past_changed();
    }

    fn publish_next(&self, state: &State) {
        self.next.store(state.ring.next(), Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
