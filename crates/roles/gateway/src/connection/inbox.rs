//! Commands that wait for their turn, in order.

use bytes::Bytes;

use super::seldom::Seldom;
use crate::protocol::{Command, Request};

/// While so many commands wait, no more are read.
const COMMANDS_MAX: usize = 256;
/// While commands of so many bytes wait, no more are read.
const BYTES_MAX: usize = 128 << 10;
/// Publications that are handed on together at the most.
const PUBLISH_GROUP_MAX: usize = 256;

/// A command that waits.
pub(super) struct Waiting {
    pub(super) command: Command,
    /// How long it was on the wire: it holds no more than that.
    pub(super) bytes: usize,
    /// There are too many: it fails when its turn comes.
    pub(super) too_many: bool,
}

impl Waiting {
    fn publishes_into(&self, channel: &str) -> bool {
        let same =
            matches!(&self.command.request, Request::Publish { channel: into, data: Some(_) } if into == channel);
        same && self.command.id > 0 && !self.too_many
    }
}

/// What waits. Beyond `is_full` there is one frame's worth of commands at the most.
#[derive(Default)]
pub(super) struct Inbox {
    /// In boxes: a connection is not to be larger for what it seldom has.
    waiting: Seldom<Box<Waiting>>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= COMMANDS_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.bytes;
        self.waiting.push_back(Box::new(waiting));
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        self.pop_if(|_| true)
    }

    /// The publications into `channel` that come right behind `first`, with their ids, and `first`.
    pub(super) fn publish_group(&mut self, channel: &str, id: u32, first: Bytes) -> (Vec<u32>, Vec<Bytes>) {
        let (mut ids, mut group) = (vec![id], vec![first]);
        while group.len() < PUBLISH_GROUP_MAX
            && let Some(waiting) = self.pop_if(|waiting| waiting.publishes_into(channel))
        {
            if let Request::Publish { data: Some(data), .. } = waiting.command.request {
                ids.push(waiting.command.id);
                group.push(data);
            }
        }
        (ids, group)
    }

    fn pop_if(&mut self, wanted: impl FnOnce(&Waiting) -> bool) -> Option<Waiting> {
        let waiting = self.waiting.pop_front_if(|waiting| wanted(waiting))?;
        self.bytes -= waiting.bytes;
        Some(*waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Encoding, decode};

    fn fill(inbox: &mut Inbox, line: &str) -> usize {
        let mut count = 0;
        while !inbox.is_full() {
            for decoded in decode(Encoding::Json, line.as_bytes()).unwrap() {
                inbox.push(Waiting { command: decoded.command, bytes: decoded.bytes, too_many: false });
                count += 1;
            }
        }
        count
    }

    #[test]
    fn commands_weigh_what_they_were_on_the_wire_whatever_they_are() {
        let long = "x".repeat(30_000);
        for line in [
            format!("{{\"id\":1,\"publish\":{{\"channel\":\"a\",\"data\":\"{long}\"}}}}"),
            format!("{{\"id\":1,\"publish\":{{\"channel\":\"{long}\",\"data\":1}}}}"),
            format!("{{\"id\":1,\"unsubscribe\":{{\"channel\":\"{long}\"}}}}"),
            format!("{{\"id\":1,\"rpc\":{{\"method\":\"{long}\"}}}}"),
        ] {
            let mut inbox = Inbox::default();
            assert_eq!(fill(&mut inbox, &line), 5);
            while inbox.pop().is_some() {}
            assert_eq!(inbox.bytes, 0);
            assert_eq!(fill(&mut inbox, "{\"id\":1,\"ping\":{}}"), COMMANDS_MAX);
        }
    }
}
