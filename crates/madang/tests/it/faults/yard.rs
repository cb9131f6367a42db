//! The site that faults come to: two APIs, two workers, two batches, two bursts and a media process, with a show on air.

use ports::sqlx;
use serde_json::{Value, json};

use super::load::Load;
use crate::{
    encoder::Encoder,
    parts::{Ground, Process},
    site::{id, until},
};

const FREE: [(&str, &str); 3] =
    [("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off"), ("MADANG_API_REQUEST_RATE", "off")];

/// The site.
pub(super) struct Yard {
    pub(super) ground: Ground,
    pub(super) apis: Vec<Process>,
    pub(super) workers: Vec<Process>,
    pub(super) batches: Vec<Process>,
    pub(super) bursts: Vec<Process>,
    pub(super) media: Process,
    pub(super) broadcast: Value,
    settings: Vec<(String, String)>,
    encoder: Encoder,
}

impl Yard {
    /// On this ground, with these settings.
    pub(super) async fn open(ground: Ground, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<(&str, &str)> = settings.iter().chain(&FREE).copied().collect();
        // The first one makes the tables.
        let first = ground.process("api", "api-0", &settings).await;
        let (second, burst, other_burst, media) = tokio::join!(
            ground.process("api", "api-1", &settings),
            ground.process("burst", "burst-0", &settings),
            ground.process("burst", "burst-1", &settings),
            ground.process("media", "media", &settings),
        );
        let (workers, batches) = tokio::join!(
            futures_util::future::join_all(
                ["worker-0", "worker-1"].map(|name| ground.process("worker", name, &settings))
            ),
            futures_util::future::join_all(["batch-0", "batch-1"].map(|name| ground.process("batch", name, &settings))),
        );
        let host = first.person("host").await;
        let title = json!({ "title": "Several" });
        let broadcast = first.api.post("/api/v1/broadcasts", Some(&host), &title).await.unwrap();
        let encoder = publish(&media, &broadcast);
        first.until(&broadcast, "it is live", |show| show["state"] == "live").await;
        let settings = crate::ground::owned(&settings);
        let (apis, bursts) = (vec![first, second], vec![burst, other_burst]);
        Self { apis, workers, batches, bursts, media, broadcast, settings, encoder, ground }
    }

    /// People begin to write and tap.
    pub(super) async fn load(&self) -> Load {
        Load::begin(&self.apis, &self.bursts, &self.broadcast).await
    }

    /// A process with the settings of all, and these.
    pub(super) async fn process(&self, role: &str, name: &str, own: &[(&str, &str)]) -> Process {
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.ground.process(role, name, &settings.chain(own.iter().copied()).collect::<Vec<_>>()).await
    }

    /// The media process again, in place of one that has ended; its encoder comes back.
    pub(super) async fn media_again(&mut self) {
        self.media = self.process("media", "media", &[]).await;
        self.encoder = publish(&self.media, &self.broadcast);
        let goes_on = |show: &Value| show["stream"] == "arriving" && show["state"] == "live";
        self.apis[0].until(&self.broadcast, "it goes on", goes_on).await;
    }

    /// Something is said in a show of its own, once; returns when that is told in the event log. Nothing else makes up for that fact.
    #[cfg(feature = "kafka")]
    pub(super) async fn said_once(&self) -> Value {
        let api = &self.apis[0];
        let host = api.person("once").await;
        let show = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Once" })).await.unwrap();
        let messages = format!("/api/v1/broadcasts/{}/messages", id(&show));
        api.api.post(&messages, Some(&host), &json!({ "text": "once" })).await.unwrap();
        let database = engines::sql::postgres(&self.ground.sql, 1).await.unwrap();
        let told = "SELECT COUNT(*) FROM outbox WHERE kind = 'chat.messages_posted' AND payload LIKE $1";
        let of_show = format!("%\"{}\"%", id(&show));
        until("it is told", || async {
            let told: i64 = sqlx::query_scalar(told).bind(&of_show).fetch_one(database.reader()).await.unwrap();
            (told > 0).then_some(())
        })
        .await;
        database.close().await;
        show
    }

    /// Waits until so many messages of the show are counted, and no other: whatever way the facts take, each counts once.
    pub(super) async fn counts(&self, messages: usize) {
        self.counts_of(&self.broadcast, messages).await;
    }

    /// The same of any show.
    pub(super) async fn counts_of(&self, broadcast: &Value, messages: usize) {
        let database = engines::sql::postgres(&self.ground.sql, 1).await.unwrap();
        let broadcast: i64 = id(broadcast).parse().unwrap();
        let sum = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM chat_message_counts WHERE broadcast = $1";
        until("all messages are counted", || async {
            let counted: i64 = sqlx::query_scalar(sum).bind(broadcast).fetch_one(database.reader()).await.unwrap();
            assert!(counted <= messages as i64, "{counted} counted of {messages}");
            (counted == messages as i64).then_some(())
        })
        .await;
        database.close().await;
    }
}

fn publish(media: &Process, broadcast: &Value) -> Encoder {
    Encoder::test_card(media.encoders.unwrap(), broadcast["stream_key"].as_str().unwrap(), 600)
}
