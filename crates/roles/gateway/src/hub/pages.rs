//! Pages of a channel's log: what one reader had to read there, others that are behind get from memory.
//!
//! Without this, readers that fall behind together would each read the log, fall behind further, and so on. So as many bytes
//! are kept as a ring keeps of a burst: whom the ring reached before its process died, or before a stall, stands within as many
//! bytes afterwards, and all of them come back at once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ports::room_log::{Record, RoomLogError};
use tokio::sync::Mutex as AsyncMutex;

use super::{
    Channel, LogReader,
    batches::{self, Form, fitting},
    kept_pages::KeptPages,
    ring::Limits,
};
use crate::{protocol::Published, websocket::Framed};

/// Publications on a page. Pages begin at offset 1, 101, 201 and so on, so that readers meet on them.
const PAGE_PUBLICATIONS: u64 = 100;
/// How long a page is kept. A change of the channel's past ends that at once; this is for changes nobody told of.
const KEPT: Duration = Duration::from_secs(5);

/// Publications as one frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) framed: Framed,
    pub(crate) publications: u64,
}

/// Publications in a row.
pub(super) struct Page {
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
pub(super) struct Pages {
    kept: Mutex<KeptPages>,
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
    /// None yet; of the limits those of a burst count.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { kept: Mutex::new(KeptPages::new(limits)), reading: AsyncMutex::default() }
    }

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
                self.kept().keep(page.clone());
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
        self.kept().retain(Page::is_recent);
    }

    /// Lets go of all pages.
    pub(super) fn forget_all(&self) {
        self.kept().retain(|_| false);
    }

    fn find(&self, channel: &Channel, first: u64) -> Option<Arc<Page>> {
        let page = self.kept().get(first)?;
        (page.past == channel.past_changes() && page.is_recent()).then_some(page)
    }

    fn kept(&self) -> MutexGuard<'_, KeptPages> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageFrom {
    fn new(page: Arc<Page>, from: u64) -> Self {
        Self { skip: (from - page.first) as usize, page }
    }
}

impl Page {
    /// The number of its first publication.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The bytes of its publications.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_recent(&self) -> bool {
        self.read_at.elapsed() < KEPT
    }

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;
    use kernel::Timestamp;
    use ports::room_log::{Appended, Entry, Head, RoomLog};
    use tokio::sync::Semaphore;

    use super::{super::ring::Bursts, *};
    use crate::needs::Room;

    const PUBLICATIONS: u64 = 15_000;

    /// A log that counts how often it is read.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl RoomLog for Counting {
        async fn head(&self, _: &str) -> Result<Head, RoomLogError> {
            Ok(Head { epoch: "e".into(), next: PUBLICATIONS + 1 })
        }
        async fn append(&self, _: &str, _: &str, _: u64, _: Vec<Entry>) -> Result<Appended, RoomLogError> {
            Err(RoomLogError::Engine("it is only read".into()))
        }
        async fn read(&self, _: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let data = Bytes::from_static(&[b'1'; 146]);
            let record = |offset| Record { offset, at: Timestamp::from_millis(0), data: data.clone(), about: None };
            Ok((from..=PUBLICATIONS).take(limit).map(record).collect())
        }
        async fn offsets_of(&self, _: &str, _: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
            Err(RoomLogError::Engine("it is only read".into()))
        }
    }

    /// How often the log is read until readers who stand all over it, and take turns, are at its end.
    async fn reads(burst_bytes: usize, bursts: Arc<Bursts>) -> usize {
        let log = Arc::new(Counting::default());
        let reader = LogReader::new(Room::new(log.clone(), "a"), Arc::new(Semaphore::new(1)));
        let channel = Channel::new("a", Some(reader), Limits { publications: 1, bytes: 1, burst_bytes, bursts });
        let mut readers: Vec<u64> = (0..15).map(|number| 1 + number * PUBLICATIONS / 15).collect();
        while readers.iter().any(|from| *from <= PUBLICATIONS) {
            for from in readers.iter_mut().filter(|from| **from <= PUBLICATIONS) {
                let page = channel.page(*from).await.unwrap();
                *from += page.publications().len() as u64;
            }
        }
        log.0.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn readers_who_stand_within_a_burst_read_each_page_once() {
        let bursts = Bursts::new(64 << 20);
        let pages = (PUBLICATIONS / PAGE_PUBLICATIONS) as usize;
        assert_eq!(reads(32 << 20, bursts.clone()).await, pages);
        assert_eq!(bursts.used(), 0, "a channel that is gone keeps nothing");
    }

    #[tokio::test]
    async fn pages_are_bounded_by_their_channel_and_by_all_channels_together() {
        let pages = (PUBLICATIONS / PAGE_PUBLICATIONS) as usize;
        assert!(reads(0, Bursts::new(64 << 20)).await > 2 * pages, "no more than at rest");
        assert!(reads(32 << 20, Bursts::new(0)).await > 2 * pages, "the memory of all channels is used up");
    }
}
