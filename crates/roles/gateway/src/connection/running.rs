//! A connection's life as one future. There is one for each that is open, so it holds no more than it needs at the time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll, ready},
};

use tokio::time::{Sleep, sleep};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{CLOSE_TIMEOUT, Connection, lock};

/// Serves a client until one of both has enough, and sees it off.
pub(crate) struct Running {
    connection: Arc<Mutex<Connection>>,
    /// When the farewell is over, once it has begun.
    farewell_ends: Option<Pin<Box<Sleep>>>,
    /// Dropped last: it is counted as open until then.
    _counted: TaskTrackerToken,
}

impl Running {
    pub(super) fn begin(connection: Arc<Mutex<Connection>>) -> Self {
        // Only a borrowed one: what is in its channels must not keep it.
        let outlet: Weak<Mutex<Connection>> = Arc::downgrade(&connection);
        let counted = {
            let mut connection = lock(&connection);
            connection.opened(outlet);
            connection.shared.connections.token()
        };
        Self { connection, farewell_ends: None, _counted: counted }
    }
}

impl Future for Running {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { connection, farewell_ends, .. } = self.get_mut();
        let mut connection = lock(connection);
        let ends = match farewell_ends {
            Some(ends) => ends,
            None => {
                let why = ready!(connection.poll_end_or_panic(context));
                connection.ended(&why);
                farewell_ends.insert(Box::pin(sleep(CLOSE_TIMEOUT)))
            }
        };
        match connection.transport.poll_farewell(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => ends.as_mut().poll(context),
        }
    }
}
