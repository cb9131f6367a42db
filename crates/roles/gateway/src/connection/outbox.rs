//! Replies and other short texts that wait to be sent, in order.

use std::collections::VecDeque;

use crate::{hub::BATCH_BYTES_MAX, protocol::Text};

/// What waits. Its size is bounded by its owner, who takes no more commands while there is too much.
#[derive(Default)]
pub(super) struct Outbox {
    texts: VecDeque<String>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn push(&mut self, text: String) {
        self.bytes += text.len();
        self.texts.push_back(text);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next frame: as many texts as fit, joined by line feeds.
    pub(super) fn next_frame(&mut self) -> Option<Text> {
        let mut frame = self.texts.pop_front()?;
        self.bytes -= frame.len();
        while let Some(text) = self.texts.pop_front_if(|text| frame.len() + 1 + text.len() <= BATCH_BYTES_MAX) {
            self.bytes -= text.len();
            frame.push('\n');
            frame.push_str(&text);
        }
        if self.texts.is_empty() {
            // Idle connections keep no buffer.
            self.texts = VecDeque::new();
        }
        Some(frame.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_share_a_frame_and_long_ones_do_not() {
        let mut outbox = Outbox::default();
        outbox.push("{}".into());
        outbox.push("{\"id\":1}".into());
        outbox.push("x".repeat(BATCH_BYTES_MAX));
        assert_eq!(outbox.next_frame().as_deref(), Some("{}\n{\"id\":1}"));
        assert_eq!(outbox.bytes(), BATCH_BYTES_MAX);
        assert_eq!(outbox.next_frame().map(|frame| frame.len()), Some(BATCH_BYTES_MAX));
        assert!(outbox.next_frame().is_none() && outbox.is_empty() && outbox.bytes() == 0);
    }
}
