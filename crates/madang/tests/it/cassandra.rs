//! Rooms in Cassandra: a site's chat through the loss of the server, and gateways that share nothing else but a Redis.
//! `MADANG_TEST_CASSANDRA` names a server; the test command starts one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use engines::testing::{CassandraProcess, RedisProcesses, cassandra_keyspace};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    gateway_alone::Alone,
    ground,
    outage::{answer, talk},
    parts::Ground,
    realtime::Connection,
    site::{Site, id, until},
};

pub(crate) const ENGINE: &str = "MADANG_ENGINES_CASSANDRA";
/// What the reader of a chat may hear before the test looks.
const HEARD_MAX: usize = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_survives_a_server_that_stands_still_and_one_that_is_killed() {
    let Some(server) = CassandraProcess::start("site") else { return };
    let settings = [
        (ENGINE, server.keyspace()),
        ("MADANG_CHAT_RATE", "off".into()),
        ("MADANG_CHAT_ROOM_RATE", "off".into()),
        ("MADANG_API_REQUEST_RATE", "off".into()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let site = Site::start_with(&settings).await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let channel = format!("chat:{}", id(&broadcast));
    let mut reader = Connection::open(&site, None).await;
    reader.call("subscribe", json!({ "channel": channel })).await.unwrap();
    // Read all the time, or it would be sent away for its silence.
    let (heard, mut hearing) = mpsc::channel(HEARD_MAX);
    tokio::spawn(async move {
        while let Some(publication) = reader.publication().await {
            heard.try_send(publication).expect("the test says less than fits");
        }
    });
    let (taken, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let talking = tokio::spawn(talk(site.api.clone(), path.clone(), fan.clone(), taken.clone(), enough.clone()));
    let goes_on = async |what: &str| {
        let before = taken.load(Ordering::Relaxed);
        until(what, || async { (taken.load(Ordering::Relaxed) >= before + 20).then_some(()) }).await;
    };
    let is_ready = |wanted: u16| {
        let api = site.api.clone();
        async move { (api.fetch("/readyz").await.ok()?.0 == wanted).then_some(()) }
    };
    goes_on("messages are taken").await;

    server.hang();
    until("a server that stands still is told", || is_ready(503)).await;
    let late = json!({ "text": "late", "client_id": "late" });
    assert_eq!(answer(site.api.post(&path, Some(&host.token), &late).await), None, "taken without a log");
    server.wake();
    goes_on("messages are taken when it woke").await;
    until("the site is ready", || is_ready(200)).await;

    server.crash();
    until("a server that is gone is told", || is_ready(503)).await;
    assert_eq!(answer(site.api.get(&path, None).await), None, "read without a log");
    assert_eq!(site.api.fetch("/healthz").await.unwrap().0, 200);
    server.resume();
    goes_on("messages are taken by the new process").await;
    until("the site is ready again", || is_ready(200)).await;
    enough.store(true, Ordering::Relaxed);
    talking.await.unwrap();
    // What was answered with an error may be there or not: said again, it is there once.
    until("said again", || async { answer(site.api.post(&path, Some(&host.token), &late).await) }).await;

    let taken = taken.load(Ordering::Relaxed) as u64;
    let mut next = 0;
    for offset in 1..=taken + 1 {
        let publication = hearing.recv().await.expect("the reader was not sent away")["pub"].clone();
        assert_eq!(publication["offset"], json!(offset));
        if publication["data"]["client_id"] != json!("late") {
            assert_eq!(publication["data"]["client_id"], json!(format!("message {next}")));
            next += 1;
        }
    }
    assert_eq!(next, taken, "lost, or twice");
    let before = site.api.get(&path, None).await.unwrap();
    let site = site.kill_and_restart().await;
    assert_eq!(site.api.get(&path, None).await.unwrap(), before, "after a restart of the site");
}

/// Another one is refused, and told whose it is; the site itself is not, wherever its records have come to.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyspace_belongs_to_one_site() {
    let Some(keyspace) = cassandra_keyspace() else { return };
    let site = Site::start_with(&[(ENGINE, &keyspace)]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    site.api.post(&path, Some(&host.token), &json!({ "text": "mine" })).await.unwrap();

    let alone = [(ENGINE, keyspace.as_str()), ("MADANG_ROLE", "gateway")];
    for variables in [&alone[..1], &alone] {
        let (status, complaint) = Site::refused(variables).await;
        assert!(!status.success(), "{complaint}");
        assert!(
            complaint.contains("engines.cassandra") && complaint.contains("belongs to another site"),
            "{complaint}"
        );
    }
    let site = site.kill_and_restart().await;
    let page = site.api.get(&path, None).await.unwrap();
    assert_eq!(page["items"][0]["text"], "mine");
}

/// The processes of a site share the rooms as they share the rows.
#[tokio::test(flavor = "multi_thread")]
async fn the_processes_of_a_site_have_their_rooms_in_one_cassandra() {
    const EACH: usize = 20;
    let Some(keyspace) = cassandra_keyspace() else { return };
    let ground = Ground::new().await;
    let settings = [(ENGINE, keyspace.as_str()), ("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")];
    let first = ground.process("api", "first", &settings).await;
    let second = ground.process("api", "second", &settings).await;
    let gateway = ground.process("gateway", "gateway", &settings).await;
    let (host, fan) = (first.person("host").await, second.person("fan").await);
    let broadcast = first.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "show" })).await.unwrap();
    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let (mut reader, _) = gateway.subscribe(&fan, &format!("chat:{}", id(&broadcast))).await;
    let mut saying = JoinSet::new();
    for (name, api, token) in [("first", &first.api, &host), ("second", &second.api, &fan)] {
        let (api, token, path) = (api.clone(), token.clone(), path.clone());
        saying.spawn(async move {
            for number in 0..EACH {
                let text = format!("{name}{number}");
                let body = json!({ "text": text, "client_id": text });
                // Two sequencers at once may refuse for a moment; said again, it is there once.
                while answer(api.post(&path, Some(&token), &body).await).is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    let mut heard = Vec::new();
    while heard.len() < 2 * EACH {
        let publication = reader.publication().await.expect("the reader was not sent away")["pub"].take();
        assert_eq!(publication["offset"], json!(heard.len() + 1));
        heard.push(publication["data"]["client_id"].as_str().unwrap().to_owned());
    }
    saying.join_all().await;
    for name in ["first", "second"] {
        let own: Vec<&String> = heard.iter().filter(|text| text.starts_with(name)).collect();
        assert!(
            own.into_iter().eq(&(0..EACH).map(|number| format!("{name}{number}")).collect::<Vec<_>>()),
            "{heard:?}"
        );
    }
    first.kill().await;
    let page = second.api.get(&format!("{path}?limit=100"), None).await.unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 2 * EACH);
}

const SETTINGS: &str = r#"
[gateway.client]
allow_anonymous_connect_without_token = true
[gateway.server_api]
key = "key"
[gateway.namespaces.kept]
durable = true
force_recovery = true
"#;

/// Two sequencers write into one room at once.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_cassandra_and_one_redis_publish_into_one_room_in_one_order() {
    const EACH: u32 = 60;
    let Some(keyspace) = cassandra_keyspace() else { return };
    let redis = RedisProcesses::one().expect("MADANG_TEST_REDIS_SERVER names the program, as `make test` does");
    let urls = redis.urls().join(",");
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let variables = ground::owned(&[(ENGINE, &keyspace), ("MADANG_ENGINES_REDIS", &urls)]);
        gateways.push(Arc::new(Alone::start_on(SETTINGS, variables).await));
    }
    let mut publishing = JoinSet::new();
    for (name, gateway) in ["a", "b"].into_iter().zip(gateways.iter().cloned()) {
        for number in 0..EACH {
            let gateway = gateway.clone();
            publishing.spawn(async move {
                let text = format!("{name}{number}");
                let command = json!({ "channel": "kept:room", "data": text, "idempotency_key": text });
                while gateway.api("publish", &command).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    }
    publishing.join_all().await;
    let mut histories = Vec::new();
    for gateway in &gateways {
        let asked = json!({ "channel": "kept:room", "limit": 1000 });
        let history = gateway.api("history", &asked).await.unwrap()["publications"].clone();
        let texts: Vec<(u64, String)> = history
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["offset"].as_u64().unwrap(), one["data"].as_str().unwrap().to_owned()))
            .collect();
        histories.push(texts);
    }
    assert_eq!(histories[0], histories[1]);
    assert!(histories[0].iter().map(|(offset, _)| *offset).eq(1..=u64::from(2 * EACH)), "{:?}", histories[0]);
    let mut texts: Vec<&String> = histories[0].iter().map(|(_, text)| text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 2 * EACH as usize, "lost, or twice");
}
