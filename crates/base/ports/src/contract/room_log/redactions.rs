//! Redactions: other bytes in the same place.

use super::entries::{all, append, entry, redacting, texts, told};
use crate::room_log::RoomLog;

pub(super) async fn a_redaction_replaces_bytes_in_place(log: &dyn RoomLog) {
    let room = "redactions:place";
    append(log, room, vec![entry("a"), entry("b"), entry("c")]).await;
    append(log, room, vec![entry("d")]).await;
    let before = all(log, room).await;
    append(log, room, vec![redacting("b is gone", 2, "longer than what stood there before"), entry("e")]).await;
    append(log, room, vec![redacting("a is gone", 1, ""), redacting("e is gone", 6, "x")]).await;
    let expected = ["", "longer than what stood there before", "c", "d", "b is gone", "x", "a is gone", "e is gone"];
    assert_eq!(texts(log, room).await, expected);
    let after = all(log, room).await;
    assert!(before.iter().zip(&after).all(|(one, other)| one.at == other.at), "the times of entries stay");

    append(log, room, vec![redacting("again", 2, "second tombstone")]).await;
    assert_eq!(texts(log, room).await[1], "second tombstone");
}

pub(super) async fn what_is_told_of_an_entry_is_kept_with_it(log: &dyn RoomLog) {
    let room = "redactions:about";
    let group = vec![entry("a"), told("b", "5"), told("c", "")];
    let expected: Vec<_> = group.iter().map(|entry| entry.about.clone()).collect();
    append(log, room, group).await;
    append(log, room, vec![redacting("d", 2, "tombstone")]).await;
    let abouts: Vec<_> = all(log, room).await.into_iter().map(|record| record.about).collect();
    assert_eq!((&abouts[..3], &abouts[3]), (&expected[..], &None));
}

pub(super) async fn a_redaction_reaches_into_its_own_group(log: &dyn RoomLog) {
    let room = "redactions:own group";
    append(log, room, vec![entry("a"), redacting("b", 1, "tombstone"), redacting("c", 2, "other")]).await;
    assert_eq!(texts(log, room).await, ["tombstone", "other", "c"]);
}
