//! The drafts that go into the log together, and those that wait for the same place.

use std::collections::HashMap;

use bytes::Bytes;
use ports::room_log::{Entry, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX, LOOKUP_KEYS_MAX, check_group};

use crate::{
    Body, Draft, Error, Placed,
    batch::{Answer, Answers, Batch},
};

/// Entries in one append at the most: all their resend keys and the witness are looked up in one go.
pub(crate) const ENTRIES_MAX: usize =
    if GROUP_ENTRIES_MAX < LOOKUP_KEYS_MAX { GROUP_ENTRIES_MAX } else { LOOKUP_KEYS_MAX } - 1;
/// Bytes of one append at the most. The offset in a body may get longer when the append is tried again further on.
pub(crate) const BYTES_MAX: usize = GROUP_BYTES_MAX - (64 << 10);

/// Drafts that have no place yet, in order, and who is to be told.
#[derive(Default)]
pub(crate) struct Group {
    answers: Vec<Answers>,
    pub(crate) waiting: Vec<Waiting>,
    with_key: HashMap<String, usize>,
}

/// A draft with the resends of it.
pub(crate) struct Waiting {
    draft: Draft,
    address: Address,
    resends: Vec<Address>,
    /// Its bytes at the place it was tried at last.
    data: Bytes,
}

/// Which draft of which batch.
#[derive(Clone, Copy)]
struct Address {
    batch: usize,
    place: usize,
}

impl Group {
    pub(crate) fn add(&mut self, batch: Batch) {
        let number = self.answers.len();
        self.answers.push(Answers::new(batch.drafts.len(), batch.answers));
        for (place, draft) in batch.drafts.into_iter().enumerate() {
            let address = Address { batch: number, place };
            if let Some(key) = &draft.resend_key {
                if let Some(first) = self.with_key.get(key).and_then(|first| self.waiting.get_mut(*first)) {
                    first.resends.push(address);
                    continue;
                }
                self.with_key.insert(key.clone(), self.waiting.len());
            }
            self.waiting.push(Waiting { draft, address, resends: Vec::new(), data: Bytes::new() });
        }
    }

    /// The entries for the places from `next` on: those that were tried before, or else as many as one append takes. The first
    /// brings `witness` along. A draft the log would refuse is answered and harms no other.
    pub(crate) fn entries(&mut self, room: &str, next: u64, witness: &str, tried: Option<usize>) -> Vec<Entry> {
        let most = tried.unwrap_or(ENTRIES_MAX);
        let mut entries: Vec<Entry> = Vec::with_capacity(self.waiting.len().min(most));
        let mut bytes = 0;
        while let Some(one) = self.waiting.get_mut(entries.len()) {
            let offset = next + entries.len() as u64;
            match one.entry(room, offset) {
                Ok(mut entry) => {
                    bytes += entry.data.len() + entry.redacts.as_ref().map_or(0, |one| one.replacement.len());
                    bytes += entry.about.as_ref().map_or(0, |about| about.size());
                    let full = bytes > BYTES_MAX && !entries.is_empty() && tried.is_none();
                    if entries.len() == most || full {
                        return entries;
                    }
                    if entries.is_empty() {
                        entry.keys.push(witness.to_owned());
                    }
                    entries.push(entry);
                }
                Err(error) => {
                    let refused = self.waiting.remove(entries.len());
                    self.answer(&refused, Err(error), None);
                }
            }
        }
        entries
    }

    /// The first `count`, which stand from `first` on.
    pub(crate) fn take(&mut self, count: usize, first: u64) -> Vec<(u64, Waiting)> {
        let count = count.min(self.waiting.len());
        (first..).zip(self.waiting.drain(..count)).collect()
    }

    /// Whether one that waits replaces an entry at `next` or behind it.
    pub(crate) fn replaces_from(&self, next: u64) -> bool {
        self.waiting.iter().filter_map(|one| one.draft.redacts.as_ref()).any(|redaction| redaction.offset >= next)
    }

    /// The resend keys that wait.
    pub(crate) fn resend_keys(&self, count: usize) -> Vec<String> {
        self.waiting.iter().take(count).filter_map(|one| one.draft.resend_key.clone()).collect()
    }

    /// Answers the resends of what is in the log already.
    pub(crate) fn settle_known(&mut self, known: &HashMap<String, u64>) {
        for one in std::mem::take(&mut self.waiting) {
            match one.draft.resend_key.as_ref().and_then(|key| known.get(key)) {
                Some(place) => self.answer(&one, Ok(Placed::Before(*place)), Some(*place)),
                None => self.waiting.push(one),
            }
        }
    }

    /// Tells a draft's writer, and those of its resends: `place` is where they find it.
    pub(crate) fn answer(&mut self, one: &Waiting, answer: Answer, place: Option<u64>) {
        for resend in &one.resends {
            let same = place.map_or_else(|| answer.clone(), |place| Ok(Placed::Before(place)));
            self.give(*resend, same);
        }
        self.give(one.address, answer);
    }

    /// Tells all that are left.
    pub(crate) fn give_up(&mut self, error: &Error) {
        for one in std::mem::take(&mut self.waiting) {
            self.answer(&one, Err(error.clone()), None);
        }
    }

    fn give(&mut self, address: Address, answer: Answer) {
        if let Some(answers) = self.answers.get_mut(address.batch) {
            answers.give(address.place, answer);
        }
    }
}

impl Waiting {
    /// The draft and its bytes at `offset`.
    pub(crate) fn at(mut self, offset: u64) -> (Self, Bytes) {
        // It may have been kept at another place than the one it was tried at last.
        if let Body::ByPlace(render) = &self.draft.body
            && let Ok(data) = render(offset)
        {
            self.data = data;
        }
        let data = self.data.clone();
        (self, data)
    }

    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    fn entry(&mut self, room: &str, offset: u64) -> Result<Entry, Error> {
        self.data = match &self.draft.body {
            Body::Whole(data) => data.clone(),
            Body::ByPlace(render) => render(offset).map_err(Error::Refused)?,
        };
        let Draft { at, keys, resend_key, redacts, about, .. } = &self.draft;
        let entry = Entry {
            keys: keys.iter().chain(resend_key).cloned().collect(),
            at: *at,
            data: self.data.clone(),
            redacts: redacts.clone(),
            about: about.clone(),
        };
        check_group(room, offset, std::slice::from_ref(&entry))?;
        Ok(entry)
    }
}
