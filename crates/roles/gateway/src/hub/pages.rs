//! Pages of a channel's log: what one reader had to read there, others that are behind get from memory.
//!
//! Without this, readers that fall behind together would each read the log, fall behind further, and so on.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ports::room_log::{Record, RoomLogError};
use tokio::sync::Mutex as AsyncMutex;

use super::{
    Channel, LogReader,
    batches::{self, Form, fitting},
};
use crate::{protocol::Published, websocket::Framed};

/// Publications on a page. Pages begin at offset 1, 101, 201 and so on, so that readers meet on them.
const PAGE_PUBLICATIONS: u64 = 100;
/// Bytes of pages a channel keeps, besides the newest page.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// How long a page is kept. A change of the channel's past ends that at once; this is for changes nobody told of.
const KEPT: Duration = Duration::from_secs(5);

/// Publications as one frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) framed: Framed,
    pub(crate) publications: u64,
}

/// Publications in a row.
struct Page {
    first: u64,
    publications: Vec<Arc<Published>>,
    bytes: usize,
    /// The whole page as frames, in the forms that were asked for.
    frames: Mutex<Vec<(Form, Vec<Frame>)>>,
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
    pub(crate) fn publications(&self) -> &[Arc<Published>] {
        self.page.publications.get(self.skip..).unwrap_or_default()
    }

    /// The same as frames; all who begin at the same place of a page share them.
    pub(crate) fn frames(&self, channel: &str, form: Form) -> Vec<Frame> {
        if self.skip > 0 {
            return frames(channel, form, self.publications());
        }
        let mut made = self.page.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frames)) = made.iter().find(|(of, _)| *of == form) {
            return frames.clone();
        }
        let frames = frames(channel, form, &self.page.publications);
        made.push((form, frames.clone()));
        frames
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
            let count = page.publications.len() as u64;
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
        Ok(Arc::new(Self::new(&epoch, first, records, past)))
    }

    /// The records from `first` on, as far as they are contiguous.
    fn new(epoch: &Arc<str>, first: u64, records: Vec<Record>, past: u64) -> Self {
        let contiguous = records.into_iter().zip(first..).take_while(|(record, offset)| record.offset == *offset);
        let published =
            |(record, offset): (Record, u64)| Arc::new(Published::positioned(record.data, record.about, offset, epoch));
        let publications: Vec<Arc<Published>> = contiguous.map(published).collect();
        let bytes = publications.iter().map(|published| published.size()).sum();
        Self { first, publications, bytes, frames: Mutex::default(), past, read_at: Instant::now() }
    }
}

fn frames(channel: &str, form: Form, mut publications: &[Arc<Published>]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !publications.is_empty() {
        let (now, later) = publications.split_at(fitting(channel, publications.iter()));
        let framed = batches::frame(channel, form, None, now.iter());
        frames.push(Frame { framed, publications: now.len() as u64 });
        publications = later;
    }
    frames
}
