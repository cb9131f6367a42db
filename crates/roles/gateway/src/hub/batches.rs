//! Several pushes as one text, made once for all the connections that stand at the same place.

use crate::protocol::Text;

/// Pushes in one frame at the most.
pub(crate) const BATCH_PUBLICATIONS_MAX: usize = 128;
/// Bytes in one frame, unless one push alone is longer. Each connection keeps a buffer for its largest frame.
pub(crate) const BATCH_BYTES_MAX: usize = 16 << 10;

/// How many batches are remembered: readers of one channel stand at few places at a time.
const REMEMBERED: usize = 4;

/// The batches made last.
#[derive(Default)]
pub(super) struct Batches {
    made: [Option<Batch>; REMEMBERED],
    oldest: usize,
}

struct Batch {
    from: u64,
    to: u64,
    text: Text,
}

impl Batches {
    /// The pushes `from..to`, whose texts are `texts`, joined by line feeds.
    pub(super) fn joined<'a>(&mut self, from: u64, to: u64, texts: impl Iterator<Item = &'a Text> + Clone) -> Text {
        if to - from == 1
            && let Some(only) = texts.clone().next()
        {
            return only.clone();
        }
        if let Some(made) = self.made.iter().flatten().find(|batch| batch.from == from && batch.to == to) {
            return made.text.clone();
        }
        let text = join(texts);
        if let Some(place) = self.made.get_mut(self.oldest) {
            *place = Some(Batch { from, to, text: text.clone() });
        }
        self.oldest = (self.oldest + 1) % REMEMBERED;
        text
    }
}

/// The texts joined by line feeds.
pub(crate) fn join<'a>(texts: impl Iterator<Item = &'a Text> + Clone) -> Text {
    let mut joined = String::with_capacity(texts.clone().map(|text| text.len() + 1).sum());
    for text in texts {
        if !joined.is_empty() {
            joined.push('\n');
        }
        joined.push_str(text);
    }
    joined.into()
}
