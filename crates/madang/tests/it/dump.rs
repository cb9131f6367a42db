//! A backup by PostgreSQL's own means: dumped while the site runs, restored on another server, and gone on with.

use std::path::Path;

use ports::sqlx::{self, Connection as _, PgConnection};
use serde_json::json;
use tokio::process::Command;

use crate::{
    ground::{self, ENGINE},
    outage::Server,
    realtime::Connection,
    site::{Site, id},
};

async fn run(program: &str, words: &[&str], file: &Path) {
    let output =
        Command::new(program).args(words).arg(file).output().await.expect("PostgreSQL's programs are installed");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_restored_on_another_server_and_the_site_goes_on() {
    let url = ground::database().await;
    let site = Site::start_with(&[(ENGINE, &url)]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    for number in 1..=3 {
        site.api.post(&messages, Some(&host.token), &json!({ "text": format!("message {number}") })).await.unwrap();
    }
    let history = json!({ "channel": channel, "limit": 10 });
    let before = Connection::open(&site, None).await.call("history", history.clone()).await.unwrap();
    // This server has counted further than the next one will have.
    let mut database = PgConnection::connect(&url).await.unwrap();
    let facts =
        sqlx::query("UPDATE outbox SET tx = tx + 1000000").execute(&mut database).await.unwrap().rows_affected();
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("madang.dump");
    run("pg_dump", &["--format=custom", &url, "--file"], &dump).await;

    let server = Server::start("dump");
    run("pg_restore", &["--no-owner", "--exit-on-error", "--dbname", server.url()], &dump).await;
    let stopped = site.halt().await;
    let site = stopped.start(&[(ENGINE, server.url())]).await;
    let after = Connection::open(&site, None).await.call("history", history).await.unwrap();
    assert_eq!(before["history"], after["history"]);
    let right = json!({ "handle": "host", "password": "correct horse" });
    site.api.post("/api/v1/sessions", None, &right).await.unwrap();
    site.api.post(&messages, Some(&host.token), &json!({ "text": "on we go" })).await.unwrap();
    site.person("new").await;
    let mut database = PgConnection::connect(server.url()).await.unwrap();
    let order = "SELECT COUNT(*) FILTER (WHERE tx = 0), COUNT(*) FILTER (WHERE tx > 0) FROM outbox";
    let (old, new): (i64, i64) = sqlx::query_as(order).fetch_one(&mut database).await.unwrap();
    assert_eq!((old.unsigned_abs(), new), (facts, 1), "what is new stands behind what was restored");
}
