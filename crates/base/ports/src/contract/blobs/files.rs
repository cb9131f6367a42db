//! Local files become blobs.

use super::noise;
use crate::blobs::Blobs;

/// Larger than any engine sends or copies in one piece, and no multiple of a piece.
const LARGE: usize = (25 << 20) + 17;

pub(super) async fn a_local_file_becomes_a_blob_and_is_gone(blobs: &dyn Blobs) {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 3, 70_000] {
        let (file, data) = (folder.path().join(length.to_string()), noise(length, 2));
        std::fs::write(&file, &data).unwrap();
        let key = format!("files/{length}.m4s");
        blobs.put_file(&key, &file).await.unwrap();
        assert!(!file.exists(), "the local file stayed");
        assert!(blobs.get(&key, None).await.unwrap() == data, "{length} bytes came back as others");
    }
    let file = folder.path().join("again");
    std::fs::write(&file, b"other").unwrap();
    blobs.put_file("files/70000.m4s", &file).await.unwrap();
    assert_eq!(&blobs.get("files/70000.m4s", None).await.unwrap()[..], b"other", "it is replaced whole");
}

pub(super) async fn a_large_file_arrives_whole(blobs: &dyn Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("large"), noise(LARGE, 3));
    std::fs::write(&file, &data).unwrap();
    blobs.put_file("large/file", &file).await.unwrap();
    assert!(!file.exists(), "the local file stayed");
    blobs.put("large/data", data.clone()).await.unwrap();
    for key in ["large/file", "large/data"] {
        assert_eq!(blobs.size(key).await.unwrap(), LARGE as u64);
        assert!(blobs.get(key, None).await.unwrap() == data, "{key} came back as other bytes");
        let middle = (LARGE / 2) as u64;
        let part = blobs.get(key, Some(middle..middle + 9)).await.unwrap();
        assert_eq!(part, data.slice(LARGE / 2..LARGE / 2 + 9));
    }
}

pub(super) async fn a_local_file_that_is_not_there_fails_and_keeps_what_was(blobs: &dyn Blobs) {
    let folder = tempfile::tempdir().unwrap();
    blobs.put("files/kept", noise(8, 4)).await.unwrap();
    assert!(blobs.put_file("files/kept", &folder.path().join("nothing")).await.is_err());
    assert_eq!(blobs.get("files/kept", None).await.unwrap(), noise(8, 4));
}
