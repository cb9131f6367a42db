//! A restart in between changes nothing.

use super::Store;
use super::entries::{all, append, entry, keyed, redacting};
use crate::room_log::Appended;

pub(super) async fn everything_is_there_after_a_restart(store: &dyn Store) {
    let room = "reopening";
    let log = store.open().await;
    append(&*log, room, vec![keyed("a", &["key"]), entry("b")]).await;
    append(&*log, room, vec![redacting("c", 2, "tombstone")]).await;
    let (head, records) = (log.head(room).await.unwrap(), all(&*log, room).await);
    drop(log);

    let log = store.reopen().await;
    assert_eq!(log.head(room).await.unwrap(), head, "the epoch and the place stay");
    assert_eq!(all(&*log, room).await, records);
    assert_eq!(log.offsets_of(room, &["key".to_owned()]).await.unwrap(), [Some(1)]);
    assert_eq!(log.append(room, &head.epoch, head.next, vec![entry("d")]).await.unwrap(), Appended::Ok);
    assert_eq!(all(&*log, room).await.len(), 4);
}
