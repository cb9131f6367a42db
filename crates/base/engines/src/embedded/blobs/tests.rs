//! Files keep the promise of blobs, in a folder of one process and in one of several.

use std::{path::Path, sync::Arc, time::SystemTime};

use bytes::Bytes;
use ports::{blobs::Blobs, contract};

use super::{ABANDONED, FileBlobs, UNFINISHED};
use crate::system::SystemRandom;

fn unfinished(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(UNFINISHED)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_promise_of_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(folder.path().join("blobs")).await.unwrap());
    contract::blobs::run(&blobs).await;
    assert!(unfinished(&folder.path().join("blobs")).is_empty(), "nothing half-written is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_folder_keeps_the_promise_of_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open_shared(folder.path(), &SystemRandom).await.unwrap());
    contract::blobs::run(&blobs).await;
}

#[tokio::test]
async fn a_process_that_comes_to_a_shared_folder_leaves_alone_what_others_are_writing() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileBlobs::open_shared(folder.path(), &SystemRandom).await.unwrap();
    let half = first.unfinished.join("half");
    std::fs::write(&half, b"half").unwrap();
    let second = FileBlobs::open_shared(folder.path(), &SystemRandom).await.unwrap();
    assert!(half.exists() && unfinished(folder.path()).len() == 2, "each has a place of its own");
    second.put("a/1", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(&first.get("a/1", None).await.unwrap()[..], b"x");

    let long_ago = SystemTime::now() - ABANDONED * 2;
    std::fs::File::open(&first.unfinished).unwrap().set_modified(long_ago).unwrap();
    FileBlobs::open_shared(folder.path(), &SystemRandom).await.unwrap();
    assert!(!half.exists(), "what a process that is long gone left is removed");
    first.put("a/2", Bytes::from_static(b"y")).await.expect("one that was only quiet goes on");
}

#[tokio::test]
async fn a_shared_folder_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("not mounted");
    assert!(FileBlobs::open_shared(&share, &SystemRandom).await.is_err() && !share.exists());
    std::fs::create_dir(&share).unwrap();
    let blobs = FileBlobs::open_shared(&share, &SystemRandom).await.unwrap();
    blobs.answers().await.unwrap();
    std::fs::rename(&share, folder.path().join("gone")).unwrap();
    std::fs::create_dir(&share).unwrap();
    assert!(blobs.answers().await.is_err(), "the empty place where a share was is not the share");
}

#[tokio::test]
async fn a_file_from_another_disk_is_copied_whole() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &Path| std::fs::metadata(path).unwrap().dev();
    if device(folder.path()) == device(other.path()) {
        return;
    }
    let blobs = FileBlobs::open_shared(folder.path(), &SystemRandom).await.unwrap();
    let (file, data) = (other.path().join("file"), vec![7; 3 << 20]);
    std::fs::write(&file, &data).unwrap();
    blobs.put_file("a/file", &file).await.unwrap();
    assert!(!file.exists() && blobs.get("a/file", None).await.unwrap() == data);
    assert_eq!(std::fs::read_dir(&blobs.unfinished).unwrap().count(), 0, "nothing half-written is left");
}
