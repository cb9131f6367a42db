//! Viewers who count, and hearts that add up.

use serde_json::{Value, json};

use crate::{
    encoder::Encoder,
    site::{Person, Site, id, refusal, until},
};

struct Show {
    site: Site,
    host: Person,
    broadcast: Value,
    encoder: Encoder,
}

async fn show() -> Show {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 300);
    site.until_state(&broadcast, "live").await;
    Show { site, host, broadcast, encoder }
}

impl Show {
    /// A player of somebody without an account.
    async fn player(&self) -> String {
        self.player_of(None).await
    }

    async fn player_of(&self, person: Option<&Person>) -> String {
        let token = person.map(|person| person.token.as_str());
        let answer =
            self.site.api.post("/api/v1/playbacks", token, &json!({ "broadcast": id(&self.broadcast) })).await.unwrap();
        answer["session"].as_str().unwrap().to_owned()
    }

    async fn beat(&self, session: &str, leaving: bool) {
        let body = json!({ "session": session, "position_ms": 0, "leaving": leaving });
        self.site.api.post("/api/v1/beats", None, &body).await.unwrap();
    }

    async fn concurrent(&self) -> u64 {
        self.site.show(&self.broadcast).await["viewers"]["concurrent"].as_u64().unwrap()
    }

    async fn hearts(&self) -> u64 {
        self.site.show(&self.broadcast).await["hearts"].as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_players_show_five_and_four_when_one_is_gone() {
    let show = show().await;
    let mut players = Vec::new();
    for _ in 0..5 {
        players.push(show.player().await);
    }
    for player in &players {
        show.beat(player, false).await;
        show.beat(player, false).await;
    }
    assert_eq!(show.concurrent().await, 5);

    // One closes its page: at once. A beat of it that comes late does not bring it back.
    show.beat(&players[0], true).await;
    let late = json!({ "session": players[0], "position_ms": 0 });
    assert_eq!(refusal(show.site.api.post("/api/v1/beats", None, &late).await), (409, "session_left".into()));
    assert_eq!(show.concurrent().await, 4);

    // One closes its laptop: it is simply not heard of again, while the others go on.
    let begun = std::time::Instant::now();
    until("the silent one is no longer counted", || async {
        for player in &players[2..] {
            show.beat(player, false).await;
        }
        (show.concurrent().await == 3).then_some(())
    })
    .await;
    assert!(begun.elapsed().as_secs() >= 11, "a lease lasts 12 s");
    let viewers = &show.site.show(&show.broadcast).await["viewers"];
    assert_eq!(viewers["peak"], 5);
    show.encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hearts_add_up_and_bad_batches_count_nothing() {
    let show = show().await;
    let fan = show.site.person("fan").await;
    let session = show.player_of(Some(&fan)).await;
    show.beat(&session, false).await;
    let send = |seq: u64, taps: Value| {
        let body = json!({ "session": session, "seq": seq, "taps": taps });
        let api = show.site.api.clone();
        async move { api.post("/api/v1/hearts", None, &body).await }
    };
    assert_eq!(send(1, json!([10, 20, 30])).await.unwrap()["total"], 3);
    assert_eq!(send(2, json!([40, 50])).await.unwrap()["total"], 5);
    let again = send(2, json!([40, 50])).await.unwrap();
    assert_eq!(again["total"], 5, "a resend counts nothing");
    assert_eq!(refusal(send(1, json!([10])).await), (409, "replayed_batch".into()));
    assert_eq!(refusal(send(3, json!([86_400_000])).await), (422, "impossible_position".into()));
    assert_eq!(refusal(send(3, json!(vec![1; 257])).await), (422, "too_many_taps".into()));
    let forged = json!({ "session": format!("{session}x"), "seq": 1, "taps": [1] });
    assert_eq!(refusal(show.site.api.post("/api/v1/hearts", None, &forged).await), (401, "bad_session".into()));
    let nobody = json!({ "session": show.player().await, "seq": 1, "taps": [1] });
    assert_eq!(refusal(show.site.api.post("/api/v1/hearts", None, &nobody).await), (401, "sign_in_required".into()));
    // What everyone is shown is what is kept: within a second, and never less after a crash.
    until("the hearts are kept", || async { (show.hearts().await == 5).then_some(()) }).await;

    let end = format!("/api/v1/broadcasts/{}/end", id(&show.broadcast));
    show.site.api.post(&end, Some(&show.host.token), &json!({})).await.unwrap();
    assert_eq!(refusal(send(3, json!([86_400_000])).await), (409, "broadcast_over".into()), "behind the end");
    assert_eq!(send(3, json!([10])).await.unwrap()["total"], 6, "hearts of the last moments arrive after the end");
    let path = format!("/api/v1/broadcasts/{}/hearts", id(&show.broadcast));
    let hearts = until("the last hearts are kept", || async {
        let hearts = show.site.api.get(&path, None).await.unwrap();
        (hearts["total"] == 6).then_some(hearts)
    })
    .await;
    let timeline: u64 =
        hearts["timeline"].as_array().unwrap().iter().map(|bucket| bucket["hearts"].as_u64().unwrap()).sum();
    assert_eq!(hearts["total"].as_u64().unwrap(), timeline);
}
