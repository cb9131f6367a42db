//! Several publications as one frame, made once for all the connections that stand at the same place and want it in the
//! same form.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    protocol::{DataForm, Encoding, Published, publication_push},
    websocket::Framed,
};

/// Publications in one frame at the most. A frame ends where a multiple of this begins, if it gets so far: readers that
/// are behind at different places meet there, and share frames from then on.
const MEETING: usize = 64;
/// Bytes in one frame, unless one publication alone is longer.
pub(crate) const BATCH_BYTES_MAX: usize = 32 << 10;

/// Batches that are remembered, for readers that come to the same place later.
const REMEMBERED: usize = 512;
/// Bytes of batches that are remembered, besides the newest.
const REMEMBERED_BYTES: usize = 1 << 20;
/// The same while the ring keeps a burst.
const REMEMBERED_BURST_BYTES: usize = 8 << 20;

/// How a subscriber gets publications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) encoding: Encoding,
    pub(crate) difference: Difference,
}

/// Whether publications are the differences to the ones before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Difference {
    /// Never.
    #[default]
    Never,
    /// All but the first: the subscriber does not have the one before.
    FirstWhole,
    /// All: the subscriber has the one before.
    Always,
}

/// The batches made last. A reader that comes to the beginning of one gets that one, also when more was published since:
/// so readers that took different times meet at the same places again, and go on sharing.
#[derive(Default)]
pub(super) struct Batches {
    made: VecDeque<Batch>,
    bytes: usize,
}

/// Publications `from..to` as one frame.
struct Batch {
    from: u64,
    to: u64,
    form: Form,
    frame: Framed,
}

impl Form {
    /// The same for a subscriber who does not have the publication before.
    pub(crate) fn with_first_whole(self) -> Self {
        match self.difference {
            Difference::Never => self,
            Difference::FirstWhole | Difference::Always => Self { difference: Difference::FirstWhole, ..self },
        }
    }

    /// How the publication is written that is the `index`th of a frame.
    fn of(self, index: usize) -> DataForm {
        match self.difference {
            Difference::Never => DataForm::Plain,
            Difference::FirstWhole if index == 0 => DataForm::Whole,
            Difference::FirstWhole | Difference::Always => DataForm::Difference,
        }
    }
}

impl Batches {
    /// The batch that begins with the publication `from`, and the number behind it.
    pub(super) fn find(&self, from: u64, form: Form) -> Option<(Framed, u64)> {
        // Most readers are at the newest places.
        let found = self.made.iter().rev().find(|batch| batch.from == from && batch.form == form)?;
        Some((found.frame.clone(), found.to))
    }

    /// Lets go of those that begin before the publication `from`.
    pub(super) fn forget_before(&mut self, from: u64) {
        self.made.retain(|batch| batch.from >= from);
        self.bytes = self.made.iter().map(|batch| batch.frame.payload_bytes()).sum();
        if self.made.is_empty() {
            self.made = VecDeque::new();
        }
    }

    /// Remembers the publications `from..to`, in a burst with many others.
    pub(super) fn remember(&mut self, from: u64, to: u64, form: Form, frame: Framed, in_burst: bool) {
        let bytes_max = if in_burst { REMEMBERED_BURST_BYTES } else { REMEMBERED_BYTES };
        self.bytes += frame.payload_bytes();
        self.made.push_back(Batch { from, to, form, frame });
        while (self.made.len() > REMEMBERED || self.bytes > bytes_max) && self.made.len() > 1 {
            let Some(oldest) = self.made.pop_front() else { return };
            self.bytes -= oldest.frame.payload_bytes();
        }
    }
}

/// Publications in a row as one frame; `before` is the one before them.
pub(super) fn frame<'a>(
    channel: &str,
    form: Form,
    mut before: Option<&'a Published>,
    publications: impl Iterator<Item = &'a Arc<Published>>,
) -> Framed {
    let mut frame = Vec::new();
    for (index, published) in publications.enumerate() {
        publication_push(form.encoding, &mut frame, channel, published, form.of(index), before);
        before = Some(published);
    }
    form.encoding.frame(&frame)
}

/// How many publications from `from` on go into one frame at the most.
pub(super) fn up_to_meeting(from: u64) -> usize {
    MEETING - (from % MEETING as u64) as usize
}

/// How many of these publications fit one frame; one always does.
pub(super) fn fitting<'a>(channel: &str, publications: impl Iterator<Item = &'a Arc<Published>>) -> usize {
    let mut bytes = 0;
    let fitting = publications.take(MEETING).take_while(|published| {
        bytes += channel.len() + published.size();
        bytes <= BATCH_BYTES_MAX
    });
    fitting.count().max(1)
}
