//! A PostgreSQL database has one process at a time, whatever becomes of the connection that holds its lock.

use ports::sqlx::{self, AnyConnection, Connection as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    ground::{self, ENGINE},
    site::{Site, id, refusal, until},
};

/// The owner's lock: `madang` in ASCII.
const OWNER: i64 = 0x6d61_6461_6e67;
const HOLDERS: &str = "FROM pg_locks WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $1 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// The server's process of the connection that holds the lock.
async fn holder(watcher: &mut AnyConnection) -> Option<i32> {
    let query = sqlx::AssertSqlSafe(format!("SELECT pid {HOLDERS} AND granted"));
    sqlx::query_scalar(query).bind(OWNER).fetch_optional(watcher).await.unwrap()
}

async fn end_session(watcher: &mut AnyConnection, pid: i32) {
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(watcher).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_has_one_process_at_a_time() {
    let url = ground::database().await;
    let mut first = Site::start_with(&[(ENGINE, &url)]).await;
    let (status, complaint) = Site::refused(&[(ENGINE, &url)]).await;
    assert!(!status.success());
    assert!(complaint.contains("another process") && complaint.contains("engines.sql"), "{complaint}");

    // The lock is taken again after its connection was lost, as long as nobody else wanted it.
    let mut watcher = AnyConnection::connect(&url).await.unwrap();
    let session = holder(&mut watcher).await.expect("the first process holds the lock");
    end_session(&mut watcher, session).await;
    let another = async || holder(&mut watcher).await.filter(|holder| *holder != session);
    let next = until("the lock is held again", another).await;
    assert!(first.is_running());

    // Someone else waits for the lock and gets it: the first process ends by itself, and says so.
    let mut other = AnyConnection::connect(&url).await.unwrap();
    let waiting = tokio::spawn(async move {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(OWNER).execute(&mut other).await.unwrap();
        other
    });
    until("the other one waits", async || {
        let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {HOLDERS} AND NOT granted"));
        let waiting: i64 = sqlx::query_scalar(query).bind(OWNER).fetch_one(&mut watcher).await.unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    end_session(&mut watcher, next).await;
    let _other = waiting.await.unwrap();
    assert!(!first.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_froze_and_lost_its_database_writes_no_more() {
    let url = ground::database().await;
    let mut frozen = Site::start_with(&[(ENGINE, &url), ("MADANG_API_DRAIN_TIMEOUT_MS", "1000")]).await;
    let host = frozen.person("host").await;
    let broadcast = frozen.broadcast(&host).await;
    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let say = |site: &Site, text: &str| {
        let (api, path, token, body) = (site.api.clone(), path.clone(), host.token.clone(), json!({ "text": text }));
        async move { api.post(&path, Some(&token), &body).await }
    };
    say(&frozen, "before").await.unwrap();

    let process = Pid::from_raw(frozen.pid().try_into().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let mut watcher = AnyConnection::connect(&url).await.unwrap();
    let session = holder(&mut watcher).await.expect("it holds the lock");
    end_session(&mut watcher, session).await;
    let next = Site::start_with(&[(ENGINE, &url)]).await;
    say(&next, "after").await.unwrap();
    let late = say(&frozen, "too late");
    kill_process(process, Signal::CONT).unwrap();
    // It may end before it answers; what it may not do is take the message.
    assert!(late.await.is_err());
    assert!(!frozen.ended().await.success(), "it says that it did not end as it was asked to");
    let page = next.api.get(&path, None).await.unwrap();
    let texts: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["before", "after"]);
    assert_eq!(refusal(next.api.post(&path, None, &json!({ "text": "nobody" })).await).0, 401);
}
