//! What is a key and what is none.

use bytes::Bytes;

use crate::blobs::{BlobError, Blobs, KEY_BYTES_MAX, KEY_NAME_BYTES_MAX};

pub(super) async fn what_is_no_key_is_refused(blobs: &dyn Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let long = "k/".repeat(KEY_BYTES_MAX / 2) + "k";
    let long_name = "k".repeat(KEY_NAME_BYTES_MAX + 1);
    for key in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/..",
        "a/./b",
        ".unfinished/1",
        "a b",
        "가",
        "a\\b",
        "a%2Fb",
        &long,
        &long_name,
    ] {
        let refused = [
            blobs.put(key, Bytes::new()).await,
            blobs.put_file(key, &file).await,
            blobs.get(key, None).await.map(drop),
            blobs.get(key, Some(0..1)).await.map(drop),
            blobs.size(key).await.map(drop),
        ];
        for (number, answer) in refused.iter().enumerate() {
            assert!(
                matches!(answer, Err(BlobError::InvalidKey(named)) if named == key),
                "{number} {key:?}: {answer:?}"
            );
        }
    }
    assert!(file.exists(), "a file whose key is refused stays");
    for prefix in ["", "/", "a", "../", "a//", "/a/", "a b/"] {
        let answers = [blobs.list(prefix).await.map(drop), blobs.delete_prefix(prefix).await];
        assert!(
            answers.iter().all(|answer| matches!(answer, Err(BlobError::InvalidKey(_)))),
            "{prefix:?}: {answers:?}"
        );
    }
}

pub(super) async fn every_key_that_is_one_is_taken(blobs: &dyn Blobs) {
    let longest = format!("keys/{}/{}", "k".repeat(KEY_NAME_BYTES_MAX), "k/".repeat(KEY_BYTES_MAX));
    let longest = longest[..KEY_BYTES_MAX - 1].trim_end_matches('/').to_owned() + "k";
    for key in ["keys/a", "keys/A-b_c.d", "keys/1/2/3/4/5/6/7/8", "keys/-", "keys/a..b", &longest] {
        blobs.put(key, Bytes::copy_from_slice(key.as_bytes())).await.unwrap();
        assert_eq!(blobs.get(key, None).await.unwrap(), key);
    }
    assert!(blobs.list("keys/").await.unwrap().contains(&longest));
}
