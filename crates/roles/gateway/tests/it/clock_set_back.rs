//! A clock that is set back by an hour: places are the log's, and times are nothing that order rests on.

use std::{collections::BTreeMap, sync::Arc};

use engines::{
    embedded::{LocalBus, RoomWindow},
    sql::{ROOM_LOG_MIGRATIONS, SqlRoomLog},
    testing::{TestDatabase, databases},
};
use gateway::{
    Gateway, Settings,
    namespaces::{ChannelOptions, ClientSettings, Namespaces, Publishing, Span, TokenConnector},
    tokens::{TokenSettings, Verifier},
};
use ports::room_log::RoomLog;
use serde_json::json;

use crate::{
    client::Client,
    doubles::{TestClock, Tokens, World},
    server::Server,
};

const HOUR_MS: i64 = 3_600_000;

/// A gateway with the namespaces `kept` (durable) and `window` (in memory), where everybody may do everything.
async fn gateway_over(database: &TestDatabase) -> Server {
    let clock = TestClock::new();
    let durable: Arc<dyn RoomLog> = Arc::new(SqlRoomLog::new(database.database.clone()));
    let kept = ChannelOptions { durable: true, force_recovery: true, ..ChannelOptions::default() };
    let window = ChannelOptions {
        history_size: 100,
        history_ttl: "2h".parse().unwrap(),
        force_recovery: true,
        ..ChannelOptions::default()
    };
    let namespaces = BTreeMap::from([("kept".to_owned(), kept), ("window".to_owned(), window)]);
    let windows =
        |size, ttl: Span| -> Arc<dyn RoomLog> { Arc::new(RoomWindow::new(size, ttl.as_millis(), clock.clone())) };
    let (bus, otherwise) = (Arc::new(LocalBus::default()), ChannelOptions::default());
    let publishing =
        Publishing::new(&otherwise, &namespaces, durable, &windows, bus.clone(), clock.clone(), 1).unwrap();
    let verifier = Arc::new(Verifier::new(&TokenSettings::default(), None, clock.clone()).unwrap());
    let namespaces = Arc::new(Namespaces::new(Arc::new(publishing), verifier.clone(), true, clock.clone()));
    let anybody = ClientSettings { insecure: true, ..ClientSettings::default() };
    let connector = Arc::new(TokenConnector::new(verifier, namespaces.clone(), anybody));
    let gateway = Gateway::new(Settings::default(), bus, connector, namespaces, clock.clone(), 1);
    Server::serving(gateway, World::new(), Arc::new(Tokens::default()), clock).await
}

#[tokio::test]
async fn what_is_published_stays_in_its_order_and_whole() {
    for database in databases(&[ROOM_LOG_MIGRATIONS]).await {
        let server = gateway_over(&database).await;
        for channel in ["kept:a", "window:a"] {
            let mut reader = Client::connect(&server).await;
            let epoch = reader.subscribe(channel).await["epoch"].as_str().unwrap().to_owned();
            let mut writer = Client::connect(&server).await;
            let mut number = 0;
            for set_by_ms in [0, -HOUR_MS, 10, 2 * HOUR_MS, -HOUR_MS] {
                server.clock.advance(set_by_ms);
                for _ in 0..5 {
                    number += 1;
                    let reply = writer.call("publish", json!({ "channel": channel, "data": number })).await;
                    assert_eq!(reply["publish"], json!({}), "{channel}: {reply}");
                }
            }
            for number in 1..=25 {
                let publication = reader.publication().await["pub"].clone();
                assert_eq!((&publication["offset"], &publication["data"]), (&json!(number), &json!(number)));
            }
            for (reverse, expected) in [(false, (1..=25).collect::<Vec<_>>()), (true, (1..=25).rev().collect())] {
                let page = writer.call("history", json!({ "channel": channel, "limit": -1, "reverse": reverse })).await;
                let publications = page["history"]["publications"].as_array().unwrap();
                let numbers: Vec<i64> = publications.iter().map(|one| one["data"].as_i64().unwrap()).collect();
                assert_eq!(numbers, expected, "{channel}");
            }
            let recovered = Client::connect(&server).await.recover(channel, 3, &epoch).await;
            assert_eq!(recovered["recovered"], true, "{recovered}");
            let offsets = recovered["publications"].as_array().unwrap().iter().map(|one| one["offset"].as_u64());
            assert!(offsets.eq((4..=25).map(Some)), "{channel}: {recovered}");
        }
    }
}
