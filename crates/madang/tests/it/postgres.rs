//! The same application on PostgreSQL, by naming its URL.

use ports::sqlx::{self, AnyConnection, Connection as _};
use serde_json::json;

use crate::{
    encoder::Encoder,
    realtime::Connection,
    site::{PATIENCE, Site, id, until},
};

/// A database of its own on the server the test command started.
async fn database(purpose: &str) -> String {
    let server =
        std::env::var("MADANG_TEST_POSTGRES").expect("MADANG_TEST_POSTGRES names a server, as `make test` does");
    let name = format!("{purpose}_{}", std::process::id());
    engines::testing::create_postgres_database(&server, &name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_with_its_crowd_runs_on_postgresql_and_survives_a_crash() {
    let url = database("site").await;
    let site = Site::start_with(&[("MADANG_ENGINES_SQL", &url)]).await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap().to_owned();
    let _encoder = Encoder::test_card(site.rtmp, &key, 120);
    site.until_state(&broadcast, "live").await;

    let channel = format!("chat:{}", id(&broadcast));
    let mut writer = Connection::open(&site, Some(&fan)).await;
    for number in 1..=10 {
        let data = json!({ "text": format!("message {number}"), "client_id": number.to_string() });
        let reply = writer.call("publish", json!({ "channel": channel, "data": data })).await.unwrap();
        assert!(reply["publish"].is_object(), "{reply}");
    }
    let playback =
        site.api.post("/api/v1/playbacks", Some(&fan.token), &json!({ "broadcast": id(&broadcast) })).await.unwrap();
    let session = playback["session"].clone();
    site.api.post("/api/v1/beats", None, &json!({ "session": session, "position_ms": 0 })).await.unwrap();
    site.api.post("/api/v1/hearts", None, &json!({ "session": session, "seq": 1, "taps": [1, 2, 3] })).await.unwrap();
    until("the hearts are kept", || async { (site.show(&broadcast).await["hearts"] == 3).then_some(()) }).await;

    let site = site.kill_and_restart().await;
    let show = site.show(&broadcast).await;
    assert_eq!((&show["state"], &show["hearts"]), (&json!("live"), &json!(3)), "{show}");
    let messages = site.api.get(&format!("/api/v1/broadcasts/{}/messages", id(&broadcast)), None).await.unwrap();
    let offsets: Vec<u64> =
        messages["items"].as_array().unwrap().iter().map(|item| item["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (1..=10).collect::<Vec<u64>>());
}

/// Who holds the lock: the server's process and the key.
async fn holder(watcher: &mut AnyConnection) -> Option<(i32, i64)> {
    let query = "SELECT pid, (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query_as(query).fetch_optional(watcher).await.unwrap()
}

async fn end_session(watcher: &mut AnyConnection, pid: i32) {
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(watcher).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_has_one_process_at_a_time() {
    let url = database("owned").await;
    let mut first = Site::start_with(&[("MADANG_ENGINES_SQL", &url)]).await;
    let (status, complaint) = Site::refused(&[("MADANG_ENGINES_SQL", &url)]).await;
    assert!(!status.success());
    assert!(complaint.contains("another process") && complaint.contains("engines.sql"), "{complaint}");

    // The lock is taken again after its connection was lost, as long as nobody else wanted it.
    let mut watcher = AnyConnection::connect(&url).await.unwrap();
    let (session, key) = holder(&mut watcher).await.expect("the first process holds the lock");
    end_session(&mut watcher, session).await;
    let another = async || holder(&mut watcher).await.filter(|(holder, _)| *holder != session);
    let (next, _) = until_some("the lock is held again", another).await;
    assert!(first.is_running());

    // Someone else waits for the lock and gets it: the first process ends by itself, and says so.
    let mut other = AnyConnection::connect(&url).await.unwrap();
    let waiting = tokio::spawn(async move {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(key).execute(&mut other).await.unwrap();
        other
    });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until_some("the other one waits", async || {
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&mut watcher).await.unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    end_session(&mut watcher, next).await;
    let _other = waiting.await.unwrap();
    assert!(!first.ended().await.success());
}

/// Like [`until`](crate::site::until), for a look that borrows.
async fn until_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
