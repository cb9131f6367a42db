//! What one writer brings in one go, and its answers: one channel send for all of them.

use tokio::sync::oneshot;

use crate::{Draft, Error, Placed};

/// The outcome of one draft.
pub(crate) type Answer = Result<Placed, Error>;

/// Drafts that came together, in their order.
pub(crate) struct Batch {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) answers: oneshot::Sender<Vec<Answer>>,
}

/// The answers of one batch, until the last of them is there.
pub(crate) struct Answers {
    given: Vec<Option<Answer>>,
    missing: usize,
    to: Option<oneshot::Sender<Vec<Answer>>>,
}

impl Answers {
    pub(crate) fn new(count: usize, to: oneshot::Sender<Vec<Answer>>) -> Self {
        Self { given: vec![None; count], missing: count, to: Some(to) }
    }

    /// Takes the answer of the draft at `place` of the batch.
    pub(crate) fn give(&mut self, place: usize, answer: Answer) {
        if let Some(slot @ None) = self.given.get_mut(place) {
            *slot = Some(answer);
            self.missing -= 1;
        }
        if self.missing == 0
            && let Some(to) = self.to.take()
        {
            // A writer that has gone resends, and finds it by its key.
            let _ = to.send(std::mem::take(&mut self.given).into_iter().flatten().collect());
        }
    }
}
