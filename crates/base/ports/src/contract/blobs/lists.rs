//! Keys by prefix: listed, removed.

use bytes::Bytes;

use crate::blobs::Blobs;

/// More than one page of any engine.
const MANY: usize = 1_100;

async fn put_all(blobs: &dyn Blobs, keys: &[&str]) {
    for key in keys {
        blobs.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
}

pub(super) async fn keys_are_listed_in_order_and_by_whole_names(blobs: &dyn Blobs) {
    put_all(blobs, &["lists/b/2", "lists/b/10", "lists/a/z/1", "lists/a.x", "lists/a-1/x", "lists/B", "listsx/1"])
        .await;
    // As bytes, not as numbers or words.
    let all = ["lists/B", "lists/a-1/x", "lists/a.x", "lists/a/z/1", "lists/b/10", "lists/b/2"];
    assert_eq!(blobs.list("lists/").await.unwrap(), all);
    assert_eq!(blobs.list("lists/a/").await.unwrap(), ["lists/a/z/1"]);
    assert_eq!(blobs.list("lists/b/").await.unwrap(), ["lists/b/10", "lists/b/2"]);
    assert!(blobs.list("lists/nothing/").await.unwrap().is_empty());
    assert!(blobs.list("nothing/").await.unwrap().is_empty());
}

pub(super) async fn a_long_list_is_whole(blobs: &dyn Blobs) {
    let keys: Vec<String> = (0..MANY).map(|number| format!("long/{number:05}")).collect();
    let put = |start: usize| {
        let keys = &keys;
        async move {
            for key in keys.iter().skip(start).step_by(8) {
                blobs.put(key, Bytes::from_static(b"x")).await.unwrap();
            }
        }
    };
    tokio::join!(put(0), put(1), put(2), put(3), put(4), put(5), put(6), put(7));
    assert_eq!(blobs.list("long/").await.unwrap(), keys);
    blobs.delete_prefix("long/").await.unwrap();
    assert!(blobs.list("long/").await.unwrap().is_empty(), "all of a long list is removed");
}

pub(super) async fn removing_takes_what_is_under_the_prefix_and_nothing_else(blobs: &dyn Blobs) {
    put_all(blobs, &["remove/1/a", "remove/1/b/c", "remove/1x", "remove/11/a", "remove/2"]).await;
    blobs.delete_prefix("remove/1/").await.unwrap();
    assert_eq!(blobs.list("remove/").await.unwrap(), ["remove/11/a", "remove/1x", "remove/2"]);
    blobs.delete_prefix("remove/1/").await.expect("none there: nothing to do");
    blobs.delete_prefix("remove/never/").await.expect("none there: nothing to do");
    blobs.put("remove/1/a", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(&blobs.get("remove/1/a", None).await.unwrap()[..], b"new", "a key can be used again");
}
