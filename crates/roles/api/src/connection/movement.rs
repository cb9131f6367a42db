//! Whether anything moves on a connection that carries many requests at once.
//!
//! A request that is being answered may take its time: its handler has bounds of its own. What must not last is a connection on which
//! nothing is asked for, or answers of which the client takes nothing.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// How long nothing may move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// While nothing is asked for.
    pub(super) idle: Duration,
    /// While the client could take more of an answer.
    pub(super) stalled: Duration,
}

/// Why a connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Idle,
    Stalled,
}

/// What moves on one connection.
#[derive(Debug, Clone)]
pub(super) struct Movement(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Requests that are not answered whole.
    open: usize,
    /// Answers of which a piece waits for the client.
    sending: usize,
    /// When something moved last.
    moved: Instant,
}

impl Movement {
    pub(super) fn begin() -> Self {
        Self(Arc::new(Mutex::new(State { open: 0, sending: 0, moved: Instant::now() })))
    }

    /// A request has come.
    pub(super) fn ask(&self) -> Asked {
        self.moves(|state| state.open += 1);
        Asked { movement: self.clone(), is_sending: false }
    }

    /// Returns when nothing has moved for too long.
    pub(super) async fn ceases(&self, times: Times) -> End {
        loop {
            let now = Instant::now();
            let (deadline, end) = {
                let state = self.state();
                match (state.open, state.sending) {
                    (0, _) => (state.moved + times.idle, Some(End::Idle)),
                    (_, 0) => (now + times.idle.min(times.stalled), None),
                    _ => (state.moved + times.stalled, Some(End::Stalled)),
                }
            };
            match end {
                Some(end) if deadline <= now => return end,
                // Not longer than the shorter of the two: which of them counts may change meanwhile.
                _ => sleep_until(deadline.min(now + times.idle.min(times.stalled))).await,
            }
        }
    }

    fn moves(&self, how: impl FnOnce(&mut State)) {
        let mut state = self.state();
        how(&mut state);
        state.moved = Instant::now();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered whole.
#[derive(Debug)]
pub(super) struct Asked {
    movement: Movement,
    is_sending: bool,
}

impl Asked {
    /// The answer's body, watched as it goes out.
    pub(super) fn watch(self, body: Body) -> WatchedBody {
        WatchedBody { body, asked: self }
    }

    fn sends(&mut self, is_sending: bool) {
        let was = std::mem::replace(&mut self.is_sending, is_sending);
        self.movement.moves(|state| state.sending = state.sending - usize::from(was) + usize::from(is_sending));
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.sends(false);
        self.movement.moves(|state| state.open -= 1);
    }
}

/// A body that tells when a piece of it was handed over, and when the next one is wanted.
pub(super) struct WatchedBody {
    body: Body,
    asked: Asked,
}

impl hyper::body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.asked.sends(matches!(polled, Poll::Ready(Some(Ok(_)))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::time::timeout;

    use super::*;

    const TIMES: Times = Times { idle: Duration::from_secs(20), stalled: Duration::from_secs(60) };
    const SECOND: Duration = Duration::from_secs(1);

    async fn after(movement: &Movement, seconds: u32) -> Option<End> {
        timeout(SECOND * seconds, movement.ceases(TIMES)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_and_one_with_an_answer_under_way_is_not() {
        let movement = Movement::begin();
        assert_eq!((after(&movement, 19).await, after(&movement, 2).await), (None, Some(End::Idle)));
        let asked = movement.ask();
        assert_eq!(after(&movement, 600).await, None, "the handler takes its time");
        drop(asked);
        assert_eq!((after(&movement, 19).await, after(&movement, 2).await), (None, Some(End::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_no_more_of_any_answer_stalls_its_connection() {
        let movement = Movement::begin();
        let pieces = futures_util::stream::iter([1, 2, 3].map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"x"))));
        let mut body = movement.ask().watch(Body::from_stream(pieces));
        let other = movement.ask();
        body.frame().await.unwrap().unwrap();
        assert_eq!(after(&movement, 59).await, None);
        body.frame().await.unwrap().unwrap();
        assert_eq!((after(&movement, 59).await, after(&movement, 2).await), (None, Some(End::Stalled)));
        drop(body);
        assert_eq!(after(&movement, 600).await, None, "the other one is with its handler");
        drop(other);
        assert_eq!(after(&movement, 21).await, Some(End::Idle));
    }
}
