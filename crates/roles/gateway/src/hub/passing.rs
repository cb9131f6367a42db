//! Publications into a channel with a log that are not kept there, for those who are subscribed right now.
//!
//! May lose: what a subscriber was too slow for. They have no place in the channel's order.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Form, Frame, batches};
use crate::protocol::Published;

/// Publications a channel holds for readers that are behind.
const HELD: usize = 64;
/// Their bytes, besides the newest.
const HELD_BYTES: usize = 256 << 10;

/// The recent ones of one channel, numbered from 0.
#[derive(Default)]
pub(super) struct Passing {
    state: Mutex<State>,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    recent: VecDeque<Arc<Published>>,
    bytes: usize,
    /// Behind those that were here at the last rest.
    rested: u64,
    /// The frame made last: most readers stand at the same place.
    made: Option<Made>,
}

/// The publications `from..to` as one frame.
struct Made {
    from: u64,
    to: u64,
    form: Form,
    frame: Frame,
}

impl Passing {
    /// The number of the next one.
    pub(super) fn next(&self) -> u64 {
        // Acquire, with the release of `take`: who sees the number also gets the publication.
        self.next.load(Ordering::Acquire)
    }

    pub(super) fn take(&self, published: Published) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes += published.size();
        // None of them is the difference to another: they do not stand in a row.
        state.recent.push_back(Arc::new(published.whole()));
        while state.recent.len() > HELD || state.bytes > HELD_BYTES && state.recent.len() > 1 {
            state.forget_oldest();
        }
        self.next.fetch_add(1, Ordering::Release);
    }

    /// Those from number `from` on as one frame, if any is held, and the number to go on from. Whoever takes differences gets
    /// them whole.
    pub(super) fn frame(&self, channel: &str, from: u64, form: Form) -> (Option<Frame>, u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next();
        let from = from.max(next - state.recent.len() as u64);
        if from >= next {
            return (None, next);
        }
        let form = form.with_first_whole();
        let start = state.recent.len() - (next - from) as usize;
        let made = state.made.as_ref().filter(|made| (made.from, made.form) == (from, form));
        if let Some(Made { to, frame, .. }) = made {
            return (Some(frame.clone()), *to);
        }
        let count = batches::fitting(channel, state.recent.range(start..));
        let whole = state.recent.range(start..start + count);
        let framed = batches::frame(channel, form, None, whole);
        let (frame, to) = (Frame { framed, publications: count as u64 }, from + count as u64);
        state.made = Some(Made { from, to, form, frame: frame.clone() });
        (Some(frame), to)
    }

    /// Lets go of what was held at the last rest already: everybody who reads at all has it.
    pub(super) fn rest(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next();
        let old = (state.recent.len() as u64).saturating_sub(next - state.rested);
        (0..old).for_each(|_| state.forget_oldest());
        if state.recent.is_empty() {
            state.recent = VecDeque::new();
            state.made = None;
        }
        state.rested = next;
    }
}

impl State {
    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.recent.pop_front() {
            self.bytes -= oldest.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{hub::Difference, protocol::Encoding};

    fn passing(count: usize, bytes: usize) -> Passing {
        let passing = Passing::default();
        for number in 0..count {
            let data = format!("\"{number}{}\"", "x".repeat(bytes));
            passing.take(Published::passing(Bytes::from(data), None));
        }
        passing
    }

    fn read(passing: &Passing, from: u64, form: Form) -> Option<(u64, u64, Vec<u8>)> {
        let (frame, next) = passing.frame("c", from, form);
        let frame = frame?;
        Some((frame.publications, next, frame.framed.payload().to_vec()))
    }

    const JSON: Form = Form { encoding: Encoding::Json, difference: Difference::Never };

    #[test]
    fn readers_get_what_is_held_from_their_place_on() {
        let passing = passing(3, 0);
        let (count, next, bytes) = read(&passing, 1, JSON).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!((count, next, text.lines().count()), (2, 3, 2), "{text}");
        assert!(!text.contains("offset"), "{text}");
        assert_eq!(read(&passing, 1, JSON).unwrap().2, bytes, "the same frame again");
        assert_eq!(read(&passing, 3, JSON), None);
        passing.take(Published::passing(Bytes::from_static(b"1"), None));
        assert_eq!(read(&passing, 3, JSON).unwrap().1, 4);
        passing.rest();
        passing.take(Published::passing(Bytes::from_static(b"2"), None));
        assert_eq!(read(&passing, 0, JSON).unwrap().0, 5, "all of them were news at the last rest");
        passing.rest();
        assert_eq!(read(&passing, 0, JSON).unwrap().0, 1);
        passing.rest();
        let (gone, on) = passing.frame("c", 0, JSON);
        assert!(gone.is_none());
        assert_eq!((on, passing.next()), (5, 5), "who missed what is gone does not stay behind for ever");
    }

    #[test]
    fn what_is_held_is_bounded_and_so_is_a_frame() {
        let many = passing(HELD + 10, 0);
        let (count, next, _) = read(&many, 0, JSON).unwrap();
        assert_eq!((count as usize, next as usize), (HELD, HELD + 10));
        let long = passing(40, 16 << 10);
        assert!(long.state.lock().unwrap().bytes <= HELD_BYTES);
        assert_eq!(read(&long, 0, JSON).unwrap().0, 1);
    }

    #[test]
    fn readers_of_differences_get_each_whole() {
        let passing = passing(2, 200);
        let form = Form { difference: Difference::Always, ..JSON };
        let text = String::from_utf8(read(&passing, 0, form).unwrap().2).unwrap();
        assert!(!text.contains("\"delta\":true"), "{text}");
        assert_eq!(text.matches(r#""data":"\""#).count(), 2, "{text}");
    }
}
