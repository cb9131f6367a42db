//! The promise of blobs, and what stands in the bucket for it.

use std::sync::Arc;

use bytes::Bytes;
use engines::testing::S3Process;
use ports::{blobs::Blobs, contract};

use crate::{objects, open, unfinished};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_promise_of_blobs() {
    let Some(server) = S3Process::start() else { return };
    for prefix in ["", "sites/one"] {
        let blobs: Arc<dyn Blobs> = Arc::new(open(&server.url(prefix)).await.unwrap());
        contract::blobs::run(&blobs).await;
    }
    assert!(unfinished(&server).is_empty(), "no pieces are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_with_prefixes_of_their_own_share_a_bucket() {
    let Some(server) = S3Process::start() else { return };
    let (one, other) = (open(&server.url("one")).await.unwrap(), open(&server.url("one-more")).await.unwrap());
    one.put("a/1", Bytes::from_static(b"one")).await.unwrap();
    other.put("a/1", Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(objects(&server), ["one-more/a/1", "one/a/1"], "names as an operator expects them, and no trial left");
    one.delete_prefix("a/").await.unwrap();
    assert_eq!(other.list("a/").await.unwrap(), ["a/1"]);
    assert_eq!(&other.get("a/1", None).await.unwrap()[..], b"other");
}
