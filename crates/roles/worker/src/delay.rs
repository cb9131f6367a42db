//! How long facts wait for those that react to them.

use std::sync::Arc;

use kernel::{Clock, Timestamp};
use ports::event_log::Fact;

/// Measures it, by the clock of this process against that of whoever wrote the fact.
#[derive(Clone)]
pub(crate) struct Delay(pub(crate) Arc<dyn Clock>);

impl Delay {
    /// These facts have had their effect.
    pub(crate) fn done<'a>(&self, reaction: &'static str, facts: impl IntoIterator<Item = &'a Fact>) {
        let delays = metrics::histogram!("madang_reaction_delay_seconds", "reaction" => reaction);
        facts.into_iter().for_each(|fact| delays.record(self.seconds(fact)));
    }

    /// This is the oldest fact that has not; none: there is none.
    pub(crate) fn behind(&self, reaction: &'static str, oldest: Option<&Fact>) {
        let seconds = oldest.map_or(0.0, |fact| self.seconds(fact));
        metrics::gauge!("madang_reaction_behind_seconds", "reaction" => reaction).set(seconds);
    }

    /// By this clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }

    #[expect(clippy::cast_precision_loss, reason = "a delay of ages needs no milliseconds")]
    fn seconds(&self, fact: &Fact) -> f64 {
        self.now().millis_since(fact.at).max(0) as f64 / 1_000.0
    }
}
