//! `kill -9` at any moment, and what is there afterwards.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    encoder::{Encoder, decode},
    realtime::Connection,
    site::{PATIENCE, Site, id, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_once() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let mut writer = Connection::open(&site, Some(&host)).await;

    // A stream of commands without waiting for each; the process dies in the middle of it.
    let mut numbers = BTreeMap::new();
    for number in 0..1_500_u64 {
        let data = json!({ "text": format!("message {number}"), "client_id": number.to_string() });
        let command = writer.send("publish", json!({ "channel": channel, "data": data })).await.unwrap();
        numbers.insert(command, number);
    }
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() < 500 {
        let message = writer.message().await.expect("the server answers");
        if message["publish"].is_object() {
            acknowledged.insert(numbers[&message["id"].as_u64().unwrap()]);
        }
    }
    let site = site.kill_and_restart().await;
    // Acknowledgements that were on their way count too.
    while let Some(message) = writer.message().await {
        if message["publish"].is_object() {
            acknowledged.insert(numbers[&message["id"].as_u64().unwrap()]);
        }
    }

    let me = site.api.get("/api/v1/me", Some(&host.token)).await.unwrap();
    assert_eq!(me["handle"], "host", "the account and its session are there");
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/broadcasts/{}/messages?limit=200{cursor}", id(&broadcast));
        let page = site.api.get(&path, None).await.unwrap();
        found.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| (item["offset"].as_u64().unwrap(), item["client_id"].clone())),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&before_offset={next}"),
            None => break,
        }
    }
    found.sort_by_key(|(offset, _)| *offset);
    assert!(found.iter().map(|(offset, _)| *offset).eq(1..=found.len() as u64), "offsets without holes");
    let kept: Vec<u64> = found.iter().map(|(_, client)| client.as_str().unwrap().parse().unwrap()).collect();
    let unique: BTreeSet<u64> = kept.iter().copied().collect();
    assert_eq!(unique.len(), kept.len(), "none twice");
    assert!(
        acknowledged.is_subset(&unique),
        "acknowledged but lost: {:?}",
        acknowledged.difference(&unique).take(5).collect::<Vec<_>>()
    );

    let mut writer = Connection::open(&site, Some(&host)).await;
    let resend = json!({ "channel": channel, "data": { "text": "message 0", "client_id": "0" } });
    assert!(writer.call("publish", resend).await.unwrap()["publish"].is_object());
    let next = json!({ "channel": channel, "data": { "text": "after", "client_id": "after" } });
    assert!(writer.call("publish", next).await.unwrap()["publish"].is_object());
    let head = writer.call("history", json!({ "channel": channel, "limit": 0 })).await.unwrap();
    assert_eq!(head["history"]["offset"].as_u64().unwrap(), kept.len() as u64 + 1, "the resend added nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_show_itself_goes_on() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap().to_owned();
    let before = Encoder::test_card(site.rtmp, &key, 120);
    site.until_state(&broadcast, "live").await;
    let media = format!("/live/{}/media.m3u8", id(&broadcast));
    let segments = |text: &[u8]| String::from_utf8_lossy(text).matches("#EXTINF").count();
    until("three segments are there", || async {
        (segments(&site.api.fetch(&media).await.ok()?.1) >= 3).then_some(())
    })
    .await;
    let watched = json!({ "broadcast": id(&broadcast) });
    let playback = site.api.post("/api/v1/playbacks", Some(&host.token), &watched).await.unwrap();
    let hearts = json!({ "session": playback["session"], "seq": 1, "taps": [100, 200, 300, 400] });
    site.api.post("/api/v1/hearts", None, &hearts).await.unwrap();
    // Hearts are kept within a second; a report reads what is kept.
    until("the hearts are kept", || async {
        let path = format!("/api/v1/broadcasts/{}/hearts", id(&broadcast));
        let kept = site.api.get(&path, None).await.ok()?;
        let timeline: u64 = kept["timeline"].as_array()?.iter().filter_map(|bucket| bucket["hearts"].as_u64()).sum();
        (timeline == 4).then_some(())
    })
    .await;
    let viewed = segments(&site.api.fetch(&media).await.unwrap().1);

    let site = site.kill_and_restart().await;
    drop(before);
    let show = site.show(&broadcast).await;
    assert_eq!((&show["state"], &show["hearts"]), (&json!("live"), &json!(4)), "{show}");
    let _after = Encoder::test_card(site.rtmp, &key, 120);
    until("the stream arrives again", || async { (site.show(&broadcast).await["stream"] == "arriving").then_some(()) })
        .await;
    until("the same playlist goes on", || async {
        let text = site.api.fetch(&media).await.ok()?.1;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (old, new) = text.split_once("#EXT-X-DISCONTINUITY\n")?;
        (old.matches("#EXTINF").count() >= viewed && new.matches("#EXTINF").count() >= 2).then_some(())
    })
    .await;
    site.api.post(&format!("/api/v1/broadcasts/{}/end", id(&broadcast)), Some(&host.token), &json!({})).await.unwrap();
    until("the replay is offered", || async { (site.show(&broadcast).await["replay"] == true).then_some(()) }).await;
    let (frames, complaints) =
        decode(&format!("http://{}{}", site.http, show["playback_url"].as_str().unwrap()), "v").await;
    assert!(frames >= 60 * viewed, "{frames} pictures: {complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hearts_but_those_of_the_last_second_are_there_and_a_resend_brings_the_rest() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 120);
    site.until_state(&broadcast, "live").await;
    let mut sessions = Vec::new();
    for number in 0..5 {
        let fan = site.person(&format!("fan_{number}")).await;
        let watched = json!({ "broadcast": id(&broadcast) });
        let playback = site.api.post("/api/v1/playbacks", Some(&fan.token), &watched).await.unwrap();
        sessions.push(playback["session"].clone());
    }
    let send = async |site: &Site, session: &Value, seq: u64| {
        let body = json!({ "session": session, "seq": seq, "taps": vec![seq; 10] });
        site.api.post("/api/v1/hearts", None, &body).await.unwrap()
    };
    let mut told = 0;
    for seq in 1..=3 {
        for session in &sessions {
            told = send(&site, session, seq).await["total"].as_u64().unwrap();
        }
    }
    assert_eq!(told, 150);
    let shown = async |site: &Site| site.show(&broadcast).await["hearts"].as_u64().unwrap();
    // What everybody is shown is what is kept.
    until("they are kept", || async { (shown(&site).await == 150).then_some(()) }).await;
    for session in &sessions {
        told = send(&site, session, 4).await["total"].as_u64().unwrap();
    }
    assert_eq!(told, 200, "these may be too young to be kept");

    let site = site.kill_and_restart().await;
    encoder.kill().await;
    let found = shown(&site).await;
    assert!((150..=200).contains(&found), "{found} of 200; 150 were kept");
    for session in &sessions {
        told = send(&site, session, 4).await["total"].as_u64().unwrap();
    }
    assert_eq!(told, 200, "a resend counts what was lost, and nothing twice");
    until("all are kept", || async { (shown(&site).await == 200).then_some(()) }).await;
    let path = format!("/api/v1/broadcasts/{}/hearts", id(&broadcast));
    let hearts = site.api.get(&path, None).await.unwrap();
    let ranking: Vec<u64> =
        hearts["ranking"].as_array().unwrap().iter().map(|fan| fan["hearts"].as_u64().unwrap()).collect();
    assert_eq!(ranking, [40; 5], "everybody's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_end_drains() {
    let site = Site::start().await;
    let (http, host) = (site.http, site.person("host").await);
    let broadcast = site.broadcast(&host).await;
    let (mut reader, _) = connect_async(format!("ws://{http}/connection/websocket")).await.unwrap();
    let commands = [
        json!({ "id": 1, "connect": {} }),
        json!({ "id": 2, "subscribe": { "channel": format!("chat:{}", id(&broadcast)) } }),
    ];
    for command in commands {
        reader.send(Message::text(command.to_string())).await.unwrap();
        let reply = next(&mut reader).await.into_text().unwrap();
        assert!(!reply.contains("error"), "{reply}");
    }
    // A request is under way: the server waits for its body, and has said so.
    let body = json!({ "title": "begun before the end" }).to_string();
    let head = format!(
        "POST /api/v1/broadcasts HTTP/1.1\r\nhost: madang\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\n\
        content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        host.token,
        body.len()
    );
    let mut request = TcpStream::connect(http).await.unwrap();
    request.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    tokio::time::timeout(PATIENCE, request.read_exact(&mut go_on)).await.expect("the server asks for it").unwrap();
    assert_eq!(&go_on[..12], b"HTTP/1.1 100");

    let halting = tokio::spawn(site.halt());
    let close = loop {
        match next(&mut reader).await {
            Message::Close(Some(close)) => break close,
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    };
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (3001, "shutdown"),
        "clients come back to another server"
    );
    until("nobody new is let in", || async { TcpStream::connect(http).await.is_err().then_some(()) }).await;

    request.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, request.read_to_string(&mut answer)).await.expect("it is answered").unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let made: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let site = halting.await.unwrap().start(&[]).await;
    assert_eq!(site.show(&made).await["title"], "begun before the end", "and what it did is kept");
}

/// The next frame that is no ping.
async fn next(reader: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Message {
    loop {
        match tokio::time::timeout(PATIENCE, reader.next()).await.expect("something comes").unwrap().unwrap() {
            Message::Ping(_) => {}
            Message::Text(text) if text.as_str() == "{}" => reader.send(Message::text("{}")).await.unwrap(),
            other => return other,
        }
    }
}
