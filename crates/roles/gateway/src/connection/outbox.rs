//! Replies and other messages that wait to be sent, in order.

use super::seldom::Seldom;
use crate::{
    hub::BATCH_BYTES_MAX,
    protocol::{Encoding, Message, encode},
    websocket::Framed,
};

/// What waits. Its size is bounded by its owner, who takes no more commands while there is too much, and ends the
/// connection when there is far too much.
pub(super) struct Outbox {
    encoding: Encoding,
    messages: Seldom<Vec<u8>>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, messages: Seldom::default(), bytes: 0 }
    }

    pub(super) fn push(&mut self, message: &Message) {
        self.push_encoded(encode(self.encoding, message));
    }

    pub(super) fn push_encoded(&mut self, message: Vec<u8>) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next frame: as many messages as fit.
    pub(super) fn next_frame(&mut self) -> Option<Framed> {
        let mut frame = self.messages.pop_front()?;
        self.bytes -= frame.len();
        while let Some(message) = self.messages.pop_front_if(|one| frame.len() + 1 + one.len() <= BATCH_BYTES_MAX) {
            self.bytes -= message.len();
            self.encoding.append(&mut frame, &message);
        }
        Some(self.encoding.frame(&frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_messages_share_a_frame_and_long_ones_do_not() {
        for (encoding, both) in [(Encoding::Json, "{}\n{\"id\":1}"), (Encoding::Protobuf, "{}{\"id\":1}")] {
            let mut outbox = Outbox::new(encoding);
            outbox.push_encoded(b"{}".to_vec());
            outbox.push_encoded(b"{\"id\":1}".to_vec());
            outbox.push_encoded(vec![b'x'; BATCH_BYTES_MAX]);
            assert_eq!(outbox.next_frame().unwrap().payload(), both.as_bytes());
            assert_eq!(outbox.bytes(), BATCH_BYTES_MAX);
            assert_eq!(outbox.next_frame().map(|frame| frame.payload_bytes()), Some(BATCH_BYTES_MAX));
            assert!(outbox.next_frame().is_none() && outbox.is_empty() && outbox.bytes() == 0);
        }
    }
}
