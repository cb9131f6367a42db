//! A disk that is full: writers are told to try again, readers live on, and what was acknowledged is there.

use std::{fs::File, io::Write, path::Path, time::Instant};

use serde_json::json;

use crate::{
    realtime::Connection,
    site::{PATIENCE, Person, Site, id, refusal},
};

/// A disk that a test can fill.
const DISK_MEGABYTES: usize = 32;

struct Room<'a> {
    site: &'a Site,
    path: String,
    writer: Person,
    acknowledged: Vec<String>,
}

impl Room<'_> {
    /// Says something new; the status and code when it was not taken.
    async fn say(&mut self) -> Result<(), (u16, String)> {
        let text = format!("message {}", self.acknowledged.len());
        let body = json!({ "text": text, "client_id": text });
        let answer = self.site.api.post(&self.path, Some(&self.writer.token), &body).await;
        let Ok(message) = &answer else { return Err(refusal(answer)) };
        self.acknowledged.push(id(message).to_owned());
        Ok(())
    }

    async fn kept(&self) -> Vec<String> {
        let page = self.site.api.get(&format!("{}?limit=100", self.path), None).await.unwrap();
        page["items"].as_array().unwrap().iter().map(|item| id(item).to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_sqlite_stops_writers_for_a_while_and_readers_not_at_all() {
    let settings = [("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off"), ("MADANG_API_REQUEST_RATE", "off")];
    let site = Site::start_on_a_disk_of(DISK_MEGABYTES, &settings).await;
    let (host, writer) = (site.person("host").await, site.person("writer").await);
    let broadcast = site.broadcast(&host).await;
    let mut room = Room {
        site: &site,
        path: format!("/api/v1/broadcasts/{}/messages", id(&broadcast)),
        writer,
        acknowledged: Vec::new(),
    };
    let mut reader = Connection::open(&site, None).await;
    reader.call("subscribe", json!({ "channel": format!("chat:{}", id(&broadcast)) })).await.unwrap();
    room.say().await.unwrap();

    let filler = site.data_seen_from_outside().join("filler");
    fill(&filler);
    let (status, code) = loop {
        assert!(room.acknowledged.len() < 90, "a full disk takes no end of messages");
        if let Err(refusal) = room.say().await {
            break refusal;
        }
    };
    assert_eq!(status, 503, "{code}");
    assert_eq!(room.kept().await, room.acknowledged, "readers live on");
    let mut latecomer = Connection::open(&site, None).await;
    let subscribed =
        latecomer.call("subscribe", json!({ "channel": format!("chat:{}", id(&broadcast)) })).await.unwrap();
    assert_eq!(subscribed["subscribe"]["offset"], room.acknowledged.len());
    let mut publisher = Connection::open(&site, Some(&room.writer)).await;
    let publish = |text: &str| {
        let data = json!({ "text": text, "client_id": text });
        json!({ "channel": format!("chat:{}", id(&broadcast)), "data": data })
    };
    let refused = publisher.call("publish", publish("too much")).await.unwrap();
    assert_eq!((&refused["error"]["code"], &refused["error"]["temporary"]), (&json!(100), &json!(true)), "{refused}");
    for connection in [&mut publisher, &mut reader, &mut latecomer] {
        assert!(connection.call("ping", json!({})).await.unwrap()["ping"].is_object(), "nobody is sent away");
    }

    std::fs::remove_file(&filler).unwrap();
    let begun = Instant::now();
    while room.say().await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "messages are not taken again");
    }
    assert_eq!(room.kept().await, room.acknowledged, "nothing is lost, nothing is there twice");
    for (number, message) in room.acknowledged.iter().enumerate() {
        let publication = reader.publication().await.unwrap();
        assert_eq!(
            (&publication["pub"]["offset"], &publication["pub"]["data"]["id"]),
            (&json!(number + 1), &json!(message))
        );
    }
    let taken = publisher.call("publish", publish("too much")).await.unwrap();
    assert!(taken["publish"].is_object(), "the same connection, the same message: {taken}");
    for connection in [&mut reader, &mut latecomer] {
        let publication = loop {
            let publication = connection.publication().await.unwrap()["pub"].clone();
            if publication["offset"].as_u64() > Some(room.acknowledged.len() as u64) {
                break publication;
            }
        };
        assert_eq!(publication["data"]["text"], "too much");
    }
    assert_eq!(site.stop().await.code(), Some(0));
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    let mut size = 1 << 20;
    while size > 0 {
        if file.write_all(&vec![7; size]).is_err() {
            size /= 2;
        }
    }
}
