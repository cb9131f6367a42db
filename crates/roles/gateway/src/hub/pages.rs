//! Pages of a channel's log: what one reader had to read there, others that are behind get from memory.
//!
//! Without this, readers that fall behind together would each read the log, fall behind further, and so on.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use ports::room_log::{Record, RoomLogError};
use tokio::sync::Mutex as AsyncMutex;

use super::{
    Channel, LogReader,
    batches::{BATCH_BYTES_MAX, join},
};
use crate::protocol::{Push, Text};

/// Publications on a page. Pages begin at offset 1, 101, 201 and so on, so that readers meet on them.
const PAGE_PUBLICATIONS: u64 = 100;
/// Bytes of pages a channel keeps, besides the newest page.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// How long a page is kept. A change of the channel's past ends that at once; this is for changes nobody told of.
const KEPT: Duration = Duration::from_secs(5);

/// Pushes joined to one text.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) text: Text,
    pub(crate) publications: u64,
}

/// Publications in a row.
struct Page {
    first: u64,
    pushes: Vec<Push>,
    bytes: usize,
    frames: OnceLock<Vec<Frame>>,
    /// How often the channel's past had been changed when it was read.
    past: u64,
    read_at: Instant,
}

/// A page from some place on.
pub(crate) struct PageFrom {
    page: Arc<Page>,
    skip: usize,
}

/// The pages of one channel that were read lately.
#[derive(Default)]
pub(super) struct Pages {
    kept: Mutex<VecDeque<Arc<Page>>>,
    /// Held while a page is read: who wants the same one waits for it.
    reading: AsyncMutex<()>,
}

impl PageFrom {
    /// The publications from the place on; none when the log does not hold the place.
    pub(crate) fn pushes(&self) -> &[Push] {
        self.page.pushes.get(self.skip..).unwrap_or_default()
    }

    /// The same as frames; all who begin at the same place of a page share them.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        match self.skip {
            0 => self.page.frames.get_or_init(|| frames(&self.page.pushes)).clone(),
            _ => frames(self.pushes()),
        }
    }
}

impl Pages {
    /// What the log of `channel` holds from `from` on, up to the end of a page.
    pub(super) async fn page(&self, channel: &Channel, log: &LogReader, from: u64) -> Result<PageFrom, RoomLogError> {
        let first = from - from.saturating_sub(1) % PAGE_PUBLICATIONS;
        if let Some(page) = self.find(channel, first) {
            return Ok(PageFrom::new(page, from));
        }
        {
            let _reading = self.reading.lock().await;
            if let Some(page) = self.find(channel, first) {
                return Ok(PageFrom::new(page, from));
            }
            let page = Page::read(channel, log, first).await?;
            let count = page.pushes.len() as u64;
            if count == PAGE_PUBLICATIONS && page.past == channel.past_changes() {
                self.keep(page.clone());
            }
            if first + count > from {
                return Ok(PageFrom::new(page, from));
            }
        }
        // The log does not hold all of the page, but perhaps this place.
        Ok(PageFrom::new(Page::read(channel, log, from).await?, from))
    }

    /// Lets go of pages that are kept long enough.
    pub(super) fn forget(&self) {
        self.kept().retain(|page| page.read_at.elapsed() < KEPT);
    }

    /// Lets go of all pages.
    pub(super) fn forget_all(&self) {
        self.kept().clear();
    }

    fn find(&self, channel: &Channel, first: u64) -> Option<Arc<Page>> {
        let past = channel.past_changes();
        let kept = self.kept();
        let fits = |page: &&Arc<Page>| page.first == first && page.past == past && page.read_at.elapsed() < KEPT;
        kept.iter().find(fits).cloned()
    }

    fn keep(&self, page: Arc<Page>) {
        let mut kept = self.kept();
        let mut bytes: usize = kept.iter().map(|page| page.bytes).sum();
        while bytes > KEPT_BYTES_MAX
            && let Some(oldest) = kept.pop_front()
        {
            bytes -= oldest.bytes;
        }
        kept.push_back(page);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Page>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageFrom {
    fn new(page: Arc<Page>, from: u64) -> Self {
        Self { skip: (from - page.first) as usize, page }
    }
}

impl Page {
    /// Reads a page from `first` on.
    async fn read(channel: &Channel, log: &LogReader, first: u64) -> Result<Arc<Self>, RoomLogError> {
        let past = channel.past_changes();
        let (epoch, ..) = channel.position();
        let records = log.read(first, PAGE_PUBLICATIONS as usize).await?;
        Ok(Arc::new(Self::new(channel.name(), &epoch, first, &records, past)))
    }

    /// The records from `first` on, as far as they are contiguous.
    fn new(channel: &str, epoch: &str, first: u64, records: &[Record], past: u64) -> Self {
        let contiguous = records.iter().zip(first..).take_while(|(record, offset)| record.offset == *offset);
        let pushes: Vec<Push> =
            contiguous.map(|(record, offset)| Push::positioned(channel, &record.data, offset, epoch)).collect();
        let bytes = pushes.iter().map(|push| push.text().len()).sum();
        Self { first, pushes, bytes, frames: OnceLock::new(), past, read_at: Instant::now() }
    }
}

fn frames(mut pushes: &[Push]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !pushes.is_empty() {
        let mut bytes = 0;
        let fitting = pushes.iter().take_while(|push| {
            bytes += push.text().len() + 1;
            bytes <= BATCH_BYTES_MAX
        });
        let (now, later) = pushes.split_at(fitting.count().clamp(1, pushes.len()));
        frames.push(Frame { text: join(now.iter().map(Push::text)), publications: now.len() as u64 });
        pushes = later;
    }
    frames
}
