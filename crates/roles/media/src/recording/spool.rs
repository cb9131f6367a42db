//! One broadcast's spool: appends parts to segment files and lines to the journal.
//!
//! After a failed write both files are cut back to their last good length, so that what follows never lands behind a
//! torn piece; the segment ends where it is good, and the next one is tried afresh.

use std::{io, path::PathBuf};

use bytes::Bytes;
use kernel::BroadcastId;

use super::{disk::Disk, entry::Entry, files};
use crate::packager::{Change, Init, Segment, SegmentName, Ticks};

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Closed {
    /// It is in the spool as it was packaged.
    Whole(Segment),
    /// Only its beginning is in the spool.
    Short(Segment),
    /// Nothing of it is.
    Nothing(Segment),
}

struct Open<F> {
    segment: Segment,
    file: Option<F>,
    ticks: Ticks,
    bytes: u64,
    torn: bool,
}

/// Where one broadcast is written.
pub(super) struct Spool<D: Disk> {
    pub(super) broadcast: BroadcastId,
    disk: D,
    folder: PathBuf,
    /// The first line, until it is written.
    began: Option<Entry>,
    journal: Option<D::File>,
    journal_bytes: u64,
    /// The initialisation segment that was written last.
    init: Option<SegmentName>,
    open: Option<Open<D::File>>,
    failing: bool,
}

impl<D: Disk> Spool<D> {
    /// A new spool, its journal beginning with this line.
    pub(super) fn new(disk: D, folder: PathBuf, broadcast: BroadcastId, began: Entry) -> Self {
        Self { began: Some(began), ..Self::restored(disk, folder, broadcast, 0, None) }
    }

    /// A spool from before a restart: its journal is good up to `journal_bytes`, and `init` was written last.
    pub(super) fn restored(
        disk: D,
        folder: PathBuf,
        broadcast: BroadcastId,
        journal_bytes: u64,
        init: Option<SegmentName>,
    ) -> Self {
        Self { broadcast, disk, folder, began: None, journal: None, journal_bytes, init, open: None, failing: false }
    }

    /// Whether the latest write failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing
    }

    /// Writes down what the packager has done. Returns what became of a segment when one is complete.
    pub(super) fn take(&mut self, change: Change) -> Option<Closed> {
        match change {
            Change::Opened { segment, init } => {
                let before = self.close(false);
                let written = self.init(segment.init, &init).and_then(|()| self.begin(segment));
                let torn = self.note(written).is_none();
                if torn {
                    self.open = Some(Open { segment, file: None, ticks: 0, bytes: 0, torn });
                }
                before
            }
            Change::Grown { name, duration, bytes } => {
                let fits = self.open.as_ref().is_some_and(|open| open.segment.name == name && !open.torn);
                if fits {
                    let written = self.grow(duration, &bytes);
                    if self.note(written).is_none() {
                        self.tear();
                    }
                }
                None
            }
            Change::Closed { segment } => {
                let whole = self.open.as_ref().is_some_and(|open| open.bytes == segment.bytes);
                self.close(whole)
            }
        }
    }

    /// Writes any line.
    pub(super) fn note_entry(&mut self, entry: &Entry) -> bool {
        let written = self.line(entry);
        self.note(written).is_some()
    }

    /// Completes what is open with what there is of it.
    pub(super) fn finish(&mut self) -> Option<Closed> {
        self.close(false)
    }

    /// Removes everything.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.journal = None;
        self.open = None;
        self.disk.remove_folder(&self.folder)
    }

    fn init(&mut self, name: SegmentName, init: &Init) -> io::Result<()> {
        if self.init == Some(name) {
            return Ok(());
        }
        self.disk.create_folder(&self.folder)?;
        let mut file = self.disk.open(&self.folder.join(files::init_file(name)), 0)?;
        self.disk.append(&mut file, &init.bytes)?;
        // Without it nothing of the show can be played: it must not be lost when the line that names it is not.
        self.disk.sync(&mut file)?;
        self.disk.sync_folder(&self.folder)?;
        if let (true, Some(spool)) = (self.began.is_some(), self.folder.parent()) {
            self.disk.sync_folder(spool)?;
        }
        self.line(&Entry::Init { name, description: init.description.clone() })?;
        self.init = Some(name);
        Ok(())
    }

    fn begin(&mut self, segment: Segment) -> io::Result<()> {
        let file = self.disk.open(&self.folder.join(files::segment_file(segment.name)), 0)?;
        self.line(&Entry::Opened { segment })?;
        self.open = Some(Open { segment, file: Some(file), ticks: 0, bytes: 0, torn: false });
        Ok(())
    }

    fn grow(&mut self, ticks: Ticks, bytes: &Bytes) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(file) = &mut open.file {
            self.disk.append(file, bytes)?;
        }
        let bytes = bytes.len() as u64;
        self.line(&Entry::Part { ticks, bytes })?;
        if let Some(open) = &mut self.open {
            open.ticks += ticks;
            open.bytes += bytes;
        }
        Ok(())
    }

    /// The open segment takes no more parts; its file ends with its last good one.
    fn tear(&mut self) {
        let Some(open) = &mut self.open else { return };
        open.torn = true;
        if let Some(file) = &mut open.file
            && let Err(error) = self.disk.cut(file, open.bytes)
        {
            tracing::error!(%error, broadcast = %self.broadcast, "a torn part could not be cut off");
            open.bytes = 0;
        }
    }

    fn close(&mut self, whole: bool) -> Option<Closed> {
        let open = self.open.take()?;
        let segment = Segment { duration: open.ticks, bytes: open.bytes, ..open.segment };
        let written = self.line(&Entry::Closed { ticks: open.ticks, bytes: open.bytes, renamed: None });
        let noted = self.note(written).is_some();
        Some(match (open.bytes > 0 && noted, whole && !open.torn) {
            (true, true) => Closed::Whole(segment),
            (true, false) => Closed::Short(segment),
            (false, _) => Closed::Nothing(segment),
        })
    }

    fn line(&mut self, entry: &Entry) -> io::Result<()> {
        if let Some(began) = &self.began {
            let began = began.line();
            self.append(&began)?;
            self.began = None;
        }
        self.append(&entry.line())
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.journal.is_none() {
            self.disk.create_folder(&self.folder)?;
            self.journal = Some(self.disk.open(&files::journal(&self.folder), self.journal_bytes)?);
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let appended = self.disk.append(journal, line);
        if appended.is_err() {
            // Opened anew, and with that cut to its good length, at the next line.
            self.journal = None;
        } else {
            self.journal_bytes += line.len() as u64;
        }
        appended
    }

    /// Logs the first failure and the recovery, and nothing between.
    fn note(&mut self, written: io::Result<()>) -> Option<()> {
        match written {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(broadcast = %self.broadcast, "recording goes on");
                }
                Some(())
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, broadcast = %self.broadcast, "recording has a gap: the spool cannot be written");
                }
                None
            }
        }
    }
}
