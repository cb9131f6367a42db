//! Facts carried by Kafka: never in the way of an answer, none lost while it is away, and what is given up is seen and tried again.
//! `MADANG_TEST_KAFKA` names a server; the test command starts one.

use engines::{
    kafka::{KafkaAddress, KafkaBroker},
    sql,
    testing::{KafkaProcess, kafka_names},
};
use kernel::Timestamp;
use ports::{
    broker::{Broker, Letter},
    event_log::{Cursor, Fact},
    sql::Database,
    sqlx,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    parts::Ground,
    site::{Site, id, until},
};

pub(crate) const ENGINE: &str = "MADANG_ENGINES_KAFKA";
pub(crate) const NAMES: &str = "MADANG_ENGINES_KAFKA_NAMES";
const REACTION: &str = "chat-count-messages";

/// What `madang events …` says.
pub(crate) async fn events(words: &[&str], url: &str, names: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_madang"));
    let output = command.arg("events").args(words).env(ENGINE, url).env(NAMES, names).output().await.unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).unwrap())
}

async fn counted(database: &Database, wanted: i64) -> Option<()> {
    let sum = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM chat_message_counts";
    let sum: i64 = sqlx::query_scalar(sum).fetch_one(database.reader()).await.unwrap();
    (sum == wanted).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_while_kafka_is_away_and_counted_when_it_is_back_and_when_a_worker_died() {
    let Some(kafka) = KafkaProcess::start("parts") else { return };
    let url = kafka.url();
    let (ground, variables) = (Ground::new().await, [(ENGINE, url.as_str()), (NAMES, "parts")]);
    let (made, topics) = events(&["topics", "--partitions", "2"], &url, "parts").await;
    assert!(made && topics.contains("chat-count-messages.dead\n"), "{topics}");
    let api = ground.process("api", "api", &variables).await;
    let first = ground.process("worker", "worker-1", &variables).await;
    let _second = ground.process("worker", "worker-2", &variables).await;
    let host = api.person("host").await;
    let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Several" })).await.unwrap();
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let say = async |text: &str| api.api.post(&messages, Some(&host), &json!({ "text": text })).await.unwrap();
    let database = sql::postgres(&ground.sql, 1).await.unwrap();

    say("one").await;
    until("it is counted", || counted(&database, 1)).await;
    kafka.crash();
    say("two").await;
    let told = "SELECT COUNT(*) FROM outbox WHERE kind = 'chat.messages_posted'";
    until("it is told of", || async {
        let told: i64 = sqlx::query_scalar(told).fetch_one(database.reader()).await.unwrap();
        (told == 2).then_some(())
    })
    .await;
    assert_eq!(counted(&database, 1).await, Some(()), "nobody has heard of it");
    kafka.resume();
    until("it is counted when Kafka is back", || counted(&database, 2)).await;
    first.kill().await;
    say("three").await;
    until("the other worker goes on", || counted(&database, 3)).await;
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_missing_stop_the_start_and_dead_letters_are_seen_and_tried_again() {
    let Some((url, names)) = kafka_names() else { return };
    let (status, complaint) = Site::refused(&[(ENGINE, &url), (NAMES, &names)]).await;
    assert!(!status.success() && complaint.contains("madang events topics"), "{complaint}");
    assert!(complaint.contains(&format!("{names}.chat,")), "{complaint}");
    assert!(events(&["topics"], &url, &names).await.0);

    let site = Site::start_with(&[(ENGINE, &url), (NAMES, &names)]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let payload = json!({ "broadcast": id(&broadcast), "at": "2026-01-01T00:00:00Z" }).to_string();
    let fact = Fact {
        cursor: Cursor { transaction: 0, id: 1 },
        kind: "chat.messages_posted".into(),
        key: id(&broadcast).to_owned(),
        payload,
        at: Timestamp::from_millis(1_780_000_000_000),
    };
    let given_up = Letter { attempts: 31, trouble: "no such thing".into(), ..Letter::new(fact) };
    let broker = KafkaBroker::new(KafkaAddress::parse(&url, &names).unwrap()).unwrap();
    assert!(broker.send(&[(format!("{REACTION}.dead"), given_up)]).await.trouble.is_none());
    let (found, dead) = events(&["dead", REACTION], &url, &names).await;
    assert!(found, "{dead}");
    let dead: Value = serde_json::from_str(&dead).unwrap();
    assert_eq!((&dead["attempts"], &dead["trouble"]), (&json!(31), &json!("no such thing")), "{dead}");
    assert_eq!(events(&["replay", REACTION], &url, &names).await.1, "Tried again: 1\n");
    let retried = broker.look(&format!("{REACTION}.retry"), 10).await.unwrap();
    assert_eq!((retried.len(), retried[0].attempts), (1, 0));
    assert_eq!(events(&["replay", REACTION], &url, &names).await.1, "Tried again: 0\n");

    let (found, complaint) = events(&["dead", "nothing"], &url, &names).await;
    assert!(!found && complaint.contains(REACTION), "{complaint}");
    let (found, complaint) = events(&["topics"], "", &names).await;
    assert!(!found && complaint.contains("engines.kafka is empty"), "{complaint}");
}
