//! A short recording that can be sent once or round and round, with time running on.

use bytes::Bytes;

use super::{FileError, read_file};
use crate::codec::{Tag, TagKind};

/// Tags in their order, and how long they last.
#[derive(Debug, Clone)]
pub struct Clip {
    tags: Vec<Tag>,
    duration_ms: u64,
}

impl Clip {
    /// Reads an FLV file.
    ///
    /// # Errors
    /// [`FileError`] when it is no FLV file, ends within a tag, or has no sound and no picture.
    pub fn from_flv(file: Bytes) -> Result<Self, FileError> {
        let tags = read_file(file)?;
        let durations = [TagKind::Video, TagKind::Audio].into_iter().filter_map(|kind| duration_ms(&tags, kind));
        let duration_ms = durations.max().filter(|duration| *duration > 0).ok_or(FileError::Empty)?;
        Ok(Self { tags, duration_ms })
    }

    /// How long a round takes: that of the longer of sound and picture, wherever each begins.
    pub const fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    /// The tag at `position`, counted on through as many rounds as it takes, and when it is due in milliseconds from
    /// the start. Its timestamp is that time too, and wraps at 2^32.
    pub fn tag(&self, position: u64) -> Option<(u64, Tag)> {
        let count = self.tags.len() as u64;
        let tag = self.tags.get(usize::try_from(position.checked_rem(count)?).ok()?)?;
        let due_ms = position / count * self.duration_ms + u64::from(tag.timestamp_ms);
        Some((due_ms, Tag { timestamp_ms: due_ms as u32, ..tag.clone() }))
    }

    /// How many tags one round has.
    pub const fn tags(&self) -> u64 {
        self.tags.len() as u64
    }
}

/// From the first frame of a kind to the end of the last, taking that to last as long as the one before.
fn duration_ms(tags: &[Tag], kind: TagKind) -> Option<u64> {
    let frames = tags.iter().filter(|tag| tag.kind == kind && !is_configuration(tag));
    let mut times = frames.map(|tag| u64::from(tag.timestamp_ms));
    let first = times.next()?;
    let (mut last, mut interval) = (first, 0);
    for time in times {
        interval = if time > last { time - last } else { interval };
        last = last.max(time);
    }
    Some(last + interval - first)
}

/// Whether the tag begins or ends a sequence and so takes no time (see the tag headers in `audio` and `video`).
fn is_configuration(tag: &Tag) -> bool {
    let [head, second, ..] = tag.body[..] else { return true };
    let enhanced = match tag.kind {
        TagKind::Video => head & 0x80 != 0,
        TagKind::Audio => head >> 4 == 9,
        TagKind::Data => return true,
    };
    matches!(if enhanced { head & 0x0f } else { second }, 0 | 2)
}
