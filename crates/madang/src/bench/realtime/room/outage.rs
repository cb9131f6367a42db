//! How long viewers were away: from the end of the first connection until all of them are live again. Live is who is subscribed
//! and has what any viewer had when it was subscribed.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::viewer::Viewer;

#[derive(Debug, Default)]
pub(super) struct Outage {
    began: Option<Instant>,
    /// Viewers that are not live; the offset each has to come to, once it is subscribed.
    behind: HashMap<usize, Option<u64>>,
    lasted: Option<Duration>,
}

impl Outage {
    /// A connection ended: a viewer's, or a sender's.
    pub(super) fn ended(&mut self, viewer: Option<usize>, now: Instant) {
        self.began.get_or_insert(now);
        self.lasted = None;
        self.behind.extend(viewer.map(|viewer| (viewer, None)));
    }

    /// A viewer is subscribed again.
    pub(super) fn subscribed(&mut self, viewer: usize, viewers: &[Viewer]) {
        if let Some(place) = self.behind.get_mut(&viewer) {
            *place = Some(viewers.iter().map(Viewer::offset).max().unwrap_or(0));
        }
    }

    /// Looks who is live by now.
    pub(super) fn look(&mut self, viewers: &[Viewer], now: Instant) {
        let Some(began) = self.began.filter(|_| self.lasted.is_none()) else { return };
        self.behind.retain(|viewer, place| {
            place.is_none_or(|place| viewers.get(*viewer).is_some_and(|viewer| viewer.offset() < place))
        });
        if self.behind.is_empty() {
            self.lasted = Some(now - began);
        }
    }

    /// From the first end to the last viewer; none: nothing ended, or somebody is still behind.
    pub(super) fn lasted(&self) -> Option<Duration> {
        self.lasted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_until_the_last_viewer_has_what_others_had() {
        let mut viewers = [Viewer::new(1), Viewer::new(1)];
        let (mut outage, begun) = (Outage::default(), Instant::now());
        let after = |seconds| begun + Duration::from_secs(seconds);
        outage.look(&viewers, begun);
        assert_eq!(outage.lasted(), None, "nothing ended");
        viewers[0].take(0, 0, Some(1));
        viewers[0].take(0, 1, Some(2));
        outage.ended(Some(0), begun);
        outage.ended(Some(1), after(1));
        outage.subscribed(0, &viewers);
        outage.look(&viewers, after(2));
        assert_eq!(outage.lasted(), None, "the other is not subscribed");
        outage.subscribed(1, &viewers);
        viewers[1].take(0, 0, Some(1));
        outage.look(&viewers, after(3));
        assert_eq!(outage.lasted(), None, "the other has one of two");
        viewers[1].take(0, 1, Some(2));
        outage.look(&viewers, after(4));
        outage.look(&viewers, after(5));
        assert_eq!(outage.lasted(), Some(Duration::from_secs(4)));
    }
}
