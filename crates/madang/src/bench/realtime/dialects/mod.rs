//! How servers are spoken to. One load speaks to all of them, so that what is compared is the same work.

mod bare;
mod centrifuge;
mod nats;
mod nchan;
mod redis;

pub(crate) use self::{bare::Bare, centrifuge::Centrifuge, nats::Nats, nchan::Nchan, redis::Redis};

/// What a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// It gets what is sent to a room; one that comes back gets what follows the place where it was.
    Viewer(Option<Position>),
    /// It sends to rooms, and gets nothing but acknowledgements.
    Sender,
}

/// A place in the log of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    /// Of the last message that was received; 0: none was.
    pub(crate) offset: u64,
}

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The connection can do what it is for. The text is the epoch of the room's log, where there is one.
    Ready(&'a str),
    Message {
        payload: &'a [u8],
        offset: Option<u64>,
    },
    /// A message of this connection is safe, as this server understands it. The number is the message's where the server
    /// tells it; otherwise it is the oldest one.
    Acknowledged(Option<usize>),
    /// A message or the connection was refused; the text says why.
    Refused(&'a [u8]),
    /// The connection is to end and come back; the text says why.
    Leave(&'a [u8]),
    /// The server wants these bytes back.
    Ping(&'static [u8]),
}

/// A dialect. All of them are WebSocket's or plain TCP's.
pub(crate) trait Dialect {
    /// Whether each message is acknowledged to its sender.
    const ACKNOWLEDGES: bool;
    /// Whether a viewer can come back to where it was.
    const RESUMES: bool = false;

    /// The path of the WebSocket; none: what follows goes over the connection as it is.
    fn path(&self, part: &Part, room: &str) -> Option<String>;

    /// What a connection says first, once it is open. Nothing: it is ready then.
    fn greeting(&self, part: &Part, room: &str) -> Vec<u8>;

    /// Appends the sending of one message; `number` counts the connection's messages.
    fn send(&self, room: &str, number: usize, payload: &[u8], out: &mut Vec<u8>);

    /// Reads what is whole in `buffer`, and says how far that reaches. `left` belongs to the connection.
    fn read(&self, left: &mut usize, buffer: &mut [u8], said: impl FnMut(Said<'_>)) -> std::io::Result<usize>;
}

/// A dialect in which procedures are called. What they answer is an acknowledgement.
pub(crate) trait Calls {
    /// Appends one call; `number` counts the connection's messages.
    fn call(&self, number: usize, method: &str, data: &serde_json::Value, out: &mut Vec<u8>);
}
