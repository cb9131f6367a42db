//! What attempts leave behind that came to nothing: nobody believes it, and it hides nothing.

use engines::testing::cassandra_keyspace;
use futures_util::TryStreamExt as _;
use ports::room_log::{Appended, Entry, RoomLog};

use scylla::client::session_builder::SessionBuilder;

use crate::{append, entry, keyed, open, redacting, texts};

/// Tries to append through a log that does not know yet that another has moved the room on.
async fn lose(behind: &dyn RoomLog, ahead: &dyn RoomLog, room: &str, group: Vec<Entry>) {
    let head = behind.head(room).await.unwrap();
    append(ahead, room, vec![entry("faster")]).await;
    let answer = behind.append(room, &head.epoch, head.next, group).await.unwrap();
    assert_eq!(answer, Appended::Conflict { next: head.next + 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_lost_race_stands_nowhere() {
    let Some(address) = cassandra_keyspace() else { return };
    let (log, other) = (open(&address).await, open(&address).await);
    let key = ["key".to_owned()];
    for _ in 0..3 {
        lose(&*log, &*other, "keys", vec![entry("a"), keyed("b", "key")]).await;
        assert_eq!(log.offsets_of("keys", &key).await.unwrap(), [None]);
    }
    append(&*log, "keys", vec![entry("a"), keyed("b", "key")]).await;
    // Races that are lost afterwards hide it no more than those before.
    for _ in 0..3 {
        lose(&*other, &*log, "keys", vec![keyed("c", "another"), keyed("b", "fresh")]).await;
    }
    assert_eq!(other.offsets_of("keys", &key).await.unwrap(), [Some(5)]);
    let head = other.head("keys").await.unwrap();
    let again = other.append("keys", &head.epoch, head.next, vec![keyed("b", "key")]).await.unwrap();
    assert_eq!(again, Appended::Known { key: "key".into(), offset: 5 });
    append(&*other, "keys", vec![keyed("b", "fresh")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_of_a_lost_race_replaces_nothing() {
    let Some(address) = cassandra_keyspace() else { return };
    let (log, other) = (open(&address).await, open(&address).await);
    append(&*log, "redactions", vec![entry("a"), entry("b")]).await;
    lose(&*log, &*other, "redactions", vec![redacting("c", 1, "never")]).await;
    for _ in 0..2 {
        assert_eq!(texts(&*other, "redactions", 1).await, ["a", "b", "faster"]);
    }
    append(&*log, "redactions", vec![redacting("c", 1, "tombstone")]).await;
    append(&*log, "redactions", vec![redacting("d", 1, "newer"), redacting("e", 2, "other")]).await;
    lose(&*log, &*other, "redactions", vec![redacting("f", 2, "never")]).await;
    for reader in [&log, &other, &open(&address).await] {
        assert_eq!(texts(&**reader, "redactions", 1).await, ["newer", "other", "faster", "c", "d", "e", "faster"]);
        assert_eq!(texts(&**reader, "redactions", 2).await[0], "other", "the page begins after what redacts it");
        assert_eq!(reader.read("redactions", 1, 1).await.unwrap()[0].data.as_ref(), b"\"newer\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_redacted_is_not_kept_beneath() {
    let Some(address) = cassandra_keyspace() else { return };
    let log = open(&address).await;
    append(&*log, "beneath", vec![entry("a"), entry("secret one"), entry("b"), entry("secret two")]).await;
    append(&*log, "beneath", vec![redacting("c", 2, "gone"), redacting("d", 4, "gone")]).await;
    let (server, keyspace) = address.trim_start_matches("cassandra://").split_once('/').unwrap();
    let keyspace = keyspace.split('?').next().unwrap();
    let session = SessionBuilder::new().known_node(server).build().await.unwrap();
    let rows = session.query_iter(format!("SELECT records FROM {keyspace}.room_groups"), ()).await.unwrap();
    let rows: Vec<(Vec<u8>,)> = rows.rows_stream().unwrap().try_collect().await.unwrap();
    assert_eq!(rows.len(), 2);
    for (row,) in rows {
        assert!(!String::from_utf8_lossy(&row).contains("secret"), "{}", String::from_utf8_lossy(&row));
    }
    assert_eq!(texts(&*log, "beneath", 1).await, ["a", "gone", "b", "gone", "c", "d"]);
}
