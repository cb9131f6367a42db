//! What is left of a recording when the process dies at any byte, or the disk refuses at any write.

mod endings;
pub(crate) mod gated;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use kernel::{BroadcastId, Timestamp};

use super::{
    disk::{Disk, LocalDisk},
    entry::{End, Entry},
    files,
    journal::Journal,
    restore::restore,
    sealing::Sealer,
    show_take::ShowTake,
    spool::Spool,
};
use crate::packager::{
    Change, Description, Init, Output, Part, Segment, SegmentName, TICKS_PER_MS, Window, WindowLimits,
};
use crate::take::Take;

const BROADCAST: BroadcastId = BroadcastId::from_raw(5);
const LIMITS: WindowLimits = WindowLimits { length_ms: 600_000, recorded: true };
const PART_TICKS: i64 = 200 * TICKS_PER_MS;
const PARTS: usize = 4;

/// What the packager says about segments of four parts, each part with its own bytes.
fn changes(segments: usize) -> Vec<Change> {
    changes_of(Take::default(), 0, segments)
}

/// The same of a take that begins there.
fn changes_of(take: Take, begin: i64, segments: usize) -> Vec<Change> {
    let mut window = Window::of_take(LIMITS, Timestamp::from_millis(1_000), take, 0);
    let description = Description { codecs: "avc1.64001f".into(), resolution: Some((16, 16)) };
    let init = Arc::new(Init { description, bytes: Bytes::from_static(b"initialisation") });
    let mut outputs = Vec::new();
    for segment in 0..segments {
        let start = begin + (segment * PARTS) as i64 * PART_TICKS;
        outputs.push(Output::Opened { start, init: init.clone(), discontinuity: false, independent: true });
        for part in 0..PARTS {
            let start = start + part as i64 * PART_TICKS;
            let bytes = Bytes::from(format!("[segment {segment} part {part}]"));
            outputs.push(Output::Part(Part { start, duration: PART_TICKS, independent: part == 0, bytes }));
        }
        outputs.push(Output::Closed);
    }
    outputs.into_iter().filter_map(|output| window.apply(output)).collect()
}

fn whole(segment: u64) -> String {
    (0..PARTS).map(|part| format!("[segment {segment} part {part}]")).collect()
}

/// Everything that was asked of the disk, in order.
#[derive(Debug, Clone, Default)]
struct Notebook(Arc<Mutex<Vec<Write>>>);

/// Bytes that were appended to a file; none where it was opened.
type Write = (PathBuf, Vec<u8>);

impl Disk for Notebook {
    type File = PathBuf;

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn open(&self, path: &Path, _: u64) -> io::Result<PathBuf> {
        self.0.lock().unwrap().push((path.to_owned(), Vec::new()));
        Ok(path.to_owned())
    }
    fn append(&self, file: &mut PathBuf, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().push((file.clone(), bytes.to_vec()));
        Ok(())
    }
    fn cut(&self, _: &mut PathBuf, _: u64) -> io::Result<()> {
        unreachable!("nothing fails here")
    }
    fn sync(&self, _: &mut PathBuf) -> io::Result<()> {
        Ok(())
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn remove_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn record<D: Disk>(disk: D, spool: &Path, changes: Vec<Change>) -> Spool<D> {
    let began = Entry::Began { timeline_start_ms: 1_000, sequence: 0, discontinuities: 0 };
    let mut recording = Spool::new(disk, files::folder(spool, BROADCAST), BROADCAST, began);
    for change in changes {
        recording.take(change);
    }
    recording
}

/// What a restart finds: each segment with the text of its file.
fn found(spool: &Path) -> Vec<(Segment, String)> {
    let restored = restore(spool, LIMITS, &Sealer::default());
    let segments: Vec<Segment> = match restored.first() {
        Some(show) => show.window.segments().map(|held| held.segment).collect(),
        None => Vec::new(),
    };
    let folder = files::folder(spool, BROADCAST);
    let read = |segment: Segment| {
        let text = fs::read_to_string(folder.join(files::segment_file(segment.name))).unwrap();
        (segment, text)
    };
    segments.into_iter().map(read).collect()
}

#[test]
fn a_take_that_is_restored_goes_on_behind_what_was_before_it() {
    let take = Take { number: 2, sequence: 40, discontinuities: 27 };
    for segments in [0, 3] {
        let folder = tempfile::tempdir().unwrap();
        let began = Entry::Began { timeline_start_ms: 1_000, sequence: 40, discontinuities: 27 };
        let first_line = began.line().len() as u64;
        let show = files::folder(folder.path(), ShowTake { broadcast: BROADCAST, take: 2 });
        let mut spool = Spool::new(LocalDisk, show.clone(), BROADCAST, began);
        for change in changes_of(take, 0, 3) {
            spool.take(change);
        }
        drop(spool);
        if segments == 0 {
            // The process died before more was written.
            fs::OpenOptions::new().write(true).open(files::journal(&show)).unwrap().set_len(first_line).unwrap();
        }
        let restored = restore(folder.path(), LIMITS, &Sealer::default());
        let window = &restored.first().expect("it was on air").window;
        let (sequence, discontinuities) = window.edge_numbers();
        assert_eq!(sequence, 40 + segments);
        assert!(discontinuities >= 27, "{discontinuities}");
        assert_eq!(window.next_name().take(), 2, "{segments}");
    }
}

#[test]
fn a_process_that_dies_at_any_byte_loses_at_most_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let notebook = Notebook::default();
    let mut all = changes(3);
    all.truncate(all.len() - 3);
    record(notebook.clone(), Path::new(""), all);
    let writes = notebook.0.lock().unwrap().clone();
    let total: usize = writes.iter().map(|(_, bytes)| bytes.len().max(1)).sum();
    assert!(total > 1_000, "{total}");

    for death in 0..=total {
        let spool = folder.path().join(death.to_string());
        fs::create_dir_all(files::folder(&spool, BROADCAST)).unwrap();
        let (mut left, mut whole_parts) = (death, 0);
        for (path, bytes) in &writes {
            let cost = bytes.len().max(1);
            let written = &bytes[..bytes.len().min(left)];
            if left > 0 {
                let mut file = fs::OpenOptions::new().create(true).append(true).open(spool.join(path)).unwrap();
                io::Write::write_all(&mut file, written).unwrap();
            }
            let is_part = path.extension().is_some_and(|extension| extension == "m4s") && !bytes.is_empty();
            whole_parts += usize::from(is_part && left >= bytes.len());
            left = left.saturating_sub(cost);
        }
        let once = found(&spool);
        let text: String = once.iter().map(|(_, text)| text.as_str()).collect();
        let expected: String = (0..3).map(whole).collect();
        assert!(expected.starts_with(&text), "what is there is what was written: {text}");
        let parts = text.matches(']').count();
        assert!(text.is_empty() || text.ends_with(']'), "whole parts only: {text}");
        assert!(parts + 1 >= whole_parts, "{parts} of {whole_parts} parts left after {death} bytes");
        for (index, (segment, text)) in once.iter().enumerate() {
            assert_eq!((segment.sequence, segment.bytes), (index as u64, text.len() as u64));
            assert_eq!(segment.duration, text.matches(']').count() as i64 * PART_TICKS);
        }
        let again = found(&spool);
        assert_eq!(once, again, "a second restart changes nothing");
        fs::remove_dir_all(&spool).unwrap();
    }
}

/// A disk on which the n-th operation and those after it fail, until it has room again.
#[derive(Debug, Clone)]
struct FullDisk {
    room: Arc<Mutex<Room>>,
}

#[derive(Debug)]
struct Room {
    operations_left: usize,
    refusals_left: usize,
}

impl FullDisk {
    fn refuses(&self) -> bool {
        let mut room = self.room.lock().unwrap();
        if room.operations_left > 0 {
            room.operations_left -= 1;
            return false;
        }
        let refuses = room.refusals_left > 0;
        room.refusals_left = room.refusals_left.saturating_sub(1);
        refuses
    }
}

impl Disk for FullDisk {
    type File = fs::File;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_folder(path)
    }
    fn open(&self, path: &Path, length: u64) -> io::Result<fs::File> {
        if self.refuses() { Err(io::ErrorKind::StorageFull.into()) } else { LocalDisk.open(path, length) }
    }
    fn append(&self, file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
        if !self.refuses() {
            return LocalDisk.append(file, bytes);
        }
        LocalDisk.append(file, &bytes[..bytes.len() / 2])?;
        Err(io::ErrorKind::StorageFull.into())
    }
    fn cut(&self, file: &mut fs::File, length: u64) -> io::Result<()> {
        LocalDisk.cut(file, length)
    }
    fn sync(&self, file: &mut fs::File) -> io::Result<()> {
        LocalDisk.sync(file)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_folder(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_folder(path)
    }
}

#[test]
fn a_disk_that_refuses_any_write_leaves_a_gap_and_nothing_torn() {
    let folder = tempfile::tempdir().unwrap();
    for refusals_left in [1, 2, 7] {
        for operations_left in 1..28 {
            let spool = folder.path().join(format!("{refusals_left}-{operations_left}"));
            let room = Arc::new(Mutex::new(Room { operations_left, refusals_left }));
            let recording = record(FullDisk { room: room.clone() }, &spool, changes(6));
            assert!(!recording.is_failing(), "it goes on once there is room");
            drop(recording);
            let kept = found(&spool);
            let mut last = None;
            for (segment, text) in &kept {
                let full = whole(segment.start.cast_unsigned() / (PART_TICKS.cast_unsigned() * PARTS as u64));
                assert!(full.starts_with(text.as_str()) && text.ends_with(']'), "{text}");
                assert_eq!(segment.bytes, text.len() as u64);
                assert!(last < Some(segment.name), "in order");
                last = Some(segment.name);
            }
            let whole_ones = kept.iter().filter(|(_, text)| text.matches(']').count() == PARTS).count();
            // Each refusal costs at most the segment that was being written, and half of another's beginning.
            let expected = 5 - refusals_left.div_ceil(2);
            assert!(whole_ones >= expected, "{whole_ones} segments left after {operations_left} writes");
        }
    }
}

#[test]
fn a_journal_tells_what_is_sealed_lost_and_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = record(LocalDisk, folder.path(), changes(3));
    recording.note_entry(&Entry::Sealed { name: SegmentName(0) });
    recording.note_entry(&Entry::Lost { name: SegmentName(1) });
    recording.note_entry(&Entry::Ended { at_ms: 77, frame_rate: Some(29.97) });
    let journal = Journal::read(&files::journal(&files::folder(folder.path(), BROADCAST)), usize::MAX).unwrap();
    assert_eq!(journal.segments.iter().map(|segment| segment.name.0).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(journal.unsealed.iter().map(|name| name.0).collect::<Vec<_>>(), [2]);
    assert_eq!(journal.ended, Some(End { at: Timestamp::from_millis(77), frame_rate: Some(29.97) }));
    assert_eq!(journal.inits.keys().copied().collect::<Vec<_>>(), [SegmentName(0)]);
    let known: BTreeMap<_, _> = journal.inits;
    assert_eq!(known[&SegmentName(0)].codecs, "avc1.64001f");
}
