//! Request bodies that end in time.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A body that fails when its client takes too long to send it. A timer exists only once there is something to wait for.
pub(crate) struct TimelyBody {
    incoming: Incoming,
    timeout: Duration,
    asked: bool,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Why there is no whole body.
pub(crate) enum NotWhole {
    /// It is larger than `max` bytes.
    TooLarge { max: usize },
    /// It ended early, or not in time.
    Broken,
}

/// The whole of a body of at most `max` bytes. What came in one piece is not copied.
pub(crate) async fn whole(mut body: TimelyBody, max: usize) -> Result<Bytes, NotWhole> {
    let announced = body.size_hint().exact();
    if body.size_hint().lower() > max as u64 {
        return Err(NotWhole::TooLarge { max });
    }
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| NotWhole::Broken)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > max {
            return Err(NotWhole::TooLarge { max });
        }
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
        // With its last byte the body is whole; its end would be told one turn of the connection later.
        if announced == Some((first.len() + rest.len()) as u64) {
            break;
        }
    }
    Ok(if rest.is_empty() { first } else { [first, rest.freeze()].concat().into() })
}

impl TimelyBody {
    pub(crate) fn new(incoming: Incoming, timeout: Duration) -> Self {
        Self { incoming, timeout, asked: false, waiting: None }
    }
}

impl Body for TimelyBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        if !std::mem::replace(&mut self.asked, true) {
            // The connection reads a body once it is asked for; most have come with their heads and need no timer.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the body did not end in time".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
