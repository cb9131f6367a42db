//! Blobs are read back, whole and in ranges.

use bytes::Bytes;

use super::noise;
use crate::blobs::{BlobError, Blobs};

pub(super) async fn what_was_put_is_read_back(blobs: &dyn Blobs) {
    for length in [0, 1, 5, 4_096, 1_000_000] {
        let (key, data) = (format!("reading/whole/{length}"), noise(length, 1));
        blobs.put(&key, data.clone()).await.unwrap();
        assert!(blobs.get(&key, None).await.unwrap() == data, "{length} bytes came back as others");
        assert_eq!(blobs.size(&key).await.unwrap(), length as u64);
    }
}

pub(super) async fn a_range_is_cut_at_the_end(blobs: &dyn Blobs) {
    blobs.put("reading/range", Bytes::from_static(b"hello")).await.unwrap();
    blobs.put("reading/empty", Bytes::new()).await.unwrap();
    for (range, expected) in [
        (0..5, "hello"),
        (1..3, "el"),
        (4..99, "o"),
        (0..u64::MAX, "hello"),
        (5..6, ""),
        (99..100, ""),
        (2..2, ""),
        (0..0, ""),
    ] {
        let part = blobs.get("reading/range", Some(range.clone())).await;
        assert_eq!(part.unwrap(), Bytes::from_static(expected.as_bytes()), "{range:?}");
    }
    assert_eq!(blobs.get("reading/empty", Some(0..9)).await.unwrap(), Bytes::new());
}

pub(super) async fn what_is_not_there_is_missing(blobs: &dyn Blobs) {
    blobs.put("reading/there/file", Bytes::from_static(b"x")).await.unwrap();
    for key in ["reading/not", "reading/not/there", "reading/ther", "reading/there", "reading/there/file/below"] {
        for range in [None, Some(0..1), Some(5..5)] {
            let answer = blobs.get(key, range.clone()).await;
            assert!(
                matches!(&answer, Err(BlobError::Missing(missing)) if missing == key),
                "{key} {range:?}: {answer:?}"
            );
        }
        assert!(matches!(blobs.size(key).await, Err(BlobError::Missing(_))), "the size of {key}");
    }
}

pub(super) async fn the_same_key_again_replaces_it_whole(blobs: &dyn Blobs) {
    for length in [9_000, 10, 0, 4_000] {
        let data = noise(length, length as u64);
        blobs.put("reading/again", data.clone()).await.unwrap();
        assert!(blobs.get("reading/again", None).await.unwrap() == data, "{length} bytes are the blob now");
        assert_eq!(blobs.size("reading/again").await.unwrap(), length as u64);
    }
}
