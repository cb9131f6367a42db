//! One round of telling subscribers of news: what is the same for many of them is looked up once.

use std::sync::Arc;

use super::{Channel, Form, Frame, Member, Sent, Upcoming};

/// One round.
#[derive(Default)]
pub(crate) struct Round {
    recent: Option<Recent>,
    bytes: u64,
    publications: u64,
}

/// What the last subscriber got.
struct Recent {
    channel: Arc<Channel>,
    cursor: u64,
    replaced: u32,
    form: Form,
    frame: Frame,
    next: u64,
}

impl Round {
    /// Tells all of them.
    pub(super) fn tell(members: &[Arc<Member>], sent: &Sent) {
        let mut round = Self::default();
        members.iter().for_each(|member| member.tell_news(&mut round));
        sent.count(round.bytes, round.publications);
    }

    /// What a subscriber at `cursor` gets next.
    pub(crate) fn upcoming(&mut self, channel: &Arc<Channel>, cursor: u64, replaced: u32, form: Form) -> Upcoming {
        let same = |recent: &&Recent| {
            let place = (recent.cursor, recent.replaced, recent.form) == (cursor, replaced, form);
            place && Arc::ptr_eq(&recent.channel, channel)
        };
        if let Some(Recent { frame, next, .. }) = self.recent.as_ref().filter(same) {
            return Upcoming::Batch { frame: frame.framed.clone(), publications: frame.publications, next: *next };
        }
        let upcoming = channel.upcoming(cursor, replaced, form);
        if let Upcoming::Batch { frame, publications, next } = &upcoming {
            let frame = Frame { framed: frame.clone(), publications: *publications };
            self.recent = Some(Recent { channel: channel.clone(), cursor, replaced, form, frame, next: *next });
        }
        upcoming
    }

    /// Counts what a subscriber was sent.
    pub(crate) fn sent(&mut self, frame: &Frame) {
        self.bytes += frame.framed.payload_bytes() as u64;
        self.publications += frame.publications;
    }
}
