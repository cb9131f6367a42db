//! Limits and rules: refused with their name, nothing kept.

use bytes::Bytes;

use super::entries::{append, entry, keyed, redacting, texts, told};
use crate::about::ABOUT_BYTES_MAX;
use crate::room_log::{
    ENTRY_BYTES_MAX, ENTRY_KEYS_MAX, Entry, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX, KEY_BYTES_MAX, LOOKUP_KEYS_MAX,
    READ_MAX, ROOM_BYTES_MAX, RoomLog, RoomLogError,
};

pub(super) async fn what_breaks_a_rule_is_refused_and_keeps_nothing(log: &dyn RoomLog) {
    let room = "refusals";
    append(log, room, vec![entry("a")]).await;
    let head = log.head(room).await.unwrap();
    for (rule, group) in broken() {
        let answer = log.append(room, &head.epoch, head.next, group).await;
        assert!(matches!(answer, Err(RoomLogError::Refused(_))), "{rule}: {answer:?}");
    }
    let nowhere = log.append(room, &head.epoch, 0, vec![entry("b")]).await;
    assert!(matches!(nowhere, Err(RoomLogError::Refused(_))), "{nowhere:?}");
    for bad in ["", "line\nbreak", &"r".repeat(ROOM_BYTES_MAX + 1)] {
        assert!(matches!(log.head(bad).await, Err(RoomLogError::Refused(_))), "the room {bad:?}");
    }
    assert!(matches!(log.read(room, 1, READ_MAX + 1).await, Err(RoomLogError::Refused(_))));
    let many = vec!["key".to_owned(); LOOKUP_KEYS_MAX + 1];
    assert!(matches!(log.offsets_of(room, &many).await, Err(RoomLogError::Refused(_))));
    assert_eq!(texts(log, room).await, ["a"]);
    assert_eq!(log.head(room).await.unwrap(), head);

    let largest = Entry { data: Bytes::from(vec![b'0'; ENTRY_BYTES_MAX]), ..entry("") };
    append(log, room, vec![largest; GROUP_BYTES_MAX / ENTRY_BYTES_MAX]).await;
    let most_keys =
        |place: usize| -> Vec<String> { (0..ENTRY_KEYS_MAX).map(|number| format!("{place}/{number:0>190}")).collect() };
    append(log, room, (0..GROUP_ENTRIES_MAX).map(|place| Entry { keys: most_keys(place), ..entry("") }).collect())
        .await;
}

fn broken() -> Vec<(&'static str, Vec<Entry>)> {
    let sized = |bytes: usize| Entry { data: Bytes::from(vec![b'0'; bytes]), ..entry("") };
    let full = GROUP_BYTES_MAX / ENTRY_BYTES_MAX;
    vec![
        ("an empty group", vec![]),
        ("too many entries", vec![entry("b"); GROUP_ENTRIES_MAX + 1]),
        ("too large an entry", vec![sized(ENTRY_BYTES_MAX + 1)]),
        ("too large a group", vec![sized(ENTRY_BYTES_MAX); full + 1]),
        ("too many keys", vec![keyed("b", &["1", "2", "3", "4", "5"][..=ENTRY_KEYS_MAX])]),
        ("too long a key", vec![keyed("b", &[&"k".repeat(KEY_BYTES_MAX + 1)])]),
        ("an empty key", vec![keyed("b", &[""])]),
        ("a key twice in the group", vec![keyed("b", &["same"]), keyed("c", &["same"])]),
        ("a redaction of itself", vec![redacting("b", 2, "x")]),
        ("a redaction of what is to come", vec![redacting("b", 3, "x"), entry("c")]),
        ("a redaction of nothing", vec![redacting("b", 0, "x")]),
        ("too much told", vec![told("b", &"u".repeat(ABOUT_BYTES_MAX))]),
        ("too large a replacement", vec![redacting("b", 1, &"x".repeat(ENTRY_BYTES_MAX))]),
    ]
}
