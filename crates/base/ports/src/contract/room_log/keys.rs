//! Keys: found, unique in their room, and the same in another.

use super::entries::{append, entry, keyed, redacting, texts};
use crate::room_log::{Appended, RoomLog};

pub(super) async fn a_key_is_found_and_never_kept_twice(log: &dyn RoomLog) {
    let room = "keys:found";
    append(log, room, vec![entry("a"), keyed("b", &["client 1", "id 7"]), keyed("c", &["client 2"])]).await;
    let asked = ["id 7", "nowhere", "client 2", "client 1"].map(str::to_owned);
    let found = log.offsets_of(room, &asked).await.unwrap();
    assert_eq!(found, [Some(2), None, Some(3), Some(2)]);
    assert_eq!(log.offsets_of(room, &[]).await.unwrap(), []);
    assert_eq!(log.offsets_of("keys:elsewhere", &asked).await.unwrap(), [None; 4]);

    append(log, room, vec![redacting("gone", 2, "tombstone")]).await;
    let head = log.head(room).await.unwrap();
    let again = log.append(room, &head.epoch, head.next, vec![keyed("b", &["new", "id 7"])]).await.unwrap();
    assert_eq!(again, Appended::Known { key: "id 7".into(), offset: 2 }, "a redaction does not free a key");
    assert_eq!(log.head(room).await.unwrap(), head);
    assert_eq!(texts(log, room).await, ["a", "tombstone", "c", "gone"]);
    append(log, "keys:elsewhere", vec![keyed("b", &["id 7"])]).await;
}

pub(super) async fn a_group_with_a_known_key_is_not_kept_at_all(log: &dyn RoomLog) {
    let room = "keys:atomic";
    append(log, room, vec![keyed("a", &["taken"])]).await;
    let head = log.head(room).await.unwrap();
    let mut redaction = redacting("d", 1, "tombstone");
    redaction.keys = vec!["fresh 2".into()];
    let group = vec![keyed("b", &["fresh 1"]), redaction, keyed("c", &["taken"])];
    let answer = log.append(room, &head.epoch, head.next, group).await.unwrap();
    assert_eq!(answer, Appended::Known { key: "taken".into(), offset: 1 });
    let fresh = ["fresh 1", "fresh 2"].map(str::to_owned);
    assert_eq!(log.offsets_of(room, &fresh).await.unwrap(), [None, None]);
    assert_eq!(texts(log, room).await, ["a"], "neither an entry nor a redaction of the group is kept");
    assert_eq!(append(log, room, vec![keyed("b", &["fresh 1"])]).await, 2);
}
