//! How long viewers were away: each from the end of its connection until it is live again. Live is who is subscribed and has
//! what any viewer had when it was subscribed.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::viewer::Viewer;

#[derive(Debug, Default)]
pub(super) struct Outage {
    behind: HashMap<usize, Behind>,
    /// How long those took that are live again.
    lasted: Vec<Duration>,
}

/// A viewer that is not live.
#[derive(Debug)]
struct Behind {
    since: Instant,
    /// The offset it has to come to, once it is subscribed.
    place: Option<u64>,
}

impl Outage {
    /// A viewer's connection ended.
    pub(super) fn ended(&mut self, viewer: usize, now: Instant) {
        self.behind.entry(viewer).or_insert(Behind { since: now, place: None }).place = None;
    }

    /// A viewer is subscribed again.
    pub(super) fn subscribed(&mut self, viewer: usize, viewers: &[Viewer]) {
        if let Some(behind) = self.behind.get_mut(&viewer) {
            behind.place = Some(viewers.iter().map(Viewer::offset).max().unwrap_or(0));
        }
    }

    /// Looks who is live by now.
    pub(super) fn look(&mut self, viewers: &[Viewer], now: Instant) {
        let Self { behind, lasted } = self;
        behind.retain(|viewer, Behind { since, place }| {
            let is_live =
                place.is_some_and(|place| viewers.get(*viewer).is_some_and(|viewer| viewer.offset() >= place));
            lasted.extend(is_live.then(|| now - *since));
            !is_live
        });
    }

    /// The time within which this share of those who were away was live again; none: nobody was, or not so many are.
    pub(super) fn until_live(&self, share: f64) -> Option<Duration> {
        let all = self.lasted.len() + self.behind.len();
        let last = (all as f64 * share).ceil() as usize;
        let mut lasted = self.lasted.clone();
        lasted.sort_unstable();
        lasted.get(last.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_from_a_viewers_end_until_it_has_what_others_had() {
        let mut viewers = [Viewer::new(1), Viewer::new(1)];
        let (mut outage, begun) = (Outage::default(), Instant::now());
        let after = |seconds| begun + Duration::from_secs(seconds);
        outage.look(&viewers, begun);
        assert_eq!(outage.until_live(1.0), None, "nothing ended");
        viewers[0].take(0, 0, Some(1));
        viewers[0].take(0, 1, Some(2));
        outage.ended(0, begun);
        outage.ended(1, after(1));
        outage.ended(1, after(2));
        outage.subscribed(0, &viewers);
        outage.look(&viewers, after(2));
        let half_and_all =
            |outage: &Outage| [0.5, 1.0].map(|share| outage.until_live(share).map(|time| time.as_secs()));
        assert_eq!(half_and_all(&outage), [Some(2), None], "the other is not subscribed");
        outage.subscribed(1, &viewers);
        viewers[1].take(0, 0, Some(1));
        outage.look(&viewers, after(3));
        assert_eq!(half_and_all(&outage), [Some(2), None], "the other has one of two");
        viewers[1].take(0, 1, Some(2));
        outage.look(&viewers, after(4));
        outage.look(&viewers, after(5));
        assert_eq!(half_and_all(&outage), [Some(2), Some(3)]);
    }
}
