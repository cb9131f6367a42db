//! `madang move`: a site that grew up on SQLite goes on, on PostgreSQL, as if nothing had happened.

use std::{path::Path, process::Stdio};

use ports::sqlx::{self, AnyConnection, AssertSqlSafe, Connection as _};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    encoder::{Encoder, decode},
    ground::{self, ENGINE},
    realtime::Connection,
    site::{PATIENCE, Person, Site, id, refusal, until},
};

/// A process that runs one command of `madang`.
fn command(words: &[&str], data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_madang"))
        .args(words)
        .arg("--data-dir")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Whether it went well, and what it said.
async fn end_of(process: Child) -> (bool, String) {
    let output = tokio::time::timeout(PATIENCE, process.wait_with_output()).await.expect("it ends").unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), said)
}

async fn move_to(url: &str, data: &Path) -> (bool, String) {
    end_of(command(&["move", "--to", url], data)).await
}

/// Carries out statements in the database at `url`.
async fn carry_out(url: &str, statements: &str) -> AnyConnection {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection
}

/// A database with the tables of a site and no rows.
async fn database_with_tables() -> String {
    let url = ground::database().await;
    let folder = tempfile::tempdir().unwrap();
    let migrating = Command::new(env!("CARGO_BIN_EXE_madang"))
        .args(["migrate", "--data-dir"])
        .arg(folder.path())
        .env(ENGINE, &url)
        .status();
    assert!(migrating.await.unwrap().success());
    url
}

async fn on_sqlite() -> Site {
    Site::start_with(&[(ENGINE, ""), ("MADANG_CHAT_RATE", "off")]).await
}

/// What people can read of a site, and what is said of the rest.
async fn readings(site: &Site, host: &Person, broadcast: &Value) -> Vec<(String, Result<Value, String>)> {
    let show = format!("/api/v1/broadcasts/{}", id(broadcast));
    let paths = [
        ("/api/v1/me".to_owned(), true),
        ("/api/v1/me/channel".to_owned(), true),
        ("/api/v1/broadcasts?state=ended".to_owned(), false),
        ("/api/v1/broadcasts?state=ready".to_owned(), false),
        (show.clone(), false),
        (format!("{show}/messages"), false),
        (format!("{show}/hearts"), false),
        (format!("{show}/report"), true),
        (format!("{show}/room"), true),
        ("/api/v1/channels/host/mod-log".to_owned(), true),
        ("/api/v1/channels/host/moderators".to_owned(), true),
        ("/api/v1/channels/host/blocked-words".to_owned(), true),
    ];
    let mut found = Vec::new();
    for (path, signed_in) in paths {
        let answer = site.api.get(&path, signed_in.then_some(host.token.as_str())).await;
        found.push((path, answer.map_err(|error| error.to_string())));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_site_shows_the_same_and_goes_on() {
    let mut site = on_sqlite().await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 5);
    site.until_state(&broadcast, "live").await;
    let post =
        async |path: &str, person: &Person, body: Value| site.api.post(path, Some(&person.token), &body).await.unwrap();
    for number in 1..=30 {
        post(&messages, &fan, json!({ "text": format!("<{number}> 안녕 \\ \"🏮\""), "client_id": number.to_string() }))
            .await;
    }
    let unwanted = post(&messages, &fan, json!({ "text": "unwanted" })).await;
    let path = format!("{messages}/{}", id(&unwanted));
    site.api.call(hyper::Method::DELETE, &path, Some(&host.token), &json!(null)).await.unwrap();
    post("/api/v1/channels/host/moderators", &host, json!({ "handle": "fan" })).await;
    post("/api/v1/channels/host/blocked-words", &host, json!({ "word": "바보", "consequence": "hold" })).await;
    let playback = post("/api/v1/playbacks", &fan, json!({ "broadcast": id(&broadcast) })).await;
    let taps = json!({ "session": playback["session"], "seq": 1, "taps": [1, 2, 3] });
    site.api.post("/api/v1/hearts", None, &taps).await.unwrap();
    until("the hearts are kept", || async { (site.show(&broadcast).await["hearts"] == 3).then_some(()) }).await;
    assert!(encoder.finish().await.0);
    site.end_after_encoder(&broadcast, &host).await;
    until("the replay is offered", || async { (site.show(&broadcast).await["replay"] == true).then_some(()) }).await;
    site.broadcast(&host).await;
    let head =
        Connection::open(&site, None).await.call("history", json!({ "channel": channel, "limit": 0 })).await.unwrap();

    let url = ground::database().await;
    let (went_well, said) = move_to(&url, site.data()).await;
    assert!(!went_well && said.contains(&format!("process {}", site.pid())), "{said}");
    // Counts of the last moments are kept at the end.
    site = site.kill_and_restart().await;
    let before = readings(&site, &host, &broadcast).await;
    let stopped = site.halt().await;
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(went_well && said.contains("are the same on both sides"), "{said}");
    assert!(said.contains("copied    accounts") && said.contains("compared  room_groups"), "{said}");
    let (went_well, again) = move_to(&url, stopped.data()).await;
    assert!(!went_well && again.contains("already"), "{again}");

    let site = stopped.start(&[(ENGINE, &url)]).await;
    for ((path, then), (_, now)) in before.iter().zip(readings(&site, &host, &broadcast).await) {
        assert_eq!(then, &now, "{path}");
        assert!(now.is_ok(), "{now:?}");
    }
    let right = json!({ "handle": "fan", "password": "correct horse" });
    site.api.post("/api/v1/sessions", None, &right).await.unwrap();
    let wrong = json!({ "handle": "fan", "password": "wrong horse" });
    assert_eq!(refusal(site.api.post("/api/v1/sessions", None, &wrong).await).0, 401);
    let mut reader = Connection::open(&site, None).await;
    let found = reader.call("history", json!({ "channel": channel, "limit": 0 })).await.unwrap();
    assert_eq!(found["history"], head["history"], "the same epoch and the same place");
    let resume = json!({ "channel": channel, "recover": true, "epoch": head["history"]["epoch"], "offset": 1 });
    let resumed = reader.call("subscribe", resume).await.unwrap();
    assert_eq!(resumed["subscribe"]["recovered"], true, "{resumed}");
    let source = format!("http://{}{}", site.http, site.show(&broadcast).await["playback_url"].as_str().unwrap());
    assert_eq!(decode(&source, "v").await, (150, String::new()), "blobs stayed where they were");
    site.person("new").await;
    let next = site.broadcast(&fan).await;
    let path = format!("/api/v1/broadcasts/{}/messages", id(&next));
    let first = site.api.post(&path, Some(&host.token), &json!({ "text": "on we go" })).await.unwrap();
    assert_eq!(first["offset"], 1);
}

/// Waits in the middle of the rows for a lock that the test holds.
const WAIT_IN_THE_MIDDLE: &str = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN IF NEW.at_ms = 15000 THEN PERFORM pg_advisory_xact_lock(4242); END IF; RETURN NEW; END $$; \
     CREATE TRIGGER wait BEFORE INSERT ON audience_aggregates FOR EACH ROW EXECUTE FUNCTION wait()";
const WAITING: &str = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242 AND NOT granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const MANY: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) \
     INSERT INTO audience_aggregates SELECT 1, 30000, i, 1, i, i, i FROM n";

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_killed_in_the_middle_ends_right_when_it_is_run_again() {
    let site = on_sqlite().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let before = readings(&site, &host, &broadcast).await;
    let stopped = site.halt().await;
    let url = database_with_tables().await;
    carry_out(&format!("sqlite://{}", stopped.data().join("madang.db").display()), MANY).await.close().await.unwrap();
    let mut holder = carry_out(&url, WAIT_IN_THE_MIDDLE).await;
    sqlx::query("SELECT pg_advisory_lock(4242)").execute(&mut holder).await.unwrap();
    let mut moving = command(&["move", "--to", &url], stopped.data());
    until("it is in the middle", async || {
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut holder).await.unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    moving.kill().await.unwrap();
    let count = "SELECT COUNT(*) FROM audience_aggregates";
    let copied: i64 = sqlx::query_scalar(count).fetch_one(&mut holder).await.unwrap();
    assert!((1..15_000).contains(&copied), "{copied} rows are there");
    let (status, complaint) = Site::refused(&[(ENGINE, &url)]).await;
    assert!(!status.success() && complaint.contains("half filled"), "{complaint}");

    let statements = "SELECT pg_advisory_unlock(4242); DROP TRIGGER wait ON audience_aggregates";
    sqlx::raw_sql(statements).execute(&mut holder).await.unwrap();
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(went_well && said.contains("goes on") && !said.contains("anew"), "{said}");
    let rest = format!("{} of 25000", 25_000 - copied);
    assert!(said.contains(&rest), "what was there was not copied again, but {rest}: {said}");
    let site = stopped.start(&[(ENGINE, &url)]).await;
    assert_eq!(readings(&site, &host, &broadcast).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_onto_others_or_onto_a_running_server_is_refused() {
    let site = on_sqlite().await;
    site.person("host").await;
    let stopped = site.halt().await;
    let url = ground::database().await;
    let other = Site::start_with(&[(ENGINE, &url)]).await;
    other.person("somebody").await;
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(!went_well && said.contains("a process uses the database"), "{said}");
    let other = other.halt().await;
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(!went_well && said.contains("not empty") && said.contains("accounts"), "{said}");
    let other = other.start(&[(ENGINE, &url)]).await;
    let sign_in = json!({ "handle": "somebody", "password": "correct horse" });
    other.api.post("/api/v1/sessions", None, &sign_in).await.expect("nothing happened to the other site");

    let empty = tempfile::tempdir().unwrap();
    let (went_well, said) = move_to(&url, empty.path()).await;
    assert!(!went_well && said.contains("no site to move"), "{said}");
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "nothing was made there");
    let (went_well, said) = move_to("mysql://127.0.0.1/x", stopped.data()).await;
    assert!(!went_well && said.contains("postgres://"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_lost_on_the_way_ends_the_move() {
    let site = on_sqlite().await;
    let host = site.person("host").await;
    site.person("fan").await;
    let stopped = site.halt().await;
    let url = database_with_tables().await;
    let lose = "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS \
           $$ BEGIN IF NEW.id = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER lose BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose()";
    carry_out(&url, lose).await;
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(!went_well && said.contains("these tables differ: outbox: 2 rows"), "{said}");
    let (status, complaint) = Site::refused(&[(ENGINE, &url)]).await;
    assert!(!status.success() && complaint.contains("half filled"), "{complaint}");
    carry_out(&url, "DROP TRIGGER lose ON outbox").await;
    let (went_well, said) = move_to(&url, stopped.data()).await;
    assert!(went_well, "{said}");
    let site = stopped.start(&[(ENGINE, &url)]).await;
    site.api.get("/api/v1/me", Some(&host.token)).await.unwrap();
}
