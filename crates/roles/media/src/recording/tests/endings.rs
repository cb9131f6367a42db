//! The end of a show: on a full disk, with files gone, beside a show that cannot be sealed, and removed at once.

use std::{path::Path, sync::Weak, time::Duration};

use ports::blobs::{BlobError, Blobs};

use super::{gated::Gated, *};
use crate::{
    packager::Kept,
    playback::tests::show::MemoryBlobs,
    recording::{Follower, Recorder, Replays, ShowTake},
    take::Take,
};

const AT: Timestamp = Timestamp::from_millis(9_000);

struct Nobody;

impl Follower for Nobody {
    fn settle(&self, _: SegmentName, _: Kept) {}
    fn failing(&self, _: bool) {}
}

/// Records a show of so many segments, up to its end.
async fn show(recorder: &Recorder, broadcast: BroadcastId, segments: usize) -> crate::recording::Recording {
    let nobody: Weak<dyn Follower> = Weak::<Nobody>::new();
    let recording = recorder.begin(broadcast, Take::default(), Timestamp::from_millis(1_000), nobody).unwrap();
    assert!(changes(segments).into_iter().all(|change| recording.take(change)));
    recorder.settled().await;
    recording
}

/// What must not keep us waiting.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes within 20 s")
}

async fn replayed(blobs: &Arc<MemoryBlobs>, broadcast: BroadcastId) -> Option<usize> {
    let found = Replays::new(blobs.clone()).find(broadcast).await.unwrap()?;
    let playlist = found.playlist();
    Some(String::from_utf8_lossy(&playlist).lines().filter(|line| line.starts_with("seg-")).count())
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_very_end_costs_nothing() {
    let (folder, blobs) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let room = Arc::new(Mutex::new(Room { operations_left: usize::MAX, refusals_left: usize::MAX }));
    let recorder =
        Recorder::start_on(FullDisk { room: room.clone() }, folder.path().to_owned(), blobs.clone()).unwrap();
    let recording = show(&recorder, BROADCAST, 3).await;
    room.lock().unwrap().operations_left = 0;
    recording.end(AT, Some(30.0));
    soon(recorder.sealed(BROADCAST)).await;
    assert!(room.lock().unwrap().refusals_left < usize::MAX, "the line of the end was refused");
    assert_eq!(replayed(&blobs, BROADCAST).await, Some(3));
    assert!(blobs.kept.lock().unwrap().contains_key("replays/5/9000.json"), "under the time of its end");
    assert!(!files::folder(folder.path(), BROADCAST).exists());
}

#[tokio::test]
async fn takes_of_a_show_are_one_replay_and_where_they_overlap_the_later_one_is_it() {
    let (folder, blobs) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let recorder = Recorder::start(folder.path().to_owned(), blobs.clone()).unwrap();
    // The second take begins where the third segment of the first does: that process did not know that it had lost it.
    show(&recorder, BROADCAST, 4).await.end(AT, None);
    let nobody: Weak<dyn Follower> = Weak::<Nobody>::new();
    let (second, take) =
        (ShowTake { broadcast: BROADCAST, take: 2 }, Take { number: 2, sequence: 40, discontinuities: 0 });
    let recording = recorder.begin(BROADCAST, take, Timestamp::from_millis(1_000), nobody).unwrap();
    assert!(changes_of(take, 2 * PARTS as i64 * PART_TICKS, 3).into_iter().all(|change| recording.take(change)));
    recording.end(AT, Some(30.0));
    soon(recorder.sealed(BROADCAST)).await;
    let found = Replays::new(blobs.clone()).find(BROADCAST).await.unwrap().unwrap().playlist();
    let text = String::from_utf8_lossy(&found);
    let lines = text.lines().filter(|line| line.starts_with("seg-") || line.ends_with("DISCONTINUITY"));
    let first = SegmentName::first_of(2).0;
    let expected = ["seg-0.m4s".into(), "seg-1.m4s".into(), "#EXT-X-DISCONTINUITY".into()];
    let expected = expected.into_iter().chain((first..first + 3).map(|name| format!("seg-{name}.m4s")));
    assert_eq!(lines.map(str::to_owned).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(blobs.kept.lock().unwrap().contains_key("replays/5/9000-2.json"));
    assert!(!files::folder(folder.path(), BROADCAST).exists() && !files::folder(folder.path(), second).exists());
}

#[tokio::test]
async fn all_takes_of_a_show_are_removed_together() {
    let (folder, blobs) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let recorder = Recorder::start(folder.path().to_owned(), blobs.clone()).unwrap();
    let _first = show(&recorder, BROADCAST, 2).await;
    let nobody: Weak<dyn Follower> = Weak::<Nobody>::new();
    let (second, take) = (ShowTake { broadcast: BROADCAST, take: 2 }, Take { number: 2, ..Take::default() });
    let recording = recorder.begin(BROADCAST, take, Timestamp::from_millis(1_000), nobody).unwrap();
    assert!(changes_of(take, 0, 2).into_iter().all(|change| recording.take(change)));
    recorder.remove(BROADCAST, &Replays::new(blobs.clone())).await.unwrap();
    assert!(!files::folder(folder.path(), BROADCAST).exists() && !files::folder(folder.path(), second).exists());
    assert!(blobs.kept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn segments_without_their_initialisation_are_left_out() {
    let (folder, blobs) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let recorder = Recorder::start(folder.path().to_owned(), blobs.clone()).unwrap();
    let gone = show(&recorder, BROADCAST, 2).await;
    let other = BroadcastId::from_raw(6);
    let whole = show(&recorder, other, 2).await;
    fs::remove_file(files::folder(folder.path(), BROADCAST).join("init-0.mp4")).unwrap();
    gone.end(AT, None);
    whole.end(AT, None);
    soon(recorder.sealed(BROADCAST)).await;
    soon(recorder.sealed(other)).await;
    assert_eq!((replayed(&blobs, BROADCAST).await, replayed(&blobs, other).await), (None, Some(2)));
}

#[tokio::test]
async fn a_show_that_cannot_be_sealed_does_not_hold_up_another() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let blobs = Gated::refusing(&kept, "replays/5/");
    let recorder = Recorder::start(folder.path().to_owned(), blobs).unwrap();
    show(&recorder, BROADCAST, 1).await.end(AT, None);
    let other = BroadcastId::from_raw(6);
    show(&recorder, other, 2).await.end(AT, None);
    soon(recorder.sealed(other)).await;
    assert_eq!((replayed(&kept, BROADCAST).await, replayed(&kept, other).await), (None, Some(2)));
    assert!(files::folder(folder.path(), BROADCAST).exists(), "what is not sealed stays");
}

#[tokio::test]
async fn a_recording_that_is_removed_while_it_is_sealed_does_not_come_back() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let blobs = Gated::holding(&kept, "replays/");
    let recorder = Arc::new(Recorder::start(folder.path().to_owned(), blobs.clone()).unwrap());
    show(&recorder, BROADCAST, 2).await.end(AT, None);
    blobs.one_waits().await;
    let mut removal = tokio::spawn({
        let (recorder, replays) = (recorder.clone(), Replays::new(kept.clone()));
        async move { recorder.remove(BROADCAST, &replays).await }
    });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut removal).await;
    assert!(early.is_err(), "it waits for what is being sealed");
    blobs.open();
    soon(removal).await.unwrap().unwrap();
    soon(recorder.sealed(BROADCAST)).await;
    assert_eq!(kept.list("recordings/").await.unwrap(), Vec::<String>::new());
    assert_eq!(replayed(&kept, BROADCAST).await, None);
    assert!(!files::folder(folder.path(), BROADCAST).exists());
}

/// A disk that does not let a folder go.
#[derive(Debug, Clone, Copy)]
struct Clinging;

impl Disk for Clinging {
    type File = fs::File;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_folder(path)
    }
    fn open(&self, path: &Path, length: u64) -> io::Result<fs::File> {
        LocalDisk.open(path, length)
    }
    fn append(&self, file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.append(file, bytes)
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
    fn remove_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[tokio::test]
async fn a_spool_that_cannot_be_removed_is_told() {
    let (folder, blobs) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let recorder = Recorder::start_on(Clinging, folder.path().to_owned(), blobs.clone()).unwrap();
    show(&recorder, BROADCAST, 2).await;
    let removed = recorder.remove(BROADCAST, &Replays::new(blobs.clone())).await;
    assert!(matches!(removed, Err(BlobError::Engine { .. })), "{removed:?}");
    assert!(blobs.kept.lock().unwrap().is_empty(), "what could be removed is");
}
